"""Metrics in the log: CloudWatch keys a metric by all its dimensions, so each must have exactly those of the alarms."""

import json

import pytest

from assetline.observability import count
from tests.contract.metrics import OF_A_FEED, OF_ALL_FEEDS


@pytest.mark.parametrize(("feed", "dimensions"), [(None, OF_ALL_FEEDS), ("assets", OF_A_FEED)])
def test_a_metric_has_its_dimensions_whatever_was_counted_before(
    feed: str | None,
    dimensions: frozenset[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STACK_NAME", "assetline-dev")
    count("users", RowsExported=1)
    count(None, DropsRejected=1)
    count(feed, RowsExported=7)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    (declared,) = last["_aws"]["CloudWatchMetrics"]
    assert declared["Namespace"] == "Assetline"
    assert [frozenset(names) for names in declared["Dimensions"]] == [dimensions]
    assert (last["stack"], last["service"], last.get("feed")) == ("assetline-dev", "assetline", feed)
    assert last["RowsExported"] == [7.0]
