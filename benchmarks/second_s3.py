"""A second S3, which serves a folder: the local AWS, one Python thread for all services, is not measured with it.

It is rclone, a program of several threads in an environment of its own. It ignores the conditions of requests
(`If-Match`, `If-None-Match`), and has no tags. The benchmarks change no object, and tag none.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.errors import ToolMissing
from local.paths import LOCAL
from local.stack import environment
from local.stack.ministack import free_port, taken

# Files that were in the folder before it was served are listed once. rclone lists a folder again for each object
# if it caches nothing.
LISTED_FOR = "1h"
RCLONE = LOCAL / "tools/rclone/bin/rclone"
READY_WITHIN_SECONDS = 30


def check_installed() -> None:
    """Raise `ToolMissing` if rclone is not installed."""
    if not RCLONE.exists():
        raise ToolMissing(RCLONE, "bench-ingest")


@contextmanager
def second_s3(folder: Path) -> Iterator[str]:
    """Serve *folder* for the block, and yield the address; any credentials are accepted.

    Its folders are the buckets. No other program may write into them during the block.
    """
    check_installed()
    port = free_port()
    options = ("--addr", f"127.0.0.1:{port}", "--dir-cache-time", LISTED_FOR, "--no-cleanup", "--config", os.devnull)
    server = subprocess.Popen(
        [RCLONE, "serve", "s3", folder, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment.bare(),
    )
    try:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not taken(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the second S3 did not start")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
