"""A drop: the bytes of one object, and what has become of it. The shape of an item of the drops table."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal, Self

from pydantic import BaseModel

type DropState = Literal["dropped", "claimed", "uploaded", "ingested", "rejected"]

STATES: tuple[DropState, ...] = ("dropped", "claimed", "uploaded", "ingested", "rejected")
OVER: tuple[DropState, ...] = ("ingested", "rejected")  # states that only a retry or a newer drop leads out of
NOWHERE = "-"  # in place of the dataset of a drop whose key names none; no dataset is called so

# DynamoDB: a partition takes a thousand writes a second, and the index is written whenever a state changes. Sixteen
# of them take the hundred thousand drops a minute of one dataset, nine times over.
SHARDS = 16


class Drop(BaseModel, frozen=True):
    """One item of the drops table; `drop_id` is its key.

    `etag` is without quotes. `crc32c` is signed, absent when it is not known. `attempts` are the sessions that failed
    it. `asset_filename` is its name in Vi. `tag_count` is how many tags the object had. `sequencer` orders the events
    of one key; `dropped_again` is set when a newer one came than the session that has the drop may know of, and
    `metadata_changed` when `custom_metadata` is newer than what the session sends. A `suspect` is one of some that Vi
    refused a session for. Times are UTC; `expires_at` is when DynamoDB forgets the drop, in seconds since 1970.
    """

    drop_id: str
    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    sequencer: str | None = None
    dropped_again: Literal[True] | None = None
    metadata_changed: Literal[True] | None = None
    suspect: Literal[True] | None = None
    size: int
    dataset_id: str
    asset_filename: str
    mime: str | None = None
    kind: Literal["Image", "Video"] | None = None
    crc32c: int | None = None
    custom_metadata: dict[str, str] | None = None
    tag_count: int = 0
    state: DropState
    reason: str | None = None
    message: str | None = None
    attempts: int = 0
    session_key: str | None = None
    session_id: str | None = None
    dropped_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    expires_at: int | None = None

    @property
    def dataset_state(self) -> str:
        """The partition of the index that lists the drop."""
        return dataset_state(self.dataset_id, self.state, shard_of(self.drop_id))

    def to_item(self) -> dict[str, Any]:
        """Return the drop as an item of the table; what is not known is absent."""
        values = self.model_dump(exclude_none=True)
        times = {name: moment(value) for name, value in values.items() if isinstance(value, datetime)}
        return values | times | {"dataset_state": self.dataset_state}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Return the drop that an item describes."""
        return cls.model_validate(
            {name: int(value) if isinstance(value, Decimal) else value for name, value in item.items()}
        )


def drop_id(bucket: str, key: str, etag: str) -> str:
    """Return what names a drop: a function of the object and of its ETag without quotes.

    Its version id says no more: an event has one and a listing has none, and equal bytes under one key are one drop.
    """
    return sha256("\0".join((bucket, key, etag)).encode()).hexdigest()[:32]


def shard_of(drop_id: str) -> int:
    """Return which of the `SHARDS` a drop is listed in."""
    return int(drop_id[:8], 16) % SHARDS


def dataset_state(dataset_id: str, state: DropState, shard: int) -> str:
    """Return the partition of the index that lists the drops of a dataset in a state, of one shard."""
    return f"{dataset_id}#{state}#{shard:02}"


def moment(at: datetime) -> str:
    """Return a time in UTC as the table writes it, in microseconds, so that text sorts as time does."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00"
