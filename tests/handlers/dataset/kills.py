"""Steps of the dataset operations, killed at any call they make to AWS or to Vi, and repeated as the machine does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from assetline.dataset import connections


class Killed(BaseException):
    """The function's process is gone: nothing after this runs, no handler, no clean-up."""


@contextmanager
def killed_at(call: int, *, after: bool) -> Iterator[list[int]]:
    """Kill whatever runs at its *call*-th call, to AWS or to Vi, before it is sent or *after* it took effect."""
    made = [0]

    def count(*_: Any, **__: Any) -> None:
        made[0] += 1
        if made[0] >= call:
            raise Killed

    clients = [connections.s3(), connections.events()]
    moment = "after-call" if after else "before-call"
    for client in clients:
        client.meta.events.register_first(moment, count, unique_id="kill")
    hooks = connections.vi_client()._http.event_hooks
    kept = {name: [*hooks[name]] for name in hooks}
    connections.vi_client()._http.event_hooks = {"response" if after else "request": [count]}
    try:
        yield made
    finally:
        connections.vi_client()._http.event_hooks = kept
        for client in clients:
            client.meta.events.unregister(moment, count, unique_id="kill")


def survives(step: Callable[[], Any], call: int, *, after: bool) -> Any:
    """Play a step that is killed at a call, as the machine does: once more, with the same input."""
    with killed_at(call, after=after), suppress(Killed):
        step()
    return step()
