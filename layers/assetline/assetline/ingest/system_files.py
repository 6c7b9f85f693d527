"""Files that operating systems store next to images: no user dropped them, so they are neither drops nor rejections."""

_FILES = frozenset({".ds_store", ".localized", ".apdisk", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini"})
_FOLDERS = frozenset(
    {
        *("__macosx", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems"),
        *("$recycle.bin", "system volume information", "@eadir"),
    }
)
_APPLE_DOUBLE = "._"  # macOS: the attributes of a file on a foreign disk, `._x.png` of `x.png`


def is_system_file(path: str) -> bool:
    """Return whether a system created the file at *path*, such as `photos/.DS_Store`, or its folder.

    Names ignore case, as on Windows and macOS.
    """
    *folders, name = path.lower().split("/")
    return name in _FILES or name.startswith(_APPLE_DOUBLE) or not _FOLDERS.isdisjoint(folders)
