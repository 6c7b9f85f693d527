"""The calls that each function's role may make, of a list of calls: all others have to be refused.

No call changes anything: it names an absent object or item, or has an error that AWS finds after it checks the role.
"""

from collections.abc import Mapping
from typing import Any

type Call = tuple[str, str, dict[str, Any]]  # service, method of boto3, arguments

NAME = "least-privilege"
AREAS = (
    *("exports/", "reports/", "downloads/", "elsewhere/"),
    *("staging/export/", "staging/ingest/", "staging/download/", "staging/delete/", "staging/backfill/"),
)
TABLES = {"exports": "export_id", "drops": "drop_id", "sessions": "session_key"}
SECRETS = {"token": "SafetyCultureSecretArn", "key": "ViSecretArn"}
MACHINES = {
    "export_feed": "ExportStateMachineArn",
    "export_feeds": "ExportFeedsStateMachineArn",
    "ingest_drops": "IngestStateMachineArn",
    "backfill_drops": "BackfillStateMachineArn",
    "download_assets": "DownloadStateMachineArn",
    "delete_assets": "DeleteStateMachineArn",
}
QUEUES = {"drops": "DropQueueUrl", "dead drops": "DropDeadLetterQueueUrl", "dead exports": "SalvageDeadLetterQueueUrl"}
_OTHER_DIGEST = "AAAAAAAAAAAAAAAAAAAAAA=="


_MAY_EXPORT = {"dynamodb:GetItem exports", "dynamodb:UpdateItem exports"}
_MAY_PUBLISH = _MAY_EXPORT | {
    *("s3:ListBucket exports", "s3:GetObject staging/export/", "s3:DeleteObject staging/export/"),
    *("s3:GetObject exports/", "s3:PutObject exports/", "events:PutEvents assetline"),
}
_MAY_SALVAGE = _MAY_PUBLISH | {
    *("dynamodb:PutItem exports", "s3:PutObject staging/export/", "states:DescribeExecution export_feed"),
}
_MAY_OPEN = _MAY_EXPORT | {
    *("dynamodb:PutItem exports", "s3:PutObject staging/export/", "states:DescribeExecution export_feed"),
}
_MAY_WRITE = _MAY_EXPORT | {
    *("s3:ListBucket exports", "s3:GetObject staging/export/", "s3:PutObject staging/export/"),
}
_TOKEN, _KEY = {"secretsmanager:GetSecretValue token"}, {"secretsmanager:GetSecretValue key"}
_MAY_DELETE = _KEY | {"s3:ListBucket exports", "s3:GetObject staging/delete/"}
_MAY_INGEST = _KEY | {
    *("dynamodb:GetItem sessions", "dynamodb:UpdateItem sessions"),
    *("s3:ListBucket exports", "s3:GetObject staging/ingest/"),
}
_MAY_TAG = {"s3:GetObjectTagging drops", "s3:PutObjectTagging drops"}
_MAY_SETTLE = (
    _MAY_INGEST
    | _MAY_TAG
    | {
        *("dynamodb:BatchGetItem drops", "dynamodb:UpdateItem drops"),
        *("s3:PutObject staging/ingest/", "events:PutEvents assetline"),
    }
)
_MAY_LIST_DROPS = {"dynamodb:Query drops"}

# The calls that each function needs; of `calls`, all others are refused.
MAY: dict[str, set[str]] = {
    "OpenExportFunction": _MAY_OPEN | _TOKEN,
    "OpenViExportFunction": _MAY_OPEN | _KEY,
    "WritePagesFunction": _MAY_WRITE | _TOKEN,
    "WriteViPagesFunction": _MAY_WRITE | _KEY,
    "CloseExportFunction": _MAY_PUBLISH,
    "SalvageExportFunction": _MAY_SALVAGE | {"sqs:SendMessage dead exports"},
    "SweepExportsFunction": _MAY_SALVAGE | {"states:ListExecutions export_feed"},
    "WriteChangesFunction": {"s3:ListBucket exports", "s3:GetObject exports/", "s3:PutObject exports/"},
    "PlanExportsFunction": set(),  # it only computes
    "RecordDropFunction": _MAY_TAG
    | {
        *("dynamodb:BatchGetItem drops", "dynamodb:PutItem drops", "dynamodb:UpdateItem drops"),
        *("dynamodb:UpdateItem sessions", "s3:GetObject drops", "s3:ListBucket drops"),
        *("sqs:GetQueueAttributes drops", "sqs:DeleteMessage drops", "sqs:ChangeMessageVisibility drops"),
        "states:StartExecution ingest_drops",
    },
    "OpenSessionFunction": _MAY_SETTLE
    | _MAY_LIST_DROPS
    | {"dynamodb:PutItem sessions", "dynamodb:DeleteItem sessions"},
    "UploadAssetsFunction": _MAY_INGEST
    | {
        *("dynamodb:BatchGetItem drops", "dynamodb:UpdateItem drops", "s3:GetObject drops", "s3:ListBucket drops"),
        "s3:PutObject staging/ingest/",
    },
    "PollSessionFunction": _MAY_INGEST,
    "SettleSessionFunction": _MAY_SETTLE | {"s3:PutObject reports/"},
    "SweepDropsFunction": _MAY_SETTLE
    | _MAY_LIST_DROPS
    | {"s3:PutObject reports/", "dynamodb:Scan sessions", "states:StartExecution ingest_drops"},
    "ListAssetsFunction": _KEY
    | {"s3:ListBucket exports", "s3:GetObject staging/download/", "s3:PutObject staging/download/"},
    "DownloadSliceFunction": _KEY
    | {
        *("s3:ListBucket exports", "s3:GetObject staging/download/", "s3:PutObject staging/download/"),
        *("s3:GetObject downloads/", "s3:PutObject downloads/"),
    },
    "CloseDownloadFunction": {
        *("s3:ListBucket exports", "s3:GetObject staging/download/", "s3:PutObject downloads/"),
        "events:PutEvents assetline",
    },
    "OpenDeletionFunction": _MAY_DELETE | {"s3:PutObject staging/delete/"},
    "DeleteIdsFunction": _MAY_DELETE | {"s3:PutObject staging/delete/"},
    "PollDeletionFunction": _MAY_DELETE,
    "CloseDeletionFunction": {
        *("s3:ListBucket exports", "s3:GetObject staging/delete/", "s3:PutObject reports/"),
        "events:PutEvents assetline",
    },
}


def calls(outputs: Mapping[str, str]) -> dict[str, Call]:
    """Return the calls for a stack with these *outputs*, by action and resource."""
    found: dict[str, Call] = {}
    for area in AREAS:
        found |= _of_objects(area, outputs["ExportBucketName"], f"{area}{NAME}")
    found |= _of_objects("drops", outputs["DropBucketName"], NAME)
    for name, bucket in {"exports": "ExportBucketName", "drops": "DropBucketName"}.items():
        found[f"s3:ListBucket {name}"] = ("s3", "list_objects_v2", {"Bucket": outputs[bucket], "MaxKeys": 1})
    for name, key in TABLES.items():
        found |= _of_table(name, outputs[f"{name.title()}TableName"], key)
    for name, output in SECRETS.items():
        secret = {"SecretId": outputs[output]}
        found[f"secretsmanager:GetSecretValue {name}"] = ("secretsmanager", "get_secret_value", secret)
        found[f"secretsmanager:PutSecretValue {name}"] = ("secretsmanager", "put_secret_value", secret)
    for name, output in MACHINES.items():
        found |= _of_machine(name, outputs[output])
    for name, output in QUEUES.items():
        found |= _of_queue(name, outputs[output])
    for source in ("assetline", "another"):
        entry = {"Source": source, "DetailType": NAME, "Detail": "{}"}
        found[f"events:PutEvents {source}"] = ("events", "put_events", {"Entries": [entry]})
    return found | {
        "lambda:InvokeFunction": ("lambda", "invoke", {"FunctionName": NAME}),
        "lambda:UpdateFunctionCode": ("lambda", "update_function_code", {"FunctionName": NAME, "ZipFile": b""}),
        "iam:PutRolePolicy": ("iam", "put_role_policy", {"RoleName": NAME, "PolicyName": NAME, "PolicyDocument": "{}"}),
        "logs:FilterLogEvents": ("logs", "filter_log_events", {"logGroupName": NAME}),
    }


def _of_objects(name: str, bucket: str, key: str) -> dict[str, Call]:
    place = {"Bucket": bucket, "Key": key}
    tags: dict[str, Any] = {"Tagging": {"TagSet": []}}
    return {
        f"s3:GetObject {name}": ("s3", "get_object", place),
        f"s3:PutObject {name}": ("s3", "put_object", place | {"Body": b"", "ContentMD5": _OTHER_DIGEST}),
        f"s3:DeleteObject {name}": ("s3", "delete_object", place),
        f"s3:GetObjectTagging {name}": ("s3", "get_object_tagging", place),
        f"s3:PutObjectTagging {name}": ("s3", "put_object_tagging", place | tags),
    }


def _of_table(name: str, table: str, key: str) -> dict[str, Call]:
    absent, of_table = {key: {"S": NAME}}, {"TableName": table}
    condition = {"ConditionExpression": f"attribute_exists({key})"}
    found: dict[str, Call] = {
        f"dynamodb:GetItem {name}": ("dynamodb", "get_item", of_table | {"Key": absent}),
        f"dynamodb:BatchGetItem {name}": ("dynamodb", "batch_get_item", {"RequestItems": {table: {"Keys": [absent]}}}),
        f"dynamodb:PutItem {name}": ("dynamodb", "put_item", of_table | {"Item": absent} | condition),
        f"dynamodb:UpdateItem {name}": ("dynamodb", "update_item", of_table | {"Key": absent} | condition),
        f"dynamodb:DeleteItem {name}": ("dynamodb", "delete_item", of_table | {"Key": absent}),
        f"dynamodb:Scan {name}": ("dynamodb", "scan", of_table | {"Limit": 1}),
    }
    if name == "drops":
        values = {"ExpressionAttributeValues": {":value": {"S": NAME}}}
        query = {"IndexName": "by_dataset_state", "KeyConditionExpression": "dataset_state = :value"} | values
        found[f"dynamodb:Query {name}"] = ("dynamodb", "query", of_table | query)
    return found


def _of_machine(name: str, arn: str) -> dict[str, Call]:
    execution = {"executionArn": f"{arn.replace(':stateMachine:', ':execution:')}:{NAME}"}
    return {
        f"states:StartExecution {name}": ("stepfunctions", "start_execution", {"stateMachineArn": arn, "input": "-"}),
        f"states:ListExecutions {name}": ("stepfunctions", "list_executions", {"stateMachineArn": arn}),
        f"states:DescribeExecution {name}": ("stepfunctions", "describe_execution", execution),
        f"states:StopExecution {name}": ("stepfunctions", "stop_execution", execution),
    }


def _of_queue(name: str, url: str) -> dict[str, Call]:
    queue, receipt = {"QueueUrl": url}, {"ReceiptHandle": NAME}
    return {
        f"sqs:SendMessage {name}": ("sqs", "send_message", queue | {"MessageBody": ""}),
        f"sqs:GetQueueAttributes {name}": ("sqs", "get_queue_attributes", queue),
        f"sqs:DeleteMessage {name}": ("sqs", "delete_message", queue | receipt),
        f"sqs:ChangeMessageVisibility {name}": (
            "sqs",
            "change_message_visibility",
            queue | receipt | {"VisibilityTimeout": 0},
        ),
    }
