"""The handling of unexpected records of a feed: without a key, again, or under other names."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from functions.write_changes import app as write_changes
from local.emulators.safetyculture import pages
from local.emulators.safetyculture.assets import pipe_encoded
from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import FeedEmulator
from tests.handlers.conftest import ExportAccount, ExportMachine, lambda_context
from tests.support.feed_file import rows_of

type Has = Callable[..., None]


@pytest.fixture
def feed_has(feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch) -> Has:
    """Let the feed have certain records, as JSON or as objects."""

    def has(*records: dict[str, Any] | str, **more: Any) -> None:
        texts = [record if isinstance(record, str) else orjson.dumps(record).decode() for record in records]
        feed_api.has(FeedScenario(rows=len(records), **more))

        def rendered(_path: str, _seed: int, rows: range, _drifts: Any) -> bytes:
            return f"[{','.join(texts[row] for row in rows)}]".encode()

        monkeypatch.setattr(pages, "_rendered_rows", rendered)

    return has


def manifest_of(aws: ExportAccount, result: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(aws.text(result["manifest_key"]))
    return manifest


class TestKeys:
    def test_records_that_lack_the_key_are_counted_in_the_manifest(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has
    ) -> None:
        feed_has(
            {"course_id": "c", "progress": 1}, {"course_id": "c", "progress": 1}, {"course_id": "c", "user_id": "u"}
        )
        manifest = manifest_of(aws, machine.run({"feed": "training_course_progress", "page_size": 2}))
        assert (manifest["keyless"], manifest["rows"], manifest["keys"]) == (2, 3, ["course_id", "user_id"])

    def test_a_feed_of_two_keys_is_compared_by_both(self, machine: ExportMachine, feed_has: Has) -> None:
        rows = [{"course_id": "c1", "user_id": f"u{number}"} for number in range(3)]
        feed_has(*rows)
        machine.run({"feed": "training_course_progress"}, "2026-11-20T03:00:00Z")
        feed_has(*rows[1:])
        changes = changes_of(machine, {"feed": "training_course_progress"})
        assert (changes["added"], changes["changed"], changes["removed"]) == (0, 0, 1)


class TestNewerVersions:
    OLD, SAME, NEW = {"id": "1", "name": "old"}, {"id": "2", "name": "same"}, {"id": "1", "name": "new"}

    @pytest.mark.parametrize("page_size", [1, 2, 3])
    def test_the_newest_takes_the_place_of_one_that_is_not_written(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has, page_size: int
    ) -> None:
        feed_has(self.OLD, self.SAME, self.NEW)
        result = machine.run({"feed": "users", "page_size": page_size, "max_turn_seconds": 1e-9})
        assert [row["name"] for row in rows_of(aws.text(result["key"]))] == ["new", "same"]
        manifest = manifest_of(aws, result)
        assert (manifest["rows"], manifest["duplicates"], manifest["replaced"]) == (2, 1, 1)
        assert manifest["drift"]["outdated"]["seen"] == {}

    def test_one_that_came_too_late_is_counted_and_named(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has
    ) -> None:
        feed_has(self.OLD, self.SAME, self.NEW, self.SAME)
        result = machine.run({"feed": "users", "page_size": 1, "format": "jsonl"})
        assert [json.loads(line)["name"] for line in aws.text(result["key"]).splitlines()] == ["old", "same"]
        manifest = manifest_of(aws, result)
        assert (manifest["rows"], manifest["duplicates"], manifest["replaced"]) == (2, 2, 0)
        assert {key: seen["count"] for key, seen in manifest["drift"]["outdated"]["seen"].items()} == {'["1"]': 1}


class TestHeaders:
    def header(self, aws: ExportAccount, result: dict[str, Any]) -> str:
        return aws.text(result["key"]).splitlines()[0]

    def test_an_export_without_rows_has_the_columns_of_the_one_before(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has
    ) -> None:
        feed_has({"id": "1", "name": "a", "organisation": "o"})
        first = machine.run({"feed": "groups"}, "2026-11-20T03:00:00Z")
        feed_has()
        assert self.header(aws, machine.run({"feed": "groups"})) == self.header(aws, first)
        feed_has({"id": "1", "new": "x", "name": "a"})
        last = machine.run({"feed": "groups"}, "2026-11-22T03:00:00Z")
        assert self.header(aws, last) == "id,name,organisation,new,extra"

    def test_custom_fields_without_a_definition_keep_their_columns(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has
    ) -> None:
        feed_has(asset("1", Load=5), field_definitions=False)
        first = machine.run({"feed": "assets"}, "2026-11-20T03:00:00Z")
        feed_has(asset("1"), field_definitions=False)
        assert "Load" in self.header(aws, first)
        assert self.header(aws, machine.run({"feed": "assets"})) == self.header(aws, first)

    def test_columns_that_differ_in_case_only_are_distinguished(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has
    ) -> None:
        feed_has({"ID": "x", "id": "1", "Name": "a", "name": "b", "Extra": "c"})
        result = machine.run({"feed": "users"})
        assert self.header(aws, result) == "ID #2,id,Name,name #2,Extra #2,extra"
        assert [*rows_of(aws.text(result["key"]))[0].values()] == ["x", "1", "a", "b", "c", ""]

    @pytest.mark.parametrize("rows", [0, 2])
    def test_a_file_for_excel_begins_with_a_byte_order_mark(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has, rows: int
    ) -> None:
        feed_has(*({"id": str(number), "name": "é"} for number in range(rows)))
        plain = aws.bytes(machine.run({"feed": "users"}, "2026-11-20T03:00:00Z")["key"])
        excel = aws.bytes(machine.run({"feed": "users", "excel": True})["key"])
        assert excel == b"\xef\xbb\xbf" + plain
        assert excel.count(b"\n") == excel.count(b"\r\n") == rows + 1


class TestNumbers:
    RECORD = '{"id":"1","score":1e400,"small":1e-400,"long":0.123456789012345678,"in":[1.5,{"large":1E+999}]}'

    @pytest.mark.parametrize("turns", [{}, {"page_size": 1, "max_turn_seconds": 1e-9}])
    def test_digits_are_as_they_were_sent_in_both_formats(
        self, aws: ExportAccount, machine: ExportMachine, feed_has: Has, turns: dict[str, Any]
    ) -> None:
        feed_has(self.RECORD, '{"id":"2","score":1.5}')
        lines = aws.text(machine.run({"feed": "inspections", "format": "jsonl"} | turns)["key"]).splitlines()
        assert lines == [self.RECORD, '{"id":"2","score":1.5}']
        row, other = rows_of(aws.text(machine.run({"feed": "inspections"} | turns)["key"]))
        assert (row["score"], row["small"], row["long"]) == ("1e400", "1e-400", "0.123456789012345678")
        assert (row["in"], other["score"]) == ('[1.5,{"large":1E+999}]', "1.5")

    def test_a_custom_field_keeps_its_digits(self, aws: ExportAccount, machine: ExportMachine, feed_has: Has) -> None:
        fields = pipe_encoded([{"name": "Load", "value": 7, "field_id": "f-Load"}]).replace("7", "1e400")
        feed_has(asset("1") | {"fields": fields}, field_definitions=False)
        assert rows_of(aws.text(machine.run({"feed": "assets"})["key"]))[0]["Load"] == "1e400"

    @pytest.mark.parametrize("format_", ["csv", "jsonl"])
    def test_numbers_beyond_a_double_that_differ_are_a_change(
        self, machine: ExportMachine, feed_has: Has, format_: str
    ) -> None:
        feed_has('{"id":"1","score":1e400}')
        machine.run({"feed": "inspections", "format": format_}, "2026-11-20T03:00:00Z")
        feed_has('{"id":"1","score":1e401}')
        assert changes_of(machine, {"feed": "inspections", "format": format_})["changed"] == 1


class TestRenamedFields:
    @pytest.mark.parametrize("format_", ["csv", "csv.gz", "jsonl"])
    def test_a_renamed_field_changes_no_asset(self, machine: ExportMachine, feed_has: Has, format_: str) -> None:
        feed_has(asset("1", Load=5), asset("2", Load=6), field_definitions=False)
        machine.run({"feed": "assets", "format": format_}, "2026-11-20T03:00:00Z")
        renamed = [asset("1", Load=5), asset("2", Load=7)]
        for record in renamed:
            record["fields"] = record["fields"].replace('"name":"Load"', '"name":"Weight"')
        feed_has(*renamed, field_definitions=False)
        changes = changes_of(machine, {"feed": "assets", "format": format_})
        assert (changes["added"], changes["changed"], changes["removed"]) == (0, 1, 0)


def asset(id_: str, **fields: int) -> dict[str, Any]:
    keys = ("code", "type_id", "type_name", "created_at", "modified_at", "site_id", "state", "status_options")
    items = [{"name": name, "value": value, "field_id": f"f-{name}"} for name, value in fields.items()]
    return {"id": id_, **dict.fromkeys(keys, ""), "fields": pipe_encoded(items) if items else ""}


def changes_of(machine: ExportMachine, request: dict[str, Any]) -> dict[str, Any]:
    """Play an export that writes what has changed since the one before."""
    opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T09:00:00Z", "input": request | {"changes": True}}
    state = machine.open(opening)
    while state["checkpoint"]["cursor"] is not None:
        state = machine.write(state)
    machine.close(state)
    changes: dict[str, Any] = write_changes.lambda_handler({"export": state["export"]}, lambda_context())
    return changes
