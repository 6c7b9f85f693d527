"""The name of a downloaded file: valid on any disk, and unique among the files of a download."""

import re
import unicodedata
from hashlib import blake2b, sha256
from typing import Any

from assetline.assets.conditions import moment_of

LONGEST_NAME = 255  # bytes; the limit of file systems
LONGEST_EXTENSION = 16  # ours, in bytes: a longer suffix is not an extension
LONGEST_ID = 64  # ours, in bytes: a hash replaces a longer id in a name
UNDATED = "undated"

_HASH_BYTES = 8  # ours: among a million names, two collide with odds of 1 in 30 million, and then get their ids
# Windows: separators, streams, wildcards, redirections. Then control characters, line separators, and halves of
# surrogate pairs: the categories Cc, Zl, Zp and Cs of Unicode.
_UNSAFE = re.compile(r'[/\\<>:"|?*\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_ENDS = ". "  # Windows removes them at the end of a name
# Windows: devices, with any extension; CONIN$ and CONOUT$ are consoles, and the digits may be superscript.
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\.|$)", re.IGNORECASE
)
_SHORT = re.compile(r"[^.]{1,6}~[0-9]+(?:\.[^.]{0,3})?")  # Windows: the short alias of a file with a long name


def safe_name(filename: Any, asset_id: str) -> str:
    """Return a valid key and file name for an asset called *filename*; its id if nothing is left.

    The name is one segment of a path with at most 255 bytes of UTF-8, valid on Windows. It is not decoded: `filename`
    is a plain name, and `%20` in it is three characters.
    """
    name = _UNSAFE.sub("_", filename) if isinstance(filename, str) else ""
    name = _for_windows(name if name.strip(_ENDS) else _short_id(asset_id))
    return name if len(name.encode()) <= LONGEST_NAME else with_id(name, asset_id)


def with_id(name: str, asset_id: str, number: int = 1) -> str:
    """Return *name* with the asset's id before its extension, and with *number* if that is more than 1."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > LONGEST_EXTENSION:
        stem, dot, extension = name, "", ""
    ending = f"~{_short_id(asset_id)}{f'~{number}' if number > 1 else ''}{dot}{extension}"
    return stem.encode()[: LONGEST_NAME - len(ending.encode())].decode(errors="ignore") + ending


def folded(name: str) -> str:
    """Return a form that is equal for all names that some file system treats as *name*."""
    if name.isascii():
        return name.lower()
    decomposed = unicodedata.normalize("NFD", name)
    seen = "".join(char for char in decomposed if unicodedata.category(char) != "Cf")  # HFS+ ignores joiners
    return unicodedata.normalize("NFD", seen.upper().casefold())


def date_folder(time_created: Any) -> str:
    """Return the folder of an asset uploaded at *time_created* (epoch milliseconds): `2026/11/21/`, in UTC."""
    moment = moment_of(time_created)
    return f"{UNDATED}/" if moment is None else f"{moment:%Y/%m/%d}/"


class Names:
    """Assigns names, each once: the first asset of a name gets it plain, the others get their ids in theirs.

    Some file systems ignore case, the encoding of accents, or invisible characters. So names that differ only in these
    count as equal. The object stores a hash of each name, so that all names of a large dataset fit in one small object
    (`dump`).
    """

    def __init__(self, dumped: bytes = b"") -> None:
        self._taken = {dumped[start : start + _HASH_BYTES] for start in range(0, len(dumped), _HASH_BYTES)}

    def dump(self) -> bytes:
        """Return the assigned names in a form that `Names` continues from."""
        return b"".join(self._taken)

    def is_new(self, asset_id: str) -> bool:
        """Return whether an asset is new: a list that changes may contain one twice."""
        return self._take(f"\0{asset_id}")  # names do not contain this character

    def name(self, filename: Any, asset_id: str, folder: str = "") -> str:
        """Return the name of an asset, with *folder* in front."""
        plain = safe_name(filename, asset_id)
        candidate, number = plain, 0
        while not self._take(folder + folded(candidate)):
            number += 1
            candidate = with_id(plain, asset_id, number)
        return folder + candidate

    def _take(self, name: str) -> bool:
        hashed = blake2b(name.encode(), digest_size=_HASH_BYTES).digest()
        if hashed in self._taken:
            return False
        self._taken.add(hashed)
        return True


def _for_windows(name: str) -> str:
    """Return *name* in a form that Windows accepts, at most one byte longer."""
    if name[-1] in _ENDS:
        name = f"{name[:-1]}_"
    if _SHORT.fullmatch(name):
        name = name.replace("~", "_")
    return f"_{name}" if _DEVICE.match(name) else name


def _short_id(asset_id: str) -> str:
    safe = _UNSAFE.sub("_", asset_id)
    if safe == asset_id and safe.rstrip(_ENDS) == safe != "" and len(safe.encode()) <= LONGEST_ID:
        return safe
    return sha256(asset_id.encode(errors="surrogatepass")).hexdigest()[:32]
