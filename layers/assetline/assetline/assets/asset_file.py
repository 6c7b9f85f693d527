"""The file of an asset on its way out of Vi, and what became of it."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Literal, get_args

from pydantic import BaseModel

from assetline.assets.file_names import Names, date_folder, safe_name, with_id
from assetline.vi.declared_checksum import declared_crc32c
from assetline.vi.signed_url import SignedUrl

State = Literal["written", "skipped", "failed"]
STATES: tuple[State, ...] = get_args(State)


class AssetFile(BaseModel, frozen=True):
    """The file of an asset: `name` is the path it gets, `size` is bytes, None where Vi does not say.

    `crc32c` is what Vi may mean by its checksum, signed; empty when it says none.
    """

    asset_id: str
    filename: str
    name: str
    size: int | None
    crc32c: tuple[int, ...]
    mime: str | None
    contents: SignedUrl | None

    @classmethod
    def of(cls, record: Mapping[str, Any], name: str) -> "AssetFile":
        """Return the file of the asset that *record* shows, to be called *name*."""
        filename, metadata = record.get("filename"), metadata_of(record)
        size = size_of(metadata.get("fileSize"))
        mime = metadata.get("mimeType")
        return cls(
            asset_id=record["assetId"],
            filename=filename if isinstance(filename, str) else "",
            name=name,
            size=size,
            crc32c=declared_crc32c(metadata.get("hash"), size),
            mime=mime if isinstance(mime, str) and mime.isascii() and mime.isprintable() and "/" in mime else None,
            contents=contents_of(record),
        )


class FileOutcome(BaseModel, frozen=True):
    """The outcome of a file; `reason` is a code, `message` explains it."""

    asset_id: str
    filename: str
    name: str
    state: State
    bytes: int = 0
    crc32c: int | None = None
    reason: str | None = None
    message: str | None = None


def outcome(file: AssetFile, state: State, size: int, crc32c: int | None) -> FileOutcome:
    """Return that a file was written, or was there."""
    return FileOutcome(
        asset_id=file.asset_id, filename=file.filename, name=file.name, state=state, bytes=size, crc32c=crc32c
    )


def failed(file: AssetFile, reason: str, message: str) -> FileOutcome:
    """Return that a file is not there, and why."""
    about = outcome(file, "failed", 0, None)
    return about.model_copy(update={"reason": reason, "message": message})


def unknown(asset_id: str) -> FileOutcome:
    """Return that there is no such asset."""
    message = "The dataset has no asset of this id."
    return FileOutcome(asset_id=asset_id, filename="", name="", state="failed", reason="AssetUnknown", message=message)


def named(record: Mapping[str, Any], names: Names, *, by_date: bool) -> AssetFile | None:
    """Return the file of an asset under a name of its own; None for one that was there before, or has no id."""
    asset_id = id_of(record)
    if not asset_id or not names.is_new(asset_id):
        return None
    folder = date_folder(metadata_of(record).get("timeCreated")) if by_date else ""
    return AssetFile.of(record, names.name(record.get("filename"), asset_id, folder))


def names_with_id(file: AssetFile) -> Iterator[str]:
    """Yield the names with its id in them that a file gets where another has its own, without an end."""
    folder, slash, _ = file.name.rpartition("/")
    plain = safe_name(file.filename, file.asset_id)
    return (f"{folder}{slash}{with_id(plain, file.asset_id, again)}" for again in count(1))


def id_of(record: Mapping[str, Any]) -> str:
    """Return the id of an asset; empty when its record has none."""
    asset_id = record.get("assetId")
    return asset_id if isinstance(asset_id, str) else ""


def metadata_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `metadata` of a record, whatever it is."""
    metadata = record.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def size_of(value: Any) -> int | None:
    """Return a size in bytes; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != value // 1:
        return None
    return int(value)


def contents_of(record: Mapping[str, Any]) -> SignedUrl | None:
    """Return the signed URL that a record has, if it has one."""
    contents = record.get("contents")
    asset = contents.get("asset") if isinstance(contents, Mapping) else None
    if not isinstance(asset, Mapping) or not isinstance(asset.get("url"), str) or not asset["url"]:
        return None
    headers = asset.get("headers")
    texts = headers.items() if isinstance(headers, Mapping) else ()
    return SignedUrl(
        url=asset["url"],
        expiry=size_of(asset.get("expiry")),
        headers={name: value for name, value in texts if isinstance(name, str) and isinstance(value, str)},
    )
