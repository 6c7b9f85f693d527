"""The register of asset names: the object that owns a name, and the content that Vi holds under it.

Its items are in the drops table and never expire. Drops expire, but the content in Vi must stay known longer (see
docs/decisions/0028). A settled session has registered the names of all files that it sent. So a name without an item
was never sent.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

from pydantic import BaseModel

from assetline.ingest.asset_names import object_filename
from assetline.ingest.conditional_writes import Transition
from assetline.ingest.drop import NOWHERE, Drop, moment
from assetline.ingest.ledger import Ledger

PREFIX = "asset#"


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

    def names(self, drops: Iterable[Drop]) -> dict[str, RegisteredName]:
        """Return the registrations of the names of *drops* by `name_key`, without names that no object owns."""
        items = self.ledger.items(map(name_key, drops))
        return {item["drop_id"]: RegisteredName.from_item(item) for item in items}

    def named(self, drops: Iterable[Drop]) -> list[tuple[Drop, RegisteredName | None]]:
        """Return *drops* in their order, each with a name that no other object owns, and its registration.

        The first object with a free name gets it. Another object gets a name with a hash.
        """
        listed = [*drops]
        owners = self.names(listed)
        objects = {key: owner.key for key, owner in owners.items()}
        named = [
            drop if objects.setdefault(name_key(drop), object_of(drop)) == object_of(drop) else _with_hash(drop)
            for drop in listed
        ]
        owners |= self.names(drop for drop, recorded in zip(named, listed, strict=True) if drop is not recorded)
        return [(drop, owners.get(name_key(drop))) for drop in named]

    def forget_content(self, drops: Iterable[Drop], opened_at: datetime) -> None:
        """Record that Vi's content of *drops* is unknown since the session opened at *opened_at*."""
        self._write([self._transition(drop, opened_at, None) for drop in drops])

    def keep_content(self, drops: Sequence[Drop], opened_at: datetime) -> None:
        """Record that Vi holds *drops* from the session opened at *opened_at*; a later session has precedence."""
        self._write([self._transition(drop, opened_at, content_of(drop)) for drop in drops])

    def _write(self, transitions: Sequence[Transition]) -> None:
        self.ledger.apply([*{transition.key: transition for transition in transitions}.values()])

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


def _with_hash(drop: Drop) -> Drop:
    return drop.model_copy(update={"asset_filename": object_filename(drop.asset_filename, drop.bucket, drop.key)})


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
