"""How an export ended, in figures or in a message."""

import json
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoRegionError, SSOError

from assetline_cli.aws_errors import explain, is_no_answer
from assetline_cli.executions import ExportOutput, Failure
from assetline_cli.exports.summary import ExportSummary


def any_result(*, rows: int, pages: int, feed: str = "assets") -> ExportOutput:
    return ExportOutput(
        export_id="assets_20250320_143045",
        feed=feed,
        bucket="the-exports",
        key="exports/assets/assets_20250320_143045.csv",
        manifest_key="exports/assets/assets_20250320_143045.manifest.json",
        rows=rows,
        pages=pages,
        bytes=1,
        turns=1,
        complete=True,
    )


class TestSummary:
    def test_the_figures_of_the_script(self) -> None:
        assert ExportSummary(any_result(rows=10_000, pages=400), seconds=180.45).lines() == [
            "Total Assets: 10,000",
            "Total Pages: 400",
            "Total Time: 180.45s (3.01 minutes)",
            "Average Page Time: 0.451s",
            "Throughput: 2.22 pages/sec | 55.4 assets/sec",
            "Output saved to: s3://the-exports/exports/assets/assets_20250320_143045.csv",
            "Manifest: s3://the-exports/exports/assets/assets_20250320_143045.manifest.json",
        ]

    def test_rows_have_the_name_of_their_feed(self) -> None:
        first, *rest = ExportSummary(any_result(rows=7, pages=1, feed="inspection_items"), seconds=2).lines()
        assert first == "Total Inspection Items: 7"
        assert "Throughput: 0.50 pages/sec | 3.5 inspection items/sec" in rest

    def test_what_was_asked_about_changes_is_told(self) -> None:
        result = any_result(rows=7, pages=1)
        written = result.model_copy(update={"changes_key": "exports/assets/a.changes.csv"})
        assert ExportSummary(written, seconds=2).lines()[-1] == "Changes: s3://the-exports/exports/assets/a.changes.csv"
        failed = result.model_copy(update={"changes_error": "KeyMissing"})
        assert ExportSummary(failed, seconds=2).lines()[-1] == "Changes: could not be written (KeyMissing)"

    def test_nothing_is_divided_by_nothing(self) -> None:
        lines = ExportSummary(any_result(rows=0, pages=0), seconds=0).lines()
        assert not [line for line in lines if line.startswith(("Average", "Throughput"))]


class TestFailure:
    def test_of_a_lambdas_cause_only_the_message_is_kept(self) -> None:
        cause = {"errorMessage": "no such feed", "errorType": "UnknownFeed", "requestId": "1", "stackTrace": ["File x"]}
        failure = Failure.from_answer("FAILED", "UnknownFeed", json.dumps(cause))
        assert failure == Failure(error="UnknownFeed", message="no such feed")

    def test_the_type_names_an_error_the_machine_does_not(self) -> None:
        cause = json.dumps({"errorMessage": "Task timed out after 900.00 seconds", "errorType": "Sandbox.Timedout"})
        assert Failure.from_answer("FAILED", None, cause).error == "Sandbox.Timedout"

    @pytest.mark.parametrize("cause", ["The export took 2,500 turns.", '{"some": "json"}', "[1]", '"text"'])
    def test_any_other_cause_is_shown_as_it_is(self, cause: str) -> None:
        assert Failure.from_answer("FAILED", "TurnsExhausted", cause).message == cause

    def test_a_handler_that_raised_without_a_word_has_a_message_all_the_same(self) -> None:
        cause = json.dumps({"errorMessage": "", "errorType": "KeyError"})
        assert Failure.from_answer("FAILED", "KeyError", cause).message == "No message."


def refused(code: str, message: str = "", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DescribeExecution")


class TestExplaining:
    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (NoRegionError(), "No AWS region is set"),
            (SSOError(), "aws sso login"),
            (EndpointConnectionError(endpoint_url="http://127.0.0.1:4566"), "AWS did not answer: Could not connect"),
            (BotoCoreError(), "The AWS client failed"),
            (refused("ThrottlingException"), "AWS throttled"),
            (refused("KmsAccessDenied", "the key"), "AWS refused DescribeExecution (KmsAccessDenied): the key."),
            (refused("Odd"), "AWS refused DescribeExecution (Odd): no reason given."),
        ],
    )
    def test_what_boto3_raises_becomes_a_sentence(self, error: BotoCoreError | ClientError, words: str) -> None:
        assert words in explain(error)

    @pytest.mark.parametrize(
        ("error", "passes"),
        [
            (refused("InternalError", status=500), True),
            (refused("ThrottlingException"), True),
            (EndpointConnectionError(endpoint_url="http://127.0.0.1:4566"), True),
            (refused("AccessDeniedException"), False),
            (NoRegionError(), False),
        ],
    )
    def test_silence_may_pass_and_a_refusal_does_not(self, error: BotoCoreError | ClientError, passes: bool) -> None:
        assert is_no_answer(error) is passes
