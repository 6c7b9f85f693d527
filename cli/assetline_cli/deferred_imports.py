"""Deferred imports: `typer.rich_utils` imports two modules of rich that take a third of the time of `--help`.

Help texts are in the markup of rich, and `pretty_exceptions_enable` is off, so neither module renders anything.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

UNUSED_BY_HELP = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}


def defer_unused_imports() -> None:
    """Defer the imports that help never uses."""
    for module, name in UNUSED_BY_HELP.items():
        defer_import(module, name)


def defer_import(module: str, name: str) -> None:
    """Import *module* no earlier than its class *name* is called; a module that is imported already stays."""

    def create(_: type, *args: Any, **options: Any) -> Any:
        if sys.modules.get(module) is stand_in:
            del sys.modules[module]
        return getattr(import_module(module), name)(*args, **options)

    stand_in = ModuleType(module)
    setattr(stand_in, name, type(name, (), {"__new__": create}))
    sys.modules.setdefault(module, stand_in)
