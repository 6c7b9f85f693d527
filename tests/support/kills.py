"""An invocation that is killed at any call it makes to AWS or to Vi."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

import pytest
from botocore.client import BaseClient

from assetline.vi.client import ViClient

_LEAVES_NOTHING = {"Secrets Manager"}  # a function only reads there


class Killed(BaseException):
    """The function's process has ended: nothing after this runs, no handler, no clean-up."""


class Calls:
    """The calls to AWS and to Vi that an invocation makes."""

    made = 0


@contextmanager
def killed_at(call: int, *, after: bool, vi: ViClient | None = None) -> Iterator[Calls]:
    """Kill whatever runs at its *call*-th call to AWS or by *vi*, before it is sent or *after* it took effect.

    No thread of a killed process sends another call.
    """
    calls, lock = Calls(), Lock()

    def before_call(*_: Any) -> None:
        with lock:
            calls.made += 1
            number = calls.made
        if number > call or (number == call and not after):
            raise Killed

    def after_call(*_: Any) -> None:
        if calls.made >= call:
            raise Killed

    send: Any = vars(BaseClient)["_make_api_call"]

    def sends(client: BaseClient, operation: str, params: dict[str, Any]) -> Any:
        if client.meta.service_model.service_id in _LEAVES_NOTHING:
            return send(client, operation, params)
        before_call()
        answer = send(client, operation, params)
        after_call()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", sends)
        if vi:
            kept = vi._http.event_hooks
            vi._http.event_hooks = {"request": [before_call], "response": [after_call]}
        try:
            yield calls
        finally:
            if vi:
                vi._http.event_hooks = kept


def survives[T](step: Callable[[], T], call: int, *, after: bool, vi: ViClient | None = None) -> T:
    """Run *step*, kill it at its *call*-th call, and run it again with the same input, as a state machine does."""
    with killed_at(call, after=after, vi=vi), suppress(Killed):
        step()
    return step()
