"""Steps of the dataset operations, killed at any call they make to AWS or to Vi, and repeated as the machine does."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from assetline.assets import dependencies as connections
from tests.handlers.kills import Calls, Killed, killed_call


def killed_at(call: int, *, after: bool) -> AbstractContextManager[Calls]:
    """Kill whatever runs at its *call*-th call, to AWS or to Vi, before it is sent or *after* it took effect."""
    clients = [connections.s3(), connections.events()]
    return killed_call(call, clients, connections.vi_client(), after=after)


def survives(step: Callable[[], Any], call: int, *, after: bool) -> Any:
    """Play a step that is killed at a call, as the machine does: once more, with the same input."""
    with killed_at(call, after=after), suppress(Killed):
        step()
    return step()
