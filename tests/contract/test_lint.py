"""The transformed template and its policies, as linters with AWS's own definitions see them."""

import json
from typing import Any

import pytest

from tests.contract.iam_policies import inline_policies
from tests.contract.linting import linted, policy_findings
from tests.contract.transformed_template import transformed_template

QUEUE = "arn:aws:sqs:us-east-1:123456789012:name"


def policy(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


def test_cfn_lint_finds_nothing_in_the_transformed_template() -> None:
    assert linted(transformed_template()) == []


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"Parameters": {"Unused": {"Type": "String"}}}, "W2001"),
        ({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 43201}}}}, "E3034"),
        ({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Nonsense": 1}}}}, "E3002"),
        ({"Outputs": {"Url": {"Value": {"Fn::Sub": "plain"}}}}, "W1020"),
        ({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "DependsOn": "Topic"}}}, "E3005"),
        ({"Outputs": {"Arn": {"Value": {"Fn::Join": ["", ["a", {"Ref": "AWS::Region"}]]}}}}, "I1022"),
    ],
)
def test_cfn_lint_finds_errors_warnings_and_informational_ones(changed: dict[str, Any], rule: str) -> None:
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}} | changed
    assert rule in [match.split()[0] for match in linted(json.dumps(template))]


def test_inline_policies_grant_existing_actions_on_their_resources() -> None:
    policies = inline_policies()
    assert len(policies) > 20
    assert policy_findings(policies) == {}


@pytest.mark.parametrize(
    ("wrong", "issue"),
    [
        (policy("sqs:ChangeMessageVisibilityBatch", QUEUE), "UNKNOWN_ACTION"),
        (policy("sqs:SendMessage", "arn:aws:s3:::name"), "RESOURCE_MISMATCH"),
        (policy("s3:GetObject", "arn:aws:s3:::name"), "RESOURCE_MISMATCH"),
        (policy("sqs:SendMessage", QUEUE, StringEquals={"events:source": "a"}), "UNKNOWN_CONDITION_FOR_ACTION"),
    ],
)
def test_a_wrong_policy_is_found(wrong: dict[str, Any], issue: str) -> None:
    assert [found for found, _ in policy_findings({"wrong": wrong})["wrong"]] == [issue]
