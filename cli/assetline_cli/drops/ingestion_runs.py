"""Runs of the machine that ingests the drops of a dataset: reasons of failed runs, and new runs."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.aws_errors import explain
from assetline_cli.errors import CommandFailed
from assetline_cli.executions import Executions, execution_name, failure_of, input_of

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_stepfunctions import SFNClient

    from assetline_cli.clock import Clock

LISTED = 100  # ours: the newest runs of all datasets, searched for those of one dataset
NAMED_AFTER = 60  # characters of the dataset's ID at the beginning of a run's name


class FailedRuns:
    """The reasons why runs for *dataset_id* fail."""

    def __init__(self, client: SFNClient, machine_arn: str, dataset_id: str) -> None:
        self._client = client
        self._machine_arn = machine_arn
        self._dataset_id = dataset_id
        self._of_others: set[str] = set()  # names that begin alike

    def newest(self, since: datetime) -> str | None:
        """Return the reason of the last run that failed after *since*; None if none did, or AWS refuses to answer."""
        try:
            listed = self._client.list_executions(stateMachineArn=self._machine_arn, maxResults=LISTED)["executions"]
            for execution in listed:
                arn = execution["executionArn"]
                if not execution["name"].startswith(self._dataset_id[:NAMED_AFTER]) or arn in self._of_others:
                    continue
                described = self._client.describe_execution(executionArn=arn)
                if input_of(described).get("dataset_id") == self._dataset_id:
                    failure = failure_of(described) if described.get("stopDate", since) >= since else None
                    return f"{failure.error}: {failure.message}" if failure else None
                self._of_others.add(arn)
        except (BotoCoreError, ClientError):
            return None  # only an explanation: the waiting continues without it
        return None


class IngestionStarter:
    """Starts runs."""

    def __init__(self, client: SFNClient, machine_arn: str, clock: Clock) -> None:
        self._executions = Executions(client, machine_arn)
        self._clock = clock

    def start(self, dataset_id: str) -> str:
        """Start a run for the drops of a dataset, and return its ARN.

        A run without drops to claim ends at once, so a second run does no harm.

        Raises:
            CommandFailed: the run did not start; the sweeper starts one later.
        """
        name = execution_name(f"{dataset_id}-retry", self._clock.now(), secrets.token_hex(2))
        try:
            return self._executions.start(name, json.dumps({"dataset_id": dataset_id}))
        except (BotoCoreError, ClientError, CommandFailed) as error:
            reason = str(error) if isinstance(error, CommandFailed) else explain(error)
            raise CommandFailed(
                f"The drops of {dataset_id} are queued, and their run could not be started. {reason} The stack "
                "starts it within a few minutes."
            ) from error
