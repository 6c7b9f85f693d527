"""Names of downloaded files: any disk takes them as they are, and no two assets share one on any."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assetline.assets.file_names import LONGEST_NAME, Names, folded, safe_name

DEVICES = ("con", "prn", "aux", "nul", "conin$", "conout$", *(f"{port}{n}" for port in ("com", "lpt") for n in "0129³"))
SAFE = {
    "a:b.png": "a_b.png",
    "a?b*.png": "a_b_.png",
    'q"<>|.png': "q____.png",
    "C:\\x.png": "C__x.png",
    "CON.png": "_CON.png",
    "aux.txt.png": "_aux.txt.png",
    "nul": "_nul",
    "Com1 .jpg": "_Com1 .jpg",
    "LPT³.jpg": "_LPT³.jpg",
    "x.png.": "x.png_",
    "x.png ": "x.png_",
    "IMG~1.JPG": "IMG_1.JPG",
    "console.png": "console.png",
    "com10.png": "com10.png",
    "größe %20.png": "größe %20.png",
    "a\nb.png": "a_b.png",
    "...": "asset-7",
    "": "asset-7",
}
ALIKE = [("a.png", "A.PNG"), ("é.png", "e\u0301.png"), ("Σς.png", "ΣΣ.png"), ("\u017f.png", "s.png"), ("a:b", "a?b")]
ALIKE += [("x.", "x_"), ("a\u200db.png", "ab.png"), ("K.png", "\u212a.png"), ("con", "_con"), ("İ.png", "i\u0307.png")]
anything = st.one_of(st.text(), st.sampled_from([*SAFE, *DEVICES]), st.text(".: ~1aÄ\u0301", max_size=12))


def is_taken_by_windows(name: str) -> bool:
    device = name.partition(".")[0].rstrip().lower()
    forbidden = any(char in '<>:"/\\|?*' or ord(char) < 32 for char in name)
    return bool(name) and not forbidden and name[-1] not in ". " and device not in DEVICES


@pytest.mark.parametrize(("filename", "name"), SAFE.items())
def test_a_name_is_made_safe(filename: str, name: str) -> None:
    assert safe_name(filename, "asset-7") == name


@pytest.mark.parametrize("asset_id", ["CON", "x.", "a:b", "..", "nul"])
def test_an_id_that_stands_for_a_name_is_made_safe(asset_id: str) -> None:
    assert is_taken_by_windows(safe_name("", asset_id))


@given(anything, anything)
def test_any_disk_takes_any_name(filename: str, asset_id: str) -> None:
    names = Names()
    for name in (names.name(filename, asset_id), names.name(filename, f"{asset_id}2"), names.name(filename, asset_id)):
        assert is_taken_by_windows(name)
        assert len(name.encode()) <= LONGEST_NAME


@given(anything)
def test_a_safe_name_is_its_own(filename: str) -> None:
    name = safe_name(filename, "asset-7")
    assert safe_name(name, "asset-7") == name


@pytest.mark.parametrize(("item", "other"), ALIKE)
def test_two_assets_never_share_a_name_on_any_disk(item: str, other: str) -> None:
    names = Names()
    given_out = [names.name(item, "a1"), names.name(other, "a2")]
    assert given_out[0] == safe_name(item, "a1")
    assert "~a2" in given_out[1]


@given(st.text(min_size=1))
def test_spellings_that_disks_take_for_one_are_folded_into_one(name: str) -> None:
    for form in ("NFC", "NFD"):
        assert folded(unicodedata.normalize(form, name)) == folded(name)
    assert folded(name.casefold()) == folded(name)
    assume(len(name.lower()) == len(name) and name.lower().upper() == name.upper())
    assert folded(name.lower()) == folded(name)
