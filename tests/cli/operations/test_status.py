"""The state of a stack on one screen."""

import json
from datetime import timedelta

from tests.cli.account import Account, Run
from tests.cli.operations.conftest import OperatedStack
from tests.cli.screens import screen, shown_on


def test_an_idle_stack_has_nothing_to_show(stack: OperatedStack, assetline: Run) -> None:
    ended = assetline("status")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "Stack assetline: CREATE_COMPLETE",
        "Running",
        "  nothing",
        "Waiting",
        "  nothing",
        "Last failures",
        "  none",
        "Session quota",
        "  0 of 5 sessions used in the last 5m 00s",
        "Next scheduled export",
        "  none. Set one: sam deploy --parameter-overrides ExportSchedule='cron(0 3 * * ? *)'",
    ]


def test_a_busy_stack_shows_what_runs_waits_and_failed(stack: OperatedStack, account: Account, assetline: Run) -> None:
    account.opens(rows=12_300, pages=123, rows_per_second=45.0, eta_seconds=180.0)
    stack.drops.session("ds1-1-1", "open", ago=timedelta(minutes=4), total=1200)
    for number in range(3):
        stack.drops.drop(f"ds1/{number}.png", ago=timedelta(minutes=12 - number))
    stack.fails("assets-20261121-000000-aaaa", "TokenRefused", "SafetyCulture refused the token (401).")
    account.parameters |= {"ExportSchedule": "cron(0 3 * * ? *)", "ScheduledFeeds": "assets,users"}
    for number in range(5):
        free_at = int(account.now.timestamp()) + 60 * (number + 1)
        stack.drops.sessions.table.put_item(Item={"session_key": f"permit#{number}", "free_at": free_at})
    lines = assetline("status").stdout.splitlines()
    assert lines[1:] == [
        "Running",
        "  assets_20261121_003012: 12,300 assets, 45 rows/s, ETA 3m 00s",
        "  session ds1-1-1: 1,200 drops, open for 4m 00s",
        "Waiting",
        "  ds1: 3 drops, the oldest for 12m",
        "  List them: assetline drops list --state dropped",
        "Last failures",
        "  0s ago, export_feed assets-20261121-000000-aaaa",
        "    TokenRefused: SafetyCulture refused the token (401).",
        "Session quota",
        "  5 of 5 sessions used in the last 5m 00s; the next one is free in 1m 00s",
        "Next scheduled export",
        "  2026-11-21 03:00 UTC, in 2h (assets,users, cron(0 3 * * ? *))",
    ]


def test_as_json_it_is_one_object(stack: OperatedStack, account: Account, assetline: Run) -> None:
    account.opens(rows=5)
    stack.drops.drop("ds1/a.png")
    status = json.loads(assetline("status", "--json").stdout)
    assert [export["rows"] for export in status["running_exports"]] == [5]
    assert status["waiting_drops"] == [
        {"dataset_id": "ds1", "drops": 1, "more": False, "oldest_at": "2026-11-21T00:30:12.345000+00:00"}
    ]
    assert status["session_quota"] == {"used": 0, "allowed": 5, "window_seconds": 300, "free_at": None}
    assert status["schedule"] is None


def test_drops_that_a_session_sends_do_not_wait(stack: OperatedStack, assetline: Run) -> None:
    stack.drops.opens_session(stack.drops.drop("ds1/a.png"), stack.drops.drop("ds1/b.png"))
    assert json.loads(assetline("status", "--json").stdout)["waiting_drops"] == []
    stack.drops.drop("ds1/c.png")
    (waiting,) = json.loads(assetline("status", "--json").stdout)["waiting_drops"]
    assert (waiting["dataset_id"], waiting["drops"]) == ("ds1", 1)


def test_hostile_names_obey_nothing(stack: OperatedStack, assetline: Run) -> None:
    stack.fails("x", "Error\x1b[31m", "message\x1b]0;title\x07")
    out = screen(100)
    assert assetline("status", out=out).exit_code == 0
    assert "\x1b]0" not in shown_on(out)
    assert r"message\x1b]0" in shown_on(out)
