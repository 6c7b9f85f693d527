"""A failed export, resumed by the operator's command."""

import json

import pytest

from tests.cli.account import EXECUTION, MACHINE, RESUMING, STARTED, Account, Run

EXPORT = "assets_20261121_003012"


class TestResuming:
    @pytest.mark.parametrize("words", [["exports", "resume"], ["exports", "start", "--resume"], ["export", "--resume"]])
    def test_the_machine_is_given_the_export_and_nothing_else(
        self, account: Account, assetline: Run, words: list[str]
    ) -> None:
        account.opens(state="failed", pages=7, rows=700)
        ended = assetline(*words, EXPORT)
        assert ended.exit_code == 0
        assert ended.stdout == f"{RESUMING}\nWatch it: assetline exports watch {RESUMING}\n"
        (request,) = account.started
        assert json.loads(request["input"]) == {"resume": EXPORT}
        assert request["stateMachineArn"] == MACHINE
        assert request["name"].startswith(f"{EXPORT}-20261121-003012-")

    def test_turns_may_be_made_shorter(self, account: Account, assetline: Run) -> None:
        account.opens(state="failed")
        assetline("exports", "resume", EXPORT, "--max-turn-seconds", "60")
        assert json.loads(account.started[0]["input"]) == {"resume": EXPORT, "max_turn_seconds": 60}

    def test_figures_of_the_execution_that_failed_are_not_shown_as_its_own(
        self, account: Account, assetline: Run
    ) -> None:
        account.opens(state="failed", pages=7, rows=700, page_rows=100)
        account.then(
            lambda: None,
            account.writes(7, execution_arn=RESUMING),
            account.writes(9, execution_arn=RESUMING),
            account.fails("FeedUnavailable", "again"),
        )
        ended = assetline("export", "--resume", EXPORT, "--watch")
        assert ended.stdout.splitlines() == [
            f"Resuming {EXPORT}: {RESUMING}",
            "Page 7: 100 assets | Total: 700 | Page time: 0.05s",
            "Page 9: 100 assets | Total: 900 | Page time: 0.05s",
        ]
        assert f"Resume it, after the cause is fixed: assetline exports resume {EXPORT} --watch\n" in ended.stderr

    def test_rows_are_not_divided_by_the_seconds_of_the_last_execution(self, account: Account, assetline: Run) -> None:
        account.opens(state="failed")
        account.then(account.completes)
        ended = assetline("export", "--resume", EXPORT, "--watch")
        assert ended.exit_code == 0
        assert "Total Assets: 2,000\n" in ended.stdout
        assert "Total Time: 1.00s (0.02 minutes, since it was resumed)\n" in ended.stdout
        assert "Throughput" not in ended.stdout

    def test_a_failed_export_resumed_since_offers_no_resume(self, account: Account, assetline: Run) -> None:
        account.opens(execution_arn=RESUMING, pages=9)
        account.fails("FeedUnavailable", "no more")()
        ended = assetline("watch", EXECUTION)
        assert ended.exit_code == 1
        assert "Resume it" not in ended.stderr
        assert "Got as far as" not in ended.stderr

    def test_one_that_was_never_opened_cannot_be_resumed(self, account: Account, assetline: Run) -> None:
        account.fails("TokenRefused", "no")()
        assert "Resume it" not in assetline("watch", EXECUTION).stderr

    def test_nor_one_whose_name_was_claimed_and_no_more(self, account: Account, assetline: Run) -> None:
        account.opens(opened=False)
        account.fails("Lambda.Unknown", "killed")()
        assert "Resume it" not in assetline("watch", EXECUTION).stderr

    @pytest.mark.parametrize("error", ["PartsMismatch", "RepeatedCursor", "StagedGone", "ExportLost"])
    def test_a_resume_that_would_fail_is_not_offered(self, account: Account, assetline: Run, error: str) -> None:
        account.opens()
        account.fails(error, "no")()
        assert "Resume it" not in assetline("watch", EXECUTION).stderr

    def test_the_stack_is_named_again(self, account: Account, assetline: Run) -> None:
        account.stacks["dev"] = account.stacks["assetline"]
        account.opens()
        account.fails("FeedUnavailable", "no more")()
        ended = assetline("watch", EXECUTION, "--stack", "dev")
        assert f"assetline exports resume {EXPORT} --watch --stack dev\n" in ended.stderr


class TestRefusing:
    def test_no_such_export(self, account: Account, assetline: Run) -> None:
        ended = assetline("export", "--resume", "assets")
        assert ended.exit_code == 1
        assert ended.stderr.startswith("Error: Export 'assets' does not exist in this stack. List the exports")
        assert account.started == []

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("complete", f"Export {EXPORT} is complete: s3://the-exports/exports/assets/{EXPORT}.csv"),
            ("partial", f"Export {EXPORT} was stopped permanently. Start a new one"),
        ],
    )
    def test_one_that_is_over(self, account: Account, assetline: Run, state: str, words: str) -> None:
        account.opens(state=state)
        ended = assetline("export", "--resume", EXPORT)
        assert ended.exit_code == 1
        assert ended.stderr.startswith(f"Error: {words}")
        assert account.started == []

    def test_one_that_was_stopped_and_has_a_partial_file(self, account: Account, assetline: Run) -> None:
        account.opens(state="partial", partial_key=f"exports/assets/{EXPORT}.partial.csv")
        ended = assetline("export", "--resume", EXPORT)
        assert ended.stderr.startswith(
            f"Error: Export {EXPORT} was stopped permanently, and its checkpointed rows were published. S"
        )

    @pytest.mark.parametrize("state", ["running", "paused"])
    def test_of_any_other_state_the_machine_decides(self, account: Account, assetline: Run, state: str) -> None:
        account.opens(state=state)
        assert assetline("export", "--resume", EXPORT).exit_code == 0

    @pytest.mark.parametrize(
        "words",
        [
            ["assets"],
            ["--param", "a=b"],
            ["--format", "csv"],
            ["--page-size", "10"],
            ["--since", "last"],
            ["--neutralise-formulas"],
            ["--changes"],
        ],
    )
    def test_options_of_the_first_start_are_refused(self, account: Account, assetline: Run, words: list[str]) -> None:
        account.opens(state="failed")
        ended = assetline("export", *words, "--resume", EXPORT)
        assert ended.exit_code == 2
        assert words[0].lstrip("-") in ended.stderr or "FEED" in ended.stderr
        assert account.started == []


def test_an_export_is_watched_by_its_id_too(account: Account, assetline: Run) -> None:
    assert STARTED.strftime("%Y%m%d_%H%M%S") in EXPORT
    account.completes()
    ended = assetline("watch", EXPORT)
    assert ended.exit_code == 0
    assert "EXPORT COMPLETE!" in ended.stdout
