import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.emulators.safetyculture.assets import (
    DISPLAY_NAME_FIELD_ID,
    ODD_TEXTS,
    asset,
    assets,
    field_definitions,
    fields,
    pipe_encoded,
    statuses,
)

LIVE_ORDER = [
    "id",
    "code",
    "type_id",
    "type_name",
    "fields",
    "created_at",
    "modified_at",
    "site_id",
    "state",
    "status_options",
]
SOON = range(200)  # a reader meets every kind of value in its first few pages

any_index = st.integers(min_value=0, max_value=5_000_000)
any_seed = st.integers(min_value=0, max_value=2**31)


def as_the_contract_has_it(items: list[dict[str, Any]]) -> str:
    return json.dumps(items, separators=("|", ":"), ensure_ascii=False)[1:-1]


def values_of(kind: str, seed: int = 0) -> list[Any]:
    ids = {found["id"] for found in field_definitions(seed) if found["value_type"] == f"FIELD_VALUE_TYPE_{kind}"}
    return [item["value"] for index in SOON for item in fields(index, seed) if item["field_id"] in ids]


@given(index=any_index, seed=any_seed)
def test_a_row_is_a_function_of_its_index_and_seed(index: int, seed: int) -> None:
    assert asset(index, seed) == asset(index, seed)
    assert asset(index, seed)["id"] != asset(index + 1, seed)["id"]
    assert asset(index, seed)["id"] != asset(index, seed + 1)["id"]


@given(index=any_index, seed=any_seed)
def test_a_row_has_the_live_keys_in_the_live_order_and_is_json(index: int, seed: int) -> None:
    row = asset(index, seed)
    assert list(row) == LIVE_ORDER
    assert json.loads(json.dumps(row)) == row


@given(index=any_index, seed=any_seed)
def test_fields_and_status_options_are_json_with_pipes_between_the_items(index: int, seed: int) -> None:
    row = asset(index, seed)
    assert row["fields"] == as_the_contract_has_it(fields(index, seed))
    assert row["status_options"] == as_the_contract_has_it(list(statuses(index, seed)))


def test_the_rows_of_a_machine_are_those_of_every_other() -> None:
    assert asset(0)["id"] == "b37d7f39-a63b-45f8-a647-4ab1459aaf92"


def test_iteration_and_random_access_agree() -> None:
    assert list(assets(300, seed=7)) == [asset(index, seed=7) for index in range(300)]


def test_ids_and_codes_are_unique() -> None:
    rows = list(assets(5_000))
    assert len({row["id"] for row in rows}) == len({row["code"] for row in rows}) == 5_000


def test_times_have_milliseconds_and_changes_follow_creation() -> None:
    rows = list(assets(200))
    assert all(
        len(row[when]) == len("2022-11-29T23:32:15.700Z") for row in rows for when in ("created_at", "modified_at")
    )
    assert all(row["created_at"][:19] <= row["modified_at"][:19] for row in rows)


@settings(max_examples=20)
@given(seed=any_seed)
def test_every_odd_text_turns_up_soon(seed: int) -> None:
    assert set(ODD_TEXTS) <= {value for value in values_of("STRING", seed) if value is not None}


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_every_shape_of_a_value_turns_up_soon(seed: int) -> None:
    money = [value for value in values_of("MONEY", seed) if value]
    times = [value for value in values_of("TIMESTAMP", seed) if value]
    assert {tuple(value) for value in money} == {("currencyCode", "units", "nanos")}
    assert {tuple(value) for value in times} == {("seconds", "nanos")}
    assert any(value["units"] < 0 for value in money)
    assert any(value["units"] == 0 and value["nanos"] < 0 for value in money)
    assert any(value["units"] > 2**53 for value in money)
    assert any(value["nanos"] > 0 for value in money)
    assert all(value["units"] * value["nanos"] >= 0 for value in money)
    assert any(value["seconds"] < 0 for value in times)
    assert any(value["nanos"] for value in times)
    assert {"Good", "不良"} <= set(values_of("SELECT", seed))
    assert all(None in values_of(kind, seed) for kind in ("STRING", "MONEY", "TIMESTAMP", "SELECT"))
    assert "" in values_of("STRING", seed)


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_every_shape_of_a_row_turns_up_soon(seed: int) -> None:
    rows = list(assets(200, seed))
    assert {row["state"] for row in rows} == {"ASSET_STATE_ACTIVE", "ASSET_STATE_ARCHIVED"}
    assert {row["site_id"] is None for row in rows} == {True, False}
    assert {len(statuses(index, seed)) for index in SOON} == {0, 1, 2}
    assert any(row["fields"] == "" for row in rows)
    assert any(row["code"].startswith("=HYPERLINK(") for row in rows)
    assert any(row["code"].startswith("-") for row in rows)
    assert any("," in row["type_name"] for row in rows)
    assert any("|" in row["type_name"] for row in rows)


def test_an_asset_has_about_six_fields_with_shared_names_and_gaps() -> None:
    carried = [[item["name"] for item in fields(index) if item["field_id"] != DISPLAY_NAME_FIELD_ID] for index in SOON]
    assert 5.5 < sum(map(len, carried)) / len(carried) < 7
    assert any(names.count("Location") == 2 for names in carried)
    assert len({tuple(names) for names in carried}) > 50


def test_field_definitions_cover_every_kind_and_every_field_in_the_rows() -> None:
    definitions = field_definitions(seed=3)
    assert {found["value_type"].removeprefix("FIELD_VALUE_TYPE_") for found in definitions} == {
        "STRING",
        "MONEY",
        "TIMESTAMP",
        "SELECT",
    }
    assert definitions[0]["id"] == DISPLAY_NAME_FIELD_ID
    assert [found["name"] for found in definitions].count("Location") == 2
    named = {(found["id"], found["name"]) for found in definitions}
    assert {(item["field_id"], item["name"]) for index in SOON for item in fields(index, seed=3)} == named
    options = {option["label"] for found in definitions for option in found["select_options"]}
    assert {value for value in values_of("SELECT", seed=3) if value is not None} <= options


def test_nothing_is_pipe_encoded_as_nothing() -> None:
    assert pipe_encoded([]) == ""


def test_a_million_rows_are_a_matter_of_seconds() -> None:
    began = time.process_time()
    for _ in assets(2_000):
        pass
    assert 2_000 / (time.process_time() - began) > 5_000  # 55,000 a second on the machine this was written on
