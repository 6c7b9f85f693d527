"""A backfill of a million objects stays within the data that a state may have."""

import json
from typing import Any

import pytest

from local.stack.refusals.item_batches import item_batches
from local.stack.refusals.map_results import written_result
from local.stack.refusals.state_size import refusal
from tests.contract.template import ROOT

OBJECTS = 1_000_000
RECORD_DROPS: dict[str, Any] = json.loads((ROOT / "statemachines/backfill_drops.asl.json").read_text())["States"][
    "Record Drops"
]
BATCHER = RECORD_DROPS["ItemBatcher"]
MOST_ITEMS, MOST_BYTES = BATCHER["MaxItemsPerBatch"], BATCHER["MaxInputBytesPerBatch"]
RESULTS = [{"recorded": MOST_ITEMS, "known": 0, "ignored": 0}] * (OBJECTS // MOST_ITEMS)
STATE = {"bucket": "b" * 63, "prefix": "p" * 1024, "dataset_id": "d" * 255}
MAP_RUN = f"arn:aws:states:ap-southeast-2:123456789012:mapRun:{'m' * 80}/{'l' * 40}:{'u' * 36}"


def test_a_million_objects_exceed_the_state_without_a_result_writer() -> None:
    assert len(RESULTS) == 20_000
    assert "more than the service limit" in (refusal(RESULTS, "result of the state") or "")


def test_a_million_objects_fit_with_the_result_writer_of_the_machine() -> None:
    writer = RECORD_DROPS.get("ResultWriter")
    manifest = f"staging/backfill/{'u' * 36}/manifest.json"
    result = written_result(MAP_RUN, "e" * 63, manifest) if writer else RESULTS
    output = STATE | {RECORD_DROPS["ResultPath"].removeprefix("$."): result}
    assert refusal(result, "result of the state") is None
    assert refusal(output, "output of the state") is None


def listed(key: str) -> dict[str, Any]:
    """Return an item as the machine selects it of a listing."""
    found = {"Etag": '"' + "0" * 32 + '"', "Key": key, "LastModified": 1795236000, "Size": 2**40}
    return {"object": found | {"StorageClass": "INTELLIGENT_TIERING"}, "bucket": "b" * 63, "dataset_id": "d" * 255}


@pytest.mark.parametrize("character", ["a", "é", "\x01"], ids=["plain", "two_bytes", "escaped_in_six"])
def test_batches_of_the_longest_keys_fit_in_the_input_of_a_task(character: str) -> None:
    function = f"arn:aws:lambda:ap-southeast-2:123456789012:function:{'f' * 64}"
    for length in range(900, 1025):
        items = [listed(character * (length // len(character.encode())))] * MOST_ITEMS
        for batch in item_batches(items, most_items=MOST_ITEMS, most_bytes=MOST_BYTES):
            task = {"FunctionName": function, "Payload": batch}
            assert refusal(task, "input of the task") is None, length
