"""`assetline diff` on files of all kinds of names: moto for the bucket, a script for the stack."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from rich.console import Console
from typer.testing import CliRunner, Result

from assetline.export.export_names import manifest_key, object_key
from assetline_cli.aws_clients import Aws
from assetline_cli.context import CliContext
from assetline_cli.main import app

BUCKET = "the-exports"
OLD_ID, NEW_ID = "site_members_20261120_003012", "site_members_20261121_003012_2"
OLD = b"id,name,state\r\n1,Pump,on\r\n2,Lift,on\r\n3,Crane,on\r\n"
NEW = b"id,name,state\r\n1,Pump,on\r\n2,Lift,off\r\n4,Truck,on\r\n"
CHANGES = [
    ["change", "id", "changed_columns", "name", "state"],
    ["changed", "2", '["state"]', "Lift", "off"],
    ["added", "4", "", "Truck", "on"],
    ["removed", "3", "", "Crane", "on"],
]

type Run = Callable[..., Result]


def _describe_stacks(params: dict[str, Any], **_: object) -> Any:
    names = {"ExportStateMachineArn": "arn", "ExportBucketName": BUCKET, "ExportsTableName": "table"}
    outputs = [{"OutputKey": key, "OutputValue": value} for key, value in names.items()]
    stack = {"StackName": params["body"]["StackName"], "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}
    return SimpleNamespace(status_code=200), {"Stacks": [stack], "ResponseMetadata": {"HTTPStatusCode": 200}}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        session = boto3.Session()
        session.events.register("before-call.cloudformation", _describe_stacks)
        session.client("s3").create_bucket(Bucket=BUCKET)
        yield session


@pytest.fixture
def assetline(session: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("old.csv").write_bytes(OLD)
    Path("new.csv").write_bytes(NEW)
    return lambda *words, **desk: CliRunner().invoke(app, words, obj=CliContext(aws=Aws(session), **desk))


def publish(session: boto3.Session, export_id: str, body: bytes, format_: str = "csv", **manifest: Any) -> None:
    """Put an export into the bucket, file and manifest."""
    key = object_key("site_members", export_id, format_)
    document = {"key": key, "feed": "site_members", "complete": True, "bytes": len(body)} | manifest
    s3 = session.client("s3")
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    s3.put_object(Bucket=BUCKET, Key=manifest_key("site_members", export_id), Body=json.dumps(document).encode())


class TestLocalFiles:
    def test_the_changes_are_summed_up_and_previewed(self, assetline: Run) -> None:
        ended = assetline("diff", "old.csv", "new.csv")
        assert ended.exit_code == 1
        assert ended.stdout.splitlines() == [
            "Old: old.csv, 3 rows",
            "New: new.csv, 3 rows",
            "Key: id",
            "Added: 1 | Changed: 1 | Removed: 1 | Unchanged: 1",
            "  added   id=4",
            "  changed id=2: state",
            "  removed id=3",
        ]
        assert ended.stderr == ""

    def test_files_that_are_the_same_end_with_status_0(self, assetline: Run) -> None:
        ended = assetline("diff", "old.csv", "old.csv")
        assert ended.exit_code == 0
        assert ended.stdout.endswith("Unchanged: 3\nNo differences.\n")

    def test_output_gets_every_change_under_its_name_at_the_end(self, assetline: Run, tmp_path: Path) -> None:
        Path("changes.csv").write_bytes(b"of yesterday")
        ended = assetline("diff", "old.csv", "new.csv", "--output", "changes.csv")
        assert ended.exit_code == 1
        assert ended.stdout.endswith("Changes saved to: changes.csv\n")
        with Path("changes.csv").open(newline="") as changes:
            assert list(csv.reader(changes)) == CHANGES
        assert {path.name for path in tmp_path.iterdir()} == {"old.csv", "new.csv", "changes.csv"}

    def test_more_than_the_preview_holds_is_counted(self, assetline: Run) -> None:
        Path("new.csv").write_bytes(b"id,new\r\n" + b"".join(b"%d,\r\n" % n for n in range(10, 20)) + b"10,\r\n")
        ended = assetline("diff", "old.csv", "new.csv")
        assert "Columns added: new\nColumns removed: name, state\n" in ended.stdout
        assert "Duplicates: 0 in old, 1 in new\n  new rows 1 and 11: id=10\n" in ended.stdout
        assert ended.stdout.count("  added   id=") == 5
        assert ended.stdout.endswith("… and more: 6 added\n")

    def test_control_characters_are_shown_and_not_sent(self, assetline: Run) -> None:
        Path("new.csv").write_bytes(b"id,name,state\r\n\x1b[31m,,\r\n" + b"x" * 100 + b",,\r\n[red]:pill:,,\r\n")
        shown = assetline("diff", "old.csv", "new.csv").stdout
        assert "  added   id='\\x1b[31m'\n" in shown
        assert f"  added   id={'x' * 60}…\n" in shown
        assert "  added   id=[red]:pill:\n" in shown

    @pytest.mark.parametrize("files", [("old.csv", "new.jsonl"), ("new.jsonl", "old.csv")])
    def test_custom_fields_that_are_columns_in_one_file_only_are_not_compared(
        self, assetline: Run, files: tuple[str, str]
    ) -> None:
        Path("old.csv").write_bytes(b"id,Site\r\n1,Oslo\r\n")
        Path("new.jsonl").write_bytes(b'{"id": 1, "fields": "field_id:7|name:Site|string_value:Oslo"}\n')
        ended = assetline("diff", *files, "--output", "changes.csv")
        assert ended.exit_code == 2
        assert ended.stdout == ""
        assert ": CSV has a column for each custom field" in ended.stderr
        assert not Path("changes.csv").exists()

    def test_a_renamed_field_is_one_column(self, assetline: Run) -> None:
        Path("new.csv").write_bytes(OLD.replace(b"state", b"status"))
        for side, header in (("old", "state"), ("new", "status")):
            columns = [{"header": "id"}, {"header": "name"}, {"header": header, "field_id": "field-1"}]
            Path(f"{side}.manifest.json").write_text(json.dumps({"columns": columns}))
        ended = assetline("diff", "old.csv", "new.csv")
        assert "Changed: 0 | Removed: 0 | Unchanged: 3\nColumn renamed: state is now status\n" in ended.stdout
        assert ended.exit_code == 1

    def test_a_terminal_sees_how_far_a_large_comparison_is(
        self, assetline: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("assetline_cli.exports.diff.LARGE_BYTES", 1)
        screen = Console(force_terminal=True, width=100, file=io.StringIO(), color_system=None)
        assert assetline("diff", "old.csv", "new.csv", out=screen).exit_code == 1
        assert isinstance(screen.file, io.StringIO)
        assert "Comparing" in screen.file.getvalue()


class TestTheKey:
    @pytest.fixture
    def assetline(self, assetline: Run) -> Run:
        Path("old.csv").write_bytes(b"site_id,member_id,role\r\n1,1,a\r\n1,2,b\r\n")
        Path("new.csv").write_bytes(b"site_id,member_id,role\r\n1,1,a\r\n1,2,c\r\n")
        return assetline

    @pytest.mark.parametrize("words", [["--key", "site_id", "--key", "member_id"], ["--feed", "site_members"]])
    def test_the_operators_key_wins(self, assetline: Run, words: list[str]) -> None:
        Path("new.manifest.json").write_text('{"keys": ["role"]}')
        ended = assetline("diff", "old.csv", "new.csv", *words)
        assert "Key: site_id, member_id\nAdded: 0 | Changed: 1 " in ended.stdout
        assert "  changed site_id=1 member_id=2: role\n" in ended.stdout

    @pytest.mark.parametrize("side", ["old", "new"])
    def test_without_a_key_the_manifest_beside_a_file_decides(self, assetline: Run, side: str) -> None:
        Path(f"{side}.manifest.json").write_text('{"keys": ["site_id", "member_id"]}')
        assert "Key: site_id, member_id\n" in assetline("diff", "old.csv", "new.csv").stdout

    def test_else_id(self, assetline: Run) -> None:
        ended = assetline("diff", "old.csv", "new.csv")
        assert ended.exit_code == 2
        assert ended.stderr == (
            "Error: The old file has no column 'id' to identify rows; it has: site_id, member_id, role. "
            "Name the key with --key.\n"
        )


class TestFilesInS3:
    def test_exports_are_found_by_their_ids(self, session: boto3.Session, assetline: Run) -> None:
        publish(session, OLD_ID, OLD, keys=["id"])
        publish(session, NEW_ID, gzip.compress(NEW), "csv.gz", keys=["id"])
        ended = assetline("diff", OLD_ID, NEW_ID)
        assert ended.exit_code == 1
        assert ended.stdout.startswith(f"Old: {OLD_ID}, 3 rows\nNew: {NEW_ID}, 3 rows\nKey: id\nAdded: 1 ")
        assert ended.stderr == ""

    def test_objects_are_found_by_their_uris_and_need_no_manifest(self, session: boto3.Session, assetline: Run) -> None:
        for folder, body in (("a", OLD), ("b", b'{"id": 1, "name": "Pump", "state": "on"}\n')):
            name = "same.csv" if folder == "a" else "same.jsonl"
            session.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/{name}", Body=body)
        ended = assetline("diff", f"s3://{BUCKET}/a/same.csv", f"s3://{BUCKET}/b/same.jsonl")
        assert ended.exit_code == 1
        assert "Added: 0 | Changed: 0 | Removed: 2 | Unchanged: 1\n" in ended.stdout

    def test_two_objects_of_one_name_are_two_files(self, session: boto3.Session, assetline: Run) -> None:
        for folder, body in (("a", OLD), ("b", NEW)):
            session.client("s3").put_object(Bucket=BUCKET, Key=f"{folder}/same.csv", Body=body)
        ended = assetline("diff", f"s3://{BUCKET}/a/same.csv", f"s3://{BUCKET}/b/same.csv")
        assert "Added: 1 | Changed: 1 | Removed: 1 " in ended.stdout

    def test_misleading_comparisons_have_a_warning(self, session: boto3.Session, assetline: Run) -> None:
        publish(session, OLD_ID, OLD, keys=["id"], input={"params": {}})
        publish(session, NEW_ID, NEW, keys=["id"], input={"params": {"offset": "5"}}, complete=False)
        ended = assetline("diff", OLD_ID, NEW_ID)
        assert ended.exit_code == 1
        assert ended.stderr.splitlines() == [
            f"Warning: {NEW_ID} is not complete: its missing rows show as removed.",
            "Warning: the exports have different parameters, so they may have different rows.",
        ]

    def test_different_treatment_of_the_files_has_a_warning(self, session: boto3.Session, assetline: Run) -> None:
        publish(session, OLD_ID, OLD, keys=["id"], formulas_neutralised=True)
        publish(session, NEW_ID, NEW, keys=["id"], modified_after="2026-11-20T00:30:12Z")
        assert assetline("diff", OLD_ID, NEW_ID).stderr.splitlines() == [
            f"Warning: {NEW_ID} has only changed rows: its missing rows show as removed.",
            "Warning: only one of the files has neutralised formulas: their cells show as changed.",
        ]

    def test_a_stopped_export_is_compared_by_what_was_salvaged(self, session: boto3.Session, assetline: Run) -> None:
        publish(session, OLD_ID, OLD, keys=["id"])
        publish(session, f"{NEW_ID}.partial", NEW, keys=["id"], complete=False)
        ended = assetline("diff", OLD_ID, NEW_ID)
        assert ended.exit_code == 1
        assert ended.stderr == f"Warning: {NEW_ID} is not complete: its missing rows show as removed.\n"

    def test_two_feeds_are_warned_of(self, session: boto3.Session, assetline: Run) -> None:
        publish(session, OLD_ID, OLD, keys=["id"])
        publish(session, NEW_ID, NEW, keys=["id"], feed="sites")
        assert "exports of two feeds, site_members and sites" in assetline("diff", OLD_ID, NEW_ID).stderr


class TestTrouble:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["nothing.csv", "new.csv"], "Invalid name 'nothing.csv'. Use the path of a file"),
            (["old.csv", OLD_ID], f"Export '{OLD_ID}' has no file in stack 'assetline': s3://{BUCKET}/"),
            (["old.csv", f"s3://{BUCKET}/a.csv"], f"s3://{BUCKET}/a.csv does not exist"),
            (["old.csv", f"s3://{BUCKET}/a.parquet"], "'a.parquet' does not imply a format"),
            (["old.csv", "new.csv", "--feed", "nope"], "No feed is called 'nope'; the feeds are: assets,"),
            (["old.csv", "new.csv", "--output", "new.csv"], "Cannot write the changes to 'new.csv'"),
            (["old.csv", "new.csv", "--output", "."], "Cannot write the changes to '.'"),
            (["old.csv", "new.csv", "--output", "no/changes.csv"], "[Errno 2] No such file or directory"),
            (["old.csv", "new.csv", "--key", "nope"], "The old file has no column 'nope'"),
            (["old.csv", "bad.csv"], "The new file cannot be read at line 2: it has 1 cells, the header 2"),
            (["old.csv", "told.csv"], "cannot read the manifest told.manifest.json"),
        ],
    )
    def test_it_is_one_message_with_status_2_and_leaves_nothing(
        self, assetline: Run, tmp_path: Path, words: list[str], message: str
    ) -> None:
        Path("bad.csv").write_bytes(b"id,name\r\n1\r\n")
        Path("told.csv").write_bytes(NEW)
        Path("told.manifest.json").write_text('{"keys": 1}')
        Path("changes.csv").write_bytes(b"of yesterday")
        there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        ended = assetline("diff", *(words if "--output" in words else [*words, "--output", "changes.csv"]))
        assert ended.exit_code == 2
        assert ended.stderr.startswith("Error: ")
        assert message in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert ended.stdout == ""
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == there

    def test_ctrl_c_leaves_nothing(self, assetline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("assetline_cli.exports.diff.write_changes", interrupt)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert assetline("diff", "old.csv", "new.csv", "--output", "changes.csv").exit_code == 130
        assert {path.name for path in tmp_path.iterdir()} == {"old.csv", "new.csv"}

    def test_a_mistaken_command_line(self, assetline: Run) -> None:
        assert assetline("diff", "old.csv").exit_code == 2


def test_help_has_the_statuses_and_examples() -> None:
    ended = CliRunner().invoke(app, ["diff", "--help"], env={"AWS_PROFILE": "nobody", "TERM": "dumb"})
    assert ended.exit_code == 0
    assert "0 no differences; 1 differences; 2 trouble" in ended.stdout
    assert "Examples" in ended.stdout
