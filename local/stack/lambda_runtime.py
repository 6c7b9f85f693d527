"""The program of a function's `bootstrap`: AWS's runtime client, which restarts when the code is edited.

On AWS new code comes with a deployment; here it comes with saving a file. A warm environment would go on with what it
imported, so it ends itself while it waits for its next event, and that event starts a new one.

It is run as a file and imports nothing of the project: the path that modules come from is the function's own.
"""

import os
import sys
import threading
import time
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
    # A new module is imported only once another is edited, so a look at those of the start is enough.
    at_start = {str(module): _changed_at(module) for folder in folders for module in folder.rglob("*.py")}
    while waiting.wait():
        if any(_changed_at(module) != changed for module, changed in at_start.items()) and waiting.is_set():
            os._exit(0)
        time.sleep(LOOK_EVERY_SECONDS)


def _changed_at(module: str | Path) -> int:
    try:
        return os.stat(module).st_mtime_ns  # noqa: PTH116 - twenty idle functions look three times a second
    except FileNotFoundError:  # an editor is replacing it
        return 0


if __name__ == "__main__":
    # Nor has the layer what httpx would make a command of: to load that takes a tenth of every start.
    sys.modules["click"] = None  # type: ignore[assignment]
    main(sys.argv[1])
