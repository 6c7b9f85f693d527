"""A Vi dataset is exported as a feed is: every page, the same file, the same promises."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from assetline.errors import DatasetUnknown, InvalidInput, KeyRefused, RepeatedCursor, ViRefused
from assetline.export import dependencies as connections
from functions.salvage_export import app as salvage_export
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ApiFault, MissingItems, RepeatedToken, ViScenario
from local.emulators.vi.server import ViEmulator, running
from local.sample_images import image
from tests.handlers.conftest import ExportAccount, ExportMachine, event, lambda_context
from tests.support.connections import forget_aws

ASSETS = 23
REQUEST = {"source": "vi", "dataset_id": "ds1", "page_size": 5}


@pytest.fixture(scope="module")
def emulated() -> Iterator[ViEmulator]:
    with running() as emulated:
        yield emulated


@pytest.fixture
def vi(emulated: ViEmulator, aws: ExportAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[ViEmulator]:
    emulated.has(ViScenario())
    emulated.forget()
    fill(emulated, ASSETS)
    secret = json.dumps({"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION})
    arn = boto3.client("secretsmanager").create_secret(Name="vi", SecretString=secret)["ARN"]
    monkeypatch.setenv("VI_API_URL", emulated.url)
    monkeypatch.setenv("VI_SECRET_ARN", arn)
    forget_aws()
    connections.settings.cache_clear()
    connections.vi_client.cache_clear()
    yield emulated
    connections.vi_client().close()
    connections.vi_client.cache_clear()


def fill(vi: ViEmulator, count: int) -> None:
    for number in range(count):
        content = vi.stage.content()
        content.append(image("png", number, (64, 64 if number % 2 else 48)))
        metadata = {"site": "oslo"} if number % 3 else {}
        asset = vi.stage.datasets["ds1"].put(f"image_{number:05}.png", "Image", "image/png", content, metadata)
        asset.annotations = {"cat": number} if number == 7 else {}


def rows(aws: ExportAccount, key: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(aws.text(key)))]


def test_every_page_becomes_rows_with_all_metadata_as_columns(
    aws: ExportAccount, machine: ExportMachine, vi: ViEmulator
) -> None:
    result = machine.run(REQUEST)
    found = rows(aws, result["key"])
    assert (result["rows"], result["pages"]) == (ASSETS, 5)
    assert [row["filename"] for row in found] == [f"image_{number:05}.png" for number in range(ASSETS)]
    eighth = found[7]
    assert (eighth["width"], eighth["height"], eighth["mime_type"]) == ("64", "64", "image/png")
    assert eighth["file_size"] == str(vi.assets("ds1")["image_00007.png"].content.size)
    assert (eighth["annotations_total"], eighth["annotations.cat"]) == ("7", "7")
    assert eighth["custom_metadata.site"] == "oslo"
    assert eighth["time_created"].startswith("20")
    assert eighth["time_created"].endswith("Z")
    assert {row["extra"] for row in found} == {""}
    assert result["key"].startswith("exports/vi-ds1/vi-ds1_")


def test_signed_urls_are_there_only_when_they_are_asked_for(
    aws: ExportAccount, machine: ExportMachine, vi: ViEmulator
) -> None:
    assert "signature" not in aws.text(machine.run(REQUEST)["key"])
    with_urls = machine.run(REQUEST | {"contents": True}, "2026-11-21T04:00:00Z")
    [row, *_] = rows(aws, with_urls["key"])
    assert "signature" in row["contents_url"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["contents_expiry"])


def test_the_key_where_excludes_and_counts_other_records(
    aws: ExportAccount, machine: ExportMachine, vi: ViEmulator
) -> None:
    result = machine.run(REQUEST | {"where": {"aspect": "square", "filename": "image_0000*"}})
    assert [row["filename"] for row in rows(aws, result["key"])] == [
        f"image_0000{number}.png" for number in (1, 3, 5, 7, 9)
    ]
    manifest = json.loads(aws.text(result["manifest_key"]))
    assert (manifest["rows"], manifest["excluded"], manifest["keys"]) == (5, ASSETS - 5, ["asset_id"])


def test_queries_of_vi_are_sent_to_vi(aws: ExportAccount, machine: ExportMachine, vi: ViEmulator) -> None:
    fields = {"filter": "image_0001", "metadata_query": 'site == "oslo"', "sort_by": "filename", "order": "desc"}
    result = machine.run(REQUEST | fields)
    names = [row["filename"] for row in rows(aws, result["key"])]
    assert names == [f"image_000{number}.png" for number in (19, 17, 16, 14, 13, 11, 10)]
    queries = [request.query for request in vi.requests("/assets")]
    assert queries[0] == {
        "s": "5",
        "filter": "image_0001",
        "metadataQuery": 'site == "oslo"',
        "sortBy": "filename",
        "o": "desc",
    }


def test_pages_are_in_an_order_that_holds_still(machine: ExportMachine, vi: ViEmulator) -> None:
    machine.run(REQUEST)
    assert {request.query["sortBy"] for request in vi.requests("/assets")} == {"assetId"}


def test_turns_formats_and_faults_change_nothing(aws: ExportAccount, machine: ExportMachine, vi: ViEmulator) -> None:
    undisturbed = aws.bytes(machine.run(REQUEST)["key"])
    vi.plays(ViScenario(faults=(ApiFault(path="/assets", status=503, times=1), MissingItems(times=1))))
    in_turns = machine.run(REQUEST | {"max_turn_seconds": 1e-9}, "2026-11-21T05:00:00Z")
    assert aws.bytes(in_turns["key"]) == undisturbed
    vi.plays(ViScenario())
    lines = aws.text(machine.run(REQUEST | {"format": "jsonl"}, "2026-11-21T06:00:00Z")["key"]).splitlines()
    assert [json.loads(line)["assetId"] for line in lines] == [row["asset_id"] for row in rows_of(undisturbed)]


def rows_of(content: bytes) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(content.decode()))]


def test_the_largest_page_is_found_by_asking(aws: ExportAccount, machine: ExportMachine, vi: ViEmulator) -> None:
    vi.plays(ViScenario(max_page_size=100))
    result = machine.run({"source": "vi", "dataset_id": "ds1"})
    assert (result["rows"], result["pages"]) == (ASSETS, 1)
    assert [request.query["s"] for request in vi.requests("/assets")] == ["1000", "500", "250", "100"]


def test_a_list_that_leads_in_a_circle_is_an_error(aws: ExportAccount, machine: ExportMachine, vi: ViEmulator) -> None:
    vi.plays(ViScenario(faults=(RepeatedToken(),)))
    with pytest.raises(RepeatedCursor):
        machine.run(REQUEST)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"source": "vi"}, InvalidInput),
        ({"source": "vi", "dataset_id": "ds1", "feed": "assets"}, InvalidInput),
        ({"source": "vi", "dataset_id": "../ds1"}, InvalidInput),
        ({"source": "vi", "dataset_id": "ds1", "where": {"min_size": 1}}, InvalidInput),
        ({"source": "vi", "dataset_id": "ds1", "sort_by": "size"}, InvalidInput),
        ({"source": "vi", "dataset_id": "nowhere"}, DatasetUnknown),
        ({"source": "vi", "dataset_id": "ds1", "filter": '{"colour": "red"}'}, ViRefused),
    ],
)
def test_an_invalid_option_is_refused_with_its_name(
    aws: ExportAccount, machine: ExportMachine, vi: ViEmulator, request_: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        machine.run(request_)


class TestOneThatDoesNotComplete:
    EXPORT = "vi-ds1_20261121_030000"
    STARTED_AT = "2026-11-21T03:00:00.123Z"
    IN_TURNS: dict[str, Any] = REQUEST | {"max_turn_seconds": 1e-9}

    def ends(self, machine: ExportMachine, status: str) -> Any:
        """Play two turns of an export whose execution then ends so."""
        state = machine.open({"execution_arn": "arn:first", "started_at": self.STARTED_AT, "input": self.IN_TURNS})
        machine.write(machine.write(state))
        case = event("salvage_export/stopped")
        case["detail"] |= {"executionArn": "arn:first", "status": status, "input": json.dumps(self.IN_TURNS)}
        return salvage_export.lambda_handler(case, lambda_context())

    @pytest.mark.usefixtures("vi")
    def test_stopped_it_leaves_what_it_had_under_a_partial_name(
        self, aws: ExportAccount, machine: ExportMachine
    ) -> None:
        salvaged = self.ends(machine, "ABORTED")
        assert salvaged["key"] == f"exports/vi-ds1/{self.EXPORT}.partial.csv"
        assert [row["filename"] for row in rows(aws, salvaged["key"])] == [f"image_{n:05}.png" for n in range(10)]
        assert aws.item(self.EXPORT)["state"] == "partial"

    def test_failed_it_goes_on_at_its_page(self, aws: ExportAccount, machine: ExportMachine, vi: ViEmulator) -> None:
        undisturbed = aws.bytes(machine.run(REQUEST, "2026-11-21T01:00:00Z")["key"])
        self.ends(machine, "FAILED")
        assert aws.item(self.EXPORT)["state"] == "failed"
        vi.forget()
        resuming = {"execution_arn": "arn:2", "started_at": "2026-11-21T09:00:00Z", "input": {"resume": self.EXPORT}}
        result = machine.close(machine.write(machine.open(resuming)))
        assert (aws.bytes(result["key"]), result["pages"]) == (undisturbed, 5)
        assert len(vi.requests("/assets")) == 3


def test_a_key_that_is_refused_opens_nothing(aws: ExportAccount, machine: ExportMachine, vi: ViEmulator) -> None:
    vi.plays(ViScenario(key="dtvi_another"))
    with pytest.raises(KeyRefused):
        machine.run(REQUEST)
    assert aws.table.scan()["Items"] == []


def test_sixteen_thousand_and_one_assets_are_listed_completely(
    aws: ExportAccount, machine: ExportMachine, vi: ViEmulator
) -> None:
    content = vi.stage.content()
    content.append(image("png"))
    for number in range(ASSETS, 16_001):
        vi.stage.datasets["ds1"].put(f"image_{number:05}.png", "Image", "image/png", content, {})
    result = machine.run({"source": "vi", "dataset_id": "ds1"})
    assert (result["rows"], result["pages"]) == (16_001, 17)
    assert len({row["asset_id"] for row in rows(aws, result["key"])}) == 16_001
