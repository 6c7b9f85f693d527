"""The options of an export besides its feed: formats, what has changed, several feeds."""

import csv
import gzip
import io
import json
from typing import Any

import pytest

from assetline.errors import InvalidInput, RepeatedCursor, UnknownFeed
from assetline.export import write_pages
from assetline.paging import reader
from assetline.safetyculture.catalogue import CATALOGUE
from functions.plan_exports import app as plan_exports
from functions.write_changes import app as write_changes
from local.emulators.safetyculture import pages
from local.emulators.safetyculture.assets import asset
from local.emulators.safetyculture.scenario import (
    CycleCursor,
    EndlessCircle,
    FeedScenario,
    MoveRows,
    RepeatCursor,
    TooHeavy,
)
from local.emulators.safetyculture.server import FeedEmulator
from tests.handlers.conftest import ExportAccount, ExportMachine, event, lambda_context
from tests.simulation.account import MemoryAccount
from tests.support.feed_file import holds_the_feed, rows_of

IN_MANY_TURNS = {"feed": "assets", "page_size": 10, "max_turn_seconds": 1e-9}


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


def manifest_of(aws: ExportAccount, result: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(aws.text(result["manifest_key"]))
    return manifest


class TestFormats:
    @pytest.mark.parametrize("request_", [{"feed": "assets"}, IN_MANY_TURNS], ids=["one turn", "many turns"])
    @pytest.mark.parametrize("format_", ["jsonl", "jsonl.gz"])
    def test_json_lines_hold_the_records_as_the_feed_sent_them(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, request_: dict[str, Any], format_: str
    ) -> None:
        feed_api.has(FeedScenario(rows=95))
        result = machine.run(request_ | {"format": format_})
        content = aws.bytes(result["key"])
        assert result["key"].endswith(f".{format_}")
        text = (gzip.decompress(content) if format_.endswith("gz") else content).decode()
        assert [json.loads(line) for line in text.removesuffix("\n").split("\n")] == [
            asset(index) for index in range(95)
        ]
        assert manifest_of(aws, result)["columns"] is None

    def test_a_gzipped_csv_is_the_csv(self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator) -> None:
        feed_api.has(FeedScenario(rows=95))
        plain = machine.run({"feed": "assets"})
        packed = machine.run(IN_MANY_TURNS | {"format": "csv.gz"})
        assert gzip.decompress(aws.bytes(packed["key"])) == aws.bytes(plain["key"])
        assert packed["bytes"] < plain["bytes"] / 2

    @pytest.mark.parametrize(("format_", "content"), [("jsonl", b""), ("jsonl.gz", b"")])
    def test_an_empty_feed_is_an_empty_file(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, format_: str, content: bytes
    ) -> None:
        feed_api.has(FeedScenario(rows=0))
        result = machine.run({"feed": "assets", "format": format_})
        read = aws.bytes(result["key"])
        assert (gzip.decompress(read) if format_.endswith("gz") else read) == content
        assert result["complete"] is True


class TestPageSize:
    def sizes_asked(self, feed_api: FeedEmulator) -> list[str]:
        return [page.query["limit"] for page in feed_api.requests() if page.path == "/feed/assets" and page.page == 1]

    def test_the_largest_page_the_feed_gives_is_found_once_and_remembered(
        self, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=600, max_page_size=250))
        assert machine.run({"feed": "assets"})["pages"] == 3
        limits = [request.query["limit"] for request in feed_api.requests() if request.path == "/feed/assets"][:3]
        assert limits == ["1000", "500", "250"]
        feed_api.forget()
        assert machine.run({"feed": "assets"}, "2026-11-21T04:00:00Z")["pages"] == 3
        assert self.sizes_asked(feed_api) == ["250"]

    def test_a_week_later_it_is_looked_for_again(self, machine: ExportMachine, feed_api: FeedEmulator) -> None:
        feed_api.has(FeedScenario(rows=600, max_page_size=250))
        machine.run({"feed": "assets"}, "2026-11-01T04:00:00Z")
        machine.run({"feed": "assets"}, "2026-11-07T04:00:00Z")  # a given size is not searched again
        feed_api.has(FeedScenario(rows=600, max_page_size=500))
        feed_api.forget()
        assert machine.run({"feed": "assets"}, "2026-11-08T04:00:00Z")["pages"] == 3
        assert machine.run({"feed": "assets"}, "2026-11-09T04:00:00Z")["pages"] == 2
        assert machine.run({"feed": "assets"}, "2026-11-10T04:00:00Z")["pages"] == 2
        first_pages = [
            request.query
            for request in feed_api.requests()
            if request.path == "/feed/assets" and "next_page_token" not in request.query
        ]
        assert [query["limit"] for query in first_pages] == ["250", "1000", "500", "500"]

    def test_a_page_too_heavy_in_mid_feed_comes_in_smaller_ones(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reader, "backoff", lambda _: 0.0)
        feed_api.has(FeedScenario(rows=900, max_page_size=100, faults=(TooHeavy(page=3, rows=30),)))
        result = machine.run({"feed": "assets", "page_size": 100})
        assert holds_the_feed(aws.text(result["key"]), manifest_of(aws, result), range(900))
        sizes = [request.query["limit"] for request in feed_api.requests() if request.path == "/feed/assets"]
        assert sizes[:6] == ["100", "100", "100", "100", "50", "25"]
        assert sizes[-1] == "100"

    def test_a_requested_page_size_is_used_and_not_remembered(
        self, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=100, max_page_size=250))
        assert machine.run({"feed": "assets", "page_size": 10})["pages"] == 10
        assert machine.run({"feed": "assets"}, "2026-11-21T04:00:00Z")["pages"] == 1


class TestColumns:
    def test_fields_the_api_does_not_define_to_us_are_found_in_the_rows(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=95, field_definitions=False))
        in_one, in_many = machine.run({"feed": "assets"}), machine.run(IN_MANY_TURNS)
        assert holds_the_feed(aws.text(in_one["key"]), manifest_of(aws, in_one), range(95))
        assert aws.bytes(in_many["key"]) == aws.bytes(in_one["key"])

    def test_a_feed_that_declares_no_columns_has_those_of_its_rows(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=95))
        rows = rows_of(aws.text(machine.run({"feed": "users"})["key"]))
        assert len(rows) == 95
        assert "id" in rows[0]
        assert list(rows[0])[-1] == "extra"

    def test_formulas_are_neutralised_when_asked_and_counted(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=95))
        plain, safe = machine.run({"feed": "assets"}), machine.run({"feed": "assets", "neutralise_formulas": True})
        cells = [cell for row in csv.reader(io.StringIO(aws.text(safe["key"]), newline="")) for cell in row]
        assert "=HYPERLINK" in aws.text(plain["key"])
        assert not [cell for cell in cells if cell.startswith("=")]
        manifest = manifest_of(aws, safe)
        assert manifest["formulas_neutralised"] is True
        assert manifest["drift"]["neutralised"] > 0
        assert manifest_of(aws, plain)["formulas_neutralised"] is False


class TestDuplicates:
    @pytest.mark.parametrize("request_", [{"feed": "assets", "page_size": 10}, IN_MANY_TURNS])
    def test_rows_that_move_to_a_later_page_are_written_once_and_counted(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, request_: dict[str, Any]
    ) -> None:
        feed_api.has(FeedScenario(rows=95, faults=(MoveRows(page=3, rows=4), MoveRows(page=6, rows=2))))
        result = machine.run(request_)
        assert holds_the_feed(aws.text(result["key"]), manifest_of(aws, result), range(95))
        assert result["rows"] == 95
        assert manifest_of(aws, result)["duplicates"] == 6

    @pytest.mark.parametrize("fault", [RepeatCursor(page=4), CycleCursor(page=4)])
    @pytest.mark.parametrize("request_", [{"feed": "assets", "page_size": 10}, IN_MANY_TURNS])
    def test_a_feed_that_leads_in_a_circle_ends_by_name(
        self,
        machine: ExportMachine,
        feed_api: FeedEmulator,
        request_: dict[str, Any],
        fault: RepeatCursor | CycleCursor,
    ) -> None:
        feed_api.has(FeedScenario(rows=95, faults=(fault,)))
        with pytest.raises(RepeatedCursor):
            machine.run(request_)
        assert len(feed_api.requests()) < 20

    @pytest.mark.parametrize("request_", [{"feed": "assets", "page_size": 10}, IN_MANY_TURNS])
    def test_a_circle_whose_cursor_is_new_every_time_ends_by_name(
        self, machine: ExportMachine, feed_api: FeedEmulator, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(write_pages, "MAX_STALE_PAGES", 12)
        feed_api.has(FeedScenario(rows=95, faults=(EndlessCircle(),)))
        with pytest.raises(RepeatedCursor, match="12 pages of the feed, up to page 13"):
            machine.run(request_)
        assert len(feed_api.requests()) < 13 + 8
        assert machine.checkpoints[-1]["rows"] == 10

    def test_pages_without_a_new_record_are_passed_over(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(write_pages, "MAX_STALE_PAGES", 2)
        feed_api.has(FeedScenario(rows=95, faults=(MoveRows(page=3, rows=10), MoveRows(page=5, rows=10))))
        result = machine.run({"feed": "assets", "page_size": 10})
        assert holds_the_feed(aws.text(result["key"]), manifest_of(aws, result), range(95))


class TestEndOfFeed:
    @pytest.mark.parametrize("request_", [{"feed": "assets"}, IN_MANY_TURNS], ids=["one turn", "many turns"])
    def test_an_end_that_the_feed_contradicts_is_in_the_manifest(
        self,
        aws: ExportAccount,
        machine: ExportMachine,
        feed_api: FeedEmulator,
        request_: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        feed_api.has(FeedScenario(rows=25))
        assert manifest_of(aws, machine.run(request_))["unsure_end"] is None
        end = pages._metadata
        metadata = {"next_page": None, "next_page_token": None, "remaining_records": 9975}
        monkeypatch.setattr(pages, "_metadata", lambda *page: metadata if page[1] is None else end(*page))
        result = machine.run(request_, "2026-11-21T05:00:00Z")
        assert "9975" in manifest_of(aws, result)["unsure_end"]


class TestSince:
    @pytest.fixture
    def inspections(self) -> dict[str, Any]:
        return {"feed": "inspections", "since": "last"}

    def first_pages(self, feed_api: FeedEmulator) -> list[str | None]:
        """Return the `modified_after` of every first page asked for."""
        pages = [page for page in feed_api.requests() if page.path == "/feed/inspections" and page.status == 200]
        return [page.query.get("modified_after") for page in pages if page.page == 1]

    def test_the_next_export_has_the_changes_since_the_first_began(
        self, machine: ExportMachine, feed_api: FeedEmulator, inspections: dict[str, Any]
    ) -> None:
        feed_api.has(FeedScenario(rows=5))
        for hour in (3, 4, 5):
            machine.run(inspections | {"overlap_minutes": 0}, f"2026-11-21T0{hour}:00:00.123Z")
        assert self.first_pages(feed_api) == [None, "2026-11-21T03:00:00.123Z", "2026-11-21T04:00:00.123Z"]

    def test_rows_that_become_visible_late_are_in_the_overlap(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, inspections: dict[str, Any]
    ) -> None:
        feed_api.has(FeedScenario(rows=5))
        machine.run(inspections, "2026-11-21T03:00:00.123Z")
        result = machine.run(inspections, "2026-11-21T04:00:00.123Z")
        machine.run(inspections | {"overlap_minutes": 90}, "2026-11-21T05:00:00.123Z")
        assert self.first_pages(feed_api) == [None, "2026-11-21T02:50:00.123Z", "2026-11-21T02:30:00.123Z"]
        manifest = manifest_of(aws, result)
        assert manifest["modified_after"] == "2026-11-21T02:50:00.123Z"
        assert manifest["watermark"] == "2026-11-21T04:00:00.123000Z"
        assert manifest["keys"] == ["id"]  # which identifies repeated rows

    def test_an_export_of_other_parameters_has_a_mark_of_its_own(
        self, machine: ExportMachine, feed_api: FeedEmulator, inspections: dict[str, Any]
    ) -> None:
        feed_api.has(FeedScenario(rows=5))
        machine.run(inspections, "2026-11-21T03:00:00.123Z")
        machine.run(inspections | {"params": {"archived": "both"}}, "2026-11-21T04:00:00.123Z")
        assert self.first_pages(feed_api) == [None, None]

    def test_an_export_that_does_not_complete_moves_no_mark(
        self, machine: ExportMachine, feed_api: FeedEmulator, inspections: dict[str, Any]
    ) -> None:
        feed_api.has(FeedScenario(rows=5))
        opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": inspections}
        machine.write(machine.open(opening))
        machine.run(inspections, "2026-11-21T04:00:00.123Z")
        assert self.first_pages(feed_api) == [None, None]

    def test_an_older_export_that_completes_late_moves_no_mark_back(
        self, machine: ExportMachine, feed_api: FeedEmulator, inspections: dict[str, Any]
    ) -> None:
        feed_api.has(FeedScenario(rows=5))
        opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "inspections"}}
        late = machine.write(machine.open(opening))
        machine.run(inspections, "2026-11-21T04:00:00.123Z")
        machine.close(late)
        machine.run(inspections, "2026-11-21T05:00:00.123Z")
        assert self.first_pages(feed_api)[-1] == "2026-11-21T03:50:00.123Z"

    def test_a_feed_without_modification_times_is_refused(self, machine: ExportMachine) -> None:
        with pytest.raises(InvalidInput, match="cannot be filtered by changes"):
            machine.run({"feed": "assets", "since": "last"})


class TestChanges:
    def test_an_export_has_the_changes_since_the_previous_one(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=30))
        machine.run({"feed": "assets"}, "2026-11-20T03:00:00Z")
        feed_api.has(FeedScenario(rows=28))
        opening = {
            "execution_arn": "arn:today",
            "started_at": "2026-11-21T03:00:00Z",
            "input": {"feed": "assets", "changes": True},
        }
        state = machine.write(machine.open(opening))
        machine.close(state)
        changes = write_changes.lambda_handler({"export": state["export"]}, lambda_context())
        assert changes == {
            "changes_key": "exports/assets/assets_20261121_030000.changes.csv",
            "added": 0,
            "changed": 0,
            "removed": 2,
        }
        rows = list(csv.DictReader(io.StringIO(aws.text(changes["changes_key"]), newline="")))
        assert [(row["change"], row["id"]) for row in rows] == [("removed", asset(n)["id"]) for n in (28, 29)]

    def test_an_export_of_changes_is_no_base_of_the_next_comparison(
        self, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=30))
        full = machine.run({"feed": "inspections"}, "2026-11-19T03:00:00Z")
        feed_api.has(FeedScenario(rows=5))
        machine.run({"feed": "inspections", "since": "last"}, "2026-11-20T03:00:00Z")
        feed_api.has(FeedScenario(rows=28))
        opening = {
            "execution_arn": "arn:today",
            "started_at": "2026-11-21T03:00:00Z",
            "input": {"feed": "inspections", "changes": True},
        }
        state = machine.write(machine.open(opening))
        machine.close(state)
        previous = state["export"]["previous"]
        assert (previous["whole_export_id"], previous["key"], previous["rows"]) == (
            full["export_id"],
            full["key"],
            30,
        )
        changes = write_changes.lambda_handler({"export": state["export"]}, lambda_context())
        assert (changes["added"], changes["changed"], changes["removed"]) == (0, 0, 2)

    def test_each_kind_of_format_is_compared_with_its_like(
        self, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=30))
        machine.run({"feed": "assets", "format": "csv.gz"}, "2026-11-19T03:00:00Z")
        feed_api.has(FeedScenario(rows=28))

        def removed(format_: str, day: int) -> int | None:
            input_ = {"feed": "assets", "changes": True, "format": format_}
            opening = {"execution_arn": f"arn:{day}", "started_at": f"2026-11-{day}T03:00:00Z", "input": input_}
            state = machine.write(machine.open(opening))
            machine.close(state)
            changes = write_changes.lambda_handler({"export": state["export"]}, lambda_context())
            assert (changes["added"], changes["changed"]) == (0, 0)
            return changes["removed"] if changes["changes_key"] else None

        assert [removed("jsonl", 20), removed("csv", 21), removed("jsonl.gz", 22)] == [None, 2, 0]

    def test_the_first_export_of_a_feed_has_nothing_to_compare_with(
        self, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=5))
        opening = {"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": {"feed": "assets"}}
        state = machine.write(machine.open(opening))
        machine.close(state)
        assert write_changes.lambda_handler({"export": state["export"]}, lambda_context())["changes_key"] is None

    def test_a_file_before_that_was_deleted_is_nothing_to_compare_with(self, aws: ExportAccount) -> None:
        case = event("write_changes/since_yesterday")
        case["export"]["bucket"] = aws.bucket
        assert write_changes.lambda_handler(case, lambda_context())["changes_key"] is None
        aws.lose(case["export"]["previous"]["key"])
        assert write_changes.lambda_handler(case, lambda_context())["changes_key"] is None


class TestShrunk:
    def test_far_fewer_rows_than_last_time_are_flagged(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=100))
        earlier = machine.run({"feed": "assets"}, "2026-11-20T03:00:00Z")
        feed_api.has(FeedScenario(rows=79))
        now = machine.run({"feed": "assets"}, "2026-11-21T03:00:00Z")
        assert manifest_of(aws, now)["shrunk"] == {"rows_before": 100, "export_id_before": earlier["export_id"]}
        assert [entry["DetailType"] for entry in aws.announced][-1] == "Export Shrunk"

    def test_an_export_of_what_changed_has_few_rows_and_nothing_is_wrong(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=100))
        machine.run({"feed": "inspections"}, "2026-11-20T03:00:00Z")
        feed_api.has(FeedScenario(rows=3))
        now = machine.run({"feed": "inspections", "since": "last"}, "2026-11-21T03:00:00Z")
        assert (now["rows"], manifest_of(aws, now)["shrunk"]) == (3, None)
        assert "Export Shrunk" not in [entry["DetailType"] for entry in aws.announced]

    def test_a_few_rows_less_are_nothing_special(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=100))
        machine.run({"feed": "assets"}, "2026-11-20T03:00:00Z")
        feed_api.has(FeedScenario(rows=80))
        assert manifest_of(aws, machine.run({"feed": "assets"}, "2026-11-21T03:00:00Z"))["shrunk"] is None
        assert "Export Shrunk" not in [entry["DetailType"] for entry in aws.announced]


class TestSeveralFeeds:
    def plan(self, request: Any) -> dict[str, Any]:
        planned: dict[str, Any] = plan_exports.lambda_handler(request, lambda_context())
        return planned

    def test_a_list_of_feeds_is_an_export_each(self) -> None:
        assert self.plan(event("plan_exports/some_feeds")) == {
            "exports": [{"feed": "assets", "format": "csv.gz"}, {"feed": "users", "format": "csv.gz"}],
            "max_concurrency": 2,
        }

    def test_the_schedule_names_feeds_separated_by_commas(self) -> None:
        assert [export["feed"] for export in self.plan({"feeds": "assets, users,assets"})["exports"]] == [
            "assets",
            "users",
        ]

    def test_all_omits_legacy_feeds_and_gives_since_where_supported(self) -> None:
        exports = {export["feed"]: export for export in self.plan(event("plan_exports/all_that_changed"))["exports"]}
        assert set(exports) == {feed.name for feed in CATALOGUE.values() if not feed.legacy}
        assert exports["inspections"]["since"] == "last"
        assert "since" not in exports["assets"]

    @pytest.mark.parametrize("feeds", ["all", ["all"], " all", "assets, all", ["all", "users"]])
    def test_all_feeds_are_all_however_they_are_named(self, feeds: Any) -> None:
        planned = [export["feed"] for export in self.plan({"feeds": feeds})["exports"]]
        assert sorted(planned) == sorted(feed.name for feed in CATALOGUE.values() if not feed.legacy)

    def test_a_legacy_feed_can_be_named_beside_all(self) -> None:
        planned = [export["feed"] for export in self.plan({"feeds": ["all", "schedules"]})["exports"]]
        assert len(planned) == len(set(planned)) == 1 + sum(not feed.legacy for feed in CATALOGUE.values())

    @pytest.mark.parametrize("feeds", ["all", "assets", "inspections", ["users", "inspections"]])
    def test_changes_and_since_do_not_go_together_whichever_the_feeds(self, feeds: Any) -> None:
        with pytest.raises(InvalidInput, match=r"cannot be combined with `since`.* max_concurrency"):
            self.plan({"feeds": feeds, "since": "last", "changes": True})

    def test_formulas_in_json_lines_cannot_be_neutralised(self) -> None:
        with pytest.raises(InvalidInput, match=r"`neutralise_formulas` is for `csv`.* max_concurrency"):
            self.plan({"feeds": "all", "format": "jsonl", "neutralise_formulas": True})

    def test_one_unknown_feed_starts_nothing(self) -> None:
        with pytest.raises(UnknownFeed, match="'user'"):
            self.plan(event("plan_exports/unknown_feed"))

    def test_the_export_has_the_execution_that_started_it(self, aws: ExportAccount, machine: ExportMachine) -> None:
        request = {"feed": "assets", "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:parent"}
        opened = machine.open({"execution_arn": "arn:1", "started_at": "2026-11-21T03:00:00Z", "input": request})
        assert aws.item(opened["export"]["export_id"])["parent_execution_arn"] == "arn:parent"
