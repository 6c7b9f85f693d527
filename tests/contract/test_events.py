"""The payloads of events/: each is in the table of its README, and each declaration leads somewhere."""

import json
import re

import pytest

from local.invoke.chain_run import at
from local.invoke.payloads import EVENTS, RUNS, Payload, chains, functions, payloads, steps

ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| (.+) \| (.+) \|$", re.MULTILINE)
NEEDS = {"objects", "dataset", "quiet", "assets", "old_assets"}


def rows() -> dict[str, tuple[str, str]]:
    """Return the last two columns of the table, by payload."""
    found = ROW.findall((EVENTS / "README.md").read_text())
    assert len({(function, name) for function, name, *_ in found}) == len(found)
    return {f"{function}/{name}": (shows, after) for function, name, shows, after in found}


def test_every_payload_has_a_row() -> None:
    assert rows().keys() == payloads().keys()


@pytest.mark.parametrize("payload", payloads().values(), ids=lambda payload: payload.key)
def test_a_row_names_the_runs_before_and_the_error(payload: Payload) -> None:
    shows, after = rows()[payload.key]
    assert after == (", ".join(f"`{key}`" for key in payload.after) or "none")
    assert re.findall(r"fails with `(\w+)`", shows) == ([payload.fails] if payload.fails else [])


def test_every_function_has_a_payload() -> None:
    assert {payload.function for payload in payloads().values()} == {*functions()}


def test_every_declaration_is_of_a_payload() -> None:
    assert json.loads(RUNS.read_text()).keys() <= payloads().keys()


@pytest.mark.parametrize("payload", payloads().values(), ids=lambda payload: payload.key)
def test_a_declaration_names_payloads_and_places_that_exist(payload: Payload) -> None:
    assert {*payload.after} <= payloads().keys()
    assert {*payload.needs} <= NEEDS
    earlier = {step.function for step in steps(payload)[:-1]}
    for path, source in payload.take.items():
        at(payload.read(), path)
        assert source.partition(":")[0] in earlier


def test_the_chains_run_every_payload() -> None:
    assert {step.key for payload in chains() for step in steps(payload)} == payloads().keys()
