"""The register of asset names: which object owns a name, and which of its bytes Vi holds under it.

Its items lie in the drops table beside the drops, and are never forgotten: a drop is forgotten after a time, and what
Vi holds must be known longer (see docs/decisions/0028).
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

type Name = tuple[str, str]  # a dataset, and the name of an asset of it


class RegisteredName(BaseModel, frozen=True):
    """One item: the object that owns a name. `content` is absent while nobody knows what Vi holds under it.

    `opened_at` is when the last session was opened that had the name: a settlement of an earlier one comes too late.
    """

    key: str
    content: str | None = None
    opened_at: str | None = None

    def is_of(self, drop: Drop) -> bool:
        """Return whether the object of a drop owns the name."""
        return self.key == object_of(drop)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Return what an item of the table says."""
        return cls(**{name: item.get(name) for name in cls.model_fields})


@dataclass(frozen=True)
class AssetRegister:
    """Registers names of assets; every write is conditional."""

    ledger: Ledger

    def names(self, drops: Iterable[Drop]) -> dict[Name, RegisteredName]:
        """Return the registrations of the names of *drops*; a name that no object owns is not in it."""
        wanted = {name_key(drop): (drop.dataset_id, drop.asset_filename) for drop in drops}
        items = self.ledger.items(wanted)
        return {wanted[item["drop_id"]]: RegisteredName.from_item(item) for item in items}

    def register(self, drop: Drop) -> RegisteredName:
        """Register the name of a drop for its object, unless another object owns it; return who owns it now."""
        owner = RegisteredName(key=object_of(drop))
        item = owner.model_dump(exclude_none=True) | {"drop_id": name_key(drop)}
        if self.ledger.put_if_absent(item):
            return owner
        return self.names([drop]).get((drop.dataset_id, drop.asset_filename), owner)

    def forget_content(self, drops: Sequence[Drop], opened_at: datetime) -> None:
        """Note that a session that was opened at *opened_at* sends *drops*: nobody knows now what Vi holds."""
        self._write([self._transition(drop, opened_at, None) for drop in drops])

    def keep_content(self, drops: Sequence[Drop], opened_at: datetime) -> None:
        """Note that Vi holds *drops*, by the session that was opened at *opened_at*; a later one is believed more."""
        self._write([self._transition(drop, opened_at, content_of(drop)) for drop in drops])

    def _write(self, transitions: Sequence[Transition]) -> None:
        apply(self.ledger.table, "drop_id", [*{one.key: one for one in transitions}.values()])

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
    """Return the object that owns a name, as the register writes it: with its bucket, so that it is no drop's key."""
    return f"s3://{drop.bucket}/{drop.key}"


def name_key(drop: Drop) -> str:
    """Return the key of the item that registers the name of a drop; the forms of Unicode are one name."""
    name = unicodedata.normalize("NFC", drop.asset_filename)
    return PREFIX + sha256(f"{drop.dataset_id}\0{name}".encode(errors="surrogatepass")).hexdigest()[:32]


def content_of(drop: Drop) -> str:
    """Return what stands for all that Vi is sent of a drop: its bytes, by their ETag, and its metadata."""
    metadata = sorted((drop.custom_metadata or {}).items())
    return sha256(repr((drop.etag, drop.size, metadata)).encode(errors="surrogatepass")).hexdigest()[:32]


def has_name(drop: Drop) -> bool:
    """Return whether a drop is to become an asset, so that its name has to be its own."""
    return drop.state == "dropped" and drop.dataset_id != NOWHERE
