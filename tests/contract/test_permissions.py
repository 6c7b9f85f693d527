"""The permissions that the template grants, against what AWS documents of its actions and condition keys."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.template import MACHINES, ROOT, listed, machine, resources, statements, template
from tests.contract.transformed_template import transformed_resources

# Types of condition keys, as the Service Authorization Reference lists them for each service; those of `aws:` keys as
# the IAM User Guide lists them ("AWS global condition context keys"). "ArrayOf…" is a multivalued key.
CONDITION_KEY_TYPES = {
    "aws:SecureTransport": "Bool",
    "aws:SourceAccount": "String",
    "aws:SourceArn": "ARN",
    "events:source": "ArrayOfString",
}
SET_OPERATORS = ("ForAllValues:", "ForAnyValue:")


def conditions(node: Any) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the condition block of every policy statement below a node."""
    match node:
        case {"Effect": _, "Condition": dict(condition)}:
            yield condition
        case dict():
            for value in node.values():
                yield from conditions(value)
        case list():
            for value in node:
                yield from conditions(value)


TESTED_KEYS = [
    (operator, key)
    for condition in conditions(template()["Resources"])
    for operator, tests in condition.items()
    for key in tests
]


def test_every_condition_key_has_a_known_type() -> None:
    assert {key for _, key in TESTED_KEYS} == CONDITION_KEY_TYPES.keys()


def test_multivalued_condition_keys_use_set_operators_and_others_do_not() -> None:
    wrong = [
        (operator, key)
        for operator, key in TESTED_KEYS
        if operator.startswith(SET_OPERATORS) != CONDITION_KEY_TYPES[key].startswith("ArrayOf")
    ]
    assert wrong == []


def machine_name(path: Path) -> str:
    """Return the logical id of the machine that a definition file defines."""
    uri = str(path.relative_to(ROOT))
    (name,) = [
        name
        for name, properties in resources("AWS::Serverless::StateMachine").items()
        if properties["DefinitionUri"] == uri
    ]
    return name


def runs_distributed_map(path: Path) -> bool:
    processors = [state.get("ItemProcessor", {}) for state in machine(path)["States"].values()]
    return any(processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED" for processor in processors)


@pytest.mark.parametrize("path", [path for path in MACHINES if runs_distributed_map(path)], ids=lambda path: path.stem)
def test_a_distributed_map_has_the_permissions_that_aws_documents(path: Path) -> None:
    # "IAM policies for using Distributed Map states" in the Step Functions developer guide.
    name = machine_name(path)
    (policy,) = [
        policy for policy in resources("AWS::IAM::Policy").values() if policy["Roles"] == [{"Ref": f"{name}Role"}]
    ]
    start, look, redrive = policy["PolicyDocument"]["Statement"]
    execution = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:execution:${{{name}.Name}}"
    children = {"Fn::Sub": f"{execution}/*"}
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", {"Ref": name})
    assert look["Action"] == ["states:DescribeExecution", "states:StopExecution"]
    assert look["Resource"] == [{"Fn::Sub": f"{execution}:*"}, children]
    assert (redrive["Action"], redrive["Resource"]) == ("states:RedriveExecution", children)


def test_the_machines_with_a_distributed_map_are_found() -> None:
    found = {path.name.removesuffix(".asl.json") for path in MACHINES if runs_distributed_map(path)}
    assert found == {"ingest_drops", "backfill_drops", "download_assets"}


def test_a_result_writer_has_the_permissions_that_aws_documents() -> None:
    # "IAM policies for using Distributed Map states" in the Step Functions developer guide.
    path = ROOT / "statemachines/backfill_drops.asl.json"
    writer = machine(path)["States"]["Record Drops"]["ResultWriter"]["Parameters"]
    properties = resources("AWS::Serverless::StateMachine")[machine_name(path)]
    assert properties["DefinitionSubstitutions"][writer["Bucket"].strip("${}")] == {"Ref": "ExportBucket"}
    results = {"Fn::Sub": f"${{ExportBucket.Arn}}/{writer['Prefix']}/*"}
    (granted,) = [statement for statement in statements(properties) if statement["Resource"] == results]
    assert granted["Action"] == [
        "s3:PutObject",
        "s3:GetObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ]


def test_the_results_of_a_backfill_expire() -> None:
    writer = machine(ROOT / "statemachines/backfill_drops.asl.json")["States"]["Record Drops"]["ResultWriter"]
    rules = resources("AWS::S3::Bucket")["ExportBucket"]["LifecycleConfiguration"]["Rules"]
    expired = [rule for rule in rules if writer["Parameters"]["Prefix"].startswith(rule.get("Prefix", "-"))]
    assert [rule["ExpirationInDays"] for rule in expired] == [7]


def functions_allowed(action: str, resource: Any) -> set[str]:
    """Return the functions that may do something with a resource."""
    return {
        name
        for name, function in resources("AWS::Serverless::Function").items()
        for statement in statements(function)
        if action in listed(statement["Action"]) and resource in listed(statement["Resource"])
    }


@pytest.mark.parametrize(
    ("action", "allowed_by", "key", "bucket"),
    [
        ("kms:Decrypt", "s3:GetObject", "BackfillKmsKeyArn", "BackfillBucketName"),
        ("kms:Decrypt", "s3:GetObject", "DownloadKmsKeyArn", "DownloadBucketName"),
        ("kms:GenerateDataKey", "s3:PutObject", "DownloadKmsKeyArn", "DownloadBucketName"),
        ("kms:GenerateDataKey", "s3:PutObject", "BackfillKmsKeyArn", "BackfillBucketName"),
    ],
)
def test_a_key_is_granted_to_the_functions_that_use_its_bucket(
    action: str, allowed_by: str, key: str, bucket: str
) -> None:
    objects = {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::${{{bucket}}}/*"}
    assert functions_allowed(action, {"Ref": key}) == functions_allowed(allowed_by, objects)


STAGING = re.compile(r"\$\{ExportBucket\.Arn\}/(\*|staging/(?:(\w+)/)?\*)")
# Functions that read or write staged objects; signed URLs and lists of assets lie there.
AREAS = {
    "export": {
        "OpenExportFunction",
        "OpenViExportFunction",
        "WritePagesFunction",
        "WriteViPagesFunction",
        "CloseExportFunction",
        "SalvageExportFunction",
        "SweepExportsFunction",
    },
    "ingest": {
        "OpenSessionFunction",
        "UploadAssetsFunction",
        "PollSessionFunction",
        "SettleSessionFunction",
        "SweepDropsFunction",
        "IngestDropsStateMachine",
    },
    "download": {"ListAssetsFunction", "DownloadSliceFunction", "CloseDownloadFunction", "DownloadAssetsStateMachine"},
    "delete": {
        "OpenDeletionFunction",
        "DeleteIdsFunction",
        "PollDeletionFunction",
        "CloseDeletionFunction",
        "DeleteAssetsStateMachine",
    },
    "backfill": {"BackfillDropsStateMachine"},
}
OWNERS = resources("AWS::Serverless::Function") | resources("AWS::Serverless::StateMachine")


def policies_beside(name: str) -> list[dict[str, Any]]:
    """Return the statements of policies that are attached to the role of *name* by themselves."""
    return [
        statement
        for policy in resources("AWS::IAM::Policy").values()
        if {"Ref": f"{name}Role"} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def staging_areas(name: str) -> set[str]:
    """Return the areas of staging whose objects a function or a machine may touch; "*" for all of them."""
    granted = [*statements(OWNERS[name]), *policies_beside(name)]
    arns = [str(item) for statement in granted for item in listed(statement["Resource"]) if "ExportBucket" in str(item)]
    return {found[2] or "*" for arn in arns for found in STAGING.finditer(arn)}


@pytest.mark.parametrize("name", OWNERS)
def test_staged_objects_are_open_to_their_own_flow_only(name: str) -> None:
    areas = {area for area, owners in AREAS.items() if name in owners}
    assert len(areas) <= 1
    assert staging_areas(name) <= areas


def test_the_areas_of_staging_are_those_the_code_writes_to() -> None:
    source = "".join(path.read_text() for path in (ROOT / "layers/assetline/assetline").rglob("*.py"))
    written = {*re.findall(r'f"staging/(\w+)/', source)}
    assert written == AREAS.keys() - {"backfill"}
    assert not re.findall(r'f"staging/\{', source)


@pytest.mark.parametrize("name", OWNERS)
def test_a_function_reads_one_secret_at_most(name: str) -> None:
    granted = [*statements(OWNERS[name]), *policies_beside(name)]
    read = [item for statement in granted for item in listed(statement["Resource"]) if "Secret" in str(item)]
    assert len(read) <= 1
    assert all(item in ({"Ref": "SafetyCultureSecret"}, {"Ref": "ViSecret"}) for item in read)
    for statement in granted:
        if any(action.startswith("secretsmanager:") for action in listed(statement["Action"])):
            assert statement["Action"] == "secretsmanager:GetSecretValue"
            assert statement["Resource"] in read


def test_roles_have_no_managed_policy_but_that_of_logs() -> None:
    # SAM attaches managed policies for some events; that of a queue grants every queue of the account.
    roles = {name: found for name, found in transformed_resources().items() if found["Type"] == "AWS::IAM::Role"}
    attached = {arn for role in roles.values() for arn in role["Properties"].get("ManagedPolicyArns", [])}
    assert len(roles) > len(OWNERS) - 1
    assert {arn.rsplit("/", 1)[1] for arn in attached} == {"AWSLambdaBasicExecutionRole"}
