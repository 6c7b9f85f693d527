import pytest

from assetline.ingest.system_files import is_system_file

OF_A_SYSTEM = [
    *(".DS_Store", "ds1/a/.ds_store", "ds1/._x.png", "Thumbs.db", "THUMBS.DB", "a/Desktop.ini", "ds1/Icon\r"),
    *("ds1/__MACOSX/a/x.png", "ds1/$RECYCLE.BIN/x.png", "ds1/@eaDir/x.jpg/SYNOPHOTO_THUMB_M.jpg", ".Trashes/501/x.png"),
]
OF_A_PERSON = [
    "ds1/x.png",
    "ds1/.hidden.png",
    "ds1/thumbs.db.png",
    "ds1/_x.png",
    "ds1/x._y.png",
    "__MACOSX.png",
    "icon",
]


@pytest.mark.parametrize("path", OF_A_SYSTEM)
def test_system_files_are_recognised_in_any_case(path: str) -> None:
    assert is_system_file(path)


@pytest.mark.parametrize("path", OF_A_PERSON)
def test_a_users_file_is_no_system_file(path: str) -> None:
    assert not is_system_file(path)
