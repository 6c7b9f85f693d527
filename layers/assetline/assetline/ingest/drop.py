"""A drop: the bytes of one object, and their state. It is an item of the drops table."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal, Self

from pydantic import BaseModel

type DropState = Literal["dropped", "claimed", "uploaded", "ingested", "rejected"]

OVER: tuple[DropState, ...] = ("ingested", "rejected")  # final states, except for a retry or a newer drop
# Earlier versions wrote these states for a drop in a session; a session that is open during an upgrade has them. Now a
# drop stays `dropped` until its session is settled. The command `assetline` derives `claimed` from the open session.
HELD: tuple[DropState, ...] = ("claimed", "uploaded")
LISTED: tuple[DropState, ...] = ("dropped", "rejected", *HELD)  # the states that the index lists
NOWHERE = "-"  # replaces the dataset of a drop whose key has none; no dataset has this name

# DynamoDB: a partition takes a thousand writes per second, and each drop writes the index twice. Sixteen shards take
# the hundred thousand drops per minute of one dataset, nine times over.
SHARDS = 16


class Drop(BaseModel, frozen=True):
    """One item of the drops table; `drop_id` is its key.

    - `etag`: without quotes
    - `crc32c`: signed, absent if unknown
    - `attempts`: the sessions in which the drop failed
    - `asset_filename`: its name in Vi; a session gives it another one if another object owns the name
    - `tag_count`: the number of tags of the object
    - `sequencer`: orders the events of one key
    - `revision`: counts the changes after which a session with an older copy of the drop decides nothing about it
    - `suspect`: the drop is in a group that Vi refused a session for
    - `retried`: set if the drop has ended before, so that its object may have the tag of that outcome
    - `expires_at`: when DynamoDB deletes the drop, in seconds since 1970; the other times are UTC
    """

    drop_id: str
    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    sequencer: str | None = None
    revision: int = 0
    suspect: Literal[True] | None = None
    retried: Literal[True] | None = None
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
    def dataset_state(self) -> str | None:
        """The partition of the index that lists the drop, None for an ingested one."""
        return dataset_state(self.dataset_id, self.state, shard_of(self.drop_id)) if self.state in LISTED else None

    def to_item(self) -> dict[str, Any]:
        """Return the drop as an item of the table; unknown values are absent."""
        values = self.model_dump(exclude_none=True)
        times = {name: moment(value) for name, value in values.items() if isinstance(value, datetime)}
        return values | times | ({} if self.dataset_state is None else {"dataset_state": self.dataset_state})

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Parse an item of the table."""
        return cls.model_validate(
            {name: int(value) if isinstance(value, Decimal) else value for name, value in item.items()}
        )


class SessionDrop(BaseModel, frozen=True):
    """A drop as a session sends it, by this name; the session's settlement decides about this revision only."""

    drop_id: str
    asset_filename: str
    revision: int
    sequencer: str | None

    @classmethod
    def of(cls, drop: Drop) -> Self:
        """Return the drop as it is now."""
        return cls(**drop.model_dump(include={*cls.model_fields}))


def drop_id(bucket: str, key: str, etag: str) -> str:
    """Return the id of a drop: a function of the object and of its ETag without quotes.

    The version id is not included: an event has one, a listing has none, and equal bytes under one key are one drop.
    """
    return sha256("\0".join((bucket, key, etag)).encode()).hexdigest()[:32]


def shard_of(drop_id: str) -> int:
    """Return the number of the shard, one of `SHARDS`, that lists the drop."""
    return int(drop_id[:8], 16) % SHARDS


def dataset_state(dataset_id: str, state: DropState, shard: int) -> str:
    """Return the partition of the index that lists the drops of a dataset, a state and a shard."""
    return f"{dataset_id}#{state}#{shard:02}"


def moment(at: datetime) -> str:
    """Return a time in UTC in the notation of the table, in microseconds, so that text sorts by time."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00"
