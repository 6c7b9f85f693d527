"""Conditions that Vi cannot evaluate: on size, shape, type, date and name of an asset."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

Aspect = Literal["square", "landscape", "portrait"]
Kind = Literal["Image", "Video"]


class Where(BaseModel, frozen=True, extra="forbid"):
    """Conditions on an asset's record (docs/contracts/vi-api.md, section 3.1); it must meet all of them.

    Sizes are in bytes, dimensions in pixels, limits included. Times need an offset; `uploaded_after` is included,
    `uploaded_before` is not. `mime` takes patterns such as `image/*`, `filename` such as `*.png`. A record without the
    value of a condition does not meet it.
    """

    min_bytes: int | None = Field(default=None, ge=0)
    max_bytes: int | None = Field(default=None, ge=0)
    min_width: int | None = Field(default=None, ge=0)
    max_width: int | None = Field(default=None, ge=0)
    min_height: int | None = Field(default=None, ge=0)
    max_height: int | None = Field(default=None, ge=0)
    aspect: Aspect | None = None
    mime: tuple[str, ...] | None = None
    kind: Kind | None = None
    uploaded_after: AwareDatetime | None = None
    uploaded_before: AwareDatetime | None = None
    filename: str | None = None
    status: tuple[str, ...] | None = None

    def admits(self, record: Mapping[str, Any]) -> bool:
        """Return whether an asset meets all conditions."""
        metadata = record.get("metadata")
        if not isinstance(metadata, Mapping):
            metadata = {}
        return (
            _within(metadata.get("fileSize"), self.min_bytes, self.max_bytes)
            and _within(metadata.get("width"), self.min_width, self.max_width)
            and _within(metadata.get("height"), self.min_height, self.max_height)
            and (self.aspect is None or aspect_of(metadata) == self.aspect)
            and _matches(metadata.get("mimeType"), self.mime)
            and (self.kind is None or record.get("kind") == self.kind)
            and self._uploaded_in_time(metadata.get("timeCreated"))
            and _matches(record.get("filename"), None if self.filename is None else (self.filename,))
            and (self.status is None or metadata.get("status") in self.status)
        )

    def _uploaded_in_time(self, milliseconds: object) -> bool:
        if self.uploaded_after is None and self.uploaded_before is None:
            return True
        moment = moment_of(milliseconds)
        if moment is None:
            return False
        return (self.uploaded_after is None or moment >= self.uploaded_after) and (
            self.uploaded_before is None or moment < self.uploaded_before
        )


def moment_of(milliseconds: object) -> datetime | None:
    """Return the time, in UTC, of a count of milliseconds since 1970; None for any other value."""
    if not _is_number(milliseconds):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)  # type: ignore[operator] # a number, as checked above
    except (OverflowError, ValueError, OSError):
        return None


def aspect_of(metadata: Mapping[str, Any]) -> Aspect | None:
    """Return the shape of an asset, None if its dimensions are unknown."""
    width, height = metadata.get("width"), metadata.get("height")
    if not (_is_number(width) and _is_number(height)) or not width or not height:
        return None
    if width == height:
        return "square"
    return "landscape" if width > height else "portrait"


def _within(value: object, least: int | None, most: int | None) -> bool:
    if least is None and most is None:
        return True
    if not _is_number(value):
        return False
    return (least is None or value >= least) and (most is None or value <= most)  # type: ignore[operator]


def _matches(value: object, patterns: tuple[str, ...] | None) -> bool:
    if patterns is None:
        return True
    return isinstance(value, str) and any(fnmatchcase(value, pattern) for pattern in patterns)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
