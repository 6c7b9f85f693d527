from assetline.ingest.drop import drop_id, shard_of


def test_a_drop_is_named_by_its_object_and_version() -> None:
    assert len({drop_id("b", "k", "1"), drop_id("b", "k", "2"), drop_id("b", "k1", ""), drop_id("b", "k", "11")}) == 4
    assert {shard_of(drop_id("b", f"k{number}", "1")) for number in range(400)} == set(range(16))
