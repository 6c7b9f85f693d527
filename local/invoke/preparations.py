"""The state of the stack that a chain needs before its first run: objects, assets, the ownership of a dataset."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
from boto3.dynamodb.conditions import Attr

from assetline.ingest.drop import moment
from assetline.ingest.run_ownership import RunOwnership
from local.errors import LocalStackFailed
from local.invoke.chain_run import ChainRun
from local.invoke.errors import FunctionFailed
from local.invoke.payloads import Payload
from local.sample_images import image
from local.stack.outputs import DeployedStack

DATASET = "ds1"  # of every sample
# The ids in events/, and the names of the files that they stand for.
SAMPLE_ASSETS = {"asset-000001": "sample_1.png", "asset-000002": "sample_2.png"}
OLD_ASSETS = ("old_1.png", "old_2.png")  # events/open_deletion/filter.json expects two
IMAGES = (".png", ".jpg")
WAITING = Attr("state").eq("dropped") & Attr("dataset_id").eq(DATASET)
OLD = timedelta(hours=2)  # longer than the longest GatherSeconds


@contextmanager
def prepared(chain: Sequence[Payload], run: ChainRun, stack: DeployedStack) -> Iterator[None]:
    """Prepare the stack for a chain, and release the dataset after the block.

    The chain owns the dataset first: the stack's own run of a dropped image then ends at once, and leaves the drop.
    """
    needs = {need for payload in chain for need in payload.needs}
    owner = next((payload for payload in chain if "dataset" in payload.needs), None)
    with _owned(run.filled(owner), stack) if owner else _nothing():
        if "assets" in needs:
            for sample, filename in SAMPLE_ASSETS.items():
                run.values[sample] = _hold(stack, filename)
        if "old_assets" in needs:
            for filename in OLD_ASSETS:
                _hold(stack, filename)
        yield


def with_objects(content: Any, stack: DeployedStack) -> Any:
    """Put the objects that events of record_drop name into the drop bucket, and return the events of these objects."""
    s3 = boto3.client("s3", **stack.connection)
    for record in content.get("Records", []):
        try:
            event = json.loads(record["body"])
        except ValueError:  # the sample of a poisoned message
            continue
        found = event["detail"]["object"]
        body = _body(found["key"])
        stored = s3.put_object(Bucket=event["detail"]["bucket"]["name"], Key=found["key"], Body=body)
        found |= {"etag": stored["ETag"].strip('"'), "size": len(body)}
        if "version-id" in found:
            found["version-id"] = stored.get("VersionId", "null")
        record["body"] = json.dumps(event, ensure_ascii=False)
    for item in content.get("Items", []):
        body = _body(item["object"]["Key"])
        stored = s3.put_object(Bucket=item["bucket"], Key=item["object"]["Key"], Body=body)
        item["object"] |= {"Etag": stored["ETag"], "Size": len(body)}
    return content


def let_drops_be_old(stack: DeployedStack) -> None:
    """Let the waiting drops of the dataset have arrived some time ago, so that a session opens for them at once."""
    table = boto3.resource("dynamodb", **stack.connection).Table(stack.outputs["DropsTableName"])
    arrived = moment(datetime.now(UTC) - OLD)
    options: Any = {"FilterExpression": WAITING}
    while True:
        page = table.scan(**options)
        for item in page["Items"]:
            table.update_item(
                Key={"drop_id": item["drop_id"]},
                UpdateExpression="SET dropped_at = :arrived",
                ExpressionAttributeValues={":arrived": arrived},
            )
        if "LastEvaluatedKey" not in page:
            return
        options["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _body(key: str) -> bytes:
    """Return a new image, or a text for a name that is not of an image: Vi is not sent the same bytes twice."""
    if not key.endswith(IMAGES):
        return b"some notes"
    return image(key.rpartition(".")[2], random.randrange(64 * 48))  # noqa: S311 - no secret


@contextmanager
def _owned(opening: Any, stack: DeployedStack) -> Iterator[None]:
    table = boto3.resource("dynamodb", **stack.connection).Table(stack.outputs["SessionsTableName"])
    ownership, arn = RunOwnership(table), opening["execution_arn"]
    if not ownership.take(opening["dataset_id"], arn, f"{opening['execution_name']}-{opening['round']}"):
        raise FunctionFailed(
            f"a run of ingest_drops owns the dataset {opening['dataset_id']!r}; wait until `assetline status` shows "
            "that it has ended, and repeat the command"
        )
    try:
        yield
    finally:
        ownership.release(opening["dataset_id"], arn)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _hold(stack: DeployedStack, filename: str) -> str:
    """Let the emulated Vi hold a file, and return the id of its asset."""
    url = f"{stack.emulators['vi']}/_emulator/datasets/{DATASET}/assets/{filename}"
    try:
        response = httpx.put(url, trust_env=False)
    except httpx.HTTPError as error:
        raise _not_emulated(url, str(error)) from error
    if response.status_code != httpx.codes.OK:
        raise _not_emulated(url, f"status {response.status_code}")
    return str(response.json()["assetId"])


def _not_emulated(url: str, problem: str) -> LocalStackFailed:
    return LocalStackFailed(
        f"cannot store a sample asset at {url}: {problem}; the payload needs the emulated Vi, which `make down` and "
        "`make up` without VI_URL start"
    )
