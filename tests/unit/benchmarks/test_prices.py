import pytest

from assetline.export.sealed_parts import part_bytes
from assetline.export.write_pages import KEEPING_SECONDS, turn_seconds
from assetline.ingest.upload_assets import THREADS
from benchmarks import prices
from benchmarks.prices import FUNCTION_GB, PART_BYTES, TURN_SECONDS, events, million
from tests.contract.template import resources, template


def test_a_million_assets_take_few_turns_events_and_cents() -> None:
    assert million(500).turns == 6
    assert events(beside=14, a_turn=7) == 56
    assert 0.02 < sum(million(500).usd().values()) < 0.2


def test_the_assumptions_of_the_prices_are_those_of_the_template() -> None:
    common = template()["Globals"]["Function"]
    function = resources("AWS::Serverless::Function")["WritePagesFunction"]
    assert turn_seconds(None, function["Timeout"]) == TURN_SECONDS
    assert function.get("MemorySize", common["MemorySize"]) / 1024 == FUNCTION_GB
    assert part_bytes(1) == PART_BYTES
    assert KEEPING_SECONDS == prices.KEEPING_SECONDS
    assert prices.UPLOADED_AT_ONCE == THREADS


def test_every_price_has_a_source() -> None:
    priced = {*prices.idle_month(), *prices.million_images(), *million(1).usd(), "internet"}
    assert priced == {*prices.SOURCES}


def test_the_puts_and_the_transfer_of_images_are_separate_sums() -> None:
    assert prices.beside_a_million_images() == pytest.approx({"puts": 5.0, "internet": 45.0})
    assert not prices.beside_a_million_images().keys() & prices.million_images().keys()
