"""A failed export resumes where it stopped; a stopped export leaves a file that does not look complete."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, ClassVar

import pytest

from assetline.aws.failures import AwsRefused
from assetline.errors import (
    ExportLost,
    FeedForbidden,
    FeedUnavailable,
    ForeignCursor,
    NotResumable,
    RateLimited,
    RepeatedCursor,
    StagedGone,
    TokenRefused,
)
from assetline.export import dependencies as connections
from assetline.export import write_pages
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.dependencies import exports_table
from assetline.export.exports_table import ExportsTable
from assetline.paging import reader
from functions.salvage_export import app as salvage_export
from functions.sweep_exports import app as sweep_exports
from local.emulators.safetyculture.scenario import (
    CycleCursor,
    Fault,
    FeedScenario,
    Forbidden,
    ForeignNextPage,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from local.emulators.safetyculture.server import FeedEmulator
from tests.handlers.conftest import BUCKET, ExportAccount, ExportMachine, event, in_the_account_of_moto, lambda_context
from tests.simulation.account import MemoryAccount
from tests.support.feed_file import holds_the_feed
from tests.support.kills import Killed, killed_at

IN_MANY_TURNS = {"feed": "assets", "page_size": 10, "max_turn_seconds": 1e-9}
STARTED_AT = "2026-11-21T03:00:00.123Z"


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


@pytest.fixture
def under_way(machine: ExportMachine, feed_api: FeedEmulator) -> dict[str, Any]:
    """Return the state of an export three turns into a feed of ten pages."""
    feed_api.has(FeedScenario(rows=95))
    state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_MANY_TURNS})
    for _ in range(3):
        state = machine.write(state)
    return state


def ended(status: str, execution_arn: str = "arn:first", request: Any = IN_MANY_TURNS, **detail: Any) -> Any:
    """Deliver the event of an execution that ended so."""
    case = event("salvage_export/stopped")
    case["detail"] |= {"executionArn": execution_arn, "status": status, "input": json.dumps(request)} | detail
    return salvage_export.lambda_handler(case, lambda_context())


def resume(machine: ExportMachine, export_id: str, execution_arn: str = "arn:second") -> dict[str, Any]:
    opening = {"execution_arn": execution_arn, "started_at": "2026-11-21T09:00:00Z", "input": {"resume": export_id}}
    return machine.open(opening)


@in_the_account_of_moto
def test_an_export_that_failed_goes_on_at_the_page_it_failed_at(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, under_way: dict[str, Any]
) -> None:
    ended("FAILED", error="FeedUnavailable", cause='{"errorMessage": "503", "stackTrace": ["secret"]}')
    item = aws.item(under_way["export"]["export_id"])
    assert (item["state"], item["error"], item["message"]) == ("failed", "FeedUnavailable", "503")
    feed_api.forget()
    state = resume(machine, under_way["export"]["export_id"])
    assert aws.item(item["export_id"])["state"] == "running"
    assert "error" not in aws.item(item["export_id"])
    while state["checkpoint"]["cursor"] is not None:
        state = machine.write(state)
    result = machine.close(state)
    pages = [request.page for request in feed_api.requests() if request.path == "/feed/assets"]
    assert pages == list(range(4, 11))
    manifest = json.loads(aws.text(result["manifest_key"]))
    assert holds_the_feed(aws.text(result["key"]), manifest, range(95))
    assert (result["export_id"], result["rows"], result["pages"]) == (item["export_id"], 95, 10)


def test_a_resumed_file_is_the_file_of_an_undisturbed_run(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    undisturbed = machine.run({"feed": "assets", "page_size": 10}, "2026-11-21T01:00:00Z")
    machine.write(under_way)  # its answer was lost when the execution failed
    ended("TIMED_OUT")
    state = resume(machine, under_way["export"]["export_id"])
    while state["checkpoint"]["cursor"] is not None:
        state = machine.write(state)
    assert aws.bytes(machine.close(state)["key"]) == aws.bytes(undisturbed["key"])


IN_ONE_TURN = {"feed": "assets", "page_size": 10}


def written(machine: ExportMachine, state: dict[str, Any]) -> dict[str, Any]:
    """Play Write Pages until the feed ends, and return the state after it."""
    while state["checkpoint"]["cursor"] is not None:
        state = machine.write(state)
    return state


def fails_in_its_turn(machine: ExportMachine, error: type[Exception]) -> str:
    """Play an export until it fails, and return its id."""
    state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_ONE_TURN})
    with pytest.raises(error):
        written(machine, state)
    ended("FAILED", request=IN_ONE_TURN, error=error.__name__)
    export_id: str = state["export"]["export_id"]
    return export_id


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Forbidden(page=7), FeedForbidden),
        (Unauthorized(page=7), TokenRefused),
        (TooManyRequests(page=7, retry_after=0), RateLimited),
    ],
)
def test_a_resume_requests_the_page_that_failed_first(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, fault: Fault, error: type[Exception]
) -> None:
    feed_api.has(FeedScenario(rows=95, faults=(fault,)))
    export_id = fails_in_its_turn(machine, error)
    assert (aws.item(export_id)["pages"], aws.item(export_id)["state"]) == (6, "failed")
    feed_api.has(FeedScenario(rows=95))
    feed_api.forget()
    result = machine.close(written(machine, resume(machine, export_id)))
    assert [request.page for request in feed_api.requests() if request.path == "/feed/assets"] == [7, 8, 9, 10]
    assert holds_the_feed(aws.text(result["key"]), json.loads(aws.text(result["manifest_key"])), range(95))


@pytest.mark.parametrize(
    ("fault", "error"),
    [(CycleCursor(page=6), RepeatedCursor), (ForeignNextPage(page=6, origin="http://127.0.0.1:9"), ForeignCursor)],
)
def test_a_page_that_leads_nowhere_costs_none_of_those_before_it(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, fault: Fault, error: type[Exception]
) -> None:
    feed_api.has(FeedScenario(rows=95, faults=(fault,)))
    export_id = fails_in_its_turn(machine, error)
    kept = json.loads(aws.item(export_id)["checkpoint"])
    assert (kept["pages"], kept["rows"]) == (6, 60)


def test_opening_a_resume_again_gives_the_same(machine: ExportMachine, under_way: dict[str, Any]) -> None:
    ended("FAILED")
    export_id = under_way["export"]["export_id"]
    assert resume(machine, export_id) == resume(machine, export_id)


def test_a_deleted_staged_object_is_named(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    aws.lose(under_way["checkpoint"]["memory"]["key"])
    with pytest.raises(StagedGone, match="Start a new export"):
        machine.write(under_way)


def test_no_file_appears_when_its_manifest_cannot_be_written(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    state = under_way
    while state["checkpoint"]["cursor"] is not None:
        state = machine.write(state)
    aws.lose(state["checkpoint"]["memory"]["key"])
    with pytest.raises(StagedGone):
        machine.close(state)
    assert aws.keys("exports/") == []
    assert aws.item(under_way["export"]["export_id"])["state"] == "running"


def test_a_redriven_execution_continues_and_refuses_a_resume(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    export_id = under_way["export"]["export_id"]
    ended("FAILED", error="FeedUnavailable", cause="503")
    state = machine.write(under_way)
    assert aws.item(export_id)["state"] == "running"
    assert "error" not in aws.item(export_id)
    with pytest.raises(NotResumable, match="is running: there is nothing to resume"):
        resume(machine, export_id)
    while state["checkpoint"]["cursor"] is not None:
        state = machine.write(state)
    ended("FAILED", error="Lambda.Unknown")
    with killed_at(6, after=False), pytest.raises(Killed):  # an earlier call records that it runs again
        machine.close(state)
    assert aws.item(export_id)["state"] == "running"
    assert machine.close(state)["rows"] == 95


def test_a_redriven_execution_counts_faults_from_zero(
    machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "backoff", lambda _: 10.0)
    feed_api.has(FeedScenario(rows=95, faults=(Unavailable(page=3),)))
    state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_MANY_TURNS})
    while state["checkpoint"]["faults"] < reader.MAX_FAULTS - 1:
        state = machine.write(state)
    with pytest.raises(FeedUnavailable):
        machine.write(state)
    ended("FAILED", error="FeedUnavailable")
    feed_api.has(FeedScenario(rows=95, faults=(Unavailable(page=3, times=1),)))
    state = machine.write(state)
    assert (state["checkpoint"]["faults"], state["checkpoint"]["pages"]) == (1, 2)


def test_a_resumed_export_counts_faults_from_zero_without_a_wait(
    machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "backoff", lambda _: 10.0)
    feed_api.has(FeedScenario(rows=95, faults=(Unavailable(page=3),)))
    state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_MANY_TURNS})
    while not state["checkpoint"]["faults"]:
        state = machine.write(state)
    ended("TIMED_OUT")
    checkpoint = resume(machine, state["export"]["export_id"])["checkpoint"]
    assert (checkpoint["faults"], checkpoint["pause_seconds"], checkpoint["pages"]) == (0, 0, 2)


def test_a_late_turn_does_not_restore_an_older_checkpoint(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    older = machine.write(under_way)
    machine.write(machine.write(older))
    exports_table().save(Export.model_validate(older["export"]), Checkpoint.model_validate(older["checkpoint"]))
    kept = json.loads(aws.item(under_way["export"]["export_id"])["checkpoint"])
    assert (kept["turns"], kept["pages"]) == (6, 6)


def test_a_late_turn_overwrites_nothing_of_a_resumed_export(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    export_id = under_way["export"]["export_id"]
    ended("TIMED_OUT")
    resume(machine, export_id)
    earlier = aws.item(export_id), aws.keys()
    with pytest.raises(ExportLost, match="was resumed by the execution arn:second"):
        machine.write(under_way)
    with pytest.raises(ExportLost, match="was resumed by the execution arn:second"):
        machine.close(under_way)
    assert (aws.item(export_id), aws.keys()) == earlier


def test_only_one_execution_resumes_an_export(machine: ExportMachine, under_way: dict[str, Any]) -> None:
    ended("FAILED")
    resume(machine, under_way["export"]["export_id"], "arn:second")
    with pytest.raises(NotResumable, match="is running: there is nothing to resume"):
        resume(machine, under_way["export"]["export_id"], "arn:third")


def test_a_resumed_export_that_fails_again_can_be_resumed_again(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    export_id = under_way["export"]["export_id"]
    ended("FAILED")
    resume(machine, export_id, "arn:second")
    ended("FAILED", "arn:second", {"resume": export_id})
    assert aws.item(export_id)["state"] == "failed"
    assert resume(machine, export_id, "arn:third")["export"]["execution_arn"] == "arn:third"


def test_an_export_that_cannot_be_resumed_has_a_reason(
    machine: ExportMachine, feed_api: FeedEmulator, under_way: dict[str, Any]
) -> None:
    with pytest.raises(NotResumable, match="no export 'assets_2'"):
        resume(machine, "assets_2")
    with pytest.raises(NotResumable, match="run `assetline exports stop assets_20261121_030000`"):
        resume(machine, under_way["export"]["export_id"])
    with pytest.raises(NotResumable, match="is complete: there is nothing to resume"):
        resume(machine, machine.run({"feed": "assets"})["export_id"])
    ended("ABORTED")
    with pytest.raises(NotResumable, match="is partial"):
        resume(machine, under_way["export"]["export_id"])


def test_a_stopped_export_leaves_what_it_had_under_a_partial_name(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    salvaged = ended("ABORTED")
    export_id = under_way["export"]["export_id"]
    assert aws.keys("exports/") == [
        f"exports/assets/{export_id}.partial.csv",
        f"exports/assets/{export_id}.partial.manifest.json",
    ]
    manifest = json.loads(aws.text(salvaged["manifest_key"]))
    assert (manifest["complete"], manifest["rows"], manifest["pages"]) == (False, 30, 3)
    assert holds_the_feed(aws.text(salvaged["key"]), manifest, range(30))
    item = aws.item(export_id)
    assert (item["state"], item["partial_key"], item["rows"]) == ("partial", salvaged["key"], 30)
    assert [entry["DetailType"] for entry in aws.announced] == ["Export Salvaged"]


def test_rows_gathered_before_the_header_are_salvaged_too(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=95, field_definitions=False))
    state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_MANY_TURNS})
    machine.write(machine.write(state))
    salvaged = ended("ABORTED")
    manifest = json.loads(aws.text(salvaged["manifest_key"]))
    assert holds_the_feed(aws.text(salvaged["key"]), manifest, range(20))


@in_the_account_of_moto
def test_parts_of_a_stopped_export_are_salvaged_with_its_tail(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=20_000, max_page_size=1000))
    request = IN_MANY_TURNS | {"page_size": 1000}
    state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": request})
    for _ in range(15):
        state = machine.write(state)
    assert state["checkpoint"]["next_part"] > 1
    assert state["checkpoint"]["tail"] is not None
    salvaged = ended("ABORTED", request=request)
    manifest = json.loads(aws.text(salvaged["manifest_key"]))
    assert holds_the_feed(aws.text(salvaged["key"]), manifest, range(15_000))


@pytest.mark.usefixtures("small_parts", "one_request_at_a_time")
@pytest.mark.parametrize("seconds", [60, 0], ids=["at each part", "at each page"])
def test_checkpointed_rows_of_a_running_turn_are_salvaged(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(write_pages, "KEEPING_SECONDS", seconds)
    feed_api.has(FeedScenario(rows=2000, latency_seconds=0.02))
    state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_ONE_TURN})
    export_id = state["export"]["export_id"]
    with ThreadPoolExecutor(1) as lambda_:
        turn = lambda_.submit(machine.write, state)
        while (kept := json.loads(aws.item(export_id)["checkpoint"]))["next_part"] < 4 and not turn.done():
            time.sleep(0.01)
        salvaged = ended("ABORTED", request=IN_ONE_TURN)
        turn.result()  # what it wrote after the stop has names of its own
    manifest = json.loads(aws.text(salvaged["manifest_key"]))
    assert kept["rows"] <= salvaged["rows"] < 2000
    assert holds_the_feed(aws.text(salvaged["key"]), manifest, range(salvaged["rows"]))
    assert (aws.item(export_id)["state"], aws.item(export_id)["rows"]) == ("partial", salvaged["rows"])


def test_a_stop_with_a_deleted_staged_tail_ends_the_export(aws: ExportAccount, under_way: dict[str, Any]) -> None:
    aws.lose(under_way["checkpoint"]["tail"]["key"])
    assert ended("ABORTED") is None
    item = aws.item(under_way["export"]["export_id"])
    assert (item["state"], item["error"]) == ("partial", "StagedGone")


def test_a_denied_object_is_named_as_a_denial(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    aws.deny("GetObject")
    with pytest.raises(AwsRefused, match="explicit deny in a resource-based policy"):
        machine.write(under_way)


class TestFailuresThatNoEventReported:
    """EventBridge delivers the end of an execution at best effort, and its FAILED form may lack the error."""

    CAUSE = '{"errorMessage": "The token was refused.", "stackTrace": []}'
    FAILED: ClassVar = {
        "status": "FAILED",
        "error": "TokenRefused",
        "cause": CAUSE,
        "input": json.dumps(IN_MANY_TURNS),
        "startDate": datetime.fromisoformat(STARTED_AT),
    }

    def item(self, aws: ExportAccount, state: dict[str, Any]) -> tuple[Any, Any, Any]:
        item = aws.item(state["export"]["export_id"])
        return item["state"], item.get("error"), item.get("message")

    def test_an_event_without_an_error_takes_it_from_the_execution(
        self, aws: ExportAccount, under_way: dict[str, Any]
    ) -> None:
        aws.executions["arn:first"] = self.FAILED
        ended("FAILED")
        assert self.item(aws, under_way) == ("failed", "TokenRefused", "The token was refused.")

    def test_an_event_without_an_input_takes_it_from_the_execution(
        self, aws: ExportAccount, under_way: dict[str, Any]
    ) -> None:
        aws.executions["arn:first"] = self.FAILED
        case = event("salvage_export/stopped")
        case["detail"] |= {"executionArn": "arn:first", "status": "FAILED", "input": None, "error": "TokenRefused"}
        salvage_export.lambda_handler(case, lambda_context())
        assert self.item(aws, under_way)[:2] == ("failed", "TokenRefused")

    @pytest.mark.parametrize("found", [FAILED, None], ids=["failed", "no longer kept"])
    def test_a_resume_settles_a_failure_that_was_not_reported(
        self, aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any], found: Any
    ) -> None:
        aws.executions["arn:first"] = found
        state = resume(machine, under_way["export"]["export_id"])
        assert state["export"]["execution_arn"] == "arn:second"
        assert self.item(aws, under_way) == ("running", None, None)

    def test_an_export_whose_execution_runs_is_not_resumed(
        self, machine: ExportMachine, under_way: dict[str, Any]
    ) -> None:
        with pytest.raises(NotResumable, match="is running: there is nothing to resume"):
            resume(machine, under_way["export"]["export_id"])

    def sweeps(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setenv("EXPORT_STATE_MACHINE_ARN", "arn:machine")
        return sweep_exports.lambda_handler(event("sweep_exports/every_fifteen_minutes"), lambda_context())

    def started(self, days_ago: float = 0) -> datetime:
        return datetime.now(UTC) - timedelta(days=days_ago)

    def swept(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, found: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the state of an export three pages in, whose execution started just now and ended without an event."""
        feed_api.has(FeedScenario(rows=95))
        started = found["startDate"].isoformat()
        state = machine.open({"execution_arn": "arn:first", "started_at": started, "input": IN_MANY_TURNS})
        for _ in range(3):
            state = machine.write(state)
        aws.executions["arn:first"] = found
        return state

    def test_a_sweep_records_a_failure(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state = self.swept(aws, machine, feed_api, self.FAILED | {"startDate": self.started()})
        assert self.sweeps(monkeypatch) == {"looked_at": 1}
        assert self.item(aws, state) == ("failed", "TokenRefused", "The token was refused.")

    def test_a_sweep_publishes_what_a_stopped_export_had(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopped = {"status": "ABORTED", "startDate": self.started(), "input": json.dumps(IN_MANY_TURNS)}
        state = self.swept(aws, machine, feed_api, stopped)
        assert self.sweeps(monkeypatch) == {"looked_at": 1}
        assert self.item(aws, state)[0] == "partial"
        export_id = state["export"]["export_id"]
        earlier = aws.bytes(f"exports/assets/{export_id}.partial.csv"), len(aws.announced)
        self.sweeps(monkeypatch)  # changes nothing
        assert (aws.bytes(f"exports/assets/{export_id}.partial.csv"), len(aws.announced)) == earlier

    def test_a_sweep_looks_three_days_back(self, aws: ExportAccount, monkeypatch: pytest.MonkeyPatch) -> None:
        for days in (1, 2.9, 3.1, 80):
            aws.executions[f"arn:{days}"] = self.FAILED | {"startDate": self.started(days)}
        assert self.sweeps(monkeypatch)["looked_at"] == 2

    def test_a_sweep_settles_the_others_when_one_cannot_be(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopped = {"status": "ABORTED", "startDate": self.started(), "input": json.dumps(IN_MANY_TURNS)}
        state = self.swept(aws, machine, feed_api, stopped)
        aws.deny("GetObject")
        failed = self.FAILED | {"startDate": self.started(0.01)}
        aws.executions["arn:other"] = failed
        with pytest.raises(AwsRefused):
            self.sweeps(monkeypatch)
        assert self.item(aws, state)[0] == "running"


def test_a_checkpoint_never_takes_the_place_of_one_that_is_further(
    aws: ExportAccount, under_way: dict[str, Any]
) -> None:
    export = Export.model_validate(under_way["export"])

    def kept_after(turns: int, pages: int) -> tuple[int, int]:
        exports_table().save(export, Checkpoint(cursor="/1", turns=turns, pages=pages))
        kept = exports_table().begun(export, Checkpoint(cursor="/1"))
        return kept.turns, kept.pages

    assert [kept_after(*turn) for turn in [(4, 50), (4, 40), (3, 60), (4, 55), (5, 45)]] == [
        (4, 50),
        (4, 50),
        (4, 50),
        (4, 55),
        (5, 45),
    ]


def test_an_end_of_the_feed_counts_more_than_pages_of_the_same_turn(
    aws: ExportAccount, under_way: dict[str, Any]
) -> None:
    export = Export.model_validate(under_way["export"])
    exports_table().save(export, Checkpoint(cursor="/1", turns=4, pages=50))  # of another invocation of this turn
    assert exports_table().begun(export, Checkpoint(cursor=None, turns=4, pages=40)).cursor is None


def test_a_turn_that_runs_on_after_the_stop_spoils_nothing(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]
) -> None:
    salvaged = ended("ABORTED")
    earlier = aws.item(under_way["export"]["export_id"]), aws.bytes(salvaged["key"])
    with pytest.raises(ExportLost, match="was stopped"):
        machine.write(under_way)
    assert (aws.item(under_way["export"]["export_id"]), aws.bytes(salvaged["key"])) == earlier
    assert ended("ABORTED") is None


def test_salvaging_again_gives_the_same(aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any]) -> None:
    salvaged = ended("ABORTED")
    export_id = under_way["export"]["export_id"]
    aws.table.update_item(
        Key={"export_id": export_id},
        UpdateExpression="SET #state = :running",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":running": "running"},
    )  # the attempt before was killed when all but this was done
    late = Checkpoint.model_validate(under_way["checkpoint"]).model_copy(update={"turns": 9, "pages": 9, "rows": 90})
    exports_table().save(Export.model_validate(under_way["export"]), late)  # of a turn without a waiting machine
    assert ended("ABORTED") == salvaged


def test_a_complete_export_is_not_touched_by_a_late_event(
    aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
) -> None:
    feed_api.has(FeedScenario(rows=5))
    result = machine.run({"feed": "assets"}, STARTED_AT)
    earlier = aws.item(result["export_id"])
    for status in ("ABORTED", "FAILED"):
        assert ended(status, "arn:execution-1") is None
    assert aws.item(result["export_id"]) == earlier


class TestWhatEndedWhileItOpened:
    EXPORT = "assets_20261121_030000"
    OPENING: ClassVar = {"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_MANY_TURNS}

    def claims_and_dies(self, machine: ExportMachine) -> None:
        """Let Open Export be killed between the claim of the name and the upload."""
        with killed_at(3, after=False), pytest.raises(Killed):
            machine.open(self.OPENING)

    def test_a_function_that_goes_on_after_the_stop_opens_nothing(
        self, aws: ExportAccount, machine: ExportMachine
    ) -> None:
        assert ended("ABORTED") is None
        with pytest.raises(NotResumable, match="was stopped before it was opened"):
            machine.open(self.OPENING)
        assert aws.item(self.EXPORT)["state"] == "partial"
        assert "export" not in aws.item(self.EXPORT)

    def test_another_execution_of_that_second_takes_the_next_name(self, machine: ExportMachine) -> None:
        ended("ABORTED")
        assert machine.run({"feed": "assets"}, STARTED_AT)["export_id"] == f"{self.EXPORT}_2"
        assert ended("ABORTED") is None

    def test_a_claimed_and_stopped_export_does_not_run(self, aws: ExportAccount, machine: ExportMachine) -> None:
        self.claims_and_dies(machine)
        assert aws.item(self.EXPORT)["state"] == "running"
        assert ended("ABORTED") is None
        assert aws.item(self.EXPORT)["state"] == "partial"

    def test_a_claimed_and_failed_export_is_opened_only_by_a_redrive(
        self, aws: ExportAccount, machine: ExportMachine
    ) -> None:
        self.claims_and_dies(machine)
        assert ended("FAILED", error="Lambda.Unknown") is None
        item = aws.item(self.EXPORT)
        assert (item["state"], item["error"]) == ("failed", "Lambda.Unknown")
        with pytest.raises(NotResumable, match="There is no export"):
            resume(machine, self.EXPORT)
        state = machine.open(self.OPENING)
        assert (aws.item(self.EXPORT)["state"], state["checkpoint"]["pages"]) == ("running", 0)

    @pytest.mark.usefixtures("under_way")
    def test_a_resume_that_was_stopped_while_it_opened_takes_nothing_over(
        self, aws: ExportAccount, machine: ExportMachine
    ) -> None:
        ended("FAILED")
        assert ended("ABORTED", "arn:second", {"resume": self.EXPORT}) is None
        with pytest.raises(NotResumable):
            resume(machine, self.EXPORT, "arn:second")
        assert aws.item(self.EXPORT)["state"] == "failed"
        assert resume(machine, self.EXPORT, "arn:third")["export"]["execution_arn"] == "arn:third"


@pytest.mark.parametrize("call", range(1, 13))
def test_a_partial_file_is_announced_also_after_a_kill(
    aws: ExportAccount, machine: ExportMachine, under_way: dict[str, Any], call: int
) -> None:
    with killed_at(call, after=True), suppress(Killed):
        ended("ABORTED")
    ended("ABORTED")
    assert {entry["DetailType"] for entry in aws.announced} == {"Export Salvaged"}
    assert aws.item(under_way["export"]["export_id"])["state"] == "partial"


@pytest.mark.parametrize("case", ["stopped", "failed", "without_input"])
def test_an_execution_that_opened_nothing_leaves_nothing(aws: ExportAccount, case: str) -> None:
    assert salvage_export.lambda_handler(event(f"salvage_export/{case}"), lambda_context()) is None
    assert aws.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


class TestOwnersAndLateWriters:
    """An execution that is not waited for any more may still write; another one may have taken the export over."""

    @pytest.fixture(autouse=True)
    def many_parts(self, small_parts: None, one_request_at_a_time: None) -> None:
        """Let a few pages fill a part."""

    def test_a_late_part_with_other_bytes_spoils_nothing(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=300))
        opened = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_ONE_TURN})
        state = written(machine, opened)
        feed_api.has(FeedScenario(rows=300, seed=7))
        with pytest.MonkeyPatch.context() as patch:  # a turn that has begun before the other one ended
            patch.setattr(ExportsTable, "begun", lambda _, __, checkpoint: checkpoint)
            late = machine.write(opened)
        assert late["checkpoint"]["crc32"] != state["checkpoint"]["crc32"]
        result = machine.close(state)
        assert holds_the_feed(aws.text(result["key"]), json.loads(aws.text(result["manifest_key"])), range(300))

    def test_a_turn_repeated_beside_its_first_spoils_nothing(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=300))
        request = IN_ONE_TURN | {"max_turn_seconds": 0.05}
        state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": request})
        with ThreadPoolExecutor(2) as lambda_:
            first, second = (lambda_.submit(machine.write, state) for _ in range(2))
        assert first.exception() is None
        result = machine.close(written(machine, second.result()))
        assert holds_the_feed(aws.text(result["key"]), json.loads(aws.text(result["manifest_key"])), range(300))

    def test_a_redrive_beside_a_resume_is_refused(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=300))
        first = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_MANY_TURNS})
        for _ in range(3):
            first = machine.write(first)
        ended("FAILED", error="FeedUnavailable")
        second = written(machine, resume(machine, first["export"]["export_id"]))
        earlier = aws.keys()
        with pytest.raises(ExportLost, match="resumed by the execution arn:second"):
            machine.write(first)
        assert aws.keys() == earlier
        result = machine.close(second)
        assert holds_the_feed(aws.text(result["key"]), json.loads(aws.text(result["manifest_key"])), range(300))

    def test_a_stop_with_deleted_parts_ends_the_export(
        self, aws: ExportAccount, machine: ExportMachine, feed_api: FeedEmulator
    ) -> None:
        feed_api.has(FeedScenario(rows=300))
        state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_MANY_TURNS})
        for _ in range(20):
            state = machine.write(state)
        aws.lose(*aws.keys(f"staging/export/{state['export']['export_id']}/part-"))
        assert ended("ABORTED") is None
        item = aws.item(state["export"]["export_id"])
        assert (item["state"], item["error"]) == ("partial", "StagedGone")
        assert aws.keys("exports/") == []


class TestStoppedWhileItIsPublished:
    """One of the two files is published; a claim on the item of the export decides which."""

    @pytest.fixture
    def read(self, machine: ExportMachine, feed_api: FeedEmulator) -> dict[str, Any]:
        """Return the state of an export that has read the complete feed."""
        feed_api.has(FeedScenario(rows=95))
        state = machine.open({"execution_arn": "arn:first", "started_at": STARTED_AT, "input": IN_ONE_TURN})
        return written(machine, state)

    def published(self, aws: ExportAccount) -> tuple[set[str], set[str], str]:
        names = {key.partition(".")[2] for key in aws.keys("exports/") if "/latest." not in key}
        state = aws.item("assets_20261121_030000")["state"]
        return names, {entry["DetailType"] for entry in aws.announced}, state

    COMPLETE = ({"csv", "manifest.json"}, {"Export Complete"}, "complete")
    PARTIAL = ({"partial.csv", "partial.manifest.json"}, {"Export Salvaged"}, "partial")

    @pytest.mark.parametrize("call", range(1, 13))
    def test_a_stop_at_any_call_of_the_closing_leaves_one_file(
        self,
        aws: ExportAccount,
        machine: ExportMachine,
        read: dict[str, Any],
        call: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        stopped = False
        monkeypatch.setattr(exports_table(), "_lock", RLock())  # of two invocations, in one thread here

        def stop_at_call(**_: Any) -> None:
            nonlocal stopped, call
            call -= 1
            if call == 0 and not stopped:
                stopped = True
                ended("ABORTED", request=IN_ONE_TURN)  # the function continues nevertheless

        clients = [connections.s3(), connections.exports_table().table.meta.client, connections.events()]
        for client in clients:
            client.meta.events.register_first("before-call", stop_at_call, unique_id="stop")
        try:
            with suppress(ExportLost):
                machine.close(read)
        finally:
            for client in clients:
                client.meta.events.unregister("before-call", stop_at_call, unique_id="stop")
        ended("ABORTED", request=IN_ONE_TURN)
        assert self.published(aws) in (self.PARTIAL, self.COMPLETE)

    def test_a_stop_before_the_closing_is_partial(
        self, aws: ExportAccount, machine: ExportMachine, read: dict[str, Any]
    ) -> None:
        ended("ABORTED", request=IN_ONE_TURN)
        with pytest.raises(ExportLost, match="was stopped"):
            machine.close(read)
        assert self.published(aws) == self.PARTIAL

    @pytest.mark.parametrize("call", range(4, 13))
    def test_a_closing_that_was_killed_and_stopped_is_completed(
        self, aws: ExportAccount, machine: ExportMachine, read: dict[str, Any], call: int
    ) -> None:
        with killed_at(call, after=False), suppress(Killed):  # the claim is one of the first three calls
            machine.close(read)
        ended("ABORTED", request=IN_ONE_TURN)
        assert self.published(aws) == self.COMPLETE

    def test_an_export_whose_stop_was_noted_is_never_resumed(
        self, aws: ExportAccount, machine: ExportMachine, read: dict[str, Any]
    ) -> None:
        exports_table().stop(Export.model_validate(read["export"]))  # and then the function was killed
        with pytest.raises(ExportLost, match="was stopped"):
            machine.write(read)  # a redrive
        ended("FAILED", request=IN_ONE_TURN, error="ExportLost")
        assert self.published(aws) == self.PARTIAL
        with pytest.raises(NotResumable, match="is partial"):
            resume(machine, "assets_20261121_030000")
