"""The command `drops`: what there is in the ledger, on a terminal, in a pipe and as JSON."""

import json
from datetime import timedelta

import pytest

from assetline.ingest.drop import Drop
from tests.cli.account import Run
from tests.cli.drops.drop_account import INGESTION, DropAccount
from tests.cli.screens import screen, shown_on


def three(drops: DropAccount) -> tuple[Drop, Drop, Drop]:
    return (
        drops.drop("ds1/new.png", ago=timedelta(seconds=40)),
        drops.drop("ds2/sub/a\tb.png", "ingested", ago=timedelta(hours=2), size=9, attempts=1),
        drops.drop("ds1/old.png", "rejected", ago=timedelta(days=5), attempts=3, reason="ENOQUOTA", message="Full."),
    )


class TestInAPipe:
    def test_a_line_a_drop_the_newest_first_its_columns_between_tabs(self, drops: DropAccount, assetline: Run) -> None:
        new, done, refused = three(drops)
        ended = assetline("drops")
        assert ended.exit_code == 0
        assert [line.split("\t") for line in ended.stdout.splitlines()] == [
            [new.drop_id, "ds1/new.png", "ds1", "dropped", "40s", "2.5 MB", "0", ""],
            [done.drop_id, "ds2/sub/a\\tb.png", "ds2", "ingested", "2h", "9 B", "1", ""],
            [refused.drop_id, "ds1/old.png", "ds1", "rejected", "5d", "2.5 MB", "3", "ENOQUOTA"],
        ]
        assert ended.stderr == "Retry the rejected drops: assetline drops retry\n"

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--dataset", "ds1"], [0, 2]),
            (["--state", "rejected"], [2]),
            (["--dataset", "ds2", "--state", "rejected"], []),
            (["--limit", "2"], [0, 1]),
        ],
    )
    def test_only_what_is_wanted(
        self, drops: DropAccount, assetline: Run, words: list[str], expected: list[int]
    ) -> None:
        ids = [drop.drop_id for drop in three(drops)]
        lines = assetline("drops", *words).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == [ids[index] for index in expected]

    def test_the_newest_of_all_shards_are_listed(self, drops: DropAccount, assetline: Run) -> None:
        keys = [f"ds1/{number:03}.png" for number in range(60)]
        for minutes, key in enumerate(keys):
            drops.drop(key, ago=timedelta(minutes=minutes))
        lines = assetline("drops", "--limit", "7").stdout.splitlines()
        assert [line.split("\t")[1] for line in lines] == keys[:7]

    def test_the_newest_ingested_drops_of_all_segments_are_listed(self, drops: DropAccount, assetline: Run) -> None:
        keys = [f"ds1/{number:03}.png" for number in range(40)]
        for minutes, key in enumerate(keys):
            drops.drop(key, "ingested", ago=timedelta(minutes=minutes))
        lines = assetline("drops", "--state", "ingested", "--limit", "3").stdout.splitlines()
        assert [line.split("\t")[1] for line in lines] == keys[:3]

    def test_a_drop_whose_key_names_no_dataset_is_listed_too(self, drops: DropAccount, assetline: Run) -> None:
        drop = drops.drop("a.png", "rejected", dataset_id="-", reason="NoDataset", mime=None)
        ended = assetline("drops")
        assert ended.stdout.startswith(f"{drop.drop_id}\ta.png\t-\trejected\t")
        assert ended.stderr == ""

    def test_an_unreadable_item_is_one_message(self, drops: DropAccount, assetline: Run) -> None:
        drop = drops.drop("ds1/a.png")
        drops.ledger.table.put_item(Item=drop.to_item() | {"attempts": "many"})
        ended = assetline("drops")
        assert ended.exit_code == 1
        assert ended.stderr.startswith("Error: This version of the command cannot read an item of the drops table")


class TestAsJson:
    def test_an_object_a_line_with_everything(self, drops: DropAccount, assetline: Run) -> None:
        _, _, refused = three(drops)
        ended = assetline("drops", "--json")
        printed = [json.loads(line) for line in ended.stdout.splitlines()]
        assert [entry["state"] for entry in printed] == ["dropped", "ingested", "rejected"]
        assert printed[2] | {"drop_id": refused.drop_id, "message": "Full.", "mime": "image/png"} == printed[2]
        assert ended.stderr == ""


class TestOnATerminal:
    @pytest.mark.parametrize("width", [40, 70, 120])
    def test_a_narrow_screen_has_fewer_columns_and_uncut_keys_and_figures(
        self, drops: DropAccount, assetline: Run, width: int
    ) -> None:
        three(drops)
        long = "ds1/" + "0123456789" * 9 + ".png"
        drops.drop(long)
        out = screen(width)
        assert assetline("drops", out=out).exit_code == 0
        shown = shown_on(out)
        assert "…" not in shown
        assert max(map(len, shown.splitlines())) <= width
        folded = "".join(
            line.split("  ")[0] if width < 120 else line[34:].split("  ")[0] for line in shown.splitlines()
        )
        assert long in folded.replace(" ", "")
        words = {40: ["rejected"], 70: ["5d", "ENOQUOTA"], 120: ["Attempts", "2.5 MB", "Dataset"]}
        assert [word for word in words[width] if word not in shown] == []


class TestDropsOfAnOpenSession:
    def test_are_listed_as_claimed(self, drops: DropAccount, assetline: Run) -> None:
        new, done, refused = three(drops)
        old = drops.drop("ds1/waits.png", ago=timedelta(hours=3))
        drops.opens_session(old)
        lines = [line.split("\t") for line in assetline("drops").stdout.splitlines()]
        assert {line[0]: line[3] for line in lines} == {
            new.drop_id: "dropped",
            old.drop_id: "claimed",
            done.drop_id: "ingested",
            refused.drop_id: "rejected",
        }

    @pytest.mark.parametrize(("state", "expected"), [("claimed", "ds1/waits.png"), ("dropped", "ds1/new.png")])
    def test_are_apart_from_those_that_wait(
        self, drops: DropAccount, assetline: Run, state: str, expected: str
    ) -> None:
        three(drops)
        drops.opens_session(drops.drop("ds1/waits.png", ago=timedelta(seconds=1)))
        (line,) = assetline("drops", "--state", state, "--limit", "1").stdout.splitlines()
        assert line.split("\t")[1] == expected

    def test_have_the_key_of_their_session(self, drops: DropAccount, assetline: Run) -> None:
        drops.opens_session(drops.drop("ds1/a.png"))
        drop = json.loads(assetline("drops", "--json").stdout)
        assert (drop["state"], drop["session_key"]) == ("claimed", "run-1")


class TestNothingToShow:
    def test_an_empty_ledger_shows_the_first_command(self, drops: DropAccount, assetline: Run) -> None:
        drops.account.stacks["dev"] = drops.account.stacks["assetline"] | INGESTION
        ended = assetline("drops", "--stack", "dev")
        assert (ended.exit_code, ended.stdout) == (0, "")
        assert (
            ended.stderr
            == "No drops yet. Upload a folder: assetline drops upload photos --dataset DATASET_ID --stack dev\n"
        )

    def test_a_state_without_items_has_a_hint(self, drops: DropAccount, assetline: Run) -> None:
        three(drops)
        ended = assetline("drops", "--dataset", "ds1", "--state", "claimed")
        assert ended.stderr == "No drop is claimed. Omit --state to list the others.\n"

    @pytest.mark.usefixtures("drops")
    def test_a_state_there_is_not(self, assetline: Run) -> None:
        assert assetline("drops", "--state", "reject").exit_code == 2
