"""A run on the assets of a dataset, started on its machine and followed to its end."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetline_cli.errors import RunFailed
from assetline_cli.execution import Executions, failure_of, has_ended, read_output
from assetline_cli.figures import duration
from assetline_cli.ingest.progress import Picture, view_on
from assetline_cli.request import execution_name

if TYPE_CHECKING:
    from pydantic import BaseModel

    from assetline_cli.desk import Desk

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # ours: seconds between two looks


@dataclass(frozen=True)
class Runs:
    """The runs of the machine *machine_arn*."""

    desk: Desk
    machine_arn: str
    progress: bool = True

    def through[Output: BaseModel](
        self, title: str, subject: str, asked: dict[str, Any], output: type[Output]
    ) -> Output:
        """Start a run with the input *asked*, see it through, and return what it came to.

        Ctrl+C ends the watching only.

        Raises:
            RunFailed: it failed as a whole.
            StartRefused, VersionsApart: as `Executions`.
        """
        executions = Executions(self.desk.aws.stepfunctions, self.machine_arn)
        name = execution_name(subject, self.desk.clock.now(), secrets.token_hex(2))
        arn = executions.start(name, json.dumps(asked))
        try:
            described = self._followed(executions, arn, title)
        except KeyboardInterrupt:
            self.desk.complain(f"\nIt goes on in AWS: {arn}")
            raise
        failure = failure_of(described)
        if failure is not None:
            raise RunFailed(f"{failure.error}: {failure.message} Look further: {arn}")
        result = read_output(described, output)
        if result is None:
            raise RunFailed(f"The run has not ended, and is not running either. Look further: {arn}")
        return result

    def _followed(self, executions: Executions, arn: str, title: str) -> Any:
        clock, pause = self.desk.clock, FIRST_PAUSE
        began = clock.now()
        with view_on(self.desk.out, clock, wanted=self.progress) as view:
            while True:
                described = executions.described(arn)
                ended = has_ended(described["status"])
                seconds = (clock.now() - began).total_seconds()
                view.show(Picture(title, int(ended), 1, (duration(seconds),), ended=ended))
                if ended:
                    return described
                clock.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
