"""The operator's AWS account: boto3's clients, made on first use.

boto3 is imported by the functions that need it: it takes longer than the help of a command.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

ATTEMPTS = 3  # ours: an operator waits at a terminal; enough for a hiccup, and few for a wrong endpoint
ATTEMPTS_OF_MANY = 6  # ours: a hiccup is likely among thousands of files
CONNECTIONS_OF_MANY = 32  # ours: one for each file that is uploaded at once


def _patient() -> Config:
    from botocore.config import Config  # noqa: PLC0415 - help needs none

    return Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": ATTEMPTS})


def _for_many_files() -> Config:
    from botocore.config import Config  # noqa: PLC0415 - help needs none

    retries = Config(
        max_pool_connections=CONNECTIONS_OF_MANY, retries={"mode": "standard", "total_max_attempts": ATTEMPTS_OF_MANY}
    )
    return _patient().merge(retries)


class Aws:
    """The operator's AWS account; region, credentials and endpoint are boto3's own environment."""

    def __init__(self, session: boto3.Session | None = None) -> None:
        self._given = session

    @cached_property
    def _session(self) -> boto3.Session:
        # Built on first use: a profile that does not exist is an error of the command, not of `--help`.
        # boto3 reads AWS_DEFAULT_REGION only; the AWS CLI, and so its users, put AWS_REGION before it.
        import boto3  # noqa: PLC0415 - help needs none

        return self._given or boto3.Session(region_name=os.environ.get("AWS_REGION") or None)

    @property
    def region(self) -> str:
        """The region of the session, empty without one."""
        return self._session.region_name or ""

    @property
    def has_own_endpoint(self) -> bool:
        """Whether AWS_ENDPOINT_URL replaces AWS, for example by the local stack."""
        return bool(os.environ.get("AWS_ENDPOINT_URL"))

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """Reads the stack."""
        return self._session.client("cloudformation", config=_patient())

    @cached_property
    def stepfunctions(self) -> SFNClient:
        """Starts and describes executions."""
        return self._session.client("stepfunctions", config=_patient())

    @cached_property
    def s3(self) -> S3Client:
        """Downloads the files of exports."""
        return self._session.client("s3", config=_patient())

    @cached_property
    def s3_of_many(self) -> S3Client:
        """Uploads many files at once."""
        return self._session.client("s3", config=_for_many_files())

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Reads the Vi key, for the command's own requests to Vi."""
        return self._session.client("secretsmanager", config=_patient())

    @cached_property
    def sqs(self) -> SQSClient:
        """Moves messages between queues."""
        return self._session.client("sqs", config=_patient())

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """Reads the logs of the functions."""
        return self._session.client("logs", config=_patient())

    @cached_property
    def sts(self) -> STSClient:
        """Names the operator's account, for the diagnosis."""
        return self._session.client("sts", config=_patient())

    @cached_property
    def lambdas(self) -> LambdaClient:
        """Reads the concurrency quota, for the diagnosis."""
        return self._session.client("lambda", config=_patient())

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """Reads the alarms, for the diagnosis."""
        return self._session.client("cloudwatch", config=_patient())

    @cached_property
    def sns(self) -> SNSClient:
        """Reads the subscriptions of alarms, for the diagnosis."""
        return self._session.client("sns", config=_patient())

    @cached_property
    def scheduler(self) -> EventBridgeSchedulerClient:
        """Reads the export schedule."""
        return self._session.client("scheduler", config=_patient())

    def table(self, name: str) -> Table:
        """Return the table *name*, with attributes as Python values."""
        return self._session.resource("dynamodb", config=_patient()).Table(name)
