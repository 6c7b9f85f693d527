"""The documents describe the actual inputs, outputs, commands, errors, links."""

import inspect
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from assetline import errors
from assetline.assets.conditions import Where
from assetline.deletion.request import DeletionRequest, deletion_requested
from assetline.download.request import DownloadRequest, download_requested
from assetline.execution_input import parse
from assetline.export.export_result import ExportResult
from assetline.export.request import AssetsRequest, ExportRequest
from assetline.ingest.open_session import NOT_TAKEN, UNKNOWN
from assetline.safetyculture.catalogue import CATALOGUE
from assetline_cli.exports.list import as_json
from assetline_cli.exports.table import ExportItem
from assetline_cli.main import app
from tests.contract.template import ROOT, template

README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()
DATASETS = (ROOT / "docs/datasets.md").read_text()
INGESTION = (ROOT / "docs/ingestion.md").read_text()
REASONS_WHILE_READING = {
    *("UnsupportedType", "WrongContent", "EmptyObject", "TooLarge", "NoDataset", "Deleted", "Overwritten"),
    *("Archived", "NotReadable"),
}
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "events/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def commands(language: str, text: str = README) -> list[str]:
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines if line.strip()]


def test_the_input_the_readme_shows_is_one_we_take() -> None:
    (shown,) = re.findall(r"```jsonc\n(.*?)```", README, re.DOTALL)
    assert parse(ExportRequest, json.loads(shown)) == parse(ExportRequest, {"feed": "assets"})
    assert list(json.loads(shown)) == list(ExportRequest.model_fields)


def test_the_output_the_readme_shows_is_what_an_execution_ends_with() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert list(json.loads(shown)) == list(ExportResult.model_fields)


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def shown_inputs(text: str) -> list[dict[str, Any]]:
    return [json.loads(shown) for shown in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


def keys_in_table(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]+)\|", text, re.MULTILINE))))


def test_the_keys_and_conditions_of_a_list_are_those_the_document_shows() -> None:
    text = section(DATASETS, "List")
    shortest, conditions = shown_inputs(text)
    assert parse(AssetsRequest, shortest).feed == "vi-DATASET_ID"
    assert conditions.keys() == Where.model_fields.keys()
    assert Where.model_validate(conditions)
    assert keys_in_table(text) == AssetsRequest.model_fields.keys()


def test_the_keys_and_reasons_of_a_download_are_those_the_document_shows() -> None:
    keys, reasons = section(DATASETS, "Download").split("| Reason |")
    [shown] = shown_inputs(keys)
    assert download_requested(shown, "exports").where
    assert keys_in_table(keys) == DownloadRequest.model_fields.keys()
    layer = ROOT / "layers/assetline/assetline"
    modules = ("download/fetch_file.py", "download/s3_target.py", "download/download_slice.py", "assets/asset_file.py")
    code = "".join((layer / name).read_text() for name in modules)
    raised = re.findall(r"(?:failed\(file|Mismatch\(|NotKept\(|reason=)[, ]*\"(\w+)\"", code)
    raised += re.findall(r"failed\(file, \"(\w+)\"", code)
    assert keys_in_table(reasons) == {*raised}


def test_the_keys_of_a_deletion_are_those_the_document_shows() -> None:
    text = section(DATASETS, "Delete")
    [shown] = shown_inputs(text)
    assert deletion_requested(shown).expect_count == 12
    assert keys_in_table(text) == DeletionRequest.model_fields.keys() - {"where"}


def test_every_field_of_a_listed_export_is_documented() -> None:
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    names = {"export_id": "assets_1", "feed": "assets", "state": "running", "execution_arn": "arn"}
    times = {"started_at": moment, "updated_at": moment}
    optional = ExportItem.model_fields.keys() - {"export"}
    assert keys_in_table(section(OPERATIONS, "The list as JSON")) == {
        *as_json(ExportItem.model_validate(names | times), moment),
        *optional,
    }


def test_every_reason_of_a_rejection_is_explained() -> None:
    named = set(re.findall(r"^\| `(\w+)`", INGESTION, re.MULTILINE))
    assert {*REASONS_WHILE_READING, "UploadFailed", "SessionFailed", UNKNOWN, NOT_TAKEN} <= named


def test_every_make_target_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    command = re.compile(r"(?:^|^\$ |`)make ([a-z-]+)", re.MULTILINE)
    named = {name for path in DOCUMENTS for name in command.findall(path.read_text())}
    assert {"demo", "test", "up", "down", "build"} <= named <= targets


@pytest.mark.parametrize("line", [line for line in commands("sh") if line.startswith("assetline ")])
def test_every_command_of_the_readme_is_one_the_command_line_takes(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    command: Any = typer.main.get_command(app)
    context = command.make_context("assetline", words, resilient_parsing=True)
    while words and not words[0].startswith("-") and words[0] in getattr(command, "commands", {}):
        name, command, words = command.resolve_command(context, words)
        context = command.make_context(name, [*words], parent=context, resilient_parsing=bool(words))
    assert command.make_context(name, words).params


def test_every_parameter_and_output_of_the_template_is_in_the_readme() -> None:
    for section in ("Parameters", "Outputs"):
        assert [name for name in template()[section] if f"`{name}`" not in README] == []


def test_every_error_is_explained_to_operators() -> None:
    leaves = {
        name
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.Retryable | errors.Permanent) and not error.__subclasses__()
    }
    explained = set(
        re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]+) \|.*\|.*\|$", OPERATIONS, re.MULTILINE)))
    )
    assert leaves <= explained


def test_the_tree_of_errors_is_the_one_drawn() -> None:
    drawn = re.findall(r"^ +[├└]── (\w+)", inspect.getdoc(errors) or "", re.MULTILINE)
    defined = [
        name
        for name, error in vars(errors).items()
        if inspect.isclass(error) and error not in {errors.Retryable, errors.Permanent}
    ]
    assert drawn == defined


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert "://" in target or (path.parent / target).exists(), target


def test_the_index_of_decisions_has_every_page_under_its_title() -> None:
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (.*) \|$", (folder / "README.md").read_text(), re.MULTILINE)
    pages = sorted(folder.glob("0*.md"))
    headings = [re.findall(r"^# (\d+)\. (.*)$", page.read_text(), re.MULTILINE) for page in pages]
    assert listed == [(number, page.name, title) for page, [(number, title)] in zip(pages, headings, strict=True)]


def test_the_command_explains_itself() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert "assetline exports start assets --watch" in shown


def test_every_feed_is_documented_with_its_key_and_parameters() -> None:
    rows = dict(re.findall(r"^\| `(\w+)`[^|]*\| (.*) \|$", OPERATIONS.partition("## The feeds")[2], re.MULTILINE))
    assert rows.keys() == CATALOGUE.keys()
    for feed in CATALOGUE.values():
        assert rows[feed.name].startswith(", ".join(feed.key) + " |")
        assert set(re.findall(r"`(\w+)`", rows[feed.name])) == set(feed.parameters)


def test_the_test_that_a_page_shows_is_one_that_runs() -> None:
    [shown] = re.findall(r"```py\n(.*?)```", (ROOT / "docs/local-testing.md").read_text(), re.DOTALL)
    assert shown == (ROOT / "tests/handlers/test_local_testing.py").read_text()
