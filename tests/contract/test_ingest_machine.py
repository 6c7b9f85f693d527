"""The parts of an ingestion that only the machines have: the time for Vi's outages, the ends of sessions and loops."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from assetline.ingest.gathering import INDEX_SECONDS, MOST_LOOKS, GatheredDrops, Gathering
from assetline.ingest.open_session import OpenSessionResult
from assetline.ingest.outcomes import Ended
from assetline.ingest.poll_session import PollSessionResult
from assetline.ingest.settle_session import Settling
from tests.contract.template import MACHINES, ROOT, machine, template

INGEST = ROOT / "statemachines/ingest_drops.asl.json"
STATES: dict[str, dict[str, Any]] = machine(INGEST)["States"]
AWAY = {"ViUnavailable", "ViUnreachable", "RateLimited"}  # what passes when Vi is there again
AN_HOUR = 3600
MOST_EVENTS = 25_000  # Step Functions: of an execution's history
COUNTED = re.compile(r"\$([\w.]+) >= \d+")

while_a_session_is_open = pytest.mark.parametrize("name", ["Upload Slices", "Poll Session"])


def tasks(states: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {name: state for name, state in states.items() if state["Type"] == "Task"}
    for state in states.values():
        if state["Type"] == "Map":
            found |= tasks(state["ItemProcessor"]["States"])
    return found


def longest_wait(rule: dict[str, Any]) -> float:
    """Return the seconds that the waits of a rule add up to, if none is cut short by jitter."""
    waits = [float(rule["IntervalSeconds"] * rule["BackoffRate"] ** turn) for turn in range(rule["MaxAttempts"])]
    return sum(min(wait, float(rule.get("MaxDelaySeconds", wait))) for wait in waits)


def ways_not_counted(state: dict[str, Any]) -> set[str]:
    """Return where a state may lead however often it was passed: a choice after one that counts is not taken for ever.

    The choice that counts is one of them: it leads out.
    """
    ways = {edge["Next"] for edge in [state, *state.get("Catch", [])] if "Next" in edge}
    for choice in state.get("Choices", []):
        ways.add(choice["Next"])
        if COUNTED.search(choice["Condition"]):
            return ways
    return ways | ({state["Default"]} if "Default" in state else set())


def loops(states: dict[str, dict[str, Any]]) -> set[str]:
    """Return the states that may be passed for ever."""
    left = {name: ways_not_counted(state) for name, state in states.items()}
    while ends := {name for name, ways in left.items() if not ways & set(left)}:
        left = {name: ways for name, ways in left.items() if name not in ends}
    return set(left)


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_every_loop_is_left_after_so_many_turns(path: Path) -> None:
    states = machine(path)["States"]
    assert loops(states) == set()
    text = path.read_text()
    for counter in COUNTED.findall(text):
        if "." in counter:
            continue  # its function counts
        assert f'"{counter}": "{{% ${counter} + 1 %}}"' in text, "it counts"


def test_vi_may_be_away_for_an_hour_before_anything_is_given_up() -> None:
    asking = {name: task for name, task in tasks(STATES).items() if name != "Hand Over"}
    assert {*asking} == {"Open Session", "Upload Assets", "Poll Session", "Settle Session"}
    for name, task in asking.items():
        (rule,) = (rule for rule in task["Retry"] if set(rule["ErrorEquals"]) >= AWAY)
        assert longest_wait(rule) / 2 > AN_HOUR, name  # full jitter halves it


def test_a_session_whose_answer_was_lost_is_looked_for_by_the_next_try() -> None:
    assert [rule for rule in STATES["Open Session"]["Retry"] if "AnswerLost" in rule["ErrorEquals"]]


@while_a_session_is_open
def test_a_session_is_settled_whatever_breaks_its_run(name: str) -> None:
    (caught,) = STATES[name]["Catch"]
    assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "Settle Session")
    assert caught["Assign"]["progress"] == "broken"
    assert "$states.errorOutput.Error" in caught["Assign"]["error"]


def test_a_settling_gets_the_end_and_the_error_of_its_run() -> None:
    payload = STATES["Settle Session"]["Arguments"]["Payload"]
    assert payload == {name: f"{{% ${name} %}}" for name in Settling.model_fields}


def test_a_run_that_broke_fails_when_its_session_is_settled() -> None:
    first = STATES["Run Goes On?"]["Choices"][0]
    assert (first["Condition"], first["Next"]) == ("{% $error != null %}", "Ingestion Failed")


def test_every_outcome_of_an_opening_has_a_next_state() -> None:
    choice = STATES["Session Opened?"]
    named = {word: edge["Next"] for edge in choice["Choices"] for word in re.findall(r"'(\w+)'", edge["Condition"])}
    values = {*get_args(OpenSessionResult.model_fields["outcome"].annotation)}
    ends = {"no_drops": "Report Run", "owned": "Report Run"}
    assert named == {"opened": "Upload Slices", "gathering": "Wait For Drops"} | ends
    assert values - named.keys() == {"permit_wait", "look_again"}  # those wait
    assert choice["Default"] == "Wait For Permit"
    for wait in ("Wait For Drops", "Wait For Permit"):
        assert (STATES[wait]["Seconds"], STATES[wait]["Next"]) == ("{% $opened.wait_seconds %}", "Open Session")


@pytest.mark.parametrize("quiet_seconds", [1, 60, 3600])
def test_gathering_at_any_parameters_leaves_turns_for_its_session(quiet_seconds: int) -> None:
    longest = int(template()["Parameters"]["LongestGatherSeconds"]["MaxValue"])
    turns = max(int(number) for number in re.findall(r"\$turns >= (\d+)", INGEST.read_text()))
    began = datetime(2026, 11, 29, tzinfo=UTC)
    now, looks, nearly_quiet = began, 0, timedelta(seconds=quiet_seconds + INDEX_SECONDS - 0.001)
    while left := Gathering(quiet_seconds, longest).seconds_left(GatheredDrops(began, now - nearly_quiet), now):
        now, looks = now + timedelta(seconds=left), looks + 1
    assert now == began + timedelta(seconds=longest)
    assert looks <= MOST_LOOKS < turns


def test_a_run_hands_over_while_its_history_has_room_for_retries() -> None:
    # The turns of a session that is finished at the first poll write most events: 5 a task, 6 the map, 2 a choice.
    turns_a_session, events_a_session = 2, 3 * 5 + 6 + 5 * 2
    (turns,) = {int(number) for number in re.findall(r"\$turns >= (\d+)", INGEST.read_text())}
    assert turns // turns_a_session * events_a_session <= MOST_EVENTS * 2 // 3
    for name in ("Session Opened?", "Run Goes On?"):
        (edge,) = [edge for edge in STATES[name]["Choices"] if "$turns" in edge["Condition"]]
        assert edge["Next"] == "Hand Over"


def test_however_a_session_ends_it_is_settled() -> None:
    over, too_often = STATES["Session Over?"]["Choices"]
    values = set(re.findall(r"'(\w+)'", over["Condition"]))
    assert values == {*get_args(PollSessionResult.model_fields["progress"].annotation)} - {"running"}
    assert over["Condition"].startswith("{% $progress in [")
    assert too_often["Assign"] == {"progress": "overdue"}
    assert over["Next"] == too_often["Next"] == "Settle Session"
    assert values | {"broken"} <= {*get_args(Ended.__value__)}
