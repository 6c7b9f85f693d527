"""The invariants of an export at its end: its item in the table, its file, and the manifest of that."""

import csv
import io
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.s3 import StoredObject

DAMAGED = {"PartsMismatch", "PreconditionFailed"}  # the errors of an export whose staged objects were damaged

type Item = dict[str, Any]
type Version = tuple[int, str]


@dataclass(frozen=True)
class Published:
    """The objects that exports have published, in a bucket that holds others too."""

    objects: Mapping[str, StoredObject]

    def wrong_state(self, item: Item) -> str | None:
        """Return how an item contradicts its files, or has not ended."""
        export_id, state = item["export_id"], item["state"]
        complete = item["key"] in self.objects
        partial = any(key.startswith(f"exports/users/{export_id}.partial") for key in self.objects)
        if complete and partial:
            return f"{export_id} is published complete and partial"
        if "export" in item and (state not in {"complete", "partial"} or item.get("error")):
            return f"{export_id} is {state} with {item.get('error')}: {item.get('message')}"
        if (state == "complete") != complete or (state != "partial" and partial):
            return f"{export_id} is {state}, and its files are {complete=} {partial=}"
        return None

    def wrong_file(self, item: Item, versions: Mapping[str, Version], latest: Mapping[str, Version]) -> str | None:
        """Return what is wrong with the file of an export; *versions* are the records when it started.

        A complete file has every record that did not change since, as *latest* has it. A partial one may lack records.
        """
        complete = item["state"] == "complete"
        key = item["key"] if complete else item.get("partial_key")
        if key is None:
            return None
        body = self.objects[key].body
        manifest = json.loads(self.objects[_manifest_key(key, complete=complete)].body)
        described = (manifest["bytes"], manifest["crc32"], manifest["complete"])
        if described != (len(body), f"{zlib.crc32(body):08x}", complete):
            return f"The manifest of {item['export_id']} differs from its file: {described}"
        rows = _rows(body.decode(), item["format"])
        if not len(rows) == manifest["rows"] == item["rows"] or len(body) != item["bytes"]:
            return f"{item['export_id']} has {len(rows)} rows, its manifest {manifest['rows']}, its item {item['rows']}"
        return _wrong_rows(item["export_id"], rows, {} if not complete else versions, latest)

    def wrong_latest(self, items: Sequence[Item]) -> str | None:
        """Return how the document of the newest export, or the copy of its file, differs from that export."""
        complete = [item for item in items if item["state"] == "complete"]
        if not complete:
            return None
        stored = self.objects.get("exports/users/latest.json")
        document = {} if stored is None else json.loads(stored.body)
        last = max(str(item["started_at"]) for item in complete)
        newest = {item["export_id"]: item for item in complete if str(item["started_at"]) == last}
        if document.get("export_id") not in newest:
            return f"latest.json names {document.get('export_id')}, and the newest export is one of {[*newest]}"
        item = newest[document["export_id"]]
        copy = self.objects.get(f"exports/users/latest.{item['format']}")
        if copy is None or copy.body != self.objects[item["key"]].body:
            return f"latest.{item['format']} is not the file of {item['export_id']}"
        return None


def _wrong_rows(
    export_id: str, rows: list[dict[str, str]], versions: Mapping[str, Version], latest: Mapping[str, Version]
) -> str | None:
    texts = {row["id"]: row["text"] for row in rows}
    if len(texts) < len(rows):
        twice = [id_ for id_, times in Counter(row["id"] for row in rows).items() if times > 1]
        return f"{export_id} has rows twice: {twice}"
    if foreign := [id_ for id_, text in texts.items() if not text.endswith(f" of {id_}")]:
        return f"{export_id} has rows that the feed never had: {foreign}"
    lost = [id_ for id_, version in versions.items() if latest[id_] == version and texts.get(id_) != version[1]]
    return f"{export_id} lacks rows that did not change: {lost}" if lost else None


def _manifest_key(key: str, *, complete: bool) -> str:
    name = key.partition(".")[0]
    return f"{name}.manifest.json" if complete else f"{name}.partial.manifest.json"


def _rows(text: str, form: str) -> list[dict[str, str]]:
    if form == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return [*csv.DictReader(io.StringIO(text, newline=""))]
