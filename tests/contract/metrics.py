"""Metrics: those that the code emits, and those that the template's alarms and its dashboard name."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.template import ROOT, resources

# The dimension and the metrics of AWS's own that we look at, as AWS documents them.
EMITTED_BY_AWS = {
    "AWS/States": (
        "StateMachineArn",
        {"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"},
    ),
    "AWS/SQS": (
        "QueueName",
        {"NumberOfMessagesSent", "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    ),
    "AWS/Lambda": ("FunctionName", {"Errors", "Throttles", "Duration"}),
}
# The dimensions that `count` gives a metric, as a test of it shows.
OF_ALL_FEEDS = frozenset({"service", "stack"})
OF_A_FEED = OF_ALL_FEEDS | {"feed"}
_SEARCH = re.compile(
    r"""SEARCH\('\{(?P<schema>[\w,]+)\} MetricName="(?P<name>\w+)" stack="(?P<stack>[^"]+)"', '\w+', \d+\)"""
)


@dataclass(frozen=True)
class Metric:
    """A metric that is named somewhere: the resource its first dimension names, and the stack, where it has one."""

    namespace: str
    name: str
    dimensions: frozenset[str]
    of: str = ""
    stack: str = ""


def emitted() -> set[tuple[str, frozenset[str]]]:
    """Return the names of the metrics that the layer emits, each with its dimensions."""
    found = set()
    for source in (ROOT / "layers/assetline/assetline").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="count"), args=[feed], keywords=counts):
                    of_all = isinstance(feed, ast.Constant) and feed.value is None
                    dimensions = OF_ALL_FEEDS if of_all else OF_A_FEED
                    found |= {(count.arg, dimensions) for count in counts if count.arg}
                case ast.Call(func=ast.Name(id="measure_seconds"), keywords=durations):
                    found |= {(duration.arg, OF_ALL_FEEDS) for duration in durations if duration.arg}
    return found


def metrics_of_alarms() -> Iterator[Metric]:
    """Yield the metrics that alarms look at."""
    for alarm in resources("AWS::CloudWatch::Alarm").values():
        stats = [item["MetricStat"]["Metric"] for item in alarm.get("Metrics", []) if "MetricStat" in item]
        for metric in stats or [alarm]:
            dimensions = {item["Name"]: item["Value"] for item in metric["Dimensions"]}
            of, stack = _named(next(iter(dimensions.values()))), _named(dimensions.get("stack", ""))
            yield Metric(metric["Namespace"], metric["MetricName"], frozenset(dimensions), of, stack)


def metrics_of_the_dashboard() -> Iterator[Metric]:
    """Yield the metrics that the dashboard shows."""
    for widget in widgets():
        above: list[str] = []
        for metric in widget.get("metrics", []):
            match metric:
                case [{"expression": expression}]:
                    search = _SEARCH.fullmatch(expression)
                    assert search, f"not a search that this test can read: {expression}"
                    namespace, *dimensions = search["schema"].split(",")
                    yield Metric(namespace, search["name"], frozenset(dimensions), stack=search["stack"].strip("${}"))
                case _:
                    above = _in_full([part for part in metric if isinstance(part, str)], above)
                    namespace, name, *pairs = above
                    values = dict(zip(pairs[::2], pairs[1::2], strict=True))
                    of, stack = pairs[1].strip("${}"), values.get("stack", "").strip("${}")
                    yield Metric(namespace, name, frozenset(values), of, stack)


def widgets() -> list[dict[str, Any]]:
    """Return what each widget of the dashboard shows."""
    (dashboard,) = resources("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    return [widget["properties"] for widget in body["widgets"]]


def _in_full(parts: list[str], above: list[str]) -> list[str]:
    """Write out CloudWatch's shorthand: "." is what stands above, "..." all that stands above as far as it goes."""
    if parts[0] == "...":
        return above[: len(above) - len(parts) + 1] + parts[1:]
    return [above[place] if part == "." else part for place, part in enumerate(parts)]


def _named(value: Any) -> str:
    """Return the resource that a dimension's value is an attribute of."""
    match value:
        case {"Ref": name}:
            return str(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{name}.{attribute}"
    return str(value)
