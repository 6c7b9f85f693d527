import csv
import io
from typing import Any

import pytest

from assetline.export.file_formats import rendering
from assetline.export.request import AnyRequest, parsed_request
from assetline.export.turn_memory import Memory

HALF = "na\ud800me"  # half of a surrogate pair: JSON allows it, UTF-8 has no bytes for it
USERS = parsed_request({"feed": "users"})
ASSETS_OF_VI = parsed_request({"source": "vi", "dataset_id": "ds1"})


def rows_of(request: AnyRequest, *pages: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the rows of *pages*, each rendered in a turn of its own."""
    memory, written = Memory(), b""
    for page in pages:
        memory = Memory.from_bytes(memory.to_bytes())
        written += rendering(request, memory).render(page)
    written += rendering(request, memory).end()
    assert Memory.from_bytes(memory.to_bytes()).columns == memory.columns
    return [*csv.DictReader(io.StringIO(written.decode(), newline=""))]


@pytest.mark.parametrize("pages", [[[{"id": "1", HALF: "x"}]], [[{"id": "1", HALF: "x"}], []]])
def test_a_key_that_no_header_can_hold_is_in_the_last_column(pages: list[list[dict[str, Any]]]) -> None:
    assert rows_of(USERS, *pages) == [{"id": "1", "extra": '{"na\\ud800me":"x"}'}]


def test_so_is_one_that_users_made() -> None:
    asset = {"assetId": "a", "metadata": {"userDefined": {HALF: "x", "site": "y"}}}
    (row,) = rows_of(ASSETS_OF_VI, [asset])
    assert (row["asset_id"], row["user_defined.site"]) == ("a", "y")
    assert row["extra"] == '{"user_defined.na\\ud800me":"x"}'
