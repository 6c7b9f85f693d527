"""The context of a command: AWS, the clock and the terminal."""

from __future__ import annotations

from dataclasses import dataclass, field

from assetline_cli.aws_clients import Aws
from assetline_cli.clock import Clock
from assetline_cli.terminal.terminal import Terminal


@dataclass(frozen=True)
class CliContext(Terminal):
    """The terminal, AWS account and clock of a command; tests replace each of them."""

    aws: Aws = field(default_factory=Aws)
    clock: Clock = field(default_factory=Clock)
