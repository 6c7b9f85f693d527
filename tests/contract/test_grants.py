"""Each function is granted the AWS calls that it makes in the tests, and no others."""

import pytest

from tests.contract.template import resources, statements, template
from tests.support.aws_calls import known_calls
from tests.support.least_privilege import MAY, calls

FUNCTIONS = resources("AWS::Serverless::Function")
# Granted, and not called by a handler: by whom, then.
CALLED_BY_OTHERS = {
    "record_drop": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},  # Lambda, for the queue
}
# Calls after failures only, which no handler test causes in an account of moto.
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
    """Return the IAM actions that the template grants the function *name*, but for keys of KMS."""
    found: set[str] = set()
    for statement in statements(FUNCTIONS[name]):
        actions = statement["Action"]
        found |= {actions} if isinstance(actions, str) else {*actions}
    return {action for action in found if not action.startswith("kms:")}


def folder_of(name: str) -> str:
    """Return the folder of a function's code, which the recorded calls are listed by."""
    folder: str = FUNCTIONS[name]["CodeUri"].split("/")[1]
    return folder


def granted_to_folder(folder: str) -> set[str]:
    """Return what every function of a folder is granted: those of one folder differ in the secret they read."""
    return set.intersection(*(granted(name) for name in FUNCTIONS if folder_of(name) == folder))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_granted_every_call_that_it_makes(name: str) -> None:
    folder = folder_of(name)
    others = {"states:DescribeExecution"} if folder == "open_export" else set()  # OpenExportDescribePolicy
    assert {*known_calls().get(folder, ())} - granted(name) - others == set()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_granted_no_call_that_it_never_makes(name: str) -> None:
    folder = folder_of(name)
    called = {*known_calls().get(folder, ())} | CALLED_BY_OTHERS.get(folder, set()) | IN_TROUBLE.get(folder, set())
    assert granted(name) - called - NOT_CALLED == set()


def test_every_function_has_a_row_of_the_calls_it_may_make() -> None:
    assert MAY.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_refuses_another_prefix_and_another_secret(name: str) -> None:
    refused = calls(dict.fromkeys(template()["Outputs"], "name")).keys() - MAY[name]
    assert MAY[name] <= calls(dict.fromkeys(template()["Outputs"], "name")).keys()
    assert {
        "s3:GetObject elsewhere/",
        "s3:PutObject elsewhere/",
        "s3:PutObject drops",
        "s3:DeleteObject drops",
    } <= refused
    assert len({call for call in refused if call.startswith("secretsmanager:GetSecretValue")}) >= 1
    assert MAY[name] or not granted(name)
