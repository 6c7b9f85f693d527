"""Each function is granted the AWS calls that it makes in the tests, and no others."""

import pytest

from tests.contract.template import resources, statements
from tests.support.aws_calls import known_calls

FUNCTIONS = resources("AWS::Serverless::Function")
# Granted, and not called by a handler: by whom, then.
CALLED_BY_OTHERS = {
    "record_drop": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},  # Lambda, for the queue
}
# Called in trouble only, which no handler test brings about in an account of moto.
ABORT = {"s3:AbortMultipartUpload"}  # a copy or an upload in parts that fails
OF_VERSIONS = {"s3:GetObjectVersionTagging", "s3:PutObjectVersionTagging"}  # a bucket that keeps versions
IN_TROUBLE = {
    "close_download": ABORT,
    "close_export": ABORT,
    "salvage_export": ABORT,
    "sweep_exports": ABORT,
    "open_session": OF_VERSIONS,
    "sweep_drops": OF_VERSIONS,
    "settle_session": {"dynamodb:Query"},  # the list of a session's drops has expired
    "upload_assets": {"secretsmanager:GetSecretValue"},  # the tests' Vi client has its key already
}
# An answer of S3 depends on the grant, though nothing is listed: 404 instead of 403 for an absent object.
NOT_CALLED = {"s3:ListBucket"}


def granted(name: str) -> set[str]:
    """Return the IAM actions that the template grants the function in a folder, but for keys of KMS."""
    (properties,) = [one for one in FUNCTIONS.values() if one["CodeUri"] == f"functions/{name}/"]
    found: set[str] = set()
    for statement in statements(properties):
        actions = statement["Action"]
        found |= {actions} if isinstance(actions, str) else {*actions}
    return {action for action in found if not action.startswith("kms:")}


NAMES = sorted(one["CodeUri"].split("/")[1] for one in FUNCTIONS.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_granted_every_call_that_it_makes(name: str) -> None:
    others = {"states:DescribeExecution"} if name == "open_export" else set()  # OpenExportDescribePolicy
    assert {*known_calls().get(name, ())} - granted(name) - others == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_granted_no_call_that_it_never_makes(name: str) -> None:
    called = (
        {*known_calls().get(name, ())} | CALLED_BY_OTHERS.get(name, set()) | NOT_CALLED | IN_TROUBLE.get(name, set())
    )
    assert granted(name) - called == set()
