"""The policy of the deployer covers every kind of resource, and grants existing actions."""

import json
from typing import Any

from tests.contract.linting import policy_findings
from tests.contract.template import ROOT, listed
from tests.contract.transformed_template import transformed_resources

POLICY: dict[str, Any] = json.loads((ROOT / "docs/deployer-policy.json").read_text())
# The services of IAM that CloudFormation names differently.
SERVICES = {"StepFunctions": "states", "CloudWatch": "cloudwatch", "SecretsManager": "secretsmanager"}
RESOURCE_STAR = "RESOURCE_STAR"  # calls of a list, which take no resource


def actions() -> set[str]:
    return {action for statement in POLICY["Statement"] for action in listed(statement["Action"])}


def test_the_deployer_may_use_the_service_of_every_resource() -> None:
    kinds = {resource["Type"].split("::")[1] for resource in transformed_resources().values()}
    services = {SERVICES.get(kind, kind.lower()) for kind in kinds}
    assert services | {"cloudformation"} == {action.partition(":")[0] for action in actions()}


def test_the_named_actions_of_the_deployer_exist() -> None:
    named = [statement for statement in POLICY["Statement"] if not str(statement["Action"]).endswith(":*")]
    policies = {statement["Sid"]: POLICY | {"Statement": [statement]} for statement in named}
    findings = [found for each in policy_findings(policies).values() for found in each]
    assert [found for found in findings if found[0] != RESOURCE_STAR] == []


def test_only_named_actions_have_no_resource() -> None:
    for statement in POLICY["Statement"]:
        assert statement["Resource"] != "*" or not any("*" in action for action in listed(statement["Action"]))


def test_only_roles_of_the_stack_are_passed() -> None:
    [passing] = [statement for statement in POLICY["Statement"] if "iam:PassRole" in listed(statement["Action"])]
    assert passing["Resource"] == "arn:aws:iam::*:role/assetline*"
