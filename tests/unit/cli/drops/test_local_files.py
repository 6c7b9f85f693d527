from assetline.vi.media_types import EXTENSIONS
from assetline_cli.drops.local_files import NOT_MEDIA


def test_types_that_vi_accepts_are_never_skipped() -> None:
    assert {extension for extension in EXTENSIONS if extension in NOT_MEDIA} == set()
