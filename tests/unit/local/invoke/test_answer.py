"""Answers of functions: a result, an error, or nothing."""

import pytest

from local.invoke.answer import FunctionAnswer


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('{"errorType": "UnknownFeed", "errorMessage": "No feed"}', "UnknownFeed", "No feed"),
        ('{"errorMessage": "Task timed out"}', "Unhandled", "Task timed out"),
        ("", "Runtime.NoAnswer", "the function returned nothing"),
        ("Task timed out after 60.00 seconds", "Runtime.NoAnswer", "Task timed out after 60.00 seconds"),
        ('{"error": null, "errorType": "a key of a result"}', "", ""),
        ("null", "", ""),
    ],
)
def test_an_error_is_found_in_the_body(text: str, error: str, message: str) -> None:
    answer = FunctionAnswer.of_text(text, 0.5)
    assert (answer.error, answer.message) == (error, message)
