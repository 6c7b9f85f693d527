"""Run the checks of the diagnosis, and print what each found."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.aws_errors import code_of, explain
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.operations.checks import Diagnosis, Finding
from assetline_cli.terminal.formatting import count_of
from assetline_cli.terminal.output import print_json, print_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetline_cli.context import CliContext
    from assetline_cli.operations.checks import Check, Verdict

MARKS: dict[Verdict, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "bold red"),
    "skipped": ("-", "dim"),
}
# The answers of an AWS that does not have the operation, as the local one.
UNSUPPORTED = frozenset({"NotImplemented", "UnknownOperationException", "InvalidAction", "UnsupportedOperation"})


def run_doctor(context: CliContext, stack_name: str, *, json: bool) -> int:
    """Print one finding for each check; return the exit status of the command: 0 if none failed."""
    findings = []
    for finding in diagnose(context, stack_name):
        findings.append(finding)
        if json:
            print_json(context.out, asdict(finding))
        else:
            _print(context, finding)
    failed = sum(finding.verdict == "failed" for finding in findings)
    warnings = sum(finding.verdict == "warning" for finding in findings)
    if not json:
        print_line(context.out, _conclusion(failed, warnings), "bold")
    return FAILED if failed else COMPLETE


def diagnose(context: CliContext, stack_name: str) -> Iterator[Finding]:
    """Yield the findings as they are made; without a stack, those of the account alone."""
    diagnosis = Diagnosis(context, stack_name)
    for check in diagnosis.account_checks():
        finding = _run(check)
        yield finding
        if check.name == "credentials" and finding.verdict == "failed":
            return  # each further check would fail for the same reason
    try:
        stack = diagnosis.find_stack()
    except (CommandFailed, BotoCoreError, ClientError) as error:
        message = str(error) if isinstance(error, CommandFailed) else explain(error)
        yield Finding("stack", "failed", message, "Name the stack with --stack, and its region with AWS_REGION.")
        return
    for check in diagnosis.stack_checks(stack):
        yield _run(check)


def _run(check: Check) -> Finding:
    try:
        return check.run()
    except ClientError as error:
        if code_of(error) in UNSUPPORTED:
            return Finding(check.name, "skipped", f"This AWS does not support {error.operation_name}.")
        return Finding(check.name, "failed", explain(error), "Correct this, and run the command again.")
    except BotoCoreError as error:
        return Finding(check.name, "failed", explain(error), "Correct this, and run the command again.")


def _print(context: CliContext, finding: Finding) -> None:
    mark, style = MARKS[finding.verdict]
    print_line(context.out, f"{mark} {finding.check}: {finding.message}", style if finding.verdict != "ok" else "")
    if finding.action:
        print_line(context.out, f"  {finding.action}")


def _conclusion(failed: int, warnings: int) -> str:
    if not failed and not warnings:
        return "No problems found."
    parts = [count_of(failed, "problem")] if failed else []
    parts += [count_of(warnings, "warning")] if warnings else []
    return f"{' and '.join(parts)} found."
