"""Files that operating systems leave beside pictures: nobody dropped them, so they are no drops and no rejections."""

_FILES = frozenset({".ds_store", ".localized", ".apdisk", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini"})
_FOLDERS = frozenset(
    {
        *("__macosx", ".appledouble", ".spotlight-v100", ".trashes", ".fseventsd", ".temporaryitems"),
        *("$recycle.bin", "system volume information", "@eadir"),
    }
)
_APPLE_DOUBLE = "._"  # macOS: what a disk without its attributes keeps of a file beside it, `._x.png` of `x.png`


def is_system_file(path: str) -> bool:
    """Say whether a system keeps the file at *path*, such as `photos/.DS_Store`, or the folder that it is in.

    Names count in any case, as Windows and macOS have them.
    """
    *folders, name = path.lower().split("/")
    return name in _FILES or name.startswith(_APPLE_DOUBLE) or not _FOLDERS.isdisjoint(folders)
