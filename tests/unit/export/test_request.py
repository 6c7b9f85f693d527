from typing import Any

import pytest

from assetline.errors import InvalidInput, UnknownFeed
from assetline.execution_input import parse
from assetline.export.request import ExportRequest, ResumeRequest, called_after, parsed_request
from assetline.safetyculture.catalogue import feed_named


def test_only_the_feed_is_required() -> None:
    request = parse(ExportRequest, {"feed": "assets"})
    assert (request.format, request.params, request.page_size, request.max_turn_seconds) == ("csv", {}, None, None)


def test_null_means_the_same_as_left_out() -> None:
    assert parse(ExportRequest, {"feed": "assets", "page_size": None, "max_turn_seconds": None}) == parse(
        ExportRequest, {"feed": "assets"}
    )


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({}, "'feed' is missing"),
        ({"feed": "assets", "fromat": "csv"}, "'fromat' is not an allowed key"),
        ({"feed": "assets", "format": "xml"}, "'format'"),
        ({"feed": "assets", "page_size": 0}, "'page_size'"),
        ({"feed": "assets", "page_size": "100"}, "'page_size'"),
        ({"feed": "assets", "page_size": 1.5}, "'page_size'"),
        ({"feed": "assets", "max_turn_seconds": -1}, "'max_turn_seconds'"),
        ({"feed": "assets", "params": [1]}, "'params'"),
        ({"feed": "assets", "since": "yesterday"}, "'since'"),
        ({"feed": "assets", "since": "last", "changes": True}, "cannot be combined with `since`"),
        ({"feed": "assets", "format": "jsonl", "neutralise_formulas": True}, "`neutralise_formulas` is for `csv`"),
        ({"feed": "assets", "format": "jsonl.gz", "neutralise_formulas": True}, "`neutralise_formulas` is for `csv`"),
        ([], "not a JSON object"),
        (None, "not a JSON object"),
        ("assets", "not a JSON object"),
    ],
)
def test_a_wrong_key_is_named_with_the_valid_keys(raw: Any, named: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(ExportRequest, raw)
    assert named in str(refusal.value)
    assert "feed, params, format, page_size, max_turn_seconds, since" in str(refusal.value)


@pytest.mark.parametrize("of", [{"feed": "assets"}, {"source": "vi", "dataset_id": "ds1"}])
@pytest.mark.parametrize("format_", ["csv", "csv.gz"])
def test_formulas_are_neutralised_where_a_spreadsheet_would_run_them(of: dict[str, Any], format_: str) -> None:
    requested = of | {"format": format_, "neutralise_formulas": True}
    assert parsed_request(requested).neutralise_formulas
    with pytest.raises(InvalidInput, match="`neutralise_formulas` is for"):
        parsed_request(requested | {"format": format_.replace("csv", "jsonl")})


def test_a_refusal_does_not_repeat_what_was_in_the_input() -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(ExportRequest, {"feed": "assets", "format": "scapi_oops"})
    assert "scapi_oops" not in str(refusal.value)


def test_the_error_of_an_unknown_feed_lists_all_feeds() -> None:
    with pytest.raises(UnknownFeed, match="assets"):
        feed_named("asset")


def test_the_first_page_is_asked_for_at_the_size_of_the_input() -> None:
    assert feed_named("assets").first_cursor({}, None) == "/feed/assets?limit=1000"
    assert feed_named("assets").first_cursor({}, 25) == "/feed/assets?limit=25"


def test_a_parameter_the_feed_does_not_take_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'modified_after'"):
        feed_named("assets").first_cursor({"modified_after": "2026-01-01"}, None)


def test_parameters_are_spelled_as_a_query_spells_them() -> None:
    request = parse(ExportRequest, {"feed": "assets", "params": {"archived": True, "template": ["a", 1]}})
    assert request.wire_params() == {"archived": "true", "template": ["a", "1"]}


def test_a_resume_takes_the_export_and_how_long_its_turns_are() -> None:
    assert parse(ResumeRequest, {"resume": "assets_1", "max_turn_seconds": 5}).resume == "assets_1"
    with pytest.raises(InvalidInput, match="'feed' is not an allowed key"):
        parse(ResumeRequest, {"resume": "assets_1", "feed": "assets"})


@pytest.mark.parametrize(("raw", "requested"), [({"resume": "x"}, True), ({"feed": "assets"}, False), ([], False)])
def test_an_input_with_resume_asks_for_one(raw: Any, requested: bool) -> None:
    assert ResumeRequest.is_requested(raw) is requested


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"feed": "users", "a_key_of_tomorrow": 1}, "users"),
        ({"source": "vi", "dataset_id": "ds1", "a_key_of_tomorrow": 1}, "vi-ds1"),
        ({"source": "vi"}, None),
        ({"source": "vi", "dataset_id": 7}, None),
        ({"resume": "users_20261121_003012"}, None),
        (["users"], None),
        (None, None),
    ],
)
def test_the_name_of_an_export_is_read_from_any_input(raw: Any, name: str | None) -> None:
    assert called_after(raw) == name
