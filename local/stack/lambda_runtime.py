"""The program of a function's `bootstrap`: AWS's runtime client, which restarts when the code is edited.

On AWS new code comes with a deployment; here it comes with saving a file. A warm environment would keep the modules it
imported. So it ends itself while it waits for its next event, and that event starts a new environment.

It is run as a file and imports nothing of the project: the import path is the function's own.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient

LOOK_EVERY_SECONDS = 0.3


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
    threading.Thread(target=_end_when_edited, args=(client.waiting,), daemon=True).start()
    bootstrap.run(handler, client)


def _end_when_edited(waiting: threading.Event) -> None:
    folders = [Path(folder) for folder in os.environ["PYTHONPATH"].split(os.pathsep)]
    at_start = dict(_modules(folders))
    while waiting.wait():
        if dict(_modules(folders)) != at_start and waiting.is_set():
            os._exit(0)
        time.sleep(LOOK_EVERY_SECONDS)


def _modules(folders: list[Path]) -> Iterator[tuple[str, int]]:
    """Yield every module with when it was changed."""
    for folder in folders:
        for module in folder.rglob("*.py"):
            try:
                yield str(module), module.stat().st_mtime_ns
            except FileNotFoundError:  # an editor is replacing it
                yield str(module), 0


if __name__ == "__main__":
    # Nor has the layer what httpx would make a command of: to load that takes a tenth of every start.
    sys.modules["click"] = None  # type: ignore[assignment]
    main(sys.argv[1])
