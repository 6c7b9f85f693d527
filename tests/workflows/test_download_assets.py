"""The real machine on a local stack downloads the content of the emulated Vi to S3."""

import json
from typing import Any

from local.emulators.vi.scenario import DownloadFault, ViScenario
from local.emulators.vi.server import ViEmulator
from local.sample_images import FORMATS, image
from local.stack.outputs import DeployedStack
from tests.workflows.drop_box import DropBox

DATASET = "ds1"


def holds(vi: ViEmulator, pictures: dict[str, bytes], dataset: str = DATASET) -> None:
    """Let Vi hold *pictures*, by name."""
    for name, picture in pictures.items():
        content = vi.stage.content()
        content.append(picture)
        vi.stage.datasets[dataset].put(name, "Image", "image/png", content, {})


def download(stack: DeployedStack, **requested: Any) -> tuple[dict[str, Any], list[str]]:
    """Run the machine to its end; return its description, its output read, and the states it came through."""
    box = DropBox(stack)
    machines = box.client("stepfunctions")
    arn = machines.start_execution(
        stateMachineArn=stack.outputs["DownloadStateMachineArn"], input=json.dumps({"dataset_id": DATASET} | requested)
    )["executionArn"]
    described = box.ended(arn)
    history = machines.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    return described | {"output": json.loads(described.get("output", "null"))}, entered


def there(stack: DeployedStack, result: dict[str, Any]) -> dict[str, bytes]:
    """Return what is below the prefix of a download."""
    s3 = DropBox(stack).client("s3")
    listed = s3.list_objects_v2(Bucket=result["bucket"], Prefix=result["prefix"]).get("Contents", [])
    return {
        item["Key"].removeprefix(result["prefix"]): s3.get_object(Bucket=result["bucket"], Key=item["Key"])[
            "Body"
        ].read()
        for item in listed
    }


def test_every_picture_is_there_and_a_repeat_fetches_none(stack: DeployedStack, vi: ViEmulator) -> None:
    pictures = {f"picture-{number:03}{suffix}": image(suffix, number) for number, suffix in enumerate(FORMATS)}
    holds(vi, pictures)
    vi.plays(ViScenario(faults=(DownloadFault(filename="*.png", what="expired", times=1),)))
    described, states = download(stack)
    assert (described["status"], described["output"]["complete"]) == ("SUCCEEDED", True)
    assert there(stack, described["output"]) == pictures
    assert states[-1] == "Download Closed"
    vi.forget()
    repeated, _ = download(stack)
    assert (repeated["output"]["written"], repeated["output"]["skipped"]) == (0, len(pictures))
    assert not vi.requests("_objects", "GET")


def test_a_file_that_fails_is_a_reason_in_the_manifest(stack: DeployedStack, vi: ViEmulator) -> None:
    holds(vi, {"a.png": b"a", "b.png": b"b"})
    vi.plays(ViScenario(faults=(DownloadFault(filename="b.png", what="wrong"),)))
    described, _ = download(stack, prefix="downloads/reasons/")
    result = described["output"]
    assert (described["status"], result["complete"], result["written"], result["failed"]) == ("SUCCEEDED", False, 1, 1)
    assert there(stack, result) == {"a.png": b"a"}
    s3 = DropBox(stack).client("s3")
    manifest = json.loads(s3.get_object(Bucket=result["manifest_bucket"], Key=result["manifest_key"])["Body"].read())
    assert manifest["reasons"] == {"WrongChecksum": 1}


def test_a_failed_run_has_the_name_of_its_error(stack: DeployedStack, vi: ViEmulator) -> None:
    unknown, _ = download(stack, dataset_id="nope")
    assert (unknown["status"], unknown["error"]) == ("FAILED", "DatasetUnknown")
    holds(vi, {"a.png": b"a"})
    # The map's own error would report only that a child failed.
    refused, states = download(stack, bucket="a-bucket-of-nobody")
    assert (refused["status"], refused["error"]) == ("FAILED", "PlaceRefused")
    assert states[-2:] == ["Download Ended?", "Download Failed"]
