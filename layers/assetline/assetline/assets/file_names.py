"""The name of a downloaded file: valid on any disk, and shared by no two assets."""

import re
import unicodedata
from hashlib import blake2b, sha256
from typing import Any

from assetline.assets.conditions import moment_of

LONGEST_NAME = 255  # bytes; what file systems take
LONGEST_EXTENSION = 16  # ours, in bytes: what is longer is no extension
LONGEST_ID = 64  # ours, in bytes: of a longer id, a hash stands in a name
UNDATED = "undated"

_HASH_BYTES = 8  # ours: among a million names, two are taken for one with odds of 1 in 30 million, and get their ids
_UNSAFE_KINDS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, halves of characters, line separators
_UNSAFE = frozenset('/\\<>:"|?*')  # Windows: of a path, of a stream, wildcards, redirections
_ENDS = ". "  # Windows takes them away at the end of a name
# Windows: devices, whatever the extension; CONIN$ and CONOUT$ are consoles, and the digits may be raised.
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)", re.IGNORECASE
)
_SHORT = re.compile(r"[^.]{1,6}~[0-9]+(?:\.[^.]{0,3})?")  # Windows: so it calls a file of a long name, too


def safe_name(filename: Any, asset_id: str) -> str:
    """Return what an asset called *filename* may be called as a key and as a file; its id, when nothing is left.

    A name is one segment of a path: it leads nowhere else, has at most 255 bytes of UTF-8, and Windows takes it as it
    is. It is not decoded: `filename` is a plain name, and `%20` in it is three characters.
    """
    name = "".join("_" if _is_unsafe(char) else char for char in filename) if isinstance(filename, str) else ""
    name = _for_windows(name if name.strip(_ENDS) else _short_id(asset_id))
    return name if len(name.encode()) <= LONGEST_NAME else with_id(name, asset_id)


def with_id(name: str, asset_id: str, again: int = 1) -> str:
    """Return *name* with the asset's id before its extension, and a number when asked for it *again*."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > LONGEST_EXTENSION:
        stem, dot, extension = name, "", ""
    ending = f"~{_short_id(asset_id)}{f'~{again}' if again > 1 else ''}{dot}{extension}"
    return stem.encode()[: LONGEST_NAME - len(ending.encode())].decode(errors="ignore") + ending


def folded(name: str) -> str:
    """Return what is the same of all names that some file system takes for *name*."""
    if name.isascii():
        return name.lower()
    decomposed = unicodedata.normalize("NFD", name)
    seen = "".join(char for char in decomposed if unicodedata.category(char) != "Cf")  # HFS+ passes over joiners
    return unicodedata.normalize("NFD", seen.upper().casefold())


def date_folder(time_created: Any) -> str:
    """Return the folder of an asset uploaded at *time_created* (epoch milliseconds): `2026/11/21/`, in UTC."""
    moment = moment_of(time_created)
    return f"{UNDATED}/" if moment is None else f"{moment:%Y/%m/%d}/"


class Names:
    """Gives out names, each once: the first asset of a name keeps it plain, the others have their ids in theirs.

    Names that differ in case only, in how an accent is written, or in what cannot be seen count as one: some file
    systems take them for one. What is remembered of each is a hash, so that all names of a large dataset fit in one
    small object (`dump`).
    """

    def __init__(self, dumped: bytes = b"") -> None:
        self._taken = {dumped[start : start + _HASH_BYTES] for start in range(0, len(dumped), _HASH_BYTES)}

    def dump(self) -> bytes:
        """Return what has been given out, for `Names` to go on with."""
        return b"".join(self._taken)

    def is_new(self, asset_id: str) -> bool:
        """Say whether an asset is asked about for the first time: a list that changes may show one twice."""
        return self._take(f"\0{asset_id}")  # no name has this character

    def name(self, filename: Any, asset_id: str, folder: str = "") -> str:
        """Return the name of an asset in *folder*, which is in front of it."""
        plain = safe_name(filename, asset_id)
        candidate, again = plain, 0
        while not self._take(folder + folded(candidate)):
            again += 1
            candidate = with_id(plain, asset_id, again)
        return folder + candidate

    def _take(self, name: str) -> bool:
        hashed = blake2b(name.encode(), digest_size=_HASH_BYTES).digest()
        if hashed in self._taken:
            return False
        self._taken.add(hashed)
        return True


def _for_windows(name: str) -> str:
    """Return *name* as Windows takes it; no name is longer than before by more than a byte."""
    if name[-1] in _ENDS:
        name = f"{name[:-1]}_"
    if _SHORT.fullmatch(name):
        name = name.replace("~", "_")
    return f"_{name}" if _DEVICE.match(name) else name


def _is_unsafe(char: str) -> bool:
    return char in _UNSAFE or unicodedata.category(char) in _UNSAFE_KINDS


def _short_id(asset_id: str) -> str:
    safe = "".join("_" if _is_unsafe(char) else char for char in asset_id)
    if safe == asset_id and safe.rstrip(_ENDS) == safe != "" and len(safe.encode()) <= LONGEST_ID:
        return safe
    return sha256(asset_id.encode(errors="surrogatepass")).hexdigest()[:32]
