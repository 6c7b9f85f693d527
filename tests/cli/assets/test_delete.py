"""`assetline assets delete`, and downloads to S3: the runs they start, and what is asked first."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from assetline_cli.assets.run_execution import INPUT_BYTES
from tests.cli.account import Account, Run
from tests.cli.assets.conftest import Held
from tests.cli.exports.test_stop import CTRL_D, AnsweringTerminal, ctrl_c

DELETED: dict[str, Any] = {
    "complete": True,
    "deletion_id": "ds1_20261121_003012_1a2b",
    "dataset_id": "ds1",
    "session_id": None,
    "ended": "finished",
    "deleted": 2,
    "gone": 0,
    "failed": 0,
    "left": 0,
    "expect_count": None,
    "count_before": 3,
    "count_after": 1,
    "bucket": "the-exports",
    "report_key": "reports/ds1/deletions/1.json",
    "csv_key": "reports/ds1/deletions/1.csv",
}

ROOM_FOR_ONE_ID = len(json.dumps({"dataset_id": "ds1", "ids": ["asset-000001, "]}))


@pytest.fixture(autouse=True)
def machines(vi: Held, account: Account) -> None:
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine"
    account.stacks["assetline"] = account.stacks["assetline"] | {
        "DownloadStateMachineArn": f"{arn}:download_assets",
        "DeleteStateMachineArn": f"{arn}:delete_assets",
    }
    vi.holds("a.png", "b.png", "c.jpg")


def ends(account: Account, **output: Any) -> None:
    """Let the run that is started next end with *output*."""

    def end() -> None:
        account.ends("SUCCEEDED")
        account.output = json.dumps(output)

    account.then(lambda: None, end)


def started(account: Account) -> list[dict[str, Any]]:
    return [json.loads(item["input"]) for item in account.started]


def test_named_assets_are_deleted_after_a_confirmation(account: Account, assetline: Run) -> None:
    ends(account, **DELETED)
    terminal = AnsweringTerminal("y")
    ended = assetline("assets", "delete", "ds1", "asset-000001", "asset-000002", "asset-000001", **terminal.things)
    assert ended.exit_code == 0
    assert "Delete 2 assets of ds1 permanently? [y]es / [n]o" in terminal.shown
    assert "Deleted 2 assets of ds1." in terminal.shown
    assert "Report: s3://the-exports/reports/ds1/deletions/1.csv" in terminal.shown
    assert started(account) == [{"dataset_id": "ds1", "ids": ["asset-000001", "asset-000002"]}]


@pytest.mark.parametrize("answer", ["n", "", CTRL_D])
def test_nothing_is_deleted_without_a_yes(account: Account, assetline: Run, answer: Any) -> None:
    terminal = AnsweringTerminal(answer)
    assert assetline("assets", "delete", "ds1", "asset-000001", **terminal.things).exit_code == 1
    assert "Nothing was deleted." in terminal.shown
    assert account.started == []
    without_terminal = assetline("assets", "delete", "ds1", "asset-000001")
    assert (without_terminal.exit_code, account.started) == (2, [])


def test_the_assets_of_a_filter_are_counted_and_deleted_by_their_count(account: Account, assetline: Run) -> None:
    ends(account, **DELETED)
    assert assetline("assets", "delete", "ds1", "--filter", ".png", "--yes").exit_code == 0
    assert started(account) == [{"dataset_id": "ds1", "filter": ".png", "expect_count": 2}]


def test_another_count_than_was_expected_deletes_nothing(account: Account, assetline: Run) -> None:
    ended = assetline("assets", "delete", "ds1", "--filter", ".png", "--expect-count", "3", "--yes")
    assert (ended.exit_code, account.started) == (1, [])
    assert "2 assets match, not 3. Nothing was deleted." in ended.stderr


def test_conditions_that_vi_lacks_are_deleted_by_ids(
    account: Account, assetline: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetline_cli.assets.delete.INPUT_BYTES", ROOM_FOR_ONE_ID)
    ends(account, **DELETED | {"deleted": 1})
    account.moments[-1:] = [account.moments[-1], lambda: None]
    ended = assetline("assets", "delete", "ds1", "--name", "*.png", "--yes")
    assert "Deleted 2 assets of ds1." in ended.stdout
    assert [request["ids"] for request in started(account)] == [["asset-000001"], ["asset-000002"]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "No assets selected"),
        (("--filter", "{}"), "an empty filter or query would find every asset"),
        (("--filter", ""), "Invalid selection of assets"),
        (("--strict-query",), "has no `ids`"),
        (("asset-1", "--filter", "x"), "exclude each other"),
    ],
)
def test_a_selection_that_may_match_all_assets_is_refused(
    account: Account, assetline: Run, words: tuple[str, ...], message: str
) -> None:
    ended = assetline("assets", "delete", "ds1", *words, "--yes")
    assert (ended.exit_code, account.started) == (1, [])
    assert message in ended.stderr


def test_nothing_found_is_nothing_to_delete(account: Account, assetline: Run) -> None:
    ended = assetline("assets", "delete", "ds1", "--filter", "nothing_", "--yes")
    assert (ended.exit_code, ended.stdout, account.started) == (0, "No assets to delete.\n", [])


def test_an_incomplete_deletion_ends_with_1(account: Account, assetline: Run) -> None:
    ends(account, **DELETED | {"complete": False, "deleted": 1, "failed": 1, "left": 0})
    ended = assetline("assets", "delete", "ds1", "asset-000001", "asset-000002", "--yes")
    assert ended.exit_code == 1
    assert "Deleted 1 asset of ds1, 1 failed." in ended.stdout
    assert "The deletion is not complete (finished, 0 left). See the report for the reasons." in ended.stderr


def test_a_run_that_fails_is_one_message(account: Account, assetline: Run) -> None:
    account.then(account.fails("CountMismatch", '{"errorMessage": "The filter finds 3 assets, and not 2."}'))
    ended = assetline("assets", "delete", "ds1", "--filter", ".png", "--yes")
    assert ended.exit_code == 1
    assert "Error: CountMismatch: The filter finds 3 assets, and not 2. See execution arn:" in ended.stderr


def test_ctrl_c_ends_the_watching_only(account: Account, assetline: Run) -> None:
    account.then(ctrl_c)
    ended = assetline("assets", "delete", "ds1", "asset-000001", "--yes")
    assert (ended.exit_code, account.stopped) == (130, [])
    assert "Stopped watching. The run continues in AWS: arn:" in ended.stderr


def several(account: Account, *then: Callable[[], object], **first: Any) -> None:
    """Let the first run end with *first*, and each that is started later run until what comes to pass *then*."""

    def run(**_: object) -> None:
        account.status, account.stopped_at = "RUNNING", None

    account.session.events.register("before-call.sfn.StartExecution", run)
    ends(account, **first)
    account.then(*then)


NAMED = ("asset-000001", "asset-000002", "asset-000003")


def test_runs_that_have_not_started_are_reported(
    account: Account, assetline: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetline_cli.assets.delete.INPUT_BYTES", ROOM_FOR_ONE_ID)
    several(account, ctrl_c, **DELETED | {"deleted": 1})
    ended = assetline("assets", "delete", "ds1", *NAMED, "--yes")
    assert (ended.exit_code, len(account.started)) == (130, 2)
    assert "Deleted 1 asset of ds1.\nReport: s3://the-exports/reports/ds1/deletions/1.csv\n" in ended.stdout
    goes_on, not_begun = ended.stderr.splitlines()[1:]
    assert goes_on == f"Stopped watching. The run continues in AWS: {account.arn}"
    assert not_begun.startswith("Not started: the deletion of 1 asset. Run the command again")


def test_assets_deleted_before_a_failed_run_are_reported(
    account: Account, assetline: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetline_cli.assets.delete.INPUT_BYTES", ROOM_FOR_ONE_ID)
    several(account, account.fails("KeyRefused", '{"errorMessage": "Not this key."}'), **DELETED | {"deleted": 1})
    ended = assetline("assets", "delete", "ds1", *NAMED, "--yes")
    assert ended.exit_code == 1
    assert "Deleted 1 asset of ds1.\nReport: s3://" in ended.stdout
    printed, error = ended.stderr.splitlines()
    assert printed.startswith("Not started: the deletion of 1 asset.")
    assert error.startswith("Error: KeyRefused: Not this key. See execution arn:")


def test_a_run_that_cannot_be_started_is_not_begun(
    account: Account, assetline: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetline_cli.assets.delete.INPUT_BYTES", ROOM_FOR_ONE_ID)
    account.refuses("StartExecution", "StateMachineDeleting", "gone")()
    ended = assetline("assets", "delete", "ds1", *NAMED, "--yes")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Not started: the deletion of 3 assets.")
    filtered = assetline("assets", "delete", "ds1", "--filter", ".png", "--yes")
    assert filtered.stderr.startswith("Not started: the deletion of 2 assets.")


@pytest.mark.parametrize("words", [("--min-bytes", "0"), ("--name", "*"), ("--filter", "{}", "--name", "*")])
def test_conditions_that_leave_out_nothing_mean_all(account: Account, assetline: Run, words: tuple[str, ...]) -> None:
    refused = assetline("assets", "delete", "ds1", *words, "--yes")
    assert (refused.exit_code, account.started) == (1, [])
    assert "These conditions match all 3 assets in ds1. Nothing was deleted" in refused.stderr
    assert "--expect-count 3" in refused.stderr
    terminal = AnsweringTerminal("n")
    assetline("assets", "delete", "ds1", *words, **terminal.things)
    assert "Delete all 3 assets of ds1 permanently?" in terminal.shown
    ends(account, **DELETED | {"deleted": 3})
    assert assetline("assets", "delete", "ds1", *words, "--yes", "--expect-count", "3").exit_code == 0


def test_conditions_that_leave_nothing_out_of_a_filter_do_not_mean_all(account: Account, assetline: Run) -> None:
    ends(account, **DELETED)
    assert assetline("assets", "delete", "ds1", "--filter", ".png", "--min-bytes", "0", "--yes").exit_code == 0


NO_ANSWER = ("DescribeExecution", "ThrottlingException", "Rate exceeded")


def test_an_answer_that_does_not_come_for_a_while_is_waited_for(account: Account, assetline: Run) -> None:
    account.then(account.refuses(*NO_ANSWER), lambda: None, account.relents)
    ends(account, **DELETED)
    ended = assetline("assets", "delete", "ds1", "asset-000001", "asset-000002", "--yes")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "No answer from AWS, retrying" in ended.stdout


def test_silence_from_the_start_is_borne_as_well(account: Account, assetline: Run) -> None:
    account.refuses(*NO_ANSWER)()
    account.then(account.relents)
    ends(account, **DELETED)
    assert assetline("assets", "delete", "ds1", "asset-000001", "asset-000002", "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (NO_ANSWER, "AWS throttled"),
        (("DescribeExecution", "ExpiredTokenException", "Expired."), "The AWS credentials have expired"),
    ],
)
def test_a_run_that_cannot_be_watched_any_longer_is_named(
    account: Account, assetline: Run, refusal: tuple[str, str, str], message: str
) -> None:
    account.then(account.refuses(*refusal), *[lambda: None] * 130)
    ended = assetline("assets", "delete", "ds1", "asset-000001", "--yes")
    assert (ended.exit_code, account.stopped) == (1, [])
    assert f"Error: {message}" in ended.stderr
    assert f"The run continues in AWS: {account.arn}" in ended.stderr


DOWNLOADED: dict[str, Any] = {
    "complete": True,
    "download_id": "1",
    "dataset_id": "ds1",
    "bucket": "the-exports",
    "prefix": "downloads/ds1/",
    "written": 2,
    "skipped": 1,
    "failed": 0,
    "left": 0,
    "excluded": 1,
    "bytes": 3000,
    "manifest_bucket": "the-exports",
    "manifest_key": "downloads/1.manifest.json",
    "files_key": "downloads/1.csv",
}


def test_a_download_to_s3_is_a_run_of_the_stack(account: Account, assetline: Run) -> None:
    ends(account, **DOWNLOADED)
    words = ("s3://the-exports/downloads/ds1/", "--mime", "image/*", "--overwrite")
    ended = assetline("assets", "download", "ds1", *words)
    assert ended.exit_code == 0
    assert (
        "Downloaded 2 files (3.0 kB) to s3://the-exports/downloads/ds1/, skipped 1 that exist already" in ended.stdout
    )
    place = {"bucket": "the-exports", "prefix": "downloads/ds1/"}
    assert started(account) == [
        {"dataset_id": "ds1", "where": {"mime": ["image/*"]}, "overwrite": True, **place},
    ]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"failed": 2}, "2 failed. Run"),
        ({"left": 1}, "1 file not started. Run the command"),
        ({"failed": 2, "left": 3}, "2 failed and 3 files not started. Run the command"),
        (
            {},
            "The download is not complete. See s3://the-exports/downloads/1.manifest.json for the",
        ),
    ],
)
def test_missing_files_of_a_download_to_s3_are_reported(
    account: Account, assetline: Run, counts: dict[str, int], message: str
) -> None:
    ends(account, **DOWNLOADED | {"complete": False} | counts)
    ended = assetline("assets", "download", "ds1", "s3://the-exports/downloads/ds1/")
    assert ended.exit_code == 1
    assert ended.stderr.startswith(message)


LONGEST_ID = 255  # of Vi


def test_long_ids_are_cut_by_the_bytes_that_an_execution_takes(account: Account, assetline: Run) -> None:
    ids = [f"{number:06}".ljust(LONGEST_ID, "x") for number in range(2500)]
    account.moments = [lambda: account.ends("SUCCEEDED")] * 3
    account.output = json.dumps(DELETED)
    ended = assetline("assets", "delete", "ds1", *ids, "--yes")
    assert (ended.exit_code, ended.stderr) == (0, "")
    inputs = [item["input"] for item in account.started]
    assert [item for request in started(account) for item in request["ids"]] == ids
    assert [len(text.encode()) <= INPUT_BYTES for text in inputs] == [True] * 3
    assert all(len(text.encode()) > INPUT_BYTES - LONGEST_ID - 4 for text in inputs[:-1])


def test_a_download_whose_ids_do_not_fit_is_refused_with_the_sizes(account: Account, assetline: Run) -> None:
    words = [word for number in range(1100) for word in ("--id", f"{number:06}".ljust(LONGEST_ID, "x"))]
    ended = assetline("assets", "download", "ds1", "s3://the-exports/downloads/ds1/", *words)
    assert (ended.exit_code, account.started) == (1, [])
    assert "bytes, and the limit is 253,952. Name fewer assets in one command" in ended.stderr
