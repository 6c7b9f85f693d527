"""The command `drops retry`: rejected drops wait again, and their run is started."""

import json

import pytest

from assetline.ingest.drop import Drop
from tests.cli.account import Run
from tests.cli.drops.drop_account import MACHINE, DropAccount
from tests.cli.screens import operator_answering, shown_on


def rejected(drops: DropAccount, key: str, reason: str = "ENOQUOTA", **values: object) -> Drop:
    return drops.drop(key, "rejected", reason=reason, message=f"{reason} in words.", attempts=3, **values)


def test_all_that_were_rejected_wait_again_as_if_for_the_first_time(drops: DropAccount, assetline: Run) -> None:
    repeated = [rejected(drops, f"ds{number % 2}/{number}.png") for number in range(3)]
    others = [drops.drop("ds1/done.png", "ingested"), drops.drop("ds1/waits.png")]
    ended = assetline("drops", "retry", "--yes")
    assert ended.exit_code == 0
    assert ended.stdout.splitlines() == [
        "Queued 3 drops.",
        "See their progress: assetline drops list --dataset ds0",
        "See their progress: assetline drops list --dataset ds1",
    ]
    for drop in repeated:
        found = drops.found(drop)
        assert (found.state, found.attempts, found.reason, found.message) == ("dropped", 0, None, None)
    assert [drops.found(drop).state for drop in others] == ["ingested", "dropped"]
    assert {drop.drop_id for drop in drops.ledger.waiting("ds0", 9)} == {repeated[0].drop_id, repeated[2].drop_id}


def test_a_run_is_started_for_each_dataset_that_has_some(drops: DropAccount, assetline: Run) -> None:
    for key in ("ds1/a.png", "ds1/b.png", "ds2/a.png"):
        rejected(drops, key)
    assetline("drops", "retry", "--yes")
    assert [(request["stateMachineArn"], json.loads(request["input"])) for request in drops.started] == [
        (MACHINE, {"dataset_id": "ds1"}),
        (MACHINE, {"dataset_id": "ds2"}),
    ]
    assert drops.started[0]["name"].startswith("ds1-retry-20261121-003012-")


def test_a_repeat_finds_nothing_and_starts_nothing(drops: DropAccount, assetline: Run) -> None:
    rejected(drops, "ds1/a.png")
    assetline("drops", "retry", "--yes")
    ended = assetline("drops", "retry", "--yes")
    assert (ended.exit_code, len(drops.started)) == (0, 1)
    assert ended.stdout == "No drops to retry.\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--dataset", "ds1"], [0, 1]), (["--reason", "ENOQUOTA"], [0, 2]), (["--dataset", "ds1", "--reason", "E"], [1])],
)
def test_only_what_is_wanted(drops: DropAccount, assetline: Run, words: list[str], expected: list[int]) -> None:
    all_ = [rejected(drops, "ds1/a.png"), rejected(drops, "ds1/b.png", "E"), rejected(drops, "ds2/a.png")]
    assetline("drops", "retry", *words, "--yes")
    assert [number for number, drop in enumerate(all_) if drops.found(drop).state == "dropped"] == expected


def test_by_id(drops: DropAccount, assetline: Run) -> None:
    item, other = rejected(drops, "ds1/a.png"), rejected(drops, "ds1/b.png")
    assert assetline("drops", "retry", item.drop_id, item.drop_id, "--yes").stdout.startswith("Queued 1 drop.\n")
    assert [drops.found(drop).state for drop in (item, other)] == ["dropped", "rejected"]


def test_an_id_there_is_not_or_that_is_not_rejected_re_queues_nothing(drops: DropAccount, assetline: Run) -> None:
    item, done = rejected(drops, "ds1/a.png"), drops.drop("ds1/b.png", "ingested")
    ended = assetline("drops", "retry", item.drop_id, "nope", "--yes")
    assert ended.exit_code == 1
    assert ended.stderr.startswith("Error: Drop 'nope' does not exist in this stack.")
    ended = assetline("drops", "retry", item.drop_id, done.drop_id, "--yes")
    assert ended.exit_code == 1
    assert ended.stderr == f"Error: Drop {done.drop_id} is ingested, not rejected. Nothing was queued.\n"
    assert drops.found(item).state == "rejected"


def test_ingested_drops_are_sent_again_when_asked_for(drops: DropAccount, assetline: Run) -> None:
    item, done = rejected(drops, "ds1/a.png"), drops.drop("ds1/b.png", "ingested")
    assert assetline("drops", "retry", "--ingested", "--yes").exit_code == 2
    assert assetline("drops", "retry", "--ingested", "--dataset", "ds1", "--yes").exit_code == 0
    assert [drops.found(drop).state for drop in (item, done)] == ["rejected", "dropped"]


def test_drops_rejected_for_their_content_stay_rejected(drops: DropAccount, assetline: Run) -> None:
    unfit = rejected(drops, "ds1/a.txt", "UnsupportedType", mime=None)
    rejected(drops, "ds1/b.png")
    ended = assetline("drops", "retry", "--yes")
    assert ended.exit_code == 0
    assert ended.stderr == (
        "1 drop was rejected for the content (UnsupportedType 1). Fix the files and upload them again.\n"
    )
    assert drops.found(unfit).state == "rejected"
    assert assetline("drops", "retry", unfit.drop_id, "--yes").exit_code == 1


@pytest.mark.parametrize(("answer", "requeues"), [("y", True), ("Y", True), ("n", False), ("", False)])
def test_it_asks_first(drops: DropAccount, assetline: Run, answer: str, requeues: bool) -> None:
    all_ = [rejected(drops, f"ds1/{number}.png") for number in range(2)]
    terminal = operator_answering(answer)
    ended = assetline("drops", "retry", **terminal)
    shown = shown_on(terminal["out"])
    assert "Retry 2 drops of ds1? [y]es / [n]o" in shown
    assert (ended.exit_code, "Nothing was queued." in shown) == ((0, False) if requeues else (1, True))
    assert {drops.found(drop).state for drop in all_} == {"dropped" if requeues else "rejected"}


@pytest.mark.parametrize(("answer", "status"), [(KeyboardInterrupt(), 130), (EOFError(), 1)])
def test_no_answer_re_queues_nothing(drops: DropAccount, assetline: Run, answer: BaseException, status: int) -> None:
    drop = rejected(drops, "ds1/a.png")
    assert assetline("drops", "retry", **operator_answering(answer)).exit_code == status
    assert (drops.found(drop).state, drops.started) == ("rejected", [])


@pytest.mark.parametrize("words", [[], ["an-id", "--dataset", "ds1", "--yes"], ["an-id", "--reason", "E", "--yes"]])
def test_a_mistaken_command_line(drops: DropAccount, assetline: Run, words: list[str]) -> None:
    drop = rejected(drops, "ds1/a.png")
    assert assetline("drops", "retry", *words).exit_code == 2
    assert drops.found(drop).state == "rejected"


@pytest.mark.parametrize("words", [["--stack", "dev"], ["--dataset", "ds2"], ["--limit", "1"]])
def test_options_before_it_are_not_passed_over(drops: DropAccount, assetline: Run, words: list[str]) -> None:
    drop = rejected(drops, "ds1/a.png")
    ended = assetline("drops", *words, "retry", "--yes")
    assert ended.exit_code == 2
    assert drops.found(drop).state == "rejected"


def test_a_run_that_does_not_start_leaves_them_queued_with_a_message(drops: DropAccount, assetline: Run) -> None:
    drop = rejected(drops, "ds1/a.png")
    drops.account.refuses("StartExecution", "AccessDeniedException", "no")()
    ended = assetline("drops", "retry", "--yes")
    assert ended.exit_code == 1
    assert ended.stdout == "Queued 1 drop.\n"
    assert ended.stderr == (
        "Error: The drops of ds1 are queued, and their run could not be started. AWS denied StartExecution "
        "(AccessDeniedException): no. Ask for that permission, or use another AWS_PROFILE. The stack starts it "
        "within a few minutes.\n"
    )
    assert drops.found(drop).state == "dropped"
