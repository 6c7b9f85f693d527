from assetline.export.sealed_parts import part_bytes
from assetline.export.write_pages import KEEPING_SECONDS, turn_seconds
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
