"""The sentence for each error of boto3."""

from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoRegionError, SSOError

from assetline_cli.aws_errors import explain, is_no_answer


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
    def test_an_error_of_boto3_becomes_a_sentence(self, error: BotoCoreError | ClientError, words: str) -> None:
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
