"""The next commands in messages, quoted for a shell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from assetline_cli.options import DEFAULT_STACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def watch_command(arn: str, stack: str, to: Path | None = None) -> str:
    """Return the command that watches the execution *arn*."""
    words = ["assetline", "exports", "watch", arn]
    if to is not None:
        words += ["--to", str(to)]
    return _joined(words, stack)


def resume_command(export_id: str, stack: str) -> str:
    """Return the command that resumes the export *export_id* and watches it."""
    return _joined(["assetline", "exports", "resume", export_id, "--watch"], stack)


def export_command(feed: str, stack: str) -> str:
    """Return the command that exports *feed* and watches it."""
    return _joined(["assetline", "exports", "start", feed, "--watch"], stack)


def diff_command(old: str, new: str, stack: str) -> str:
    """Return the command that compares two exports."""
    return _joined(["assetline", "exports", "diff", old, new], stack)


def stop_command(name: str, stack: str) -> str:
    """Return the command that stops the execution or the export *name*."""
    return _joined(["assetline", "exports", "stop", name], stack)


def logs_command(subject: str, stack: str) -> str:
    """Return the command that prints the log lines of an export or a session."""
    return _joined(["assetline", "logs", subject], stack)


def doctor_command(stack: str) -> str:
    """Return the command that checks the stack."""
    return _joined(["assetline", "doctor"], stack)


def console_link(arn: str, region: str) -> str:
    """Return the address of an execution in the AWS console."""
    domain = "console.amazonaws.cn" if arn.startswith("arn:aws-cn:") else "console.aws.amazon.com"
    return f"https://{region}.{domain}/states/home?region={region}#/v2/executions/details/{arn}"


def drops_command(stack: str, dataset: str | None = None, state: str | None = None) -> str:
    """Return the command that lists drops."""
    words = ["assetline", "drops", "list"]
    words += ["--dataset", dataset] if dataset else []
    words += ["--state", state] if state else []
    return _joined(words, stack)


def upload_command(stack: str, dataset: str = "DATASET_ID") -> str:
    """Return the command that uploads a folder."""
    return _joined(["assetline", "drops", "upload", "photos", "--dataset", dataset], stack)


def upload_rest_command(paths: Sequence[Path], stack: str, dataset: str) -> str:
    """Return the command that uploads the files of *paths* that are not in the bucket yet."""
    words = ["assetline", "drops", "upload", *map(str, paths), "--dataset", dataset, "--skip-existing"]
    return _joined(words, stack)


def retry_command(stack: str, dataset: str | None = None, drop_ids: Sequence[str] = ()) -> str:
    """Return the command that retries drops: those named, or all rejected ones of *dataset*."""
    words = ["assetline", "drops", "retry", *drop_ids]
    words += ["--dataset", dataset] if dataset and not drop_ids else []
    return _joined(words, stack)


def _joined(words: list[str], stack: str) -> str:
    return shlex.join(words if stack == DEFAULT_STACK else [*words, "--stack", stack])
