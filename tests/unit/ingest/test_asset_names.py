import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest.asset_names import LONGEST_NAME, asset_filename, dataset_and_path

paths = st.text(alphabet=st.sampled_from("ab_~/.é\x00\\" + "0"), min_size=1, max_size=12) | st.text(
    min_size=1, max_size=400
)


@pytest.mark.parametrize(
    ("key", "default", "found"),
    [
        ("ds1/photo.jpg", "", ("ds1", "photo.jpg")),
        ("ds1/a/b c+.jpg", "", ("ds1", "a/b c+.jpg")),
        ("photo.jpg", "", (None, "photo.jpg")),
        ("photo.jpg", "ds9", ("ds9", "photo.jpg")),
        ("not a dataset/photo.jpg", "ds9", ("ds9", "not a dataset/photo.jpg")),
        ("größe/photo.jpg", "", (None, "größe/photo.jpg")),
        ("ds1/", "", (None, "ds1/")),
    ],
)
def test_the_first_folder_of_a_key_is_its_dataset(key: str, default: str, found: tuple[str | None, str]) -> None:
    assert dataset_and_path(key, default) == found


@pytest.mark.parametrize(
    ("path", "name"), [("a.jpg", "a.jpg"), ("monday/img 1+.jpg", "monday__img 1+.jpg"), ("a/b/ü.png", "a__b__ü.png")]
)
def test_a_name_shows_the_folders(path: str, name: str) -> None:
    assert asset_filename(path) == name


@given(st.lists(paths, min_size=2, max_size=2, unique=True))
def test_no_two_paths_have_one_name(two: list[str]) -> None:
    assert asset_filename(two[0]) != asset_filename(two[1])


@pytest.mark.parametrize("pair", [("a/b.jpg", "a__b.jpg"), ("a\\b.jpg", "a_b.jpg"), ("a__b.jpg", "a__b~e0e9e1c5.jpg")])
def test_names_that_look_alike_are_distinguished(pair: tuple[str, str]) -> None:
    assert asset_filename(pair[0]) != asset_filename(pair[1])


@given(paths)
def test_a_name_is_one_that_file_systems_take(path: str) -> None:
    name = asset_filename(path)
    assert name == asset_filename(path)
    assert name
    assert len(name.encode(errors="surrogatepass")) <= LONGEST_NAME
    assert not set(name) & {"/", "\\", "\x00"}


def test_the_extension_stays_however_long_the_name() -> None:
    assert asset_filename("x" * 400 + ".jpg").endswith(".jpg")
