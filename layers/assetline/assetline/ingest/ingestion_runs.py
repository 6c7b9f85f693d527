"""Runs of the machine `ingest_drops`: one per dataset and time window, however often it is started."""

import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LONGEST_NAME = 80  # Step Functions
REMEMBERED = 1000  # ours: names of started runs that a warm function remembers


class Runs:
    """Starts runs of *machine_arn*, which gather drops for *gather_seconds* before they claim them."""

    def __init__(
        self, machines: "SFNClient", machine_arn: str, gather_seconds: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._machines = machines
        self._machine_arn = machine_arn
        self._gather_seconds = gather_seconds
        self._clock = clock
        self._started: set[str] = set()

    def start(self, dataset_id: str) -> bool:
        """Start the run for the waiting drops of a dataset; return whether this call started it.

        The run gathers for a complete window from its start, so it claims all drops recorded before the window's end.
        Its name makes it unique: Step Functions keeps a name for ninety days.
        """
        name = run_name(dataset_id, int(self._clock() // self._gather_seconds) * self._gather_seconds)
        if name in self._started:
            return False
        try:
            self._machines.start_execution(
                stateMachineArn=self._machine_arn, name=name, input=json.dumps({"dataset_id": dataset_id})
            )
        except ClientError as error:
            # For a running execution with the same input, AWS returns a success. It refuses the name of an ended one
            # only.
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
            self._remember(name)
            return False
        self._remember(name)
        return True

    def _remember(self, name: str) -> None:
        if len(self._started) >= REMEMBERED:
            self._started.clear()
        self._started.add(name)


def run_name(dataset_id: str, window: int) -> str:
    """Return the name of the run of a dataset for the window that begins at *window*, in seconds since 1970."""
    tail = f"-{window}"
    room = LONGEST_NAME - len(tail)
    if len(dataset_id) > room:
        digest = sha256(dataset_id.encode()).hexdigest()[:12]
        dataset_id = f"{dataset_id[: room - 13]}-{digest}"
    return f"{dataset_id}{tail}"
