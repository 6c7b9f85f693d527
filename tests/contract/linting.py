"""cfn-lint at its strictest, a linter of policies that has IAM's own definitions, and the rules of checkov."""

import json
import os
import subprocess
from pathlib import Path
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

# checkov has an environment of its own, too. It needs no network: the rules are in its package.
PYTHON_OF_CHECKOV = LOCAL / "tools" / "checkov" / "bin" / "python"
# Rules of checkov that the template does not follow.
SKIPPED_RULES = {
    "CKV_AWS_18": "access logs of S3 need a bucket of their own and cost; CloudTrail records data events if wanted",
    "CKV_AWS_21": "versions would double the cost of staging; names of objects have a time or a digest",
    "CKV_AWS_27": "queues are encrypted with SqsManagedSseEnabled, which the rule does not read",
    "CKV_AWS_115": "reserved concurrency takes from the account; RecordDropConcurrency limits the one that needs it",
    "CKV_AWS_116": "state machines keep the failures; the queue and the events have dead-letter queues of their own",
    "CKV_AWS_117": "the functions call two public APIs; a VPC would need NAT and protect nothing (docs/decisions/0033)",
    "CKV_AWS_119": "tables are encrypted with the key of AWS; a key of the customer costs for each call",
    "CKV_AWS_149": "secrets are encrypted with the key of AWS; no other account reads them",
    "CKV_AWS_158": "log groups are encrypted by AWS, and no secret is logged (test_secrets_stay_secret.py)",
    "CKV_AWS_173": "environment variables hold names and addresses, and no secret",
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


def insecure(text: str, folder: Path) -> dict[str, set[str]]:
    """Return the rules of checkov that a template breaks, with the resources; *folder* is for files."""
    file = folder / "template.json"
    file.write_text(text)
    options = ["--framework", "cloudformation", "--skip-download", "--quiet", "--compact", "--output", "json"]
    checked = subprocess.run(
        [PYTHON_OF_CHECKOV, "-W", "ignore", PYTHON_OF_CHECKOV.with_name("checkov"), "--file", file, *options],
        stdout=subprocess.PIPE,
        text=True,
        check=False,  # its status is 1 if a rule is broken
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},  # no key of its vendor's platform
    )
    report = json.loads(checked.stdout)
    assert report["summary"]["parsing_errors"] == 0
    found: dict[str, set[str]] = {}
    for broken in report["results"]["failed_checks"]:
        found.setdefault(broken["check_id"], set()).add(broken["resource"])
    return found
