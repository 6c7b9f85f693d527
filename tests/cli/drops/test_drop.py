"""The command `drop`: into the bucket, through the ledger, to the summary."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from s3transfer.manager import TransferCoordinatorController

from assetline.vi.crc32c import Crc32c, from_s3, of
from assetline_cli.drops import upload
from assetline_cli.drops.upload import AT_ONCE
from tests.cli.account import OUTPUTS, Account, Run
from tests.cli.drops.conftest import has
from tests.cli.drops.drop_account import DROPS, DropAccount
from tests.cli.screens import screen, shown_on
from tests.support.waiting import HANGS_AFTER_SECONDS

pytestmark = pytest.mark.usefixtures("photos")


def ctrl_c(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


class TestIntoTheBucket:
    def test_a_files_key_is_its_path_below_the_folder_given(self, drops: DropAccount, assetline: Run) -> None:
        has(Path(), "c+ d.png", "elsewhere/ä.gif")
        ended = assetline("drop", "photos", "c+ d.png", "elsewhere/", "--dataset", "ds1", "--no-wait")
        assert ended.exit_code == 0
        assert drops.objects() == ["ds1/a.png", "ds1/c+ d.png", "ds1/sub/b.jpg", "ds1/ä.gif"]
        assert drops.s3.get_object(Bucket=DROPS, Key="ds1/sub/b.jpg")["Body"].read() == b"bytes of sub/b.jpg"

    def test_the_folder_one_is_in_is_a_folder_too(
        self, drops: DropAccount, assetline: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(photos)
        assetline("drop", ".", "--dataset", "ds1", "--no-wait")
        assert drops.objects() == ["ds1/a.png", "ds1/sub/b.jpg"]

    def test_metadata_goes_with_every_object(self, drops: DropAccount, assetline: Run) -> None:
        assetline("drop", "photos", "--dataset", "ds1", "--metadata", "Site=7", "--metadata", "q= a=b ", "--no-wait")
        for key in drops.objects():
            assert drops.s3.head_object(Bucket=DROPS, Key=key)["Metadata"] == {"site": "7", "q": "a=b"}

    def test_hidden_files_and_companions_are_skipped_with_a_message(
        self, drops: DropAccount, assetline: Run, photos: Path
    ) -> None:
        has(photos, ".DS_Store", ".git/x.png", "sub/.b.jpg", "readme.TXT", "labels.json", "sub/c.json", "raw.cr2", "no")
        (photos / "loop").symlink_to(photos.resolve(), target_is_directory=True)
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-wait", "--no-progress")
        assert drops.objects() == ["ds1/a.png", "ds1/no", "ds1/raw.cr2", "ds1/sub/b.jpg"]
        assert ended.stderr.splitlines()[:3] == [
            "Skipped 3 hidden files or folders, whose names start with a dot.",
            "Skipped 3 files that are not images or videos (.json, .txt). Name a file to upload it anyway.",
            "Skipped 1 linked folder. Name a folder to upload its files.",
        ]

    def test_system_files_are_skipped_as_in_the_stack(self, drops: DropAccount, assetline: Run, photos: Path) -> None:
        has(photos, "Thumbs.db", "sub/desktop.ini", "__MACOSX/a.png", "._x.png")
        ended = assetline("drop", "photos", "photos/._x.png", "--dataset", "ds1", "--no-wait", "--no-progress")
        assert drops.objects() == ["ds1/a.png", "ds1/sub/b.jpg"]
        assert ended.stderr.splitlines()[:2] == [
            "Skipped 1 hidden files or folders, whose names start with a dot.",
            "Skipped 4 files of an operating system, such as Thumbs.db.",
        ]

    def test_a_named_file_is_always_dropped(self, drops: DropAccount, assetline: Run, photos: Path) -> None:
        has(photos, "readme.txt", ".hidden.png")
        assetline("drop", "photos/readme.txt", "photos/.hidden.png", "--dataset", "ds1", "--no-wait")
        assert drops.objects() == ["ds1/.hidden.png", "ds1/readme.txt"]

    def test_a_large_file_goes_in_parts_and_has_the_id_its_drop_will_have(
        self, drops: DropAccount, assetline: Run, photos: Path
    ) -> None:
        (photos / "large.mp4").write_bytes(bytes(9 * 1024**2))
        ended = assetline("drop", "photos/large.mp4", "--dataset", "ds1", "--no-wait", "--metadata", "a=b")
        head = drops.s3.head_object(Bucket=DROPS, Key="ds1/large.mp4")
        assert (head["ContentLength"], head["Metadata"]) == (9 * 1024**2, {"a": "b"})
        assert head["ETag"].endswith('-2"')
        assert ended.stdout == f"{drops.id_of('ds1/large.mp4')}\n"

    def test_a_small_object_has_the_crc32c_of_its_bytes(self, drops: DropAccount, assetline: Run) -> None:
        assetline("drop", "photos", "--dataset", "ds1", "--no-wait")
        for name in ("a.png", "sub/b.jpg"):
            head = drops.s3.head_object(Bucket=DROPS, Key=f"ds1/{name}", ChecksumMode="ENABLED")
            assert from_s3(head["ChecksumCRC32C"]) == of(b"bytes of " + name.encode())

    def test_each_part_of_a_large_object_has_its_crc32c(self, drops: DropAccount, assetline: Run, photos: Path) -> None:
        content = bytes(range(256)) * 36_865
        (photos / "large.mp4").write_bytes(content)
        requests: dict[str, list[dict[str, str]]] = {"CreateMultipartUpload": [], "UploadPart": []}
        for operation, noted in requests.items():
            drops.account.session.events.register(f"before-call.s3.{operation}", partial(_note_headers, noted))
        assetline("drop", "photos/large.mp4", "--dataset", "ds1", "--no-wait")
        (created,) = requests["CreateMultipartUpload"]
        assert (created["x-amz-checksum-algorithm"], created["x-amz-checksum-type"]) == ("CRC32C", "FULL_OBJECT")
        part = 8 * 1024**2
        assert sorted(from_s3(headers["x-amz-checksum-crc32c"]) for headers in requests["UploadPart"]) == sorted(
            of(content[start : start + part]) for start in range(0, len(content), part)
        )

    def test_a_file_that_changes_during_its_upload_keeps_no_other_back(
        self, drops: DropAccount, assetline: Run
    ) -> None:
        changed = {"Error": {"Code": "BadDigest", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}

        def refuse(params: dict[str, Any], **_: Any) -> Any:
            return (SimpleNamespace(status_code=400), changed) if "a.png" in params["url_path"] else None

        drops.account.session.events.register("before-call.s3.PutObject", refuse)
        drops.then(drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-progress")
        assert ended.exit_code == 1
        assert "  photos/a.png: Changed: It changed during the upload. Run the command again.\n" in ended.stdout
        assert drops.objects() == ["ds1/sub/b.jpg"]

    def test_in_a_bucket_with_versions_equal_bytes_are_one_drop(self, drops: DropAccount, assetline: Run) -> None:
        drops.s3.put_bucket_versioning(Bucket=DROPS, VersioningConfiguration={"Status": "Enabled"})
        ids = [assetline("drop", "photos/a.png", "--dataset", "ds1", "--no-wait").stdout for _ in range(2)]
        assert ids == [f"{drops.id_of('ds1/a.png')}\n"] * 2

    def test_more_files_than_are_under_way_at_once(self, drops: DropAccount, assetline: Run) -> None:
        names = [f"many/{number:03}.png" for number in range(100)]
        has(Path(), *names)
        ended = assetline("drop", "many", "--dataset", "ds1", "--no-wait")
        assert ended.stdout.split() == [drops.id_of(f"ds1/{name.partition('/')[2]}") for name in names]


class TestNotWaiting:
    def test_it_prints_nothing_but_the_ids(self, drops: DropAccount, assetline: Run) -> None:
        drops.account.stacks["dev"] = drops.account.stacks["assetline"]
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-wait", "--stack", "dev")
        assert ended.exit_code == 0
        assert sorted(ended.stdout.splitlines()) == sorted(map(drops.id_of, drops.objects()))
        assert ended.stderr.splitlines() == [
            "Uploading to ds1: 0 of 2 files | 0 B of 32 B | 0s",
            "Uploading to ds1: 2 of 2 files | 32 B of 32 B | 0s",
            "See their progress: assetline drops list --dataset ds1 --stack dev",
        ]


class TestWaiting:
    def test_to_the_summary_of_the_sdk(self, drops: DropAccount, assetline: Run) -> None:
        drops.then(drops.noted, drops.becomes(state="claimed"), lambda: None, drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1")
        assert ended.exit_code == 0
        assert ended.stdout.splitlines() == [
            "Uploading to ds1: 0 of 2 files | 0 B of 32 B | 0s",
            "Uploading to ds1: 2 of 2 files | 32 B of 32 B | 0s",
            "Ingesting into ds1: 0 of 2 ingested | 2 waiting | 0s",
            "Ingesting into ds1: 2 of 2 ingested | 8s",
            "Asset Upload Summary",
            "━━━━━━━━━━━━━━━━━━━━",
            "Total Files:     2",
            "Succeeded:       2",
            "Failed:          0",
            "Success Rate:    100.0%",
            "Total Size:      32 B",
            "Total Time:      8s",
            "Throughput:      0.2 files/s",
            "Sessions:        run-1",
        ]
        assert ended.stderr == ""

    def test_the_summary_names_the_sessions_and_their_reports(self, drops: DropAccount, assetline: Run) -> None:
        report = "reports/ds1/ds1_20261121_003012_s1.json"
        drops.session("run-1", report_key=report)
        drops.then(drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-progress")
        assert "Sessions:        run-1" in ended.stdout.splitlines()
        assert f"Report:          s3://the-exports/{report}" in ended.stdout.splitlines()

    def test_no_progress_is_the_summary_alone(self, drops: DropAccount, assetline: Run) -> None:
        drops.then(drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-progress")
        assert ended.stdout.startswith("Asset Upload Summary\n")

    def test_every_file_that_failed_has_its_reason_and_what_to_do(
        self, drops: DropAccount, assetline: Run, photos: Path
    ) -> None:
        has(photos, "empty.png", "c.png")
        drops.then(
            drops.refused_at_once("empty.png", "EmptyObject"),
            drops.becomes("sub/b.jpg", state="rejected", reason="ENOQUOTA"),
            drops.becomes("a.png", "c.png"),
        )
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-progress")
        assert ended.exit_code == 1
        lines = ended.stdout.splitlines()
        assert lines[2:10] == [
            "Total Files:     4",
            "Succeeded:       2",
            "Failed:          2",
            "Success Rate:    50.0%",
            "Total Size:      64 B",
            "Total Time:      6s",
            "Throughput:      0.3 files/s",
            "",
        ]
        assert lines[10] == "Failed files:"
        assert lines[11:13] == [
            "  photos/empty.png: EmptyObject: EmptyObject in words.",
            "  photos/sub/b.jpg: ENOQUOTA: ENOQUOTA in words.",
        ]
        assert lines[13:] == [
            f"Retry the drops that Vi may accept now: assetline drops retry {drops.id_of('ds1/sub/b.jpg')}",
            "The others stay rejected until you fix the files and upload them again.",
        ]

    def test_an_earlier_drop_of_the_same_file_does_not_count(
        self, drops: DropAccount, assetline: Run, photos: Path
    ) -> None:
        drops.s3.put_object(Bucket=DROPS, Key="ds1/a.png", Body=(photos / "a.png").read_bytes())
        drops.becomes("a.png", state="rejected", reason="ENOQUOTA")()
        drops.account.now += timedelta(seconds=5)
        earlier = drops.ledger.get([drops.id_of("ds1/a.png")])

        def retry_drops() -> None:
            drops.ledger.retry(earlier.values())

        drops.then(lambda: None, retry_drops, drops.becomes("a.png"))
        ended = assetline("drop", "photos/a.png", "--dataset", "ds1")
        assert ended.exit_code == 0
        assert "Ingesting into ds1: 0 of 1 ingested | 1 waiting | 0s\n" in ended.stdout

    def test_the_uploads_of_its_session_are_counted(self, drops: DropAccount, assetline: Run) -> None:
        drops.then(drops.becomes(state="claimed"), drops.uploads(1, 2), *[lambda: None] * 10, drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1")
        assert ended.exit_code == 0
        assert "Ingesting into ds1: 0 of 2 ingested | 2 in a session (1 of 2 uploaded) | 10s\n" in ended.stdout

    def test_a_drop_that_goes_back_is_waited_for(self, drops: DropAccount, assetline: Run) -> None:
        drops.then(drops.becomes(state="claimed"), drops.becomes(state="dropped"), drops.becomes())
        assert assetline("drop", "photos", "--dataset", "ds1").exit_code == 0

    def test_silence_of_aws_is_borne(self, drops: DropAccount, assetline: Run) -> None:
        silent = {"on": False}

        def answer(**_: Any) -> Any:
            if silent["on"]:
                return _unavailable()
            return None

        drops.account.session.events.register("before-call.dynamodb.BatchGetItem", answer)
        drops.then(lambda: silent.update(on=True), lambda: None, lambda: silent.update(on=False), drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1")
        assert ended.exit_code == 0
        assert ended.stdout.count("No answer from AWS, retrying\n") == 1

    def test_a_failed_run_is_reported_once_and_waited_out(self, drops: DropAccount, assetline: Run) -> None:
        drops.then(drops.run_fails("KeyRefused", "Vi refused the key."), drops.run_fails("Other", "No.", "ds1x"))
        drops.then(*[lambda: None] * 40, drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1")
        assert ended.exit_code == 0
        assert ended.stdout.count("The last run failed: KeyRefused: Vi refused the key.\n") == 1
        assert "Other" not in ended.stdout

    def test_it_does_not_wait_for_ever(
        self, drops: DropAccount, assetline: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("assetline_cli.drops.wait.LOOK_EVERY_SECONDS", 60.0)
        drops.then(drops.becomes("a.png"), drops.run_fails("KeyRefused", "Vi refused the key."))
        drops.then(*[lambda: None] * 70)
        ended = assetline("drop", "photos", "--dataset", "ds1")
        assert ended.exit_code == 1
        assert ended.stderr.splitlines() == [
            "No drop has changed for 1h 00m 00s. Stopped waiting.",
            "The last run failed: KeyRefused: Vi refused the key.",
            "The drops are ingested once the cause is fixed. See their progress: assetline drops list --dataset ds1",
        ]
        assert "Succeeded:       1\nFailed:          0\nWaiting:         1\nSuccess Rate:    50.0%\n" in ended.stdout


def _note_headers(noted: list[dict[str, str]], params: dict[str, Any], **_: Any) -> None:
    noted.append({**params["headers"]})


def _unavailable() -> Any:
    refused_body = {
        "Error": {"Code": "ServiceUnavailable", "Message": "later"},
        "ResponseMetadata": {"HTTPStatusCode": 503},
    }
    return SimpleNamespace(status_code=503), refused_body


class TestSkippingExistingFiles:
    def test_only_files_that_the_bucket_lacks_or_has_otherwise_are_uploaded(
        self, drops: DropAccount, assetline: Run, photos: Path
    ) -> None:
        assetline("drop", "photos", "--dataset", "ds1", "--no-wait")
        has(photos, "new.png")
        (photos / "a.png").write_bytes(b"other bytes of a")
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-wait", "--skip-existing")
        assert ended.exit_code == 0
        assert sorted(ended.stdout.split()) == sorted(drops.id_of(f"ds1/{name}") for name in ("a.png", "new.png"))
        assert ended.stderr.startswith(
            "Skipped 1 file that the drop bucket has with the same bytes. See their results: assetline drops list "
            "--dataset ds1\n"
        )

    @pytest.mark.usefixtures("drops")
    def test_nothing_left_is_no_failure(self, assetline: Run) -> None:
        assetline("drop", "photos", "--dataset", "ds1", "--no-wait")
        ended = assetline("drop", "photos", "--dataset", "ds1", "--skip-existing")
        assert (ended.exit_code, ended.stdout) == (0, "")
        assert "Skipped 2 files" in ended.stderr

    def test_a_file_in_parts_is_compared_by_the_checksum_in_the_ledger(
        self, drops: DropAccount, assetline: Run, photos: Path
    ) -> None:
        large = photos / "large.mp4"
        large.write_bytes(bytes(9 * 1024**2))
        assetline("drop", "photos/large.mp4", "--dataset", "ds1", "--no-wait")
        checksum = Crc32c()
        checksum.update(large.read_bytes())
        etag = drops.s3.head_object(Bucket=DROPS, Key="ds1/large.mp4")["ETag"].strip('"')
        assert "-" in etag
        words = ("drop", "photos/large.mp4", "--dataset", "ds1", "--no-wait", "--skip-existing")
        assert assetline(*words).stdout != ""  # the ledger has no checksum yet
        drops.drop("ds1/large.mp4", drop_id=drops.id_of("ds1/large.mp4"), etag=etag, crc32c=checksum.signed)
        assert assetline(*words).stdout == ""


class TestCtrlC:
    def test_while_waiting_it_ends_the_waiting_only(self, drops: DropAccount, assetline: Run) -> None:
        drops.then(drops.noted, ctrl_c)
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-progress")
        assert ended.exit_code == 130
        assert (ended.stdout, ended.stderr) == (
            "",
            "\nStopped waiting. The ingestion continues.\nSee its progress: assetline drops list --dataset ds1\n",
        )

    @pytest.mark.parametrize("wait", [True, False])
    def test_ctrl_c_during_the_upload_lists_the_files_not_dropped(
        self, drops: DropAccount, assetline: Run, photos: Path, monkeypatch: pytest.MonkeyPatch, wait: bool
    ) -> None:
        names = [f"{number:03}.png" for number in range(100)]
        has(photos / "many", *names)
        put: list[str] = []
        stopped = Event()

        def interrupt(params: dict[str, Any], **_: Any) -> None:
            put.append(params["url_path"])
            if len(put) == 5:
                raise KeyboardInterrupt
            if len(put) > 5:
                stopped.wait(HANGS_AFTER_SECONDS)

        class Threads(ThreadPoolExecutor):
            def shutdown(self, *arguments: Any, **options: Any) -> None:
                super().shutdown(*arguments, **options)
                stopped.set()

        monkeypatch.setattr(upload, "ThreadPoolExecutor", Threads)
        drops.account.session.events.register("before-call.s3.PutObject", interrupt)
        words = ["drop", "photos/many", "--dataset", "ds1", "--no-progress", *([] if wait else ["--no-wait"])]
        ended = assetline(*words)
        there = drops.objects()
        assert ended.exit_code == 130
        assert 4 <= len(there) <= 4 + AT_ONCE  # those that were under way, and none that was only to come
        lines = ended.stderr.splitlines()
        assert lines[:4] == [
            "",
            f"Dropped {len(there)} of 100 files.",
            "The uploaded files are ingested. See their progress: assetline drops list --dataset ds1",
            "Not dropped:",
        ]
        left = [f"  photos/many/{name}" for name in names if f"ds1/{name}" not in there]
        rest = "Upload the rest: assetline drops upload photos/many --dataset ds1 --skip-existing"
        assert lines[4:] == [*left[:10], f"  … and {len(left) - 10} more", rest]
        assert sorted(ended.stdout.split()) == ([] if wait else sorted(map(drops.id_of, there)))

    def test_a_large_file_under_way_is_taken_back(
        self, drops: DropAccount, assetline: Run, photos: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (photos / "large.mp4").write_bytes(bytes(40 * 1024**2))
        under_way, cancelled = Event(), Event()
        cancel = TransferCoordinatorController.cancel

        def hold(**_: Any) -> None:
            under_way.set()
            cancelled.wait(HANGS_AFTER_SECONDS)

        def press(*_: object, **__: object) -> NoReturn:
            assert under_way.wait(HANGS_AFTER_SECONDS)
            raise KeyboardInterrupt

        def cancel_and_note(*arguments: Any) -> None:
            cancel(*arguments)
            cancelled.set()

        drops.account.session.events.register("before-call.s3.UploadPart", hold)
        monkeypatch.setattr(TransferCoordinatorController, "cancel", cancel_and_note)
        monkeypatch.setattr(upload, "wait", press)
        ended = assetline("drop", "photos/large.mp4", "--dataset", "ds1", "--no-progress")
        assert ended.exit_code == 130
        assert ended.stderr.splitlines()[1:] == [
            "Dropped 0 of 1 file.",
            "Not dropped:",
            "  photos/large.mp4",
            "Upload the rest: assetline drops upload photos/large.mp4 --dataset ds1 --skip-existing",
        ]
        assert drops.objects() == []
        assert "Uploads" not in drops.s3.list_multipart_uploads(Bucket=DROPS)


class TestTrouble:
    def test_a_refusal_of_aws_lists_the_files_not_dropped(self, drops: DropAccount, assetline: Run) -> None:
        drops.s3.delete_bucket(Bucket=DROPS)
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-progress")
        assert ended.exit_code == 1
        assert ended.stderr.splitlines() == [
            "Error: AWS refused PutObject (NoSuchBucket): The specified bucket does not exist.",
            "Dropped 0 of 2 files.",
            "Not dropped:",
            "  photos/a.png",
            "  photos/sub/b.jpg",
            "Upload the rest: assetline drops upload photos --dataset ds1 --skip-existing",
        ]

    def test_a_file_that_cannot_be_read_keeps_none_of_the_others_back(
        self, drops: DropAccount, assetline: Run, photos: Path
    ) -> None:
        (photos / "gone.png").symlink_to("nowhere")
        has(photos, "vanishes.png")
        drops.account.session.events.register(
            "before-call.s3.PutObject", lambda **_: (photos / "vanishes.png").unlink(missing_ok=True)
        )
        drops.then(drops.becomes())
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-progress")
        assert ended.exit_code == 1
        assert "  photos/gone.png: Unreadable: No such file or directory.\n" in ended.stdout
        assert "ds1/a.png" in drops.objects()

    @pytest.mark.usefixtures("drops")
    def test_a_name_that_is_no_text_or_too_long(self, assetline: Run, photos: Path) -> None:
        has(photos, "\udce9.png")
        deep = "d" * 250
        has(photos, f"{deep}/{deep}/{deep}/{deep}/{'e' * 20}.png")
        ended = assetline("drop", "photos", "--dataset", "ds1", "--no-wait", "--no-progress")
        assert ended.exit_code == 1
        assert len(ended.stdout.splitlines()) == 2
        assert "Not dropped: photos/\\udce9.png: The name is not UTF-8. Rename the file.\n" in ended.stderr
        assert "The key would have 1,032 bytes, and the limit of S3 is 1,024" in ended.stderr

    def test_two_files_of_one_key_are_refused_before_anything_is_put(self, drops: DropAccount, assetline: Run) -> None:
        has(Path("other"), "a.png")
        ended = assetline("drop", "photos", "other", "--dataset", "ds1")
        assert ended.exit_code == 1
        assert ended.stderr.startswith("Error: 'photos/a.png' and 'other/a.png' have the same key, 'ds1/a.png'")
        assert drops.objects() == []
        assert assetline("drop", "photos", "photos/a.png", "--dataset", "ds1", "--no-wait").exit_code == 0

    @pytest.mark.usefixtures("drops")
    def test_nothing_to_drop(self, assetline: Run) -> None:
        has(Path("texts"), "a.txt")
        ended = assetline("drop", "texts", "--dataset", "ds1")
        assert ended.exit_code == 1
        assert ended.stderr.splitlines()[-1] == "Error: No files to upload in texts. Name other files or folders."

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--metadata", "site"], "Use KEY=VALUE"),
            (["--metadata", "=7"], "Use KEY=VALUE"),
            (["--metadata", "ä=7"], "Invalid key in"),
            (["--metadata", "a=ä"], "printable ASCII"),
            (["--metadata", "a=1", "--metadata", "A=2"], "Duplicate --metadata"),
            (["--metadata", "a=" + "b" * 2048], "2,049 bytes in total"),
        ],
    )
    def test_metadata_that_s3_would_not_keep(
        self, drops: DropAccount, assetline: Run, words: list[str], message: str
    ) -> None:
        ended = assetline("drop", "photos", "--dataset", "ds1", *words)
        assert (ended.exit_code, drops.objects()) == (1, [])
        assert message in ended.stderr

    @pytest.mark.parametrize(
        "words",
        [["nowhere", "--dataset", "ds1"], ["photos", "--dataset", "a/b"], ["photos", "--dataset", ""], ["photos"]],
    )
    def test_a_mistaken_command_line(self, drops: DropAccount, assetline: Run, words: list[str]) -> None:
        assert assetline("drop", *words).exit_code == 2
        assert drops.objects() == []

    @pytest.mark.parametrize(
        "words", [["drop", "photos", "--dataset", "ds1"], ["drops"], ["drops", "retry", "--yes"], ["sessions"]]
    )
    def test_a_stack_that_is_older(self, account: Account, assetline: Run, words: list[str]) -> None:
        account.stacks["assetline"] = OUTPUTS
        ended = assetline(*words)
        assert ended.exit_code == 1
        assert "IngestStateMachineArn, which drops need. Redeploy it." in ended.stderr


class TestTheScreen:
    @pytest.mark.parametrize("width", [40, 120])
    def test_the_bars_and_their_figures(self, drops: DropAccount, assetline: Run, photos: Path, width: int) -> None:
        has(photos, "c.png")
        drops.then(
            drops.becomes(state="claimed"),
            drops.becomes("c.png", state="rejected", reason="EBADMIME"),
            drops.run_fails("ViUnavailable", "Vi is down."),
            *[lambda: None] * 20,
            drops.becomes("a.png", "sub/b.jpg"),
        )
        out = screen(width)
        assert assetline("drop", "photos", "--dataset", "ds1", out=out).exit_code == 1
        shown = shown_on(out)
        words = [
            "✓ Uploading to ds1",
            "3 of 3 files",
            "Ingesting into ds1",
            "3 in a session",
            "1 rejected",
            "33%",
            "✓ Ingesting into ds1",
            "100%",
            "The last run failed:",
            "Asset Upload Summary",
        ]
        assert [word for word in words if word not in shown] == []
        assert "…" not in shown

    def test_an_interrupted_upload_is_no_success(self, drops: DropAccount, assetline: Run) -> None:
        drops.account.session.events.register("before-call.s3.PutObject", ctrl_c)
        out = screen()
        assert assetline("drop", "photos", "--dataset", "ds1", out=out).exit_code == 130
        assert "! Uploading to ds1" in shown_on(out)
