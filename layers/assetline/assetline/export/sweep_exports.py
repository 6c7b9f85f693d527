"""Sweep Exports: settles executions that failed or were stopped, and whose event did not arrive."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from assetline.budget import Budget
from assetline.errors import AwsUnavailable, Permanent
from assetline.export.ended_execution import BADLY, EndedExecution
from assetline.export.exports_table import ExportsTable
from assetline.export.salvage_export import end_export
from assetline.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

# ours: an execution runs for at most two days (TimeoutSeconds of the machine), so that it started within three
LOOKBACK = timedelta(days=3)


class ExportSweepResult(BaseModel, frozen=True):
    """The output of a sweep: the number of executions it checked."""

    looked_at: int


@dataclass(frozen=True)
class ExportSweeper:
    """Settles the executions of one machine; a second settlement changes nothing."""

    machines: "SFNClient"
    machine_arn: str
    bucket: str
    s3: "S3Client"
    table: ExportsTable
    events: "EventBridgeClient"
    budget: Budget
    latest_file: bool

    def sweep(self) -> ExportSweepResult:
        """Settle the executions that failed or were stopped in the last three days, the latest first.

        Raises:
            AwsUnavailable, Permanent: the first error; the other executions are settled before it is raised.
        """
        looked_at, errors = 0, list[Exception]()
        for execution_arn in self._ended_badly(datetime.now(UTC) - LOOKBACK):
            if self.budget.spent():
                break
            looked_at += 1
            try:
                ended = EndedExecution.described(self.machines, execution_arn)
                if ended is not None:
                    end_export(ended, self.bucket, self.s3, self.table, self.events, latest_file=self.latest_file)
            except (AwsUnavailable, Permanent) as error:
                logger.error("export_not_settled", execution_arn=execution_arn, error=type(error).__name__)
                errors.append(error)
        if errors:
            raise errors[0]
        return ExportSweepResult(looked_at=looked_at)

    def _ended_badly(self, since: datetime) -> Iterator[str]:
        pages = self.machines.get_paginator("list_executions")
        for status in BADLY:
            for page in pages.paginate(stateMachineArn=self.machine_arn, statusFilter=status):
                recent = [each for each in page["executions"] if each["startDate"] >= since]
                yield from (each["executionArn"] for each in recent)
                if len(recent) < len(page["executions"]):  # Step Functions lists the latest first
                    break
