"""An invocation that is killed at any call it makes to AWS or to Vi."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from assetline.vi.client import ViClient


class Killed(BaseException):
    """The function's process is gone: nothing after this runs, no handler, no clean-up."""


class Calls:
    """The calls to AWS and to Vi that an invocation makes."""

    made = 0


@contextmanager
def killed_call(call: int, clients: Sequence[Any], vi: ViClient, *, after: bool) -> Iterator[Calls]:
    """Kill whatever runs at its *call*-th call by *clients* or *vi*, before it is sent or *after* it took effect."""
    calls = Calls()

    def count(*_: Any, **__: Any) -> None:
        calls.made += 1
        if calls.made >= call:
            raise Killed

    moment = "after-call" if after else "before-call"
    for client in clients:
        client.meta.events.register_first(moment, count, unique_id="kill")
    hooks = vi._http.event_hooks
    kept = {name: [*hooks[name]] for name in hooks}
    vi._http.event_hooks = {"response" if after else "request": [count]}
    try:
        yield calls
    finally:
        vi._http.event_hooks = kept
        for client in clients:
            client.meta.events.unregister(moment, count, unique_id="kill")
