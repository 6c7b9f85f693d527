"""The deployed stack: its outputs, and the clients that reach what they name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from assetline.config import ORIGIN
from assetline_cli.aws_errors import code_of
from assetline_cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

DEFAULT_STACK = "assetline"
SEVERAL = "ExportFeedsStateMachineArn"  # the output only stacks have that export several feeds side by side
VI_ORIGIN, VI_SECRET = "ViApiUrl", "ViSecretArn"  # a parameter and an output, of stacks that work with Vi
DOWNLOADS, DELETIONS = "DownloadStateMachineArn", "DeleteStateMachineArn"  # the outputs of those that also do that
INGESTION = ("DropBucketName", "DropsTableName", "SessionsTableName", "IngestStateMachineArn")  # only those that ingest
QUEUES = ("DropQueueUrl", "DropDeadLetterQueueUrl")

# An operator waits at a terminal: three tries tell a hiccup from an endpoint that is not there.
PATIENCE = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
# Among thousands of files a hiccup is to be expected; a connection for each of those uploaded at once.
MANY_FILES = PATIENCE.merge(
    Config(max_pool_connections=32, retries={"mode": "standard", "total_max_attempts": 6}),
)


class Aws:
    """The operator's AWS account; region, credentials and endpoint are boto3's own environment."""

    def __init__(self, session: boto3.Session | None = None) -> None:
        self._given = session

    @cached_property
    def _session(self) -> boto3.Session:
        # Built on first use: a profile that does not exist is an error of the command, not of `--help`.
        # boto3 reads AWS_DEFAULT_REGION only; the AWS CLI, and so its users, put AWS_REGION before it.
        return self._given or boto3.Session(region_name=os.environ.get("AWS_REGION") or None)

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """Reads the stack."""
        return self._session.client("cloudformation", config=PATIENCE)

    @cached_property
    def stepfunctions(self) -> SFNClient:
        """Starts and describes executions."""
        return self._session.client("stepfunctions", config=PATIENCE)

    @cached_property
    def s3(self) -> S3Client:
        """Downloads what an export made."""
        return self._session.client("s3", config=PATIENCE)

    @cached_property
    def s3_of_many(self) -> S3Client:
        """Uploads many files at once."""
        return self._session.client("s3", config=MANY_FILES)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Reads the Vi key, for what the command asks of Vi itself."""
        return self._session.client("secretsmanager", config=PATIENCE)

    @cached_property
    def sqs(self) -> SQSClient:
        """Moves messages between queues."""
        return self._session.client("sqs", config=PATIENCE)

    def table(self, name: str) -> Table:
        """Return the table *name*, with attributes as Python values."""
        return self._session.resource("dynamodb", config=PATIENCE).Table(name)


@dataclass(frozen=True)
class Ingestion:
    """What a stack has that ingests drops."""

    drop_bucket: str
    drops_table: str
    sessions_table: str
    machine_arn: str


@dataclass(frozen=True)
class DropQueues:
    """The queue of drops, and the one for its messages that failed too often."""

    queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True)
class ViSettings:
    """Where a stack's Vi is, the secret that opens it, and the machines for what it holds."""

    origin: str
    secret_arn: str
    download_machine_arn: str | None = None
    delete_machine_arn: str | None = None


@dataclass(frozen=True)
class Stack:
    """One deployed Assetline stack, by its outputs."""

    name: str
    machine_arn: str
    bucket: str
    table: str
    several_machine_arn: str | None = None
    ingests: Ingestion | None = None
    knows_vi: ViSettings | None = None
    drop_queues: DropQueues | None = None

    def vi(self) -> ViSettings:
        """Return where Vi is.

        Raises:
            CommandFailed: the stack is older than that.
        """
        if self.knows_vi is None:
            raise CommandFailed(
                f"Stack {self.name!r} has not the output {VI_SECRET} and the parameter {VI_ORIGIN}, so it does not "
                "work with Vi: deploy it again."
            )
        if not re.fullmatch(ORIGIN, self.knows_vi.origin):
            raise CommandFailed(
                f"Stack {self.name!r} has the {VI_ORIGIN} {self.knows_vi.origin!r}. The key is sent to https:// only: "
                "deploy the stack with such an origin."
            )
        return self.knows_vi

    def machine_of_downloads(self) -> str:
        """Return the machine that downloads assets to S3; raises `CommandFailed`."""
        return self._output(DOWNLOADS, self.vi().download_machine_arn)

    def machine_of_deletions(self) -> str:
        """Return the machine that deletes assets; raises `CommandFailed`."""
        return self._output(DELETIONS, self.vi().delete_machine_arn)

    def _output(self, name: str, value: str | None) -> str:
        if not value:
            raise CommandFailed(f"Stack {self.name!r} has not the output {name}: deploy it again.")
        return value

    def ingestion(self) -> Ingestion:
        """Return what ingests drops.

        Raises:
            CommandFailed: the stack is older than that.
        """
        if self.ingests is None:
            raise CommandFailed(
                f"Stack {self.name!r} has not the outputs {', '.join(INGESTION)}, so it ingests no drops: "
                "deploy it again."
            )
        return self.ingests

    def queues_of_drops(self) -> DropQueues:
        """Return the queues of drops; raises `CommandFailed`."""
        if self.drop_queues is None:
            raise CommandFailed(f"Stack {self.name!r} is missing the outputs {', '.join(QUEUES)}. Redeploy it.")
        return self.drop_queues

    def machine_of_several(self) -> str:
        """Return the machine that exports several feeds.

        Raises:
            CommandFailed: the stack is older than that machine.
        """
        if self.several_machine_arn is None:
            raise CommandFailed(
                f"Stack {self.name!r} has no output {SEVERAL}, so it exports one feed at a time: deploy it again."
            )
        return self.several_machine_arn

    def exports_several(self, execution_arn: str) -> bool:
        """Tell whether *execution_arn* is an execution of the machine that exports several feeds."""
        if self.several_machine_arn is None:
            return False
        return execution_arn.startswith(self.several_machine_arn.replace(":stateMachine:", ":execution:", 1) + ":")


def find_stack(cloudformation: CloudFormationClient, name: str) -> Stack:
    """Return the stack *name*.

    Raises:
        CommandFailed: there is none of that name in this account and region.
        CommandFailed: there is, and it is not one of ours, or its deployment did not end well.
    """
    found = _describe(cloudformation, name)
    outputs = {output.get("OutputKey", ""): output.get("OutputValue", "") for output in found.get("Outputs", [])}
    wanted = ("ExportStateMachineArn", "ExportBucketName", "ExportsTableName")
    missing = [key for key in wanted if not outputs.get(key)]
    if missing:
        raise CommandFailed(
            f"Stack {name!r} ({found['StackStatus']}) has no output {', '.join(missing)}: "
            "it is not an Assetline stack, or an older or unfinished one. Name another with --stack, or deploy again."
        )
    machine_arn, bucket, table = (outputs[key] for key in wanted)
    ingestion = [outputs.get(key, "") for key in INGESTION]
    queues = [outputs.get(key, "") for key in QUEUES]
    return Stack(
        name,
        machine_arn,
        bucket,
        table,
        several_machine_arn=outputs.get(SEVERAL) or None,
        ingests=Ingestion(*ingestion) if all(ingestion) else None,
        knows_vi=_vi_settings(found, outputs),
        drop_queues=DropQueues(*queues) if all(queues) else None,
    )


def _vi_settings(found: StackTypeDef, outputs: Mapping[str, str]) -> ViSettings | None:
    parameters = {one.get("ParameterKey"): one.get("ParameterValue", "") for one in found.get("Parameters", [])}
    origin, secret_arn = parameters.get(VI_ORIGIN), outputs.get(VI_SECRET)
    if not origin or not secret_arn:
        return None
    return ViSettings(origin, secret_arn, outputs.get(DOWNLOADS), outputs.get(DELETIONS))


def _describe(cloudformation: CloudFormationClient, name: str) -> StackTypeDef:
    where = f"{cloudformation.meta.region_name} at {cloudformation.meta.endpoint_url}"
    missing = CommandFailed(
        f"There is no stack {name!r} in {where}: name yours with --stack or ASSETLINE_STACK, "
        "or deploy one with `sam deploy`."
    )
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ParamValidationError:
        raise missing from None
    except ClientError as error:
        # CloudFormation has no code of its own for this: the message tells it from any other bad request.
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            raise missing from error
        raise
    if not stacks:
        raise missing
    return stacks[0]
