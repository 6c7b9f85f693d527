"""Errors of an invocation; every message is one line that names the next step."""

from local.errors import LocalStackFailed


class InvocationRefused(LocalStackFailed):
    """The command's arguments name no function or payload; exit status 2."""


class FunctionFailed(LocalStackFailed):
    """A function raised an error, or returned nothing."""


class StackNotRunning(LocalStackFailed):
    """The local stack, from which an invocation takes all its addresses, does not run."""

    def __init__(self, option: str) -> None:
        super().__init__(f"no local stack runs; start it with `make up{option}`, and repeat the command")
