"""The settings of a function: read once from its environment, and refused if a value is missing."""

import os
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, ValidationError

from assetline.errors import InvalidInput

# The client sends credentials to it. Plain HTTP is allowed for the loopback addresses of the local stack only, where
# the traffic does not leave the machine.
ORIGIN = r"^(https://[^/?#@\s]+|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?)$"
Origin = Annotated[str, Field(pattern=ORIGIN)]
Name = Annotated[str, Field(min_length=1)]


class _FromEnvironment(BaseModel, frozen=True):
    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Read the variables that the template sets.

        Raises:
            KeyError: a variable is missing.
            InvalidInput: a value is invalid, such as an API at http://.
        """
        try:
            return cls(**{name: env[name.upper()] for name in cls.model_fields})
        except ValidationError as error:
            refused = ", ".join(str(invalid["loc"][0]).upper() for invalid in error.errors(include_url=False))
            raise InvalidInput(
                f"The function's environment has an invalid value: {refused}. Deploy the stack with a value that "
                "its parameter allows; the origin of an API begins with https://."
            ) from None


class Settings(_FromEnvironment, frozen=True):
    """The addresses that the functions of the export use."""

    export_bucket: Name
    exports_table: Name
    safetyculture_api_url: Origin
    safetyculture_secret_arn: Name
    vi_api_url: Origin
    vi_secret_arn: Name


class CloseSettings(_FromEnvironment, frozen=True):
    """Whether Close Export publishes the newest file under `latest.<format>`."""

    publish_latest_file: bool


class IngestSettings(_FromEnvironment, frozen=True):
    """Settings of the functions of the ingestion; `default_dataset_id` is empty without a default dataset."""

    export_bucket: Name
    drops_table: Name
    sessions_table: Name
    vi_api_url: Origin
    vi_secret_arn: Name
    default_dataset_id: str
    failure_mode: Literal["FailAfterOne", "FailAfterAll"]
    on_asset_overwritten: Literal["RemoveLinkedResource", "KeepLinkedResource"]
    tag_objects: Literal["All", "Rejected", "None"]
    max_image_bytes: int = Field(gt=0)
    sessions_per_window: int = Field(gt=0)
    session_window_seconds: int = Field(gt=0)
    gather_seconds: int = Field(gt=0)
    longest_gather_seconds: int = Field(gt=0)
    drop_retention_days: int = Field(gt=0)


class DatasetSettings(_FromEnvironment, frozen=True):
    """Settings of the functions that list, download and delete assets."""

    export_bucket: Name
    vi_api_url: Origin
    vi_secret_arn: Name


class RunSettings(_FromEnvironment, frozen=True):
    """Settings of the functions that start runs of the ingestion; functions inside a run do not have them."""

    ingest_state_machine_arn: Name


class QueueSettings(_FromEnvironment, frozen=True):
    """The queue that the function Record Drop takes messages from."""

    drop_queue_url: Name


class SweepSettings(_FromEnvironment, frozen=True):
    """The machine whose executions a sweep of exports reads."""

    export_state_machine_arn: Name
