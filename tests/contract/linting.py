"""cfn-lint at its strictest, and a linter of policies that has IAM's own definitions."""

import json
import subprocess
from typing import Any

import cfnlint

from local.paths import LOCAL

# All rules of cfn-lint but these, informational ones included.
DISABLED_RULES = {
    "I3011": "it wants deletion policies of queues and log groups too; test_template.py requires those of data",
    "I4010": "it wants metadata for generators of architecture diagrams",
}
# The policy linter has an environment of its own, as it needs an old setuptools.
PYTHON_OF_IAMLINT = LOCAL / "tools" / "iamlint" / "bin" / "python"
FIND = """
import json, sys
from parliament import analyze_policy_string
found = {
    name: [[finding.issue, str(finding.detail)] for finding in analyze_policy_string(json.dumps(policy)).findings]
    for name, policy in json.load(sys.stdin).items()
}
print(json.dumps(found))
"""
# Accepted findings of the policy linter.
ACCEPTED_FINDINGS = {
    ("NO_VERSION", ""): "SAM writes these policies, and they use nothing that the newer version has",
    (
        "RESOURCE_MISMATCH",
        "[{'action': 'states:DescribeExecution', 'required_format': 'arn:*:states:*:*:express:*:*:*'}]",
    ): "the Step Functions guide grants it on `execution:` ARNs; the linter has only those of Express executions",
    (
        "RESOURCE_MISMATCH",
        "[{'action': 'states:ListExecutions', 'required_format': 'arn:*:states:*:*:mapRun:*/*:*'}]",
    ): "it lists the executions of a machine or of a Map Run; the linter wants both",
}


def linted(text: str) -> list[str]:
    """Return what cfn-lint finds in a template."""
    config = cfnlint.ManualArgs(
        regions=["us-east-1"],
        include_checks=["I", "W", "E"],
        ignore_checks=[*DISABLED_RULES],
        include_experimental=True,
    )
    return [f"{match.rule.id} {match.message} {match.path}" for match in cfnlint.lint(text, config=config)]


def policy_findings(policies: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return what is wrong with each of *policies*, without what is accepted and without those that are right."""
    linter = subprocess.run(
        [PYTHON_OF_IAMLINT, "-W", "ignore", "-c", FIND],
        input=json.dumps(policies),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for name, findings in json.loads(linter.stdout).items():
        wrong = [(issue, detail) for issue, detail in findings if (issue, detail) not in ACCEPTED_FINDINGS]
        if wrong:
            found[name] = wrong
    return found
