from typing import Any

import pytest

from benchmarks import cost_page, prices
from tests.contract.metrics import emitted
from tests.contract.template import resources


def test_the_page_is_current() -> None:
    assert cost_page.PAGE.read_text() == cost_page.page(), "run `.venv/bin/python -m benchmarks --cost`"


def test_the_readme_is_current() -> None:
    text = cost_page.README.read_text()
    assert cost_page.with_sentence(text) == text
    assert cost_page.sentence() in text


def metrics_of(alarm: dict[str, Any]) -> int:
    """Return the metrics that CloudWatch bills for an alarm: each of an expression, or one."""
    return sum("MetricStat" in metric for metric in alarm.get("Metrics", [])) or 1


def test_the_counts_of_an_idle_month_are_those_of_the_template() -> None:
    alarms = resources("AWS::CloudWatch::Alarm").values()
    assert sum(map(metrics_of, alarms)) == prices.ALARM_METRICS
    assert len(resources("AWS::SecretsManager::Secret")) == prices.SECRETS
    assert len(resources("AWS::CloudWatch::Dashboard")) == 1
    assert "OldestDropAge" in {name for name, _ in emitted()}
    functions = resources("AWS::Serverless::Function").values()
    events = [event for function in functions for event in function.get("Events", {}).values()]
    rates = [event["Properties"]["ScheduleExpression"] for event in events if event["Type"] == "ScheduleV2"]
    assert sorted(rates) == ["rate(15 minutes)", "rate(5 minutes)"]


@pytest.mark.parametrize(
    ("function", "gigabytes"), [("RecordDropFunction", prices.RECORD_GB), ("UploadAssetsFunction", prices.UPLOAD_GB)]
)
def test_the_memory_of_the_functions_is_that_of_the_template(function: str, gigabytes: float) -> None:
    assert resources("AWS::Serverless::Function")[function]["MemorySize"] / 1024 == gigabytes


def test_the_batches_of_drops_are_those_of_the_template() -> None:
    drops = resources("AWS::Lambda::EventSourceMapping")["RecordDropFunctionDrops"]
    assert drops["BatchSize"] == prices.DROPS_A_BATCH
