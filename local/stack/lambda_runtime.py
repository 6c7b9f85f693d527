"""The program of a function's `bootstrap`: AWS's runtime client, which restarts when the code is edited.

On AWS new code comes with a deployment; here it comes with saving a file. A warm environment would keep the modules it
imported. So it ends itself while it waits for its next event, and that event starts a new environment. The stack of a
test or a demo is not edited: its environments do not look at the files, which would cost a part of a core.

It is run as a file and imports nothing of the project: the import path is the function's own.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient

LOOK_EVERY_SECONDS = 0.5
WATCHED = "ASSETLINE_WATCHES_CODE"  # set if the code may be edited while the stack runs


class EditableRuntimeClient(LambdaRuntimeClient):
    """The runtime client; `waiting` is set while it waits for an event."""

    def __init__(self, address: str) -> None:
        super().__init__(address, use_thread_for_polling_next=False)
        self.waiting = threading.Event()

    def wait_next_invocation(self) -> InvocationRequest:
        """Return the next event, when there is one."""
        self.waiting.set()
        try:
            event: InvocationRequest = super().wait_next_invocation()
        finally:
            self.waiting.clear()
        return event


def main(handler: str) -> None:
    """Serve the events of the function whose *handler* is named, until stopped."""
    client = EditableRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    if os.environ.get(WATCHED):
        threading.Thread(target=_end_when_edited, args=(client.waiting,), daemon=True).start()
    bootstrap.run(handler, client)


class LoadedModules:
    """The imported modules in *folders*. A file that was not imported cannot be outdated in memory."""

    def __init__(self, folders: Iterable[str]) -> None:
        self._folders = tuple(f"{folder}{os.sep}" for folder in folders)
        self._changed_at: dict[str, int] = {}

    def is_any_edited(self) -> bool:
        """Return whether a module was edited since the first call with it."""
        files = [getattr(module, "__file__", None) or "" for module in [*sys.modules.values()]]
        watched = [file for file in files if file.startswith(self._folders)]
        return any(self._changed_at.setdefault(file, changed) != changed for file, changed in map(_changed, watched))


def _end_when_edited(waiting: threading.Event) -> None:
    modules = LoadedModules(os.environ["PYTHONPATH"].split(os.pathsep))
    while waiting.wait():
        if modules.is_any_edited() and waiting.is_set():
            os._exit(0)
        time.sleep(LOOK_EVERY_SECONDS)


def _changed(file: str) -> tuple[str, int]:
    try:
        return file, os.stat(file).st_mtime_ns  # noqa: PTH116 - twenty idle functions look twice a second
    except FileNotFoundError:  # an editor is replacing it
        return file, 0


if __name__ == "__main__":
    # Nor has the layer what httpx would make a command of: to load that takes a tenth of every start.
    sys.modules["click"] = None  # type: ignore[assignment]
    main(sys.argv[1])
