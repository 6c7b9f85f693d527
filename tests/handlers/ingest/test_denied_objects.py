"""Record Drop: an object that AWS denies is rejected alone; a batch that AWS denies completely waits."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from assetline.aws.failures import AwsRefused
from assetline.errors import AwsUnavailable
from assetline.ingest import dependencies as connections
from assetline.ingest import inspection
from assetline.ingest.drop import drop_id
from assetline.vi import media_types
from local.sample_images import image
from tests.handlers.ingest.session_stage import DROPS, SessionStage
from tests.handlers.ingest.test_record_drop import created, drop, messages, put, record

type Refuses = Callable[..., None]


@pytest.fixture
def refuses(stage: SessionStage) -> Refuses:
    """Return what makes S3 answer GetObject of a key with a code and a status from then on; None lets it be read."""
    refused: dict[str, tuple[str | None, int]] = {}

    def answer(params: dict[str, Any], **_: Any) -> Any:
        for key, (code, status) in refused.items():
            if code is not None and params["url"].endswith(f"/{key}"):
                error = {"Code": code, "Message": f"{code} was said"}
                return SimpleNamespace(status_code=status), {"Error": error}
        return None

    connections.s3().meta.events.register_first("before-call.s3.GetObject", answer)

    def refuse(key: str, code: str | None = "AccessDenied", status: int = 403) -> None:
        refused[key] = (code, status)

    return refuse


def arrivals(stage: SessionStage, *names: str) -> dict[str, Any]:
    """Put images, and return the events of them with their keys."""
    found = {}
    for number, name in enumerate(names):
        content = image("png", number)
        found[f"ds1/{name}"] = created(f"ds1/{name}", content, put(stage, f"ds1/{name}", content))
    return found


def listing(events: dict[str, Any]) -> dict[str, Any]:
    """Return what a backfill lists of the objects of *events*."""
    objects = [event["detail"]["object"] for event in events.values()]
    listed = [{"Key": entry["key"], "Etag": f'"{entry["etag"]}"', "Size": entry["size"]} for entry in objects]
    return {"Items": [{"object": entry, "bucket": DROPS, "dataset_id": ""} for entry in listed]}


def version(event: dict[str, Any]) -> str:
    etag: str = event["detail"]["object"]["etag"]
    return etag


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDenied", 403), ("KMS.DisabledException", 400), ("KMS.NotFoundException", 400), ("InvalidRequest", 400)],
)
@pytest.mark.parametrize("backfill", [False, True], ids=["messages", "backfill"])
def test_a_denied_object_is_rejected_alone(
    stage: SessionStage, refuses: Refuses, code: str, status: int, backfill: bool
) -> None:
    events = arrivals(stage, "a.png", "denied.png", "c.png")
    refuses("ds1/denied.png", code, status)
    if backfill:
        assert record(listing(events)) == {"recorded": 3, "known": 0, "ignored": 0}
    else:
        assert record(messages(*events.values())) == {"batchItemFailures": []}
    drops = {key: drop(key, version(event)) for key, event in events.items()}
    assert [(drop.state, drop.reason) for drop in drops.values()] == [
        ("dropped", None),
        ("rejected", "NotReadable"),
        ("dropped", None),
    ]
    message = drops["ds1/denied.png"].message or ""
    assert f"({code}: {code} was said)" in message
    assert "KMS key" in message
    assert "assetline drops retry" in message


def test_a_denied_object_that_is_retried_becomes_an_asset(stage: SessionStage, refuses: Refuses) -> None:
    events = arrivals(stage, "a.png", "denied.png")
    refuses("ds1/denied.png")
    record(messages(*events.values()))
    denied = drop("ds1/denied.png", version(events["ds1/denied.png"]))
    assert connections.ledger().retry([denied]) == {denied.drop_id}
    refuses("ds1/denied.png", None)
    stage.settles(stage.uploads(stage.opens_when_quiet()))
    assert drop("ds1/denied.png", denied.etag).state == "ingested"
    assert stage.vi.assets("ds1")["denied.png"].mime == "image/png"


def test_a_completely_denied_batch_of_messages_waits(stage: SessionStage, refuses: Refuses) -> None:
    events = arrivals(stage, "a.png", "b.png")
    events["ds1/notes.txt"] = created("ds1/notes.txt", b"notes", "0" * 32)  # rejected before S3 is asked
    refuses("ds1/a.png")
    refuses("ds1/b.png")
    answer = record(messages(*events.values()))
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["message-0", "message-1"]
    with pytest.raises(BatchProcessingError, match="AccessDenied"):
        record(messages(events["ds1/a.png"], events["ds1/b.png"]))
    ids = [drop_id(DROPS, key, version(events[key])) for key in ("ds1/a.png", "ds1/b.png")]
    assert connections.ledger().get(ids) == {}


def test_a_completely_denied_batch_of_a_backfill_raises(stage: SessionStage, refuses: Refuses) -> None:
    events = arrivals(stage, "a.png", "b.png")
    refuses("ds1/a.png")
    refuses("ds1/b.png")
    with pytest.raises(AwsRefused, match="AccessDenied"):
        record(listing(events))
    assert connections.ledger().get(drop_id(DROPS, key, version(event)) for key, event in events.items()) == {}


@pytest.mark.parametrize("backfill", [False, True], ids=["message", "backfill"])
def test_a_denied_single_object_of_a_readable_bucket_is_rejected(
    stage: SessionStage, refuses: Refuses, backfill: bool
) -> None:
    events = arrivals(stage, "a.png", "denied.png")
    refuses("ds1/denied.png")
    denied = {"ds1/denied.png": events["ds1/denied.png"]}
    record(listing(denied) if backfill else messages(*denied.values()))
    assert drop("ds1/denied.png", version(events["ds1/denied.png"])).reason == "NotReadable"


def test_an_object_that_cannot_be_inspected_is_rejected_alone(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(key: str, *content: Any) -> Any:
        if key.endswith("poison.png"):
            raise RecursionError
        return media_types.checked(key, *content)

    monkeypatch.setattr(inspection, "checked", checked)
    events = arrivals(stage, "a.png", "poison.png")
    assert record(listing(events)) == {"recorded": 2, "known": 0, "ignored": 0}
    poison = drop("ds1/poison.png", version(events["ds1/poison.png"]))
    assert (poison.state, poison.reason) == ("rejected", "NotInspected")
    assert "RecursionError" in (poison.message or "")
    assert drop("ds1/a.png", version(events["ds1/a.png"])).state == "dropped"


@pytest.mark.parametrize("first", ["ds1/a.png", "ds1/b.png"])
def test_an_unavailable_s3_repeats_a_batch_whatever_else_is_denied(
    stage: SessionStage, refuses: Refuses, first: str
) -> None:
    events = arrivals(stage, "a.png", "b.png")
    for key in events:
        refuses(key)
    refuses(first, "SlowDown", 503)
    with pytest.raises(AwsUnavailable, match="SlowDown"):
        record(listing(events))


def test_an_unavailable_object_costs_the_others_of_a_backfill_nothing(stage: SessionStage, refuses: Refuses) -> None:
    events = arrivals(stage, "a.png", "b.png")
    refuses("ds1/a.png", "SlowDown", 503)
    with pytest.raises(AwsUnavailable, match="SlowDown"):
        record(listing(events))
    assert drop("ds1/b.png", version(events["ds1/b.png"])).state == "dropped"


def test_a_known_object_of_a_batch_shows_that_its_bucket_can_be_read(stage: SessionStage, refuses: Refuses) -> None:
    events = arrivals(stage, "a.png", "b.png", "c.png")
    record(messages(events["ds1/a.png"]))
    refuses("ds1/b.png")
    assert record(listing({key: events[key] for key in ("ds1/a.png", "ds1/b.png")}))["recorded"] == 1
    refuses("ds1/a.png")
    refuses("ds1/c.png")
    with pytest.raises(AwsRefused):  # a denied one shows nothing of the kind
        record(listing({key: events[key] for key in ("ds1/b.png", "ds1/c.png")}))


# ---- the ledger is asked before S3


def reads(of: dict[str, Any]) -> int:
    """Record a listing, and return how often S3 was asked for an object."""
    made: list[int] = []

    def count(**_: Any) -> None:
        made.append(1)

    events = connections.s3().meta.events
    events.register("before-call.s3.GetObject", count)
    try:
        record(of)
    finally:
        events.unregister("before-call.s3.GetObject", count)
    return len(made)


def test_a_backfill_that_is_repeated_reads_no_object(stage: SessionStage) -> None:
    names = [f"{number}.png" for number in range(7)]
    listed = listing(arrivals(stage, *names))
    assert reads(listed) == 7
    assert reads(listed) == 0
    assert reads(listing(arrivals(stage, *names, "new.png"))) == 1


def test_a_known_drop_that_waits_has_its_run_started(stage: SessionStage) -> None:
    events = arrivals(stage, "a.png", "b.png")
    record(listing(events))
    ingested = drop("ds1/a.png", version(events["ds1/a.png"])).model_copy(update={"state": "ingested"})
    connections.ledger().table.put_item(Item=ingested.to_item())
    for key, started in (("ds1/a.png", 0), ("ds1/b.png", 1)):
        stage.started.clear()
        for warm in (connections.recorder, connections.runs):
            warm.cache_clear()
        assert reads(listing({key: events[key]})) == 0
        assert len(stage.started) == started


def test_a_known_drop_that_vi_rejected_keeps_the_tags_of_its_session(stage: SessionStage) -> None:
    events = arrivals(stage, "a.png")
    record(listing(events))
    (found,) = [drop(key, version(event)) for key, event in events.items()]
    rejected = found.model_copy(update={"state": "rejected", "reason": "ECORRUPT", "session_key": "run-1"})
    connections.ledger().table.put_item(Item=rejected.to_item())
    record(listing(events))
    assert stage.s3.get_object_tagging(Bucket=DROPS, Key="ds1/a.png")["TagSet"] == []
