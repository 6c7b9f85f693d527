"""The dataset and the asset name of an S3 key."""

import re
from hashlib import sha256

LONGEST_NAME = 255  # bytes; the limit of file systems, since Vi's limit is not documented
DATASET_ID = re.compile(r"[a-zA-Z0-9_-]{1,255}", re.ASCII)  # Vi: docs/contracts/vi-api.md, section 1.2

_FOLDER = "__"
_HASH_CHARACTERS = 8
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")
_AMBIGUOUS = re.compile(r"[_/][_/]")  # next to another one, an underscore or a slash is ambiguous after joining
_ORGANIZATION = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}_(?=.)")  # Vi: a UUID


def dataset_and_path(key: str, default_dataset: str) -> tuple[str | None, str]:
    """Return the dataset in a key, and the path below it.

    `DATASET/a/b.jpg` is `a/b.jpg` of DATASET. A key without a dataset is a path, in the default dataset or
    None.
    """
    first, slash, rest = key.partition("/")
    if slash and rest and DATASET_ID.fullmatch(first):
        return short_dataset_id(first), rest
    return short_dataset_id(default_dataset) or None, key


def short_dataset_id(dataset_id: str) -> str:
    """Return the id of a dataset without the prefix of its organization; both forms identify the same dataset.

    Source: docs/contracts/vi-api.md, section 1.2.
    """
    return _ORGANIZATION.sub("", dataset_id, count=1) if _ORGANIZATION.match(dataset_id) else dataset_id


def asset_filename(path: str) -> str:
    """Return the name of the asset for the drop at *path*: each path has one name, and no two paths share one.

    Folders are joined by `__`. If the result is ambiguous, too long, or has invalid characters, a hash of the path is
    added before the extension.
    """
    joined = _UNSAFE.sub("_", path.replace("/", _FOLDER))
    plain = joined == path.replace("/", _FOLDER) and not _AMBIGUOUS.search(path) and not joined.startswith(".")
    if plain and not _looks_hashed(joined) and len(joined.encode()) <= LONGEST_NAME:
        return joined
    return _hashed(joined, path)


def object_filename(name: str, bucket: str, key: str) -> str:
    """Return a name for an object whose `asset_filename`, *name*, belongs to another object."""
    return _hashed(name, f"{bucket}/{key}")


def _hashed(joined: str, hashed: str) -> str:
    stem, dot, extension = joined.rpartition(".")
    if not stem or len(extension.encode()) > _HASH_CHARACTERS:
        stem, dot, extension = joined, "", ""
    ending = f"~{sha256(hashed.encode()).hexdigest()[:_HASH_CHARACTERS]}{dot}{extension}"
    stem = stem.lstrip(".").encode()[: LONGEST_NAME - len(ending.encode())].decode(errors="ignore")
    return f"{stem}{ending}"


def _looks_hashed(name: str) -> bool:
    return re.search(rf"~[0-9a-f]{{{_HASH_CHARACTERS}}}(\.|$)", name) is not None
