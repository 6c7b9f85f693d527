"""Peak memory of `write_pages` over a hundred thousand rows, a million, and few wide ones, in a process each.

    .venv/bin/python -m benchmarks.memory

The pages are realistic, with a thousand rows each. Another process makes them in advance and serves sixty of them in a
circle: more keys than the window of duplicates contains. A wide row has 300 custom fields of emoji, some 36 KB. S3 and
DynamoDB are answered inside botocore, and the data sent to them are discarded.
"""

import argparse
import http.server
import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import orjson
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from assetline.budget import Budget
from assetline.credentials import Token
from assetline.export.checkpoint import Checkpoint, Export
from assetline.export.exports_table import ExportsTable
from assetline.export.page_sources import FeedSource
from assetline.export.progress_reporter import Report
from assetline.export.request import ExportRequest
from assetline.export.staging import ExportStaging
from assetline.export.write_pages import WritePagesTurn, write_pages
from assetline.safetyculture.client import FeedClient
from local.emulators.safetyculture.assets import asset

ROWS_A_PAGE, CIRCLE = 1000, 60
FEW, MANY = 100_000, 1_000_000
WIDE, WIDE_FIELDS = 10_000, 300


def measure() -> dict[str, float]:
    """Return `rss_growth` (peak over peak), `peak_mib` (complete process), `wide_peak_mib` and rows a second."""
    server = subprocess.Popen([*_PROGRAM, "serve"], cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline() if server.stdout else 0)
        few, many = (_measured(port, "usual", rows) for rows in (FEW, MANY))
        wide = _measured(port, "wide", WIDE)
    finally:
        server.terminate()
        server.wait()
    return {
        "rss_growth": round(many["peak_mib"] / few["peak_mib"], 3),
        "peak_mib": round(many["peak_mib"], 1),
        "wide_peak_mib": round(wide["peak_mib"], 1),
        "write_pages_rows_per_second": round(MANY / many["seconds"]),
        "write_pages_bytes_per_row": round(many["bytes"] / MANY),
    }


_ROOT = Path(__file__).parents[1]
_PROGRAM = [sys.executable, "-m", "benchmarks.memory"]


def _measured(port: int, kind: str, rows: int) -> dict[str, float]:
    done = subprocess.run(
        [*_PROGRAM, "write", str(port), kind, str(rows)],
        cwd=_ROOT,
        env={**os.environ, "STACK_NAME": "benchmark"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


class _Pages(http.server.BaseHTTPRequestHandler):
    """Serves the rows from `start` on, usual ones in pages of a thousand, and wide ones in pages of `limit`."""

    protocol_version = "HTTP/1.1"
    circle: tuple[bytes, ...] = ()
    wide_fields = b""

    def do_GET(self) -> None:
        """Answer one page."""
        path, _, query = self.path.partition("?")
        limit, start, rows = (int(number) for number in re.findall(r"\d+", query))
        end = min(start + limit, rows)
        following = json.dumps(f"{path}?limit={limit}&start={end}&of={rows}" if end < rows else None)
        if path.endswith("wide"):
            ids = (b'{"id":"wide-%d","fields":%b}' % (number, self.wide_fields) for number in range(start, end))
            data = b"[%b]" % b",".join(ids)
        else:
            data = self.circle[start // ROWS_A_PAGE % CIRCLE]
        body = b'{"metadata":{"next_page":%b},"data":%b}' % (following.encode(), data)
        self.send_response(http.HTTPStatus.OK)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # the page is too large for its reader, which asks for a smaller one
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _serve() -> None:
    starts = range(0, CIRCLE * ROWS_A_PAGE, ROWS_A_PAGE)
    _Pages.circle = tuple(orjson.dumps([asset(at + row) for row in range(ROWS_A_PAGE)]) for at in starts)
    emoji = "👷🏽\u200d♀️🇦🇺✅" * 2
    fields = [
        {"field_id": f"field-{number:03}", "name": f"Field {number}", "value": {"string_value": emoji}}
        for number in range(WIDE_FIELDS)
    ]
    _Pages.wide_fields = orjson.dumps(orjson.dumps(fields).decode())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    print(server.server_address[1], flush=True)  # noqa: T201 - the port, for the parent process
    server.serve_forever()


class _AnyToken(Token):
    """A token; the page server ignores it."""

    def value(self, *, fresh: bool = False) -> str:
        """Return a token."""
        return f"scapi_{fresh}"


def _answered(request: Any, **_: Any) -> Any:
    """Answer a call to AWS with success, and store nothing."""
    if hasattr(request.body, "read"):
        request.body.read()
    body = BytesIO(b"{}" if "dynamodb" in request.url else b"")
    body.stream = lambda **_: iter([body.getvalue()])  # type: ignore[attr-defined]
    headers = HTTPHeaders()
    headers["ETag"] = '"etag"'
    return AWSResponse(request.url, 200, headers, body)


def _write(port: int, kind: str, rows: int) -> None:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")  # noqa: S106
    s3, table = session.client("s3"), session.resource("dynamodb").Table("exports")
    for client in (s3, table.meta.client):
        client.meta.events.register("before-send", _answered)
    now = datetime.now(UTC)
    request = ExportRequest(feed="assets", page_size=None if kind == "wide" else ROWS_A_PAGE)
    export = Export(
        export_id="assets_20261121_030000",
        execution_arn="arn:execution",
        request=request,
        bucket="bucket",
        key="key",
        manifest_key="manifest",
        started_at=now,
    )
    checkpoint = Checkpoint(cursor=f"/feed/{kind}?limit={ROWS_A_PAGE}&start=0&of={rows}")
    exports = ExportsTable(table)
    turn = WritePagesTurn(
        source=FeedSource(request, FeedClient(f"http://127.0.0.1:{port}", _AnyToken("none"))),
        staging=ExportStaging(s3, export.bucket, export.export_id),
        table=exports,
        report=Report(exports, export, checkpoint),
        budget=Budget(3600),
    )
    started = time.perf_counter()
    after = write_pages(export, checkpoint, turn)
    seconds = time.perf_counter() - started
    if after.rows != rows:
        raise AssertionError(f"{after.rows} rows of {rows}")
    high_water = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    figures = {"peak_mib": int(high_water[1]) / 1024 if high_water else 0, "seconds": seconds, "bytes": after.bytes}
    print(json.dumps(figures))  # noqa: T201 - for the parent process


if __name__ == "__main__":
    roles = argparse.ArgumentParser()
    roles.add_argument("role", nargs="?", choices=("serve", "write"))
    roles.add_argument("port", nargs="?", type=int)
    roles.add_argument("kind", nargs="?", choices=("usual", "wide"))
    roles.add_argument("rows", nargs="?", type=int)
    arguments = roles.parse_args()
    if arguments.role == "serve":
        _serve()
    elif arguments.role == "write":
        _write(arguments.port, arguments.kind, arguments.rows)
    else:
        print(json.dumps(measure(), indent=2))  # noqa: T201 - the figures are the output
