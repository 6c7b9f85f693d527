"""The only module that creates AWS clients: the same timeouts and retries, the same translation of errors."""

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from assetline.aws.failures import guard

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource, Table
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

CONNECTIONS = 64  # ours: more than any function uses at once
# ours: the client retries a call for seconds; the state machine retries the invocation for minutes
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": 6},
)


def s3_client() -> "S3Client":
    """Return a client of S3."""
    return _guarded(boto3.client("s3", config=_CONFIG))


def events_client() -> "EventBridgeClient":
    """Return a client of EventBridge."""
    return _guarded(boto3.client("events", config=_CONFIG))


def machines_client() -> "SFNClient":
    """Return a client of Step Functions."""
    return _guarded(boto3.client("stepfunctions", config=_CONFIG))


def secrets_client() -> "SecretsManagerClient":
    """Return a client of Secrets Manager."""
    return _guarded(boto3.client("secretsmanager", config=_CONFIG))


def queues_client() -> "SQSClient":
    """Return a client of SQS."""
    return _guarded(boto3.client("sqs", config=_CONFIG))


def table(name: str) -> "Table":
    """Return a table of DynamoDB; all tables share one client."""
    return _dynamodb().Table(name)


@cache
def _dynamodb() -> "DynamoDBServiceResource":
    resource = boto3.resource("dynamodb", config=_CONFIG)
    guard(resource.meta.client)
    return resource


def _guarded[Client: Any](client: Client) -> Client:
    guard(client)
    return client
