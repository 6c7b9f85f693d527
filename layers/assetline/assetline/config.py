"""What the template tells a function: its environment, read once, refused when a value is missing."""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field


class Settings(BaseModel, frozen=True):
    """The addresses the functions of the export work with."""

    export_bucket: str = Field(min_length=1)
    exports_table: str = Field(min_length=1)
    safetyculture_api_url: str = Field(pattern=r"^https?://[^/?#@\s]+$")
    safetyculture_secret_arn: str = Field(min_length=1)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Read the variables the template sets; raises `KeyError` for one that is not there."""
        return cls(**{name: env[name.upper()] for name in cls.model_fields})
