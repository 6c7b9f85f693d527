"""The schedules of retries: what the documents promise, simulated over the pauses as they are drawn."""

import json
import math
from random import Random
from typing import Any

import pytest

from assetline.paging.reader import MAX_FAULTS, MAX_PAUSE_IN_TURN, backoff
from tests.contract.template import MACHINES, ROOT

RUNS = 4_000
HOLDS_IN = 0.999
QUARTER_OF_AN_HOUR = 15 * 60
OPERATIONS = (ROOT / "docs/operations.md").read_text()

# The documented duration for an error, and the same in seconds.
PROMISES = {
    "AwsUnavailable": ("for 15 minutes", QUARTER_OF_AN_HOUR),
    "Lambda.ServiceException": ("for 15 minutes", QUARTER_OF_AN_HOUR),
    "Lambda.TooManyRequestsException": ("for eight minutes", 8 * 60),
    "ViUnavailable": ("for more than an hour", 60 * 60),
    "FeedUnavailable": ("for at least 15 minutes", QUARTER_OF_AN_HOUR),
    "RateLimited": ("for at least 15 minutes", QUARTER_OF_AN_HOUR),
}
OPENING = {"ViUnavailable": QUARTER_OF_AN_HOUR}  # an export of a dataset has nothing to lose before its first page


def rules(states: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the retry rules of a machine's states, also of those inside its maps, each with its state's name."""
    found = []
    for name, state in states.items():
        found += [(name, rule) for rule in state.get("Retry", [])]
        found += rules(state.get("ItemProcessor", {}).get("States", {}))
    return found


def drawn_seconds(rule: dict[str, Any], random: Random) -> float:
    """Return the pauses of one failing execution, as Step Functions draws them: full jitter is anything up to all."""
    total = 0.0
    for attempt in range(rule["MaxAttempts"]):
        longest = min(rule["IntervalSeconds"] * rule["BackoffRate"] ** attempt, rule.get("MaxDelaySeconds", math.inf))
        total += random.uniform(0, longest) if rule.get("JitterStrategy") == "FULL" else longest
    return total


def simulated(seed: str = "pages") -> Random:
    return Random(seed)  # noqa: S311 - a simulation that can be repeated


def share_that_lasts(seconds: float, rule: dict[str, Any]) -> float:
    random = simulated(json.dumps(rule))
    return sum(drawn_seconds(rule, random) >= seconds for _ in range(RUNS)) / RUNS


PROMISED = [
    pytest.param(state, rule, error, id=f"{path.name.partition('.')[0]}-{state}-{error}".replace(" ", ""))
    for path in MACHINES
    for state, rule in rules(json.loads(path.read_text())["States"])
    for error in rule["ErrorEquals"]
    if error in PROMISES and (error != "RateLimited" or state == "Open Export")
]


@pytest.mark.parametrize(("state", "rule", "error"), PROMISED)
def test_a_state_waits_as_long_as_the_documents_promise(state: str, rule: dict[str, Any], error: str) -> None:
    _, seconds = PROMISES[error]
    if state == "Open Export":
        seconds = OPENING.get(error, seconds)
    assert share_that_lasts(seconds, rule) >= HOLDS_IN


def page_seconds(random: Random, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return how long a page that fails without a header is waited for, until its last attempt."""
    monkeypatch.setattr("assetline.paging.reader.random.uniform", random.uniform)
    pauses = [backoff(faults) for faults in range(1, MAX_FAULTS)]
    return sum(math.ceil(pause) if pause > MAX_PAUSE_IN_TURN else pause for pause in pauses)


def test_a_page_is_waited_for_as_long_as_the_documents_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    random = simulated()
    lasting = [page_seconds(random, monkeypatch) for _ in range(RUNS)]
    assert sum(seconds >= QUARTER_OF_AN_HOUR for seconds in lasting) >= HOLDS_IN * RUNS
    assert max(lasting) < 2 * QUARTER_OF_AN_HOUR


def test_exports_that_fail_together_do_not_ask_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    random = simulated()
    lasting = sorted(page_seconds(random, monkeypatch) for _ in range(RUNS))
    assert lasting[RUNS * 9 // 10] - lasting[RUNS // 10] > 60


@pytest.mark.parametrize(("error", "promise"), [(error, message) for error, (message, _) in PROMISES.items()])
def test_the_promise_is_in_the_documents(error: str, promise: str) -> None:
    (row,) = [line for line in OPERATIONS.splitlines() if line.startswith("| ") and f"`{error}`" in line.split("|")[1]]
    assert promise in row
