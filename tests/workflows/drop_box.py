"""The drop bucket of a stack, and what becomes of what is put there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assetline.ingest.asset_register import PREFIX
from assetline.ingest.drop import OVER, Drop
from local.stack.outputs import DeployedStack
from tests.support.waiting import until


@dataclass(frozen=True)
class DropBox:
    """The input of a test, and its results."""

    stack: DeployedStack

    @property
    def bucket(self) -> str:
        return self.stack.outputs["DropBucketName"]

    @property
    def queue_url(self) -> str:
        urls: list[str] = self.client("sqs").list_queues()["QueueUrls"]
        return next(url for url in urls if "DropQueue" in url)

    def client(self, service: Any) -> Any:
        return self.stack.client(service)

    def table(self, output: str) -> Any:
        return self.stack.table(output)

    def put(self, key: str, content: bytes, **metadata: str) -> None:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content, Metadata=metadata)

    def drops(self) -> dict[str, Drop]:
        """Return the drops, by key."""
        return {item["key"]: Drop.from_item(item) for item in self._items()}

    def over(self, keys: set[str]) -> dict[str, Drop]:
        """Wait until the drops of *keys* are ingested or rejected, and return them."""
        names = {"#key": "key", "#state": "state"}  # a scan of these two takes a tenth of one of complete items
        states = {"ProjectionExpression": "drop_id, #key, #state", "ExpressionAttributeNames": names}

        def look() -> bool:
            found = {item["key"]: item["state"] for item in self._items(**states)}
            return all(found.get(key) in OVER for key in keys)

        until(look, f"{len(keys)} drops are over", every=0.1)
        return {key: drop for key, drop in self.drops().items() if key in keys}

    def _items(self, **projection: Any) -> Iterator[dict[str, Any]]:
        scan = {"ConsistentRead": True} | projection
        while True:
            answer = self.table("DropsTableName").scan(**scan)
            yield from (item for item in answer["Items"] if not item["drop_id"].startswith(PREFIX))
            if "LastEvaluatedKey" not in answer:
                return
            scan["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def runs(self, status: str | None = None) -> list[dict[str, Any]]:
        """Return the runs of the machine `ingest_drops`."""
        listed = self.client("stepfunctions").list_executions(
            stateMachineArn=self.stack.outputs["IngestStateMachineArn"], maxResults=1000
        )["executions"]
        return [run for run in listed if status in {None, run["status"]}]

    def settled(self) -> None:
        """Wait until no run runs."""
        until(lambda: not self.runs("RUNNING"), "no run runs")

    def run(self, dataset_id: str, name: str) -> str:
        """Start a run by hand, and return its ARN."""
        arn: str = self.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["IngestStateMachineArn"],
            name=name,
            input=json.dumps({"dataset_id": dataset_id}),
        )["executionArn"]
        return arn

    def ended(self, arn: str) -> dict[str, Any]:
        """Wait for the end of an execution, and return its description."""
        machines = self.client("stepfunctions")

        def look() -> dict[str, Any] | None:
            described: dict[str, Any] = machines.describe_execution(executionArn=arn)
            return described if described["status"] != "RUNNING" else None

        return until(look, f"{arn} has ended")

    def tags(self, key: str, bucket: str | None = None) -> dict[str, str]:
        """Wait for the tags of an object, which are written after its state, and return them."""
        requested = {"Bucket": bucket or self.bucket, "Key": key}
        tags = until(lambda: self.client("s3").get_object_tagging(**requested)["TagSet"], f"the tags of {key}")
        return {tag["Key"]: tag["Value"] for tag in tags}

    def reports(self, dataset_id: str) -> list[dict[str, Any]]:
        """Return the reports of a dataset's sessions."""
        s3, bucket = self.client("s3"), self.stack.outputs["ExportBucketName"]
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"reports/{dataset_id}/").get("Contents", [])
        keys = [item["Key"] for item in listed if item["Key"].endswith(".json")]
        return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
