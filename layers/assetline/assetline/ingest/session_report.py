"""The report of an ingestion session: every file in a CSV, the summary and the errors in JSON."""

import csv
import io
import json
from typing import Any

from pydantic import BaseModel

from assetline.ingest.settlement import SettledFile, Settlement
from assetline.table.formulas import neutralised

COLUMNS = ("key", "asset", "state", "reason", "message")


class ReportKeys(BaseModel, frozen=True):
    """The address of a report; a repeat writes it there again."""

    json_key: str
    csv_key: str


def report_keys(settlement: Settlement) -> ReportKeys:
    """Return the keys of a session's report, derived from its opening."""
    session = settlement.session
    name = f"{session.dataset_id}_{session.opened_at:%Y%m%d_%H%M%S}_{session.session_id}"
    stem = f"reports/{session.dataset_id}/{name}"
    return ReportKeys(json_key=f"{stem}.json", csv_key=f"{stem}.csv")


def summary(settlement: Settlement) -> dict[str, Any]:
    """Return the report's JSON: totals, times in UTC, each file that failed, and each that returned to the queue."""
    session, total = settlement.session, len(settlement.files)
    succeeded = settlement.count("ingested")
    return {
        "dataset_id": session.dataset_id,
        "session_id": session.session_id,
        "session_key": session.session_key,
        "progress": settlement.ended,
        "error": settlement.error,
        "message": settlement.message,
        "total": total,
        "succeeded": succeeded,
        "failed": settlement.count("rejected"),
        "returned": settlement.count("dropped"),
        "success_rate": round(100 * succeeded / total, 2) if total else 0.0,
        "opened_at": _moment(settlement.session.opened_at),
        "settled_at": _moment(settlement.settled_at),
        "seconds": round((settlement.settled_at - session.opened_at).total_seconds(), 1),
        "failed_files": [_file(file) for file in settlement.files if file.state == "rejected"],
        "returned_files": [_file(file) for file in settlement.files if file.state == "dropped"],
    }


def summary_json(settlement: Settlement) -> bytes:
    """Return the summary as the bytes of its object."""
    return (json.dumps(summary(settlement), ensure_ascii=False, indent=2) + "\n").encode()


def files_csv(settlement: Settlement) -> bytes:
    """Return every file of a session as CSV (RFC 4180, UTF-8) with neutralised formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for file in settlement.files:
        row = (file.key, file.asset_filename, file.state, file.reason or "", file.message or "")
        writer.writerow(neutralised(row)[0])
    return text.getvalue().encode()


def _file(file: SettledFile) -> dict[str, Any]:
    return {"key": file.key, "asset": file.asset_filename, "reason": file.reason, "message": file.message}


def _moment(at: Any) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
