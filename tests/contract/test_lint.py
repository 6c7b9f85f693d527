"""The transformed template and its policies, as linters with AWS's own definitions see them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.iam_policies import inline_policies
from tests.contract.linting import SKIPPED_RULES, insecure, linted, policy_findings
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


def test_the_template_follows_the_rules_of_checkov_that_are_not_skipped(tmp_path: Path) -> None:
    assert insecure(transformed_template(), tmp_path).keys() == SKIPPED_RULES.keys()  # none is skipped in vain


def test_an_insecure_template_is_found(tmp_path: Path) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicReadWrite"}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    policy_ = {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyName": "p", "PolicyDocument": document, "Roles": ["r"]},
    }
    found = insecure(json.dumps({"Resources": {"Open": bucket, "Wide": policy_}}), tmp_path)
    assert {"AWS::S3::Bucket.Open"} <= found["CKV_AWS_57"]  # everyone may write
    assert {"AWS::IAM::Policy.Wide"} <= found["CKV_AWS_63"]  # a policy allows every action
