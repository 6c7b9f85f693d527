"""The file of an export against the rows of the feed that it was exported from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import httpx

from assetline.table.cells import cell_text
from assetline.table.pipe_encoding import parse_pipes
from local.invoke.errors import FunctionFailed
from local.stack.outputs import DeployedStack

ENCODED = frozenset({"fields", "status_options"})


def checked_rows(stack: DeployedStack, export: dict[str, Any]) -> int:
    """Compare the rows of a complete export of `assets` with those of the API, and return their number.

    Raises:
        FunctionFailed: a row is missing, or has another value.
    """
    s3 = boto3.client("s3", **stack.connection)
    manifest = json.loads(s3.get_object(Bucket=export["bucket"], Key=export["manifest_key"])["Body"].read())
    text = s3.get_object(Bucket=export["bucket"], Key=export["key"])["Body"].read().decode()
    rows, records = list(csv.DictReader(io.StringIO(text, newline=""), strict=True)), list(_records(stack))
    headers = {column["field_id"]: column["header"] for column in manifest["columns"] if column["kind"] == "field"}
    if len(rows) != len(records):
        raise FunctionFailed(f"{export['key']} has {len(rows):,} rows, and the API has {len(records):,}")
    for number, (row, record) in enumerate(zip(rows, records, strict=True), start=1):
        if not row_equals(row, record, headers):
            raise FunctionFailed(f"row {number:,} of {export['key']} is {row}, and the API has {record}")
    return len(rows)


def row_equals(row: Mapping[str, str], record: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Return whether a row has the values of a record; *headers* are those of its custom fields, by id."""
    plain = {name: value or "" for name, value in record.items() if name not in ENCODED}
    items = parse_pipes(record["fields"])
    kept_apart = json.loads(row["extra"] or "{}").get("fields", [])  # a field that an asset has twice
    expected = {
        headers[item["field_id"]]: cell_text(item["value"])
        for item in items
        if item not in kept_apart and cell_text(item["value"])
    }
    return (
        {name: row.get(name) for name in plain} == plain
        and {header: row[header] for header in headers.values() if row[header]} == expected
        and json.loads(row["status_options"] or "[]") == parse_pipes(record["status_options"])
    )


def _records(stack: DeployedStack) -> Iterator[dict[str, Any]]:
    secrets = boto3.client("secretsmanager", **stack.connection)
    token = secrets.get_secret_value(SecretId=stack.outputs["SafetyCultureSecretArn"])["SecretString"]
    headers, path = {"authorization": f"Bearer {token}"}, "/feed/assets"
    with httpx.Client(base_url=stack.emulators["safetyculture"], headers=headers, trust_env=False) as client:
        while path:
            page = client.get(path).raise_for_status().json()
            yield from page["data"]
            path = page["metadata"]["next_page"]
