from assetline.export.write_pages import CLOSING_SECONDS, turn_seconds


def test_a_turn_lasts_as_long_as_the_invocation_allows() -> None:
    assert turn_seconds(None, remaining=900) == 900 - CLOSING_SECONDS


def test_a_turn_lasts_no_longer_than_asked() -> None:
    assert turn_seconds(0.5, remaining=900) == 0.5


def test_no_turn_is_so_long_that_its_invocation_is_killed() -> None:
    assert turn_seconds(900, remaining=900) == 900 - CLOSING_SECONDS
    assert turn_seconds(None, remaining=10) == 0
