"""The message of an execution that failed."""

import json

import pytest

from assetline_cli.executions import ExecutionFailure


class TestFailure:
    def test_of_a_lambdas_cause_only_the_message_is_kept(self) -> None:
        cause = {"errorMessage": "no such feed", "errorType": "UnknownFeed", "requestId": "1", "stackTrace": ["File x"]}
        failure = ExecutionFailure.from_answer("FAILED", "UnknownFeed", json.dumps(cause))
        assert failure == ExecutionFailure(error="UnknownFeed", message="no such feed")

    def test_the_type_names_an_error_the_machine_does_not(self) -> None:
        cause = json.dumps({"errorMessage": "Task timed out after 900.00 seconds", "errorType": "Sandbox.Timedout"})
        assert ExecutionFailure.from_answer("FAILED", None, cause).error == "Sandbox.Timedout"

    @pytest.mark.parametrize("cause", ["The export took 2,500 turns.", '{"some": "json"}', "[1]", '"text"'])
    def test_any_other_cause_is_shown_as_it_is(self, cause: str) -> None:
        assert ExecutionFailure.from_answer("FAILED", "TurnsExhausted", cause).message == cause

    def test_a_handler_that_raised_without_a_word_has_a_message_all_the_same(self) -> None:
        cause = json.dumps({"errorMessage": "", "errorType": "KeyError"})
        assert ExecutionFailure.from_answer("FAILED", "KeyError", cause).message == "No message."
