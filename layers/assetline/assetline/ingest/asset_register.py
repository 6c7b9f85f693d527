"""The register of asset names: the object that owns a name, and the content that Vi holds under it.

Its items are in the drops table and never expire. Drops expire, but the content in Vi must stay known longer (see
docs/decisions/0028).
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

from pydantic import BaseModel

from assetline.ingest.conditional_writes import Transition, apply
from assetline.ingest.drop import NOWHERE, Drop, moment
from assetline.ingest.ledger import Ledger

PREFIX = "asset#"

type Name = tuple[str, str]  # a dataset, and the name of one of its assets


class RegisteredName(BaseModel, frozen=True):
    """One item: the object that owns a name. `content` is absent while Vi's content is unknown.

    `opened_at` is the opening of the last session with the name. A settlement of an earlier session is ignored.
    """

    key: str
    content: str | None = None
    opened_at: str | None = None

    def is_of(self, drop: Drop) -> bool:
        """Return whether the object of a drop owns the name."""
        return self.key == object_of(drop)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Parse an item of the table."""
        return cls(**{name: item.get(name) for name in cls.model_fields})


@dataclass(frozen=True)
class AssetRegister:
    """Registers names of assets; every write is conditional."""

    ledger: Ledger

    def names(self, drops: Iterable[Drop]) -> dict[Name, RegisteredName]:
        """Return the registrations of the names of *drops*, without names that no object owns."""
        names = {name_key(drop): (drop.dataset_id, drop.asset_filename) for drop in drops}
        items = self.ledger.items(names)
        return {names[item["drop_id"]]: RegisteredName.from_item(item) for item in items}

    def register(self, drop: Drop) -> tuple[RegisteredName, bool]:
        """Register the name of a drop for its object, unless another object owns it.

        Returns the owner, and whether the name is new.
        """
        owner = RegisteredName(key=object_of(drop))
        item = owner.model_dump(exclude_none=True) | {"drop_id": name_key(drop)}
        if self.ledger.put_if_absent(item):
            return owner, True
        return self.names([drop]).get((drop.dataset_id, drop.asset_filename), owner), False

    def forget_content(self, drops: Iterable[Drop], opened_at: datetime) -> None:
        """Record that the session opened at *opened_at* sends *drops*: Vi's content is unknown now.

        Of a new name, no content is known.
        """
        self._write([self._transition(drop, opened_at, None) for drop in drops if not drop.name_is_new])

    def keep_content(self, drops: Sequence[Drop], opened_at: datetime) -> None:
        """Record that Vi holds *drops* from the session opened at *opened_at*; a later session has precedence."""
        self._write([self._transition(drop, opened_at, content_of(drop)) for drop in drops])

    def _write(self, transitions: Sequence[Transition]) -> None:
        apply(self.ledger.table, "drop_id", [*{transition.key: transition for transition in transitions}.values()])

    def _transition(self, drop: Drop, opened_at: datetime, content: str | None) -> Transition:
        values = {"key": object_of(drop), "opened_at": moment(opened_at)}
        update = "SET #key = :key, #opened_at = :opened_at"
        if content is None:
            update += " REMOVE #content"
        else:
            update, values = f"{update}, #content = :content", values | {"content": content}
        return Transition(
            name_key(drop),
            update,
            "attribute_not_exists(#opened_at) OR #opened_at <= :opened_at",
            {f"#{name}": name for name in (*values, "content")},
            {f":{name}": value for name, value in values.items()},
        )


def object_of(drop: Drop) -> str:
    """Return the object of a drop in the notation of the register: with its bucket, unlike a drop's key."""
    return f"s3://{drop.bucket}/{drop.key}"


def name_key(drop: Drop) -> str:
    """Return the key of the item for the name of a drop; all Unicode forms of a name have the same key."""
    name = unicodedata.normalize("NFC", drop.asset_filename)
    return PREFIX + sha256(f"{drop.dataset_id}\0{name}".encode(errors="surrogatepass")).hexdigest()[:32]


def content_of(drop: Drop) -> str:
    """Return a value that identifies the bytes of a drop, by their ETag, and its metadata."""
    metadata = sorted((drop.custom_metadata or {}).items())
    return sha256(repr((drop.etag, drop.size, metadata)).encode(errors="surrogatepass")).hexdigest()[:32]


def has_name(drop: Drop) -> bool:
    """Return whether a drop becomes an asset, so that it needs a name of its own."""
    return drop.state == "dropped" and drop.dataset_id != NOWHERE
