"""The operator's command against AWS: every situation, its messages and its exit status."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from assetline.export.export_names import export_ids
from assetline_cli.aws_clients import Aws
from assetline_cli.clock import Clock
from assetline_cli.context import CliContext
from assetline_cli.main import app
from tests.cli.account import CSV, EXECUTION, EXECUTION_NAME, MACHINE, OUTPUTS, REGION, SECRET, STARTED, Account, Run

CONSOLE = f"https://{REGION}.console.aws.amazon.com/states/home?region={REGION}#/v2/executions/details/{EXECUTION}"


class TestStarting:
    def test_without_watching_the_arn_and_how_to_watch_it_are_printed(self, assetline: Run) -> None:
        ended = assetline("export", "assets")
        assert ended.exit_code == 0
        assert ended.stdout == f"{EXECUTION}\nWatch it: assetline exports watch {EXECUTION_NAME}\n"

    def test_the_machine_is_given_only_what_the_operator_gave(self, account: Account, assetline: Run) -> None:
        assetline("export", "assets")
        assert json.loads(account.started[0]["input"]) == {"feed": "assets"}
        assert account.started[0]["stateMachineArn"] == MACHINE

    def test_every_option_reaches_the_machine(self, account: Account, assetline: Run) -> None:
        params = ["--param", "archived=both", "--param", "template=1=2"]
        assetline("export", "inspections", *params, "--format=csv", "--page-size=50", "--max-turn-seconds=5")
        assert json.loads(account.started[0]["input"]) == {
            "feed": "inspections",
            "params": {"archived": "both", "template": "1=2"},
            "format": "csv",
            "page_size": 50,
            "max_turn_seconds": 5,
        }

    def test_two_exports_of_one_second_have_names_of_their_own(self, account: Account, assetline: Run) -> None:
        assetline("export", "assets")
        assetline("export", "assets")
        names = [request["name"] for request in account.started]
        assert all(name.startswith("assets-20261121-003012-") for name in names)
        assert len(set(names)) == 2

    def test_a_start_whose_answer_was_lost_is_a_start(self, account: Account, assetline: Run) -> None:
        account.refuses("StartExecution", "ExecutionAlreadyExists", "Execution Already Exists")()
        ended = assetline("export", "assets")
        assert ended.exit_code == 0
        assert ":execution:export_feed:assets-20261121-003012-" in ended.stdout

    def test_another_stack_is_named_in_the_command_that_watches(self, account: Account, assetline: Run) -> None:
        account.stacks["assetline-dev"] = OUTPUTS
        ended = assetline("export", "assets", "--stack", "assetline-dev")
        assert ended.stdout.endswith(f"assetline exports watch {EXECUTION_NAME} --stack assetline-dev\n")


class TestWatching:
    def test_one_line_a_change_and_the_closing_summary(self, account: Account, assetline: Run) -> None:
        rates = {"pages_per_second": 9.8, "rows_per_second": 980.0}
        twelfth = "Page 12: 100 assets | Total: 1,200 | Remaining: 800 | Rate: 9.8 pages/sec, 980 rows/s"
        account.then(
            account.opens,
            account.writes(1, remaining=1900),
            account.writes(12, remaining=800, eta_seconds=0.8, **rates),
            account.writes(12, remaining=800, eta_seconds=0.8, **rates),
            account.completes,
        )
        ended = assetline("export", "assets", "--watch")
        assert ended.exit_code == 0
        assert ended.stdout.splitlines() == [
            f"Exporting assets: {EXECUTION}",
            "Page 1: 100 assets | Total: 100 | Remaining: 1,900 | Page time: 0.05s",
            f"{twelfth} | Page time: 0.05s | ETA: 1s",
            "Page 20: 100 assets | Total: 2,000 | Remaining: 0",
            "=" * 80,
            "EXPORT COMPLETE!",
            "=" * 80,
            "Total Assets: 2,000",
            "Total Pages: 20",
            "Total Time: 5.00s (0.08 minutes)",
            "Average Page Time: 0.250s (opening and closing included)",
            "Throughput: 4.00 pages/sec | 400.0 assets/sec",
            "Output saved to: s3://the-exports/exports/assets/assets_20261121_003012.csv",
            "Manifest: s3://the-exports/exports/assets/assets_20261121_003012.manifest.json",
            "=" * 80,
        ]

    def test_the_item_of_another_export_of_the_same_second_is_passed_over(
        self, account: Account, assetline: Run
    ) -> None:
        account.opens(execution_arn=f"{EXECUTION}-other", pages=7, page_rows=1)
        _, second, *_ = export_ids("assets", STARTED)
        account.then(
            lambda: account.opens(export_id=second),
            lambda: account.opens(export_id=second, pages=3, rows=300, page_rows=100),
            account.fails("FeedUnavailable", "no more"),
        )
        ended = assetline("watch", EXECUTION)
        assert ended.stdout == "Page 3: 100 assets | Total: 300\n"

    def test_an_execution_that_appears_late_is_waited_for(self, account: Account, assetline: Run) -> None:
        account.known = False
        account.then(lambda: None, lambda: setattr(account, "known", True), account.completes)
        assert assetline("export", "assets", "--watch").exit_code == 0

    def test_a_finished_export_shows_its_summary_at_once(self, account: Account, assetline: Run) -> None:
        account.completes()
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 0
        assert "Total Assets: 2,000" in ended.stdout

    def test_an_export_that_waits_for_the_feed_reports_it_once(self, account: Account, assetline: Run) -> None:
        account.opens()
        waits = account.writes(1, pause_seconds=90)
        account.then(waits, waits, account.writes(2), account.completes)
        ended = assetline("watch", EXECUTION)
        assert ended.stdout.count("Waiting for the feed, which requested a pause of 1m 30s\n") == 1

    def test_an_incomplete_export_is_not_a_success(self, account: Account, assetline: Run) -> None:
        account.completes(complete=False)
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert "EXPORT INCOMPLETE" in ended.stdout

    def test_an_empty_feed_is_a_complete_export(self, account: Account, assetline: Run) -> None:
        account.completes(rows=0, pages=1)
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 0
        assert "Total Assets: 0" in ended.stdout

    def test_ctrl_c_stops_the_watching_and_not_the_export(self, account: Account, assetline: Run) -> None:
        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        account.opens()
        ended = assetline("watch", EXECUTION, sleep=interrupt)
        assert ended.exit_code == 130
        assert ended.stderr == (
            f"\nStopped watching. AWS continues the export.\nWatch it again: assetline exports watch {EXECUTION_NAME}\n"
        )
        assert account.status == "RUNNING"

    def test_silence_of_aws_is_borne_for_a_while(self, account: Account, assetline: Run) -> None:
        account.opens()
        account.then(account.writes(1))
        account.then(account.refuses("DescribeExecution", "ServiceUnavailable", "later", 503), lambda: None)
        account.then(account.relents, account.completes)
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 0
        assert "No answer from AWS, retrying\n" in ended.stdout

    def test_a_long_silence_ends_the_watching_with_the_next_command(self, account: Account, assetline: Run) -> None:
        account.opens()
        account.then(account.refuses("DescribeExecution", "ServiceUnavailable", "later", 503), *[lambda: None] * 130)
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert f"AWS continues the export. Watch it again: assetline exports watch {EXECUTION_NAME}" in ended.stderr

    def test_expired_credentials_end_the_watching_with_the_next_command(self, account: Account, assetline: Run) -> None:
        account.opens()
        account.then(account.refuses("DescribeExecution", "ExpiredTokenException", "expired"))
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert "credentials have expired" in ended.stderr
        assert f"AWS continues the export. Watch it again: assetline exports watch {EXECUTION_NAME}" in ended.stderr


class TestFailing:
    def test_a_failed_task_shows_its_message_and_no_traceback(self, account: Account, assetline: Run) -> None:
        cause = {
            "errorMessage": f"SafetyCulture refused the token (401): put a current one in secret {SECRET}.",
            "errorType": "TokenRefused",
            "requestId": "6f0e",
            "stackTrace": ['  File "/var/task/app.py", line 9, in lambda_handler\n'],
        }
        account.opens()
        account.then(account.writes(3), account.fails("TokenRefused", json.dumps(cause)))
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert ended.stderr.splitlines()[3:-1] == [
            f"TokenRefused: SafetyCulture refused the token (401): put a current one in secret {SECRET}.",
            "Reached: page 3, 300 assets",
            f"Execution: {EXECUTION}",
            f"In the console: {CONSOLE}",
            "See its log: assetline logs assets_20261121_003012",
            "Resume it, after the cause is fixed: assetline exports resume assets_20261121_003012 --watch",
        ]

    def test_the_local_stack_has_no_link_to_the_console(
        self, account: Account, assetline: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        account.fails("TokenRefused", "refused")()
        assert account.session.client("stepfunctions", endpoint_url="http://127.0.0.1:9")
        assert "In the console" not in assetline("watch", EXECUTION).stderr

    @pytest.mark.parametrize(
        ("status", "headline", "message"),
        [
            ("ABORTED", "EXPORT STOPPED", "ABORTED: The execution was stopped."),
            ("TIMED_OUT", "EXPORT OUT OF TIME", "TIMED_OUT: The execution ran longer than the state machine allows."),
            ("FAILED", "EXPORT FAILED", "FAILED: The execution failed without a reason."),
        ],
    )
    def test_an_end_without_a_cause_is_named(
        self, account: Account, assetline: Run, status: str, headline: str, message: str
    ) -> None:
        account.ends(status)
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert headline in ended.stderr
        assert message in ended.stderr

    def test_an_execution_started_without_a_feed_is_shown_failing(self, account: Account, assetline: Run) -> None:
        account.input = "[]"
        account.fails("InvalidInput", "feed is missing")()
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert "InvalidInput: feed is missing" in ended.stderr


class TestDownloading:
    def test_the_file_and_its_manifest_arrive_completely(
        self, account: Account, assetline: Run, tmp_path: Path
    ) -> None:
        account.then(account.opens, account.completes)
        folder = tmp_path / "new" / "out"
        ended = assetline("export", "assets", "--to", str(folder))
        assert ended.exit_code == 0
        file, manifest = sorted(folder.iterdir())
        assert (file.name, file.read_bytes()) == ("assets_20261121_003012.csv", CSV)
        assert manifest.name == "assets_20261121_003012.manifest.json"
        assert f"Downloaded to: {file}\nDownloaded to: {manifest}\n" in ended.stdout

    def test_the_files_of_a_past_export_are_downloaded(self, account: Account, assetline: Run, tmp_path: Path) -> None:
        account.opens()
        account.completes()
        ended = assetline("exports", "download", "assets_20261121_003012", str(tmp_path / "out"))
        assert ended.exit_code == 0
        assert (tmp_path / "out/assets_20261121_003012.csv").read_bytes() == CSV

    def test_files_of_a_killed_run_are_removed(self, account: Account, assetline: Run, tmp_path: Path) -> None:
        account.then(account.opens, account.completes)
        (tmp_path / f".{'0' * 32}.part").write_bytes(b"half a file")
        assert assetline("export", "assets", "--to", str(tmp_path)).exit_code == 0
        assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".csv", ".json"]

    def test_a_failed_download_leaves_nothing_and_follows_the_summary(
        self, account: Account, assetline: Run, tmp_path: Path
    ) -> None:
        account.completes()
        account.session.client("s3").delete_object(
            Bucket="the-exports", Key="exports/assets/assets_20261121_003012.csv"
        )
        ended = assetline("watch", EXECUTION, "--to", str(tmp_path))
        assert ended.exit_code == 1
        assert "EXPORT COMPLETE!" in ended.stdout
        assert "aws s3 cp s3://the-exports/exports/assets/assets_20261121_003012.csv" in ended.stderr
        assert list(tmp_path.iterdir()) == []

    def test_ctrl_c_stops_the_download_and_shows_the_next_command(
        self, account: Account, assetline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        account.completes()
        monkeypatch.setattr("assetline_cli.exports.watch.download", interrupt)
        ended = assetline("watch", EXECUTION, "--to", str(tmp_path))
        assert ended.exit_code == 130
        assert f"assetline exports watch {EXECUTION_NAME} --to {tmp_path}" in ended.stderr

    def test_an_unwritable_folder_is_reported_before_the_start(
        self, account: Account, assetline: Run, tmp_path: Path
    ) -> None:
        in_the_way = tmp_path / "out"
        in_the_way.write_text("a file")
        ended = assetline("export", "assets", "--to", str(in_the_way))
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"Error: Cannot write to '{in_the_way}' (")
        assert account.started == []

    def test_to_and_no_watch_contradict_each_other(self, assetline: Run, tmp_path: Path) -> None:
        assert assetline("export", "assets", "--no-watch", "--to", str(tmp_path)).exit_code == 2


class TestBadSituations:
    @pytest.mark.parametrize("param", ["archived", "=both", " =both"])
    def test_a_param_that_is_not_name_and_value(self, account: Account, assetline: Run, param: str) -> None:
        ended = assetline("export", "assets", "--param", param)
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"Error: Invalid --param {param!r}. Use NAME=VALUE")
        assert account.started == []

    def test_no_such_stack(self, assetline: Run) -> None:
        ended = assetline("export", "assets", "--stack", "nowhere")
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"Error: Stack 'nowhere' does not exist in {REGION} at ")
        assert "--stack" in ended.stderr

    def test_the_stack_of_the_environment(self, assetline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSETLINE_STACK", "from-the-environment")
        assert "Stack 'from-the-environment' does not exist" in assetline("export", "assets").stderr

    def test_a_stack_of_something_else(self, account: Account, assetline: Run) -> None:
        account.stacks["other"] = {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:topic"}
        ended = assetline("watch", EXECUTION, "--stack", "other")
        assert ended.exit_code == 1
        assert "'other' (CREATE_COMPLETE) is missing output ExportStateMachineArn" in ended.stderr

    def test_no_such_execution(self, assetline: Run) -> None:
        ended = assetline("watch", f"{EXECUTION}-not")
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"Error: Execution '{EXECUTION}-not' does not exist in {REGION}")

    @pytest.mark.parametrize("name", ["assets", "assets_2020"])
    def test_no_such_export(self, assetline: Run, name: str) -> None:
        ended = assetline("watch", name)
        assert ended.exit_code == 1
        assert ended.stderr == (
            f"Error: Export '{name}' does not exist in this stack. List the exports with `assetline exports list`.\n"
        )

    def test_a_file_with_far_fewer_rows_ends_in_a_warning(self, account: Account, assetline: Run) -> None:
        earlier = "assets_20261120_003012"

        def completes() -> None:
            account.completes(rows=9000)
            account.opens(state="complete", rows=9000, rows_before=30_000, export_id_before=earlier)

        account.then(completes)
        shown = assetline("watch", EXECUTION).stdout
        assert "EXPORT COMPLETE, WITH FAR FEWER ROWS THAN THE LAST ONE" in shown
        assert f"far fewer than 30,000 in {earlier}. Compare them: assetline exports diff {earlier}" in shown

    def test_the_remaining_rows_are_estimated_from_the_last_export(self, account: Account, assetline: Run) -> None:
        account.opens()
        account.then(account.writes(12, estimated_remaining=800), account.completes)
        assert "~Remaining: 800, as in the last export" in assetline("watch", EXECUTION).stdout

    def test_changes_are_counted(self, account: Account, assetline: Run) -> None:
        def completes() -> None:
            account.completes()
            changes = {"changes_key": "exports/assets/x.changes.csv", "added": 3, "changed": 12, "removed": 0}
            account.output = json.dumps(json.loads(account.output or "") | changes)

        account.then(completes)
        assert "Changes: 3 added, 12 changed, 0 removed\n" in assetline("watch", EXECUTION).stdout

    def test_an_execution_is_found_by_its_name(self, account: Account, assetline: Run) -> None:
        account.then(account.completes)
        assert assetline("watch", EXECUTION_NAME).exit_code == 0

    def test_an_execution_of_another_machine(self, account: Account, assetline: Run) -> None:
        account.stacks["assetline"] = OUTPUTS | {"ExportStateMachineArn": f"{MACHINE}-2"}
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert f"is an execution of another state machine, {MACHINE}. Name its stack" in ended.stderr

    def test_a_missing_machine(self, account: Account, assetline: Run) -> None:
        account.refuses("StartExecution", "StateMachineDoesNotExist", "State Machine Does Not Exist")()
        ended = assetline("export", "assets")
        assert ended.exit_code == 1
        assert "does not exist. Redeploy the stack" in ended.stderr

    def test_an_output_this_version_cannot_read(self, account: Account, assetline: Run) -> None:
        account.ends("SUCCEEDED")
        account.output = '{"something": "else"}'
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert "Use one version for the command and the stack" in ended.stderr

    def test_an_item_this_version_cannot_read(self, account: Account, assetline: Run) -> None:
        account.table.put_item(Item={"export_id": next(export_ids("assets", STARTED)), "feed": "assets"})
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert "Use one version for the command and the stack" in ended.stderr

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            ("ExpiredTokenException", "The AWS credentials have expired"),
            ("UnrecognizedClientException", "AWS does not accept the credentials"),
            ("AccessDeniedException", "AWS denied StartExecution"),
        ],
    )
    def test_credentials_aws_does_not_take(self, account: Account, assetline: Run, code: str, words: str) -> None:
        account.refuses("StartExecution", code, "no")()
        ended = assetline("export", "assets")
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"Error: {words}")

    def test_no_credentials(self, assetline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        ended = assetline("export", "assets", aws=Aws())
        assert ended.exit_code == 1
        assert ended.stderr.startswith("Error: No AWS credentials found. Run `aws configure`")

    def test_the_region_is_that_of_the_aws_cli(self, assetline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_REGION", "ap-southeast-2")
        assert Aws().cloudformation.meta.region_name == "ap-southeast-2"
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        assert assetline("export", "assets", aws=Aws()).stderr.startswith("Error: No AWS region is set")

    def test_a_profile_that_does_not_exist(self, assetline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        ended = assetline("export", "assets", aws=Aws())
        assert ended.exit_code == 1
        assert "(nobody) could not be found" in ended.stderr

    def test_an_endpoint_without_a_server(self, assetline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "http://127.0.0.1:9")
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
        ended = assetline("export", "assets", aws=Aws())
        assert ended.exit_code == 1
        assert ended.stderr.startswith('Error: AWS did not answer: Could not connect to the endpoint URL: "http://127')

    @pytest.mark.parametrize(
        "words", [["export"], ["export", "assets", "--page-size", "0"], ["watch", "a", "b"], ["x"]]
    )
    def test_a_mistaken_command_line(self, assetline: Run, words: list[str]) -> None:
        assert assetline(*words).exit_code == 2


class TestTheScreen:
    def test_a_terminal_shows_the_live_view_and_the_summary(self, account: Account) -> None:
        screen = Console(record=True, force_terminal=True, width=100, file=io.StringIO(), color_system=None)
        account.then(account.opens, account.writes(12, remaining=800, eta_seconds=1))
        account.then(account.writes(20, remaining=0), account.completes)
        clock = Clock(now=lambda: account.now, sleep=account.sleep)
        desk = CliContext(aws=Aws(account.session), clock=clock, out=screen)
        ended = CliRunner().invoke(app, ["export", "assets", "--watch"], obj=desk)
        assert ended.exit_code == 0
        shown = screen.file
        assert isinstance(shown, io.StringIO)
        for words in (
            "opening",
            "Assets  exporting  turn 1",
            "60%",
            "closing the file",
            "✓ Assets  complete",
            "100%",
            "EXPORT COMPLETE!",
        ):
            assert words in shown.getvalue()


class TestHelp:
    @pytest.mark.parametrize("words", [["--help"], ["export", "--help"], ["watch", "-h"]])
    def test_help_teaches_by_example_without_touching_aws(self, words: list[str]) -> None:
        ended = CliRunner().invoke(app, words, env={"AWS_PROFILE": "nobody", "TERM": "dumb"})
        assert ended.exit_code == 0
        assert "Examples" in ended.stdout

    def test_the_version_is_the_packages(self) -> None:
        assert CliRunner().invoke(app, ["--version"]).stdout.startswith("assetline 0.")


class TestAsJson:
    """With --json, stdout has one object."""

    @pytest.mark.usefixtures("account")
    def test_a_started_export(self, assetline: Run) -> None:
        ended = assetline("exports", "start", "assets", "--json")
        started = json.loads(ended.stdout)
        assert (ended.exit_code, ended.stderr) == (0, "")
        assert (started["execution_arn"], started["status"], started["output"]) == (EXECUTION, "RUNNING", None)

    def test_a_complete_export(self, account: Account, assetline: Run) -> None:
        account.then(account.completes)
        ended = assetline("exports", "start", "assets", "--watch", "--json")
        result = json.loads(ended.stdout)
        assert ended.exit_code == 0
        assert (result["status"], result["output"]["rows"], result["error"]) == ("SUCCEEDED", 2000, None)
        assert "EXPORT COMPLETE!" in ended.stderr

    def test_a_failed_export(self, account: Account, assetline: Run) -> None:
        account.then(account.fails("TokenRefused", json.dumps({"errorMessage": "refused"})))
        ended = assetline("exports", "watch", EXECUTION, "--json")
        result = json.loads(ended.stdout)
        assert ended.exit_code == 1
        assert (result["status"], result["error"], result["message"]) == ("FAILED", "TokenRefused", "refused")
