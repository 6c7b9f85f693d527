"""Steps of the dataset operations, killed at any call they make to AWS or to Vi, and repeated as the machine does."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from assetline.assets import dependencies as connections
from tests.support import kills


def killed_at(call: int, *, after: bool) -> AbstractContextManager[kills.Calls]:
    """Kill whatever runs at its *call*-th call to AWS or to Vi, before it is sent or *after* it took effect."""
    return kills.killed_at(call, after=after, vi=connections.vi_client())


def survives[T](step: Callable[[], T], call: int, *, after: bool) -> T:
    """Run *step*, kill it at its *call*-th call, and run it again with the same input."""
    return kills.survives(step, call, after=after, vi=connections.vi_client())
