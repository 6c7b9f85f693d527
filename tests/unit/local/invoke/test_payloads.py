"""The names of functions and payloads, and the chains of payloads."""

import json
from pathlib import Path

import pytest

from local.invoke.errors import InvocationRefused
from local.invoke.payloads import chains, payloads, requested, steps


def test_a_payload_is_found_by_function_and_name() -> None:
    assert requested("open_export", "assets").key == "open_export/assets"


def test_the_only_payload_of_a_function_needs_no_name() -> None:
    assert requested("sweep_drops", "").key == "sweep_drops/every_five_minutes"


@pytest.mark.parametrize(
    ("function", "event", "message"),
    [
        (
            "open_exprt",
            "assets",
            r"Unknown function 'open_exprt'. Did you mean F=open_export\? Choose F from: close_del",
        ),
        ("", "", "^No function is named. Choose F from: close_deletion, "),
        ("open_export", "asset", r"Unknown payload of open_export 'asset'. Did you mean E=assets\? Choose E from: "),
        ("close_deletion", "", "^No payload of close_deletion is named. Choose E from: broken, finished.$"),
    ],
)
def test_an_unknown_name_lists_those_that_exist(function: str, event: str, message: str) -> None:
    with pytest.raises(InvocationRefused, match=message):
        requested(function, event)


def test_a_file_is_a_payload_without_earlier_runs(tmp_path: Path) -> None:
    file = tmp_path / "put.json"
    file.write_text(json.dumps({"Records": []}))
    payload = requested("record_drop", str(file))
    assert payload.read() == {"Records": []}
    assert steps(payload) == [payload]


@pytest.mark.parametrize("content", [None, "{"])
def test_a_file_that_is_absent_or_no_json_is_refused(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "put.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvocationRefused, match=r"cannot read the payload .*put\.json: "):
        requested("record_drop", str(file)).read()


def test_the_runs_of_a_payload_end_with_it() -> None:
    keys = [step.key for step in steps(payloads()["close_export/finished"])]
    assert keys == ["open_export/assets", "write_pages/first_turn", "close_export/finished"]


def test_a_payload_that_a_longer_chain_runs_has_no_chain() -> None:
    last = [payload.key for payload in chains()]
    assert "write_changes/since_yesterday" in last
    assert "close_export/finished" not in last
