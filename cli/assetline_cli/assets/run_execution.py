"""Start a run on the assets of a dataset, and watch it to its end."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.aws_errors import explain
from assetline_cli.errors import CommandFailed
from assetline_cli.executions import Executions, execution_name, failure_of, has_ended, read_output
from assetline_cli.polling import await_appearance, looks
from assetline_cli.terminal.formatting import duration
from assetline_cli.terminal.progress_bar import NO_ANSWER, ProgressFrame, frames_on

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef
    from pydantic import BaseModel

    from assetline_cli.context import CliContext

LOOK_EVERY_SECONDS = 1.0  # ours
STATE_BYTES = 262_144  # Step Functions: the input of an execution and of each of its states, in UTF-8
INPUT_BYTES = STATE_BYTES - 8_192  # ours: a machine passes the input on together with ARNs and a cursor


@dataclass(frozen=True)
class RunObservation:
    """One observation of a run; `described` is None before the first answer."""

    described: DescribeExecutionOutputTypeDef | None = None
    answered: bool = True

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.described is not None and has_ended(self.described["status"])

    def without_answer(self) -> RunObservation:
        """Return the same observation, marked as without an answer from AWS."""
        return replace(self, answered=False)


@dataclass(frozen=True)
class AssetRuns:
    """The runs of the machine *machine_arn*."""

    context: CliContext
    machine_arn: str
    progress: bool = True

    def through[Output: BaseModel](
        self, title: str, subject: str, run_input: dict[str, Any], output: type[Output]
    ) -> Output:
        """Start a run with the input *run_input* and watch it to its end; raises as `start` and `result_of`."""
        return self.result_of(self.start(subject, run_input), title, output)

    def start(self, subject: str, run_input: dict[str, Any]) -> str:
        """Start a run with the input *run_input* and return its ARN; raises `CommandFailed`."""
        size = input_bytes(run_input)
        if size > INPUT_BYTES:
            raise CommandFailed(
                f"The input of the run has {size:,} bytes, and the limit is {INPUT_BYTES:,}. Name fewer "
                "assets in one command, or select them with --filter."
            )
        name = execution_name(subject, self.context.clock.now(), secrets.token_hex(2))
        return self._executions().start(name, _input_json(run_input))

    def result_of[Output: BaseModel](self, arn: str, title: str, output: type[Output]) -> Output:
        """Watch a run to its end, and return its output; Ctrl+C stops only the watching.

        Raises:
            CommandFailed: the run failed, AWS did not answer, or the output is of another version.
        """
        described = self._followed(arn, title)
        failure = failure_of(described)
        if failure is not None:
            raise CommandFailed(f"{failure.error}: {failure.message} See execution {arn}")
        result = read_output(described, output)
        if result is None:
            raise CommandFailed(f"The run is neither running nor ended. See execution {arn}")
        return result

    def _followed(self, arn: str, title: str) -> DescribeExecutionOutputTypeDef:
        clock, executions = self.context.clock, self._executions()
        began = clock.now()

        def observed() -> RunObservation:
            return RunObservation(executions.described(arn))

        try:
            await_appearance(lambda: executions.described(arn), clock, LOOK_EVERY_SECONDS)
            with frames_on(self.context.out, clock, enabled=self.progress) as view:
                for look in looks(observed, clock, LOOK_EVERY_SECONDS, previous=RunObservation()):
                    view.show(_frame(look, title, (clock.now() - began).total_seconds()))
                    if look.ended and look.described is not None:
                        return look.described
        except KeyboardInterrupt:
            self.context.print_message(f"\nStopped watching. The run continues in AWS: {arn}")
            raise
        except (BotoCoreError, ClientError) as error:
            raise CommandFailed(f"{explain(error)} The run continues in AWS: {arn}") from error
        raise AssertionError("the last observation has ended")

    def _executions(self) -> Executions:
        return Executions(self.context.aws.stepfunctions, self.machine_arn)


def input_bytes(run_input: dict[str, Any]) -> int:
    """Return the size of the input *run_input* in bytes, as it is sent."""
    return len(_input_json(run_input).encode())


def _input_json(run_input: dict[str, Any]) -> str:
    return json.dumps(run_input)


def _frame(look: RunObservation, title: str, seconds: float) -> ProgressFrame:
    trouble = None if look.answered else NO_ANSWER
    return ProgressFrame(title, int(look.ended), 1, (duration(seconds),), trouble, ended=look.ended)
