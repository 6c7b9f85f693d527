from assetline.vi.media_types import EXTENSIONS
from assetline_cli.drops.local_files import NOT_MEDIA


def test_what_vi_takes_is_never_skipped() -> None:
    assert {extension for extension in EXTENSIONS if extension in NOT_MEDIA} == set()
