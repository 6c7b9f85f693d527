from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

from assetline.export.export_names import export_ids, feed_of, manifest_key, object_key, partial_key


def test_an_export_is_named_by_its_feed_and_the_second_it_started_in_utc() -> None:
    half_past_one_in_adelaide = datetime(2026, 11, 21, 1, 30, 12, 900_000, timezone(timedelta(hours=10.5)))
    assert next(export_ids("assets", half_past_one_in_adelaide)) == "assets_20261120_150012"


def test_exports_of_the_same_second_take_numbers() -> None:
    ids = export_ids("assets", datetime(2026, 11, 21, tzinfo=UTC))
    assert list(islice(ids, 3)) == ["assets_20261121_000000", "assets_20261121_000000_2", "assets_20261121_000000_3"]


def test_file_and_manifest_lie_side_by_side() -> None:
    assert object_key("assets", "assets_1", "csv") == "exports/assets/assets_1.csv"
    assert manifest_key("assets", "assets_1") == "exports/assets/assets_1.manifest.json"


def test_a_salvaged_file_has_a_name_that_does_not_look_complete() -> None:
    assert partial_key("assets", "assets_1", "csv.gz") == "exports/assets/assets_1.partial.csv.gz"


def test_an_id_contains_its_feed() -> None:
    assert feed_of("group_users_20261121_030000_2") == "group_users"
    assert feed_of("latest#assets") is None
