"""The operator's request, in the form for the machine and Step Functions."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from assetline.execution_input import parse
from assetline.export.plan_exports import ALL
from assetline.export.plan_exports import FeedsRequest as MachineFeeds
from assetline.export.request import ExportRequest as MachineInput
from assetline.export.request import ResumeRequest as MachineResume
from assetline_cli.errors import CommandFailed
from assetline_cli.exports.request import ExportArguments, FeedsArguments, ResumeArguments, parse_params

AT = datetime(2026, 11, 21, 0, 30, 12, tzinfo=UTC)


def test_omitted_options_are_left_to_the_machine() -> None:
    assert ExportArguments("assets", params={}).input() == '{"feed": "assets"}'


def test_the_machine_takes_everything_the_operator_can_ask_for() -> None:
    params: dict[str, str | list[str]] = {"site": ["a", "b"], "archived": "both"}
    requested = ExportArguments("assets", params, "csv.gz", 50, 2.5, neutralise_formulas=True, changes=True, excel=True)
    taken = parse(MachineInput, json.loads(requested.input()))
    assert taken.model_dump() == {
        "feed": "assets",
        "params": {"site": ["a", "b"], "archived": "both"},
        "format": "csv.gz",
        "page_size": 50,
        "max_turn_seconds": 2.5,
        "since": None,
        "overlap_minutes": 10,
        "neutralise_formulas": True,
        "excel": True,
        "changes": True,
    }
    assert parse(MachineInput, json.loads(ExportArguments("assets", since="last").input())).since == "last"
    overlapping = ExportArguments("assets", since="last", overlap_minutes=30.0)
    assert parse(MachineInput, json.loads(overlapping.input())).overlap_minutes == 30


def test_the_machine_takes_what_is_resumed() -> None:
    requested = ResumeArguments("assets_20261121_003012", 2.5)
    taken = parse(MachineResume, json.loads(requested.input()))
    assert taken.model_dump() == {"resume": "assets_20261121_003012", "max_turn_seconds": 2.5}
    assert requested.execution_name(AT, "1a2b") == "assets_20261121_003012-20261121-003012-1a2b"


def test_the_machine_takes_several_feeds_with_what_goes_for_all() -> None:
    requested = FeedsArguments(("assets", "users"), "csv.gz", 2.5, neutralise_formulas=True, changes=True)
    taken = parse(MachineFeeds, json.loads(requested.input())).model_dump(exclude_defaults=True)
    assert taken == {
        "feeds": ["assets", "users"],
        "format": "csv.gz",
        "max_turn_seconds": 2.5,
        "neutralise_formulas": True,
        "changes": True,
    }
    assert requested.execution_name(AT, "1a2b") == "feeds-20261121-003012-1a2b"


def test_all_is_a_word_and_no_feed() -> None:
    taken = parse(MachineFeeds, json.loads(FeedsArguments(("all",), since="last").input()))
    assert (taken.feeds, taken.since) == (ALL, "last")


def test_an_execution_is_named_by_feed_and_time_in_utc() -> None:
    sydney = AT.astimezone(timezone(timedelta(hours=11)))
    assert ExportArguments("assets").execution_name(sydney, "1a2b") == "assets-20261121-003012-1a2b"


@pytest.mark.parametrize("feed", ["a" * 200, "äpfel & birnen", "a/b:c"])
def test_a_feed_of_any_name_gives_a_name_step_functions_takes(feed: str) -> None:
    name = ExportArguments(feed).execution_name(AT, "1a2b")
    assert len(name) <= 80
    assert name.isascii()
    assert not set(name) & set(' <>{}[]?*"#%\\^|~`$&,;:/')


@pytest.mark.parametrize(
    ("given", "params"),
    [
        ([], {}),
        (["archived=both"], {"archived": "both"}),
        (["filter=a=b"], {"filter": "a=b"}),
        (["empty="], {"empty": ""}),
        (["site=a", "site=b", "site=c"], {"site": ["a", "b", "c"]}),
    ],
)
def test_params_are_names_and_values(given: list[str], params: dict[str, object]) -> None:
    assert parse_params(given) == params


@pytest.mark.parametrize("given", ["archived", "=both", ""])
def test_anything_else_is_named(given: str) -> None:
    with pytest.raises(CommandFailed, match=repr(given)):
        parse_params(["archived=both", given])
