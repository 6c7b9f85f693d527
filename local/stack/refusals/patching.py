"""Replace functions of the pinned MiniStack, and fail at once if one of them is missing."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any

MINISTACK_VERSION = "1.5.33"

type Function = Callable[..., Any]


class PatchFailed(Exception):  # noqa: N818 - named for what happened, as the errors of the local stack are
    """MiniStack lacks a function that a refusal replaces."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}. Adapt local/stack/refusals to this MiniStack, or pin {MINISTACK_VERSION} again.")


def require_version() -> None:
    """Raise `PatchFailed` unless the installed MiniStack is `MINISTACK_VERSION`."""
    if (installed := version("ministack")) != MINISTACK_VERSION:
        raise PatchFailed(f"MiniStack is {installed}, and the refusals were written for {MINISTACK_VERSION}")


def attribute(owner: str, name: str) -> Any:
    """Return *name* of the module or class *owner*; raises `PatchFailed` when it is missing."""
    try:
        return vars(_resolved(owner))[name]
    except (ImportError, KeyError) as error:
        raise PatchFailed(f"MiniStack has no {owner}.{name}") from error


def wrap(owner: str, name: str, wrapper: Callable[[Function], Function]) -> None:
    """Replace function *name* of the module or class *owner* by the result of *wrapper*; raises `PatchFailed`."""
    setattr(_resolved(owner), name, wrapper(attribute(owner, name)))


def _resolved(owner: str) -> Any:
    """Return the module *owner*, or the class that its last word names."""
    module, _, last = owner.rpartition(".")
    return vars(import_module(module))[last] if last[:1].isupper() else import_module(owner)
