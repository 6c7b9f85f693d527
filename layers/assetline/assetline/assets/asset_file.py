"""The file of an asset that is downloaded, and its outcome."""

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
    """The file of an asset: `name` is its path at the target, `size` is in bytes, None if Vi does not return it.

    `crc32c` are the possible signed values of Vi's checksum; empty without one.
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
        """Return the file of the asset *record*, named *name*."""
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
    """The outcome of a file; `reason` is a code, `message` describes it."""

    asset_id: str
    filename: str
    name: str
    state: State
    bytes: int = 0
    crc32c: int | None = None
    reason: str | None = None
    message: str | None = None


def outcome(file: AssetFile, state: State, size: int, crc32c: int | None) -> FileOutcome:
    """Return the outcome of a file that was written or already existed."""
    return FileOutcome(
        asset_id=file.asset_id, filename=file.filename, name=file.name, state=state, bytes=size, crc32c=crc32c
    )


def failed(file: AssetFile, reason: str, message: str) -> FileOutcome:
    """Return the outcome of a file that failed, with the reason."""
    about = outcome(file, "failed", 0, None)
    return about.model_copy(update={"reason": reason, "message": message})


def unknown(asset_id: str) -> FileOutcome:
    """Return the outcome of an id without an asset."""
    message = "The dataset has no asset of this id."
    return FileOutcome(asset_id=asset_id, filename="", name="", state="failed", reason="AssetUnknown", message=message)


def named(record: Mapping[str, Any], names: Names, *, by_date: bool) -> AssetFile | None:
    """Return the file of an asset under a new name; None if the asset was named already, or has no id."""
    asset_id = id_of(record)
    if not asset_id or not names.is_new(asset_id):
        return None
    folder = date_folder(metadata_of(record).get("timeCreated")) if by_date else ""
    return AssetFile.of(record, names.name(record.get("filename"), asset_id, folder))


def names_with_id(file: AssetFile) -> Iterator[str]:
    """Yield, without an end, names with the asset's id, for a file whose plain name is in use."""
    folder, slash, _ = file.name.rpartition("/")
    plain = safe_name(file.filename, file.asset_id)
    return (f"{folder}{slash}{with_id(plain, file.asset_id, number)}" for number in count(1))


def id_of(record: Mapping[str, Any]) -> str:
    """Return the id of an asset; empty if its record has none."""
    asset_id = record.get("assetId")
    return asset_id if isinstance(asset_id, str) else ""


def metadata_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `metadata` of a record; empty if it is not an object."""
    metadata = record.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def size_of(value: Any) -> int | None:
    """Return a size in bytes, None if *value* is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != value // 1:
        return None
    return int(value)


def contents_of(record: Mapping[str, Any]) -> SignedUrl | None:
    """Return the signed URL in a record, None without one."""
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
