"""Every line of docs/vi-operations.md, run as it stands there: the real command, a local stack, the emulated Vi."""

import csv
import json
import re
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from assetline_cli.assets.renamed_files import LIST_NAME
from assetline_cli.drops import wait as drops_wait
from assetline_cli.main import app
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.server import ViEmulator
from local.emulators.vi.store import Asset
from local.sample_images import FORMATS, image
from local.stack.outputs import DeployedStack
from tests.contract.template import ROOT, template
from tests.support.waiting import until
from tests.workflows.conftest import PARAMETERS
from tests.workflows.drop_box import DropBox

TABLES = (ROOT / "docs/vi-operations.md").read_text()
# The objects of a section: what it drops, what it only looks at, what it deletes.
DATASETS = {"Putting assets in": "ds1", "Seeing what is there": "ds2", "Bringing assets out": "ds2", "Deleting": "ds3"}
LARGE, SMALL = 1024 * 1024 + 1, 200
DAY = 1795132800000  # 2026-11-20, in Vi's milliseconds


@dataclass(frozen=True)
class Line:
    """A line of the tables: an operation and how it is done."""

    section: str
    operation: str
    does: str
    machine: str = ""


def lines() -> list[Line]:
    found = []
    for section, table in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TABLES, re.MULTILINE | re.DOTALL):
        for cells in re.findall(r"^\| ([^|]+?) \| (.+) \|$", table, re.MULTILINE):
            operation, rest = cells
            codes = re.findall(r"`(.+?)`(?: \||$)", rest)
            if codes:
                found.append(Line(section, operation, codes[-1], codes[0] if len(codes) > 1 else ""))
    return found


LINES = lines()
CHECKS: dict[tuple[str, str], Callable[["Workspace", Line], None]] = {}


def shows[Check: Callable[["Workspace", Line], None]](section: str, operation: str) -> Callable[[Check], Check]:
    """Note what has to be true once a line was run."""

    def noted(check: Check) -> Check:
        assert (section, operation) not in CHECKS
        CHECKS[section, operation] = check
        return check

    return noted


@dataclass
class Workspace:
    """A stack, a Vi, and a folder with pictures to work in."""

    stack: DeployedStack
    vi: ViEmulator
    folder: Path
    dropped: dict[str, Result] = field(default_factory=dict)
    lines_run: set[Line] = field(default_factory=set)

    def ran(self, line: Line, **names: str) -> Result:
        """Run a line; *names* stand for what it calls in capitals."""
        words = shlex.split(self._put(line, names))
        assert words[0] == "assetline"
        return CliRunner().invoke(app, words[1:])

    def dropped_by(self, line: Line) -> Result:
        """Run a line that drops, once for all that look at it."""
        self.lines_run.add(line)
        if line.does not in self.dropped:
            self.dropped[line.does] = self.ran(line)
        return self.dropped[line.does]

    def executed(self, line: Line, **names: str) -> dict[str, Any]:
        """Start the machine of a line with its input, and return what it came to."""
        arn = self.stack.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs[line.machine], input=self._put(line, names)
        )["executionArn"]
        described = DropBox(self.stack).ended(arn)
        assert described["status"] == "SUCCEEDED", described
        output: dict[str, Any] = json.loads(described["output"])
        return output

    def asset(self, dataset: str, name: str) -> Asset:
        return self.vi.assets(dataset)[name]

    def holds(self, dataset: str, name: str, content: bytes, **about: Any) -> Asset:
        """Let Vi hold another asset."""
        store = self.vi.stage.content()
        store.append(content)
        asset = self.vi.stage.datasets[dataset].put(name, "Image", "image/png", store, about.pop("metadata", {}))
        for attribute, value in about.items():
            setattr(asset, attribute, value)
        return asset

    def broken(self) -> list[Asset]:
        """Let the dataset of deletions hold two assets in error beside a good one, and return the three."""
        held = [self.holds("ds3", f"{name}.png", name.encode(), status="error") for name in ("bad", "worse")]
        return [*held, self.holds("ds3", "good.png", b"good")]

    def names(self, dataset: str) -> set[str]:
        return {*self.vi.assets(dataset)}

    def _put(self, line: Line, names: dict[str, str]) -> str:
        self.lines_run.add(line)
        text = line.does.replace("ds1", DATASETS.get(line.section, names.pop("dataset", "ds2")))
        for name, value in names.items():
            text = text.replace(name, value)
        return text


@pytest.fixture(scope="module")
def world_of_all(stack: DeployedStack, vi_emulator: ViEmulator, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    vi_emulator.has(ViScenario(sessions_per_window=None))
    world = Workspace(stack, vi_emulator, tmp_path_factory.mktemp("work"))
    fill(world)
    return world


@pytest.fixture
def world(world_of_all: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name, value in world_of_all.stack.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(drops_wait, "LOOK_EVERY_SECONDS", 0.1)
    monkeypatch.chdir(world_of_all.folder)
    world_of_all.vi.forget()
    return world_of_all


def fill(world: Workspace) -> None:
    """Put pictures into the folder, and assets into the dataset that is looked at."""
    pictures = {
        "photos/one.jpg": "jpg",
        "photos/two.png": "png",
        "photos/three.webp": "webp",
        "photos/more/four.png": "png",
    }
    pictures |= {f"formats/picture.{extension}": extension for extension in FORMATS}
    pictures |= {"mixed/good.png": "png"}
    for number, (path, extension) in enumerate(pictures.items()):
        write(world.folder / path, image(extension, number))
    write(world.folder / "mixed/bad.png", b"this is text")
    world.holds("ds2", "large.png", image("png", 1).ljust(LARGE, b"\0"), created=DAY)
    world.holds("ds2", "square.png", image("png", 2, (64, 64)), created=DAY, annotations={"cat": 2, "dog": 1})
    world.holds("ds2", "failed.png", image("png", 3), created=DAY, status="error")
    world.holds("ds2", "north.png", image("png", 4), created=DAY, metadata={"site": "north"})
    for number in range(25):
        world.holds("ds2", f"plain_{number:02}.png", image("png", number), created=DAY)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_every_line_of_the_tables_is_run() -> None:
    assert {(line.section, line.operation) for line in LINES} == CHECKS.keys()
    assert len(LINES) > 45


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.section}: {line.operation}")
def test_an_operation_is_done_as_documented(line: Line, world: Workspace) -> None:
    CHECKS[line.section, line.operation](world, line)
    assert line in world.lines_run


# ---------------------------------------------------------------- putting assets in

IN = "Putting assets in"


@shows(IN, "find a dataset to work with")
def _(world: Workspace, line: Line) -> None:
    assert "ds1\tDataset ds1" in world.ran(line).stdout


def summary(result: Result) -> dict[str, str]:
    """Return the summary that a drop ends with."""
    return dict(re.findall(r"^\s*([A-Z][\w ]+):\s+(\S+)", result.stdout, re.MULTILINE))


@shows(IN, "upload one image and wait")
def _(world: Workspace, line: Line) -> None:
    result = world.dropped_by(line)
    assert (result.exit_code, summary(result)["Succeeded"]) == (0, "1")
    assert world.asset("ds1", "one.jpg").content.read() == (world.folder / "photos/one.jpg").read_bytes()


@shows(IN, "upload several files")
def _(world: Workspace, line: Line) -> None:
    result = world.dropped_by(line)
    assert (result.exit_code, summary(result)["Succeeded"]) == (0, "3")
    assert {"one.jpg", "two.png", "three.webp"} <= world.names("ds1")


def drop_folder(world: Workspace) -> Result:
    return world.dropped_by(next(line for line in LINES if line.operation == "upload a folder with all below it"))


@shows(IN, "upload a folder with all below it")
def _(world: Workspace, line: Line) -> None:
    result = drop_folder(world)
    assert (result.exit_code, summary(result)["Total Files"]) == (0, "4")
    assert "more__four.png" in world.names("ds1")


@shows(IN, "every image format: JPEG, PNG, TIFF, BMP, WebP, HEIF, AVIF, JPEG 2000, GIF")
def _(world: Workspace, line: Line) -> None:
    result = world.dropped_by(line)
    assert (result.exit_code, summary(result)["Succeeded"]) == (0, str(len(FORMATS)))
    assert {f"picture.{extension}" for extension in FORMATS} <= world.names("ds1")


def drop_mixed(world: Workspace) -> Result:
    return world.dropped_by(next(line for line in LINES if line.does.startswith("assetline drops upload mixed")))


@shows(IN, "totals, successes, failures, success rate, summary")
def _(world: Workspace, line: Line) -> None:
    result = drop_mixed(world)
    assert result.exit_code == 1
    printed = summary(result)
    assert (printed["Total Files"], printed["Succeeded"], printed["Failed"], printed["Success Rate"]) == (
        "2",
        "1",
        "1",
        "50.0%",
    )
    assert "bad.png" in result.output


@shows(IN, "the files that failed, and why")
def _(world: Workspace, line: Line) -> None:
    drop_mixed(world)
    assert "ds1/bad.png" in (printed := world.ran(line).stdout)
    assert "WrongContent" in printed


@shows(IN, "show progress, or none")
def _(world: Workspace, line: Line) -> None:
    result = world.ran(line)
    assert result.exit_code == 0
    assert "Ingesting" not in result.stdout


@shows(IN, "upload without waiting")
def _(world: Workspace, line: Line) -> None:
    [drop_id] = world.ran(line).stdout.split()
    assert re.fullmatch(r"[0-9a-f]{32}", drop_id)


@shows(IN, "the state of an upload later")
def _(world: Workspace, line: Line) -> None:
    drop_folder(world)
    assert "more/four.png\tds1\tingested" in world.ran(line).stdout


@shows(IN, "the sessions of an upload, with their counts")
def _(world: Workspace, line: Line) -> None:
    drop_folder(world)
    assert re.search(r"^ds1-\S+\tds1\tfinished\t\d+\t\d+\t0\t0\t", world.ran(line).stdout, re.MULTILINE)


@shows(IN, "failure mode")
def _(world: Workspace, line: Line) -> None:
    drop_folder(world)
    modes = {session.failure_mode for session in world.vi.stage.sessions.values()}
    assert modes == {overridden(world, line, "FailureMode")}


@shows(IN, "what becomes of what is linked to an asset that is overwritten")
def _(world: Workspace, line: Line) -> None:
    drop_folder(world)
    modes = {session.on_asset_overwritten for session in world.vi.stage.sessions.values()}
    assert modes == {overridden(world, line, "OnAssetOverwritten")}


def overridden(world: Workspace, line: Line, parameter: str) -> str:
    """Return what a line deploys *parameter* as, which is what the stack here was deployed with."""
    value = line.does.partition(f"{parameter}=")[2]
    assert value in template()["Parameters"][parameter]["AllowedValues"]
    assert PARAMETERS[parameter] == value
    world.lines_run.add(line)  # the deployment of the stack has run it
    return value


@shows(IN, "custom metadata on the way in")
def _(world: Workspace, line: Line) -> None:
    assert world.dropped_by(line).exit_code == 0
    assert world.asset("ds1", "three.webp").custom_metadata == {"site": "north"}


@shows(IN, "wait until an asset is processed")
def _(world: Workspace, line: Line) -> None:
    drop_folder(world)
    asset_id = world.asset("ds1", "one.jpg").asset_id
    world.vi.forget()
    world.vi.plays(ViScenario(sessions_per_window=None, processing_seconds=3600))

    def is_through_once_it_was_looked_at() -> None:
        until(lambda: any(item.status for item in world.vi.requests(asset_id, "GET")), "a look at the asset")
        world.vi.plays(ViScenario(sessions_per_window=None))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(is_through_once_it_was_looked_at)
        result = world.ran(line, ASSET=asset_id)
    assert (result.exit_code, result.stderr) == (0, f"The upload status of {asset_id} is processing.\n")
    assert "completed" in result.stdout


@shows(IN, "upload and verify")
def _(world: Workspace, line: Line) -> None:
    drop_folder(world)
    held = world.vi.stage.datasets["ds1"]
    for asset in [*held.assets.values()]:  # those that other lines put there
        if asset.filename not in {"one.jpg", "two.png", "three.webp", "more__four.png"}:
            held.remove(asset.asset_id)
    result = world.ran(line)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "4 files of ds1 are equal in photos.\n"


# -------------------------------------------------------------- seeing what is there

SEEING = "Seeing what is there"


def listed(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.stdout.splitlines()]


def filenames(result: Result) -> list[str]:
    return [cells[1] for cells in listed(result)]


@shows(SEEING, "list assets, the first of them")
def _(world: Workspace, line: Line) -> None:
    result = world.ran(line)
    assert len(listed(result)) == 20
    assert "--limit 0 lists all" in result.stderr


@shows(SEEING, "list all, page after page")
def _(world: Workspace, line: Line) -> None:
    assert {*filenames(world.ran(line))} == world.names("ds2")


@shows(SEEING, "page size")
def _(world: Workspace, line: Line) -> None:
    assert {*filenames(world.ran(line))} == world.names("ds2")
    assert [item.query["s"] for item in world.vi.requests("/assets", "GET")] == ["10", "10", "10"]


@shows(SEEING, "list with download URLs")
def _(world: Workspace, line: Line) -> None:
    assert all(url.startswith(world.vi.url) and ends.endswith("Z") for *_, url, ends in listed(world.ran(line)))


@shows(SEEING, "sort by filename")
def _(world: Workspace, line: Line) -> None:
    names = filenames(world.ran(line))
    assert names == sorted(names)
    assert names[0] == "failed.png"


@shows(SEEING, "sort by size, the largest first")
def _(world: Workspace, line: Line) -> None:
    sizes = [int(cells[2]) for cells in listed(world.ran(line))]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == LARGE


@shows(SEEING, "filter by status")
def _(world: Workspace, line: Line) -> None:
    assert filenames(world.ran(line)) == ["failed.png"]


@shows(SEEING, "filter by metadata")
def _(world: Workspace, line: Line) -> None:
    assert filenames(world.ran(line)) == ["north.png"]


@shows(SEEING, "find large assets")
def _(world: Workspace, line: Line) -> None:
    assert filenames(world.ran(line)) == ["large.png"]


@shows(SEEING, "find square images")
def _(world: Workspace, line: Line) -> None:
    assert filenames(world.ran(line)) == ["square.png"]


@shows(SEEING, "count")
def _(world: Workspace, line: Line) -> None:
    assert world.ran(line).stdout == f"{len(world.names('ds2'))}\n"


def details(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    return dict(line.split(maxsplit=1) for line in result.stdout.splitlines())


@shows(SEEING, "details of an asset: name, size, dimensions, type, status, frames")
def _(world: Workspace, line: Line) -> None:
    printed = details(world.ran(line, ASSET=world.asset("ds2", "square.png").asset_id))
    assert (printed["filename"], printed["width"], printed["height"]) == ("square.png", "64", "64")
    assert {"file_size", "mime_type", "upload_status", "frames", "time_created"} <= printed.keys()


@shows(SEEING, "a fresh download URL, and when it expires")
def _(world: Workspace, line: Line) -> None:
    printed = details(world.ran(line, ASSET=world.asset("ds2", "square.png").asset_id))
    assert printed["contents_url"].startswith(world.vi.url)
    assert printed["contents_expiry"].endswith("Z")


@shows(SEEING, "annotations, in total and by tag")
def _(world: Workspace, line: Line) -> None:
    printed = json.loads(world.ran(line, ASSET=world.asset("ds2", "square.png").asset_id).stdout)
    assert printed["metadata"]["annotations"] == {"withTag": {"cat": 2, "dog": 1}, "total": 3}


@shows(SEEING, "custom metadata of every asset, as columns")
def _(world: Workspace, line: Line) -> None:
    assert world.ran(line, out="columns").exit_code == 0
    [path] = (world.folder / "columns").glob("*.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = {row["filename"]: row for row in csv.DictReader(file)}
    assert rows.keys() == world.names("ds2")
    assert (rows["north.png"]["custom_metadata.site"], rows["square.png"]["annotations.cat"]) == ("north", "2")


@shows(SEEING, "rename an asset")
def _(world: Workspace, line: Line) -> None:
    asset = world.asset("ds2", "plain_00.png")
    assert world.ran(line, ASSET=asset.asset_id).exit_code == 0
    assert asset.filename == "north-gate.png"


# --------------------------------------------------------------- bringing assets out

OUT = "Bringing assets out"


def downloaded(world: Workspace, line: Line, place: str, **names: str) -> dict[str, bytes]:
    """Run a line that downloads into a folder of its own, and return the files of assets that are there then."""
    result = world.ran(line, out=place, **names)
    assert result.exit_code == 0, result.output
    folder = world.folder / place
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != LIST_NAME]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def held(world: Workspace) -> dict[str, bytes]:
    return {name: asset.content.read() for name, asset in world.vi.assets("ds2").items()}


@shows(OUT, "download all")
def _(world: Workspace, line: Line) -> None:
    assert downloaded(world, line, "all") == held(world)


@shows(OUT, "overwrite what is there")
def _(world: Workspace, line: Line) -> None:
    first, repeated = downloaded(world, line, "over"), downloaded(world, line, "over")
    assert first == repeated == held(world)
    assert len(world.vi.requests("_objects", "GET")) == 2 * len(first)


@shows(OUT, "without progress, for scripts")
def _(world: Workspace, line: Line) -> None:
    result = world.ran(line, out="quiet")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


@shows(OUT, "skip what is there already")
def _(world: Workspace, line: Line) -> None:
    assert downloaded(world, line, "twice") == downloaded(world, line, "twice")
    assert len(world.vi.requests("_objects", "GET")) == len(held(world))


@shows(OUT, "only some, by their ids")
def _(world: Workspace, line: Line) -> None:
    asset = world.asset("ds2", "square.png")
    assert downloaded(world, line, "some", ASSET=asset.asset_id).keys() == {"square.png"}


@shows(OUT, "only the large ones")
def _(world: Workspace, line: Line) -> None:
    assert downloaded(world, line, "large").keys() == {"large.png"}


@shows(OUT, "organised by date")
def _(world: Workspace, line: Line) -> None:
    assert {*downloaded(world, line, "dated")} == {f"2026/11/20/{name}" for name in world.names("ds2")}


@shows(OUT, "to S3")
def _(world: Workspace, line: Line) -> None:
    bucket = world.stack.outputs["ExportBucketName"]
    assert world.ran(line, EXPORT_BUCKET=bucket).exit_code == 0
    assert objects(world, {"bucket": bucket, "prefix": "downloads/ds2/"}) == held(world)


def objects(world: Workspace, place: dict[str, Any]) -> dict[str, bytes]:
    """Return what is below a prefix of a bucket."""
    s3 = world.stack.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=place["bucket"], Prefix=place["prefix"])["Contents"]]
    bodies = (s3.get_object(Bucket=place["bucket"], Key=key)["Body"].read() for key in keys)
    return dict(zip((key.removeprefix(place["prefix"]) for key in keys), bodies, strict=True))


# -------------------------------------------------------------------------- deleting

DELETED = "Deleting"


@shows(DELETED, "one asset")
def _(world: Workspace, line: Line) -> None:
    bad, *_ = world.broken()
    result = world.ran(line, ASSET=bad.asset_id)
    assert (result.exit_code, world.names("ds3")) == (0, {"worse.png", "good.png"})
    assert "Deleted 1 asset of ds3." in result.stdout


@shows(DELETED, "those that a filter finds")
@shows(DELETED, "in bulk, and strictly")
def _(world: Workspace, line: Line) -> None:
    world.broken()
    result = world.ran(line)
    assert (result.exit_code, world.names("ds3")) == (0, {"good.png"})
    assert "Deleted 2 assets of ds3." in result.stdout


# --------------------------------------------------------------------- as executions

AS = "As executions"


@shows(AS, "list")
def _(world: Workspace, line: Line) -> None:
    assert world.executed(line)["rows"] == len(world.names("ds2"))


@shows(AS, "list what is square and large")
def _(world: Workspace, line: Line) -> None:
    asset = world.holds("ds2", "square and large.png", image("png", 9, (32, 32)).ljust(LARGE, b"\0"), created=DAY)
    assert world.executed(line)["rows"] == 1
    world.vi.stage.datasets["ds2"].remove(asset.asset_id)


@shows(AS, "download")
def _(world: Workspace, line: Line) -> None:
    assert objects(world, world.executed(line)) == held(world)


@shows(AS, "download some")
def _(world: Workspace, line: Line) -> None:
    result = world.executed(line, ASSET=world.asset("ds2", "square.png").asset_id)
    assert objects(world, result).keys() == {"square.png"}


@shows(AS, "delete some")
def _(world: Workspace, line: Line) -> None:
    bad, *_ = world.broken()
    assert world.executed(line, ASSET=bad.asset_id, dataset="ds3")["deleted"] == 1
    assert world.names("ds3") == {"worse.png", "good.png"}


@shows(AS, "delete what a filter finds")
def _(world: Workspace, line: Line) -> None:
    world.broken()
    assert world.executed(line, dataset="ds3")["deleted"] == 2
    assert world.names("ds3") == {"good.png"}
