"""An object that arrived, from an event of EventBridge or from the listing of a bucket."""

from typing import Any, Self

from pydantic import BaseModel, Field

from assetline.ingest.ledger import comparable
from assetline.ingest.system_files import is_system_file


class ObjectArrival(BaseModel, frozen=True):
    """One version of an object. `etag` is without quotes; `dataset_id` overrides the dataset in the key."""

    bucket: str
    key: str
    etag: str
    size: int = Field(ge=0)
    version_id: str | None = None
    sequencer: str | None = None
    dataset_id: str | None = None

    @property
    def is_passed_over(self) -> bool:
        """Whether no user dropped it: a console created it as a folder, or a system stores it next to images."""
        return (self.size == 0 and self.key.endswith("/")) or is_system_file(self.key)

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """Parse EventBridge's "Object Created"; raises `ValueError` for any other event.

        The keys are not encoded, unlike those in S3's own notifications.
        """
        detail = _Event.model_validate(event).detail
        sequencer = detail.object.sequencer
        return cls(
            bucket=detail.bucket.name,
            key=detail.object.key,
            etag=detail.object.etag.strip('"'),
            size=detail.object.size,
            version_id=_version(detail.object.version_id),
            sequencer=None if sequencer is None else comparable(sequencer),
        )

    @classmethod
    def from_listing(cls, item: dict[str, Any]) -> Self:
        """Parse an item of the backfill: `{"object": {"Key", "Size", "Etag"}, "bucket", "dataset_id"}`."""
        listed = _Item.model_validate(item)
        return cls(
            bucket=listed.bucket,
            key=listed.object.Key,
            etag=listed.object.Etag.strip('"'),
            size=listed.object.Size,
            dataset_id=listed.dataset_id or None,
        )


class _Bucket(BaseModel):
    name: str = Field(min_length=1)


class _ArrivedObject(BaseModel):
    key: str = Field(min_length=1)
    size: int = 0
    etag: str = Field(min_length=1)
    version_id: str | None = Field(default=None, alias="version-id")
    sequencer: str | None = None


class _Detail(BaseModel):
    bucket: _Bucket
    object: _ArrivedObject


class _Event(BaseModel):
    detail: _Detail


class _Listed(BaseModel):
    Key: str = Field(min_length=1)
    Size: int = 0
    Etag: str = Field(min_length=1)


class _Item(BaseModel):
    object: _Listed
    bucket: str = Field(min_length=1)
    dataset_id: str = ""


def _version(version_id: str | None) -> str | None:
    return None if version_id in {None, "", "null"} else version_id
