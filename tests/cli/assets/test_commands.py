"""`assetline assets list|get|count|rename|export` and `datasets`."""

import json
from datetime import timedelta

import pytest

from local.emulators.vi.scenario import ApiFault, RepeatedToken
from tests.cli.account import Account, Run
from tests.cli.assets.conftest import Held


def test_assets_are_listed_as_lines_for_another_program(vi: Held, assetline: Run) -> None:
    [asset] = vi.holds("a.png")
    asset.created = 1795217214199
    asset.annotations = {"cat": 2, "dog": 1}
    listed = assetline("assets", "list", "ds1")
    assert listed.stdout == "asset-000001\ta.png\t14\t\timage/png\t3\tuploaded\t2026-11-20T23:26:54Z\n"
    printed = json.loads(assetline("assets", "list", "ds1", "--json").stdout)
    assert (printed["filename"], printed["metadata"]["annotations"]["withTag"]) == ("a.png", {"cat": 2, "dog": 1})
    assert "contents" not in printed


def test_a_list_passes_the_first_page_and_reports_further_assets(vi: Held, assetline: Run) -> None:
    vi.holds(*(f"{number:02}.png" for number in range(30)))
    first = assetline("assets", "list", "ds1")
    assert len(first.stdout.splitlines()) == 20
    assert "These are the first 20 assets; --limit 0 lists all." in first.stderr
    assert len(assetline("assets", "list", "ds1", "--limit", "0", "--page-size", "7").stdout.splitlines()) == 30
    assert [item.query["s"] for item in vi.vi.requests("/assets", "GET")][-5:] == ["7"] * 5
    complete = assetline("assets", "list", "ds1", "--limit", "30")
    assert (len(complete.stdout.splitlines()), complete.stderr) == (30, "")


@pytest.mark.parametrize("words", [(), ("--json",), ("--url",)])
def test_a_page_is_printed_before_the_next_one_is_requested(vi: Held, assetline: Run, words: tuple[str, ...]) -> None:
    vi.holds("a.png", "b.png", "c.png", "d.png")
    vi.plays(RepeatedToken())
    ended = assetline("assets", "list", "ds1", "--limit", "0", "--page-size", "2", *words)
    assert (ended.exit_code, len(ended.stdout.splitlines())) == (1, 2)


def test_an_id_that_no_asset_has_is_named_and_ends_with_1(vi: Held, assetline: Run) -> None:
    vi.holds("a.png")
    ended = assetline("assets", "list", "ds1", "--id", "nope", "--id", "asset-000001", "--id", "n2")
    assert (ended.exit_code, ended.stdout.split("\t")[0]) == (1, "asset-000001")
    assert ended.stderr == "The dataset has no asset with these IDs: nope, n2.\n"
    none = assetline("assets", "list", "ds1", "--id", "nope", "--json")
    assert (none.exit_code, none.stderr) == (1, "The dataset has no asset with these IDs: nope.\n")


def test_a_list_is_sorted_and_filtered(vi: Held, assetline: Run) -> None:
    vi.holds("b.png", content=b"bb")
    vi.holds("a.png", content=b"a")
    vi.holds("c.jpg", content=b"ccc", mime="image/jpeg")

    def names(*words: str) -> list[str]:
        return [line.split("\t")[1] for line in assetline("assets", "list", "ds1", *words).stdout.splitlines()]

    assert names("--sort-by", "filename") == ["a.png", "b.png", "c.jpg"]
    assert names("--sort-by", "metadata.fileSize", "--descending") == ["c.jpg", "b.png", "a.png"]
    assert names("--filter", '{"filename": "a.png"}') == ["a.png"]
    assert names("--mime", "image/jpeg") == ["c.jpg"]
    assert names("--max-bytes", "2", "--min-bytes", "2") == ["b.png"]
    none = assetline("assets", "list", "ds1", "--status", "error")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "No asset matches the conditions.\n")


def test_signed_urls_are_listed_only_when_asked_for(vi: Held, assetline: Run) -> None:
    vi.holds("a.png")
    asset, name, url, ends = assetline("assets", "list", "ds1", "--url").stdout.strip().split("\t")
    assert (asset, name) == ("asset-000001", "a.png")
    assert url.startswith(vi.vi.url)
    assert ends.endswith("Z")


def test_a_refusal_of_vi_quotes_its_message(vi: Held, assetline: Run) -> None:
    ended = assetline("assets", "list", "ds1", "--filter", '{"nonsense": 1}')
    assert ended.exit_code == 1
    assert "filter has no field 'nonsense'" in ended.stderr
    assert "no dataset 'nope'" in assetline("assets", "list", "nope").stderr
    assert "no dataset 'nope'" in assetline("assets", "count", "nope").stderr


def test_an_asset_is_shown_under_the_names_of_an_export(vi: Held, assetline: Run) -> None:
    [asset] = vi.holds("a.png")
    asset.custom_metadata["site"] = "north"
    shown = dict(
        line.split(maxsplit=1) for line in assetline("assets", "get", "ds1", "asset-000001").stdout.splitlines()
    )
    assert (shown["filename"], shown["file_size"], shown["custom_metadata.site"]) == ("a.png", "14", "north")
    assert "contents_url" not in shown
    shown = dict(
        line.split(maxsplit=1)
        for line in assetline("assets", "get", "ds1", "asset-000001", "--url").stdout.splitlines()
    )
    assert shown["contents_url"].startswith(vi.vi.url)
    assert shown["contents_expiry"].endswith("Z")
    missing = assetline("assets", "get", "ds1", "asset-9")
    assert (missing.exit_code, missing.stderr) == (1, "Error: The dataset 'ds1' has no asset 'asset-9'.\n")


def test_an_asset_is_waited_for(vi: Held, assetline: Run, account: Account) -> None:
    [asset] = vi.holds("a.png")
    vi.plays(processing_seconds=3600)
    account.then(lambda: None, lambda: vi.plays(processing_seconds=0))
    waited = assetline("assets", "get", "ds1", asset.asset_id, "--wait")
    assert (waited.exit_code, waited.stderr) == (0, "The upload status of asset-000001 is processing.\n")
    assert "completed" in waited.stdout


def test_waiting_ends_at_its_deadline_and_at_a_status_asked_for(vi: Held, assetline: Run, account: Account) -> None:
    [asset] = vi.holds("a.png")
    vi.plays(processing_seconds=3600)
    account.then(*[lambda: None] * 20)
    began = account.now
    late = assetline("assets", "get", "ds1", asset.asset_id, "--wait", "--timeout", "10")
    assert late.exit_code == 1
    assert "The upload status of asset-000001 is processing after 10 seconds." in late.stderr
    assert account.now - began == timedelta(seconds=10)
    assert assetline("assets", "get", "ds1", asset.asset_id, "--wait", "--until", "Processing").exit_code == 0


def test_an_asset_that_could_not_be_processed_is_not_waited_for(vi: Held, assetline: Run) -> None:
    [asset] = vi.holds("a.png")
    asset.upload_status = "Failed"
    failed = assetline("assets", "get", "ds1", asset.asset_id, "--wait")
    assert failed.exit_code == 1
    assert failed.stderr == "Error: Vi could not process asset-000001: its upload status is Failed.\n"


def test_waiting_goes_on_over_a_fault_of_vi(
    vi: Held, assetline: Run, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assetline.vi.client.PAUSE", 0)
    [asset] = vi.holds("a.png")
    vi.plays(ApiFault(path="/assets/", status=503, times=4))
    account.then(lambda: None, lambda: None)
    assert assetline("assets", "get", "ds1", asset.asset_id, "--wait").exit_code == 0


def test_assets_are_counted_by_vi_or_one_by_one(vi: Held, assetline: Run) -> None:
    vi.holds("a.png", "b.png", "c.jpg")
    vi.vi.forget()
    assert assetline("assets", "count", "ds1").stdout == "3\n"
    assert assetline("assets", "count", "ds1", "--filter", ".png").stdout == "2\n"
    assert not [item for item in vi.vi.requests("", "GET") if item.path.endswith("/assets")]
    assert assetline("assets", "count", "ds1", "--name", "c.*").stdout == "1\n"


def test_an_asset_gets_another_name(vi: Held, assetline: Run) -> None:
    vi.holds("a.png")
    renamed = assetline("assets", "rename", "ds1", "asset-000001", "b.png")
    assert (renamed.stdout, vi.names()) == ("asset-000001: a.png is now b.png.\n", {"b.png"})
    assert "has no asset 'asset-9'" in assetline("assets", "rename", "ds1", "asset-9", "b.png").stderr


def test_datasets_are_listed(vi: Held, assetline: Run) -> None:
    vi.holds("a.png")
    lines = [line.split("\t") for line in assetline("datasets").stdout.splitlines()]
    assert [line[:3] for line in lines if line[0] == "ds1"] == [["ds1", "Dataset ds1", "1"]]
    printed = [json.loads(line) for line in assetline("datasets", "--json").stdout.splitlines()]
    assert {item["dataset_id"] for item in printed} == {line[0] for line in lines}
    vi.plays(ApiFault(status=403))
    assert assetline("datasets").exit_code == 1


def test_an_export_of_a_dataset_is_one_of_the_machine_that_exports(vi: Held, assetline: Run, account: Account) -> None:
    words = ("--mime", "image/*", "--uploaded-after", "2026-11-01", "--format", "jsonl", "--descending")
    started = assetline("assets", "export", "ds1", *words)
    assert started.exit_code == 0
    [execution] = account.started
    assert json.loads(execution["input"]) == {
        "source": "vi",
        "dataset_id": "ds1",
        "order": "desc",
        "where": {"mime": ["image/*"], "uploaded_after": "2026-11-01T00:00:00Z"},
        "format": "jsonl",
    }
    assert execution["name"].startswith("vi-ds1-20261121-003012-")


@pytest.mark.parametrize("words", [("get",), ("get", "--wait"), ("rename", "b.png")])
def test_an_unknown_dataset_is_no_unknown_asset(vi: Held, assetline: Run, words: tuple[str, ...]) -> None:
    vi.holds("a.png")
    command, *more = words
    ended = assetline("assets", command, "nope", "asset-000001", *more)
    assert ended.exit_code == 1
    assert "Error: Vi has no dataset 'nope'" in ended.stderr
    assert "has no asset 'asset-9'" in assetline("assets", command, "ds1", "asset-9", *more).stderr


INVALID_IDS = ("..", "", "ds1?", "ds1/assets:count?", "ds1\n", "a" * 256)


@pytest.mark.parametrize(
    "words",
    [
        ("list", "ID"),
        ("count", "ID"),
        ("export", "ID"),
        ("download", "ID", "photos"),
        ("verify", "ID", "photos"),
        ("delete", "ID", "--filter", "x", "--yes"),
        ("delete", "ds1", "ID", "--yes"),
        ("get", "ID", "asset-000001"),
        ("get", "ds1", "ID"),
        ("get", "ds1", "ID", "--wait"),
        ("rename", "ID", "asset-000001", "b.png"),
        ("rename", "ds1", "ID", "b.png"),
        ("list", "ds1", "--id", "ID"),
    ],
)
def test_an_invalid_id_is_refused_before_any_request(vi: Held, assetline: Run, words: tuple[str, ...]) -> None:
    vi.vi.forget()
    for invalid in INVALID_IDS:
        ended = assetline("assets", *(invalid if word == "ID" else word for word in words))
        assert (invalid, ended.exit_code, ended.stdout, vi.vi.requests("")) == (invalid, 2, "", [])
        assert "Invalid ID" in ended.stderr
