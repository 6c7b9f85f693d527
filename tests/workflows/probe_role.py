"""A role of a test's own on the local stack."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from local.stack.outputs import DeployedStack


@contextmanager
def probe_role(stack: DeployedStack, *statements: dict[str, Any]) -> Iterator[str]:
    """Have a role that grants *statements*; yield its ARN."""
    iam: Any = stack.client("iam")
    services = {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}
    trust = {"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}
    name = f"probe-{uuid4()}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="Probe", PolicyDocument=_document(*statements))
    try:
        yield str(arn)
    finally:
        if statements:
            iam.delete_role_policy(RoleName=name, PolicyName="Probe")
        iam.delete_role(RoleName=name)


def allow(action: Any, resource: Any = "*", **fields: Any) -> dict[str, Any]:
    """Return a statement that allows *action* on *resource*."""
    return {"Effect": "Allow", "Action": action, "Resource": resource} | fields


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
