"""The deployed stack, by its outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

from assetline.config import ORIGIN
from assetline_cli.aws_errors import code_of
from assetline_cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

FEEDS_MACHINE = "ExportFeedsStateMachineArn"  # the output of stacks that export several feeds
VI_ORIGIN, VI_SECRET = "ViApiUrl", "ViSecretArn"  # a parameter and an output, of stacks that work with Vi
DOWNLOADS, DELETIONS = (
    "DownloadStateMachineArn",
    "DeleteStateMachineArn",
)  # outputs of stacks that download and delete assets
INGESTION = ("DropBucketName", "DropsTableName", "SessionsTableName", "IngestStateMachineArn")  # of stacks that ingest
QUEUES = ("DropQueueUrl", "DropDeadLetterQueueUrl")


@dataclass(frozen=True)
class Ingestion:
    """The outputs of a stack that ingests drops."""

    drop_bucket: str
    drops_table: str
    sessions_table: str
    machine_arn: str


@dataclass(frozen=True)
class DropQueues:
    """The drop queue and its dead-letter queue."""

    queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True)
class ViSettings:
    """The origin of a stack's Vi, the secret of its key, and the machines for its assets."""

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
    feeds_machine_arn: str | None = None
    ingests: Ingestion | None = None
    vi_settings: ViSettings | None = None
    drop_queues: DropQueues | None = None
    status: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)

    def vi(self) -> ViSettings:
        """Return the settings of Vi.

        Raises:
            CommandFailed: the stack is older than that.
        """
        if self.vi_settings is None:
            raise CommandFailed(
                f"Stack {self.name!r} is missing output {VI_SECRET} or parameter {VI_ORIGIN}, which commands "
                "for Vi need. Redeploy it."
            )
        if not re.fullmatch(ORIGIN, self.vi_settings.origin):
            raise CommandFailed(
                f"Invalid {VI_ORIGIN} {self.vi_settings.origin!r} of stack {self.name!r}: the key is sent to "
                "https:// only. Redeploy the stack with such an origin."
            )
        return self.vi_settings

    def machine_of_downloads(self) -> str:
        """Return the machine that downloads assets to S3; raises `CommandFailed`."""
        return self._output(DOWNLOADS, self.vi().download_machine_arn)

    def machine_of_deletions(self) -> str:
        """Return the machine that deletes assets; raises `CommandFailed`."""
        return self._output(DELETIONS, self.vi().delete_machine_arn)

    def _output(self, name: str, value: str | None) -> str:
        if not value:
            raise CommandFailed(f"Stack {self.name!r} is missing output {name}. Redeploy it.")
        return value

    def ingestion(self) -> Ingestion:
        """Return the outputs for drops.

        Raises:
            CommandFailed: the stack is older than that.
        """
        if self.ingests is None:
            raise CommandFailed(
                f"Stack {self.name!r} is missing outputs {', '.join(INGESTION)}, which drops need. Redeploy it."
            )
        return self.ingests

    def queues_of_drops(self) -> DropQueues:
        """Return the queues of drops; raises `CommandFailed`."""
        if self.drop_queues is None:
            raise CommandFailed(f"Stack {self.name!r} is missing outputs {', '.join(QUEUES)}. Redeploy it.")
        return self.drop_queues

    def machine_of_feeds(self) -> str:
        """Return the machine that exports several feeds.

        Raises:
            CommandFailed: the stack is older than that machine.
        """
        if self.feeds_machine_arn is None:
            raise CommandFailed(
                f"Stack {self.name!r} is missing output {FEEDS_MACHINE}, which exports of several feeds need. "
                "Redeploy it, or export one feed at a time."
            )
        return self.feeds_machine_arn

    def exports_feeds(self, execution_arn: str) -> bool:
        """Return whether *execution_arn* is of the machine that exports several feeds."""
        if self.feeds_machine_arn is None:
            return False
        return execution_arn.startswith(self.feeds_machine_arn.replace(":stateMachine:", ":execution:", 1) + ":")


def find_stack(cloudformation: CloudFormationClient, name: str) -> Stack:
    """Return the stack *name*.

    Raises:
        CommandFailed: it does not exist in this account and region, or it is not an Assetline stack.
    """
    found = _describe(cloudformation, name)
    outputs = {output.get("OutputKey", ""): output.get("OutputValue", "") for output in found.get("Outputs", [])}
    required = ("ExportStateMachineArn", "ExportBucketName", "ExportsTableName")
    missing = [key for key in required if not outputs.get(key)]
    if missing:
        raise CommandFailed(
            f"Stack {name!r} ({found['StackStatus']}) is missing output {', '.join(missing)}: it is "
            "not an Assetline stack, or an older or unfinished one. Name another with --stack, or redeploy "
            "it."
        )
    machine_arn, bucket, table = (outputs[key] for key in required)
    ingestion = [outputs.get(key, "") for key in INGESTION]
    queues = [outputs.get(key, "") for key in QUEUES]
    return Stack(
        name,
        machine_arn,
        bucket,
        table,
        feeds_machine_arn=outputs.get(FEEDS_MACHINE) or None,
        ingests=Ingestion(*ingestion) if all(ingestion) else None,
        vi_settings=_vi_settings(found, outputs),
        drop_queues=DropQueues(*queues) if all(queues) else None,
        status=found["StackStatus"],
        outputs=outputs,
        parameters=_parameters_of(found),
    )


def _vi_settings(found: StackTypeDef, outputs: Mapping[str, str]) -> ViSettings | None:
    parameters = _parameters_of(found)
    origin, secret_arn = parameters.get(VI_ORIGIN), outputs.get(VI_SECRET)
    if not origin or not secret_arn:
        return None
    return ViSettings(origin, secret_arn, outputs.get(DOWNLOADS), outputs.get(DELETIONS))


def _parameters_of(found: StackTypeDef) -> dict[str, str]:
    parameters = found.get("Parameters", [])
    return {parameter.get("ParameterKey", ""): parameter.get("ParameterValue", "") for parameter in parameters}


def _describe(cloudformation: CloudFormationClient, name: str) -> StackTypeDef:
    where = f"{cloudformation.meta.region_name} at {cloudformation.meta.endpoint_url}"
    missing = CommandFailed(
        f"Stack {name!r} does not exist in {where}. Name another with --stack or ASSETLINE_STACK, "
        "or deploy it with `sam deploy`."
    )
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ParamValidationError:
        raise missing from None
    except ClientError as error:
        # CloudFormation has no error code for this: only the message differs from other bad requests.
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            raise missing from error
        raise
    if not stacks:
        raise missing
    return stacks[0]
