"""One run works for a dataset at a time, and nothing is left that comes while it ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from assetline.errors import KeyRefused, ViUnavailable
from assetline.ingest import dependencies as connections
from assetline.ingest.gathering import INDEX_SECONDS
from assetline.ingest.ledger import Ledger
from assetline.ingest.run_ownership import LEASE_SECONDS, RunOwnership
from assetline.ingest.session_permits import Permits
from local.emulators.vi.scenario import ApiFault
from tests.handlers.conftest import in_the_account_of_moto
from tests.handlers.ingest.session_stage import DATASET, SessionStage, execution_arn
from tests.simulation.account import MemoryAccount


@pytest.fixture
def account(memory: MemoryAccount) -> MemoryAccount:
    return memory


def owner() -> dict[str, Any]:
    table = connections.sessions_table().table
    item: dict[str, Any] = table.get_item(Key={"session_key": f"run#{DATASET}"}).get("Item", {})
    return item


def owning_lease_passes() -> None:
    """Let the owner not have opened a session for longer than its lease; that of its session stays."""
    connections.sessions_table().table.update_item(
        Key={"session_key": f"run#{DATASET}"},
        UpdateExpression="SET lease_until = :past",
        ExpressionAttributeValues={":past": int((datetime.now(UTC) - timedelta(minutes=1)).timestamp())},
    )


def after_release(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen between the release of an owner and its last look."""
    release = RunOwnership.release

    def releasing(ownership: RunOwnership, dataset_id: str, arn: str) -> None:
        release(ownership, dataset_id, arn)
        monkeypatch.setattr(RunOwnership, "release", release)
        happens()

    monkeypatch.setattr(RunOwnership, "release", releasing)


def test_a_run_continues_at_once_for_the_run_that_handed_over(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.settles(stage.uploads(stage.opens("first")))
    stage.drops("b.png")
    assert stage.opens("another")["outcome"] == "owned"
    assert stage.opens("another", predecessor="earlier")["outcome"] == "owned"
    assert stage.opens("second", predecessor="first")["outcome"] == "opened"
    assert owner()["execution_arn"] == execution_arn("second")
    assert stage.opens("late", predecessor="first")["outcome"] == "owned"


def test_a_run_without_the_ownership_ends_and_sends_nothing(stage: SessionStage) -> None:
    stage.drops("a.png")
    session = stage.uploads(stage.opens("first"))
    stage.drops("b.png")
    request_count = len(stage.vi.requests())
    assert stage.opens("second") == {"outcome": "owned", "wait_seconds": 0, "session": None, "slices": []}
    assert len(stage.vi.requests()) == request_count
    assert stage.states("b.png") == ["dropped"]
    assert connections.sessions_table().get("second-1") is None
    stage.settles(session)
    stage.settles(stage.uploads(stage.opens("first", 2)))  # the owner takes what the other was started for
    assert stage.states("a.png", "b.png") == ["ingested"] * 2


@in_the_account_of_moto
def test_a_run_that_ends_leaves_its_dataset_to_the_next(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.settles(stage.uploads(stage.opens("first")))
    assert stage.opens("first", 2)["outcome"] == "no_drops"
    stage.drops("b.png")
    assert stage.opens("second")["outcome"] == "opened"


def test_datasets_are_owned_apart(stage: SessionStage) -> None:
    ownership = connections.run_ownership()
    assert ownership.take("ds1", "first", "first-1")
    assert ownership.take("ds2", "second", "second-1")
    assert not ownership.take("ds1", "second", "second-1")


def test_a_drop_that_comes_while_the_owner_ends_is_taken(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    after_release(monkeypatch, lambda: stage.drops("late.png"))
    opened = stage.opens("first")
    assert (opened["outcome"], opened["wait_seconds"]) == ("look_again", INDEX_SECONDS)
    assert stage.opens("second")["outcome"] == "owned"
    stage.settles(stage.uploads(stage.opens("first")))
    assert stage.states("late.png") == ["ingested"]


def test_a_run_that_comes_while_the_owner_ends_owns_the_dataset(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_begins() -> None:
        stage.drops("late.png")
        assert connections.run_ownership().take(DATASET, execution_arn("second"), "second-1")

    after_release(monkeypatch, another_begins)
    assert stage.opens("first")["outcome"] == "owned"
    assert stage.opens("second")["outcome"] == "opened"
    assert stage.sessions_of("late.png") == {"second-1"}


class Moments:
    """The moments of a run that ends: before, between and after its looks at the ledger and at its ownership."""

    MOST = 5

    def __init__(self, monkeypatch: pytest.MonkeyPatch, happens: dict[int, list[Callable[[], object]]]) -> None:
        self._happens, self._now, self._nested = happens, 0, False
        for owner_class, name in ((RunOwnership, "take"), (RunOwnership, "release"), (Ledger, "any_waiting")):
            monkeypatch.setattr(owner_class, name, self._followed(getattr(owner_class, name)))
        self.goes_by()

    def goes_by(self) -> None:
        """Let happen what is due now; what a run does meanwhile is no moment of the other."""
        due, self._now, self._nested = self._happens.pop(self._now, []), self._now + 1, True
        for happening in due:
            happening()
        self._nested = False

    def _followed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            result = call(*args)
            if not self._nested:
                self.goes_by()
            return result

        return called


@pytest.mark.parametrize("opens_at", range(Moments.MOST + 1))
def test_a_drop_and_its_run_at_any_moment_of_an_ending_run_leave_nothing(stage: SessionStage, opens_at: int) -> None:
    for drops_at in range(opens_at + 1):
        name, outcomes = f"{drops_at}.png", dict[str, dict[str, Any]]()
        first, second = f"first-{drops_at}", f"second-{drops_at}"

        def opens(run: str, outcomes: dict[str, dict[str, Any]] = outcomes) -> None:
            outcomes[run] = stage.opens(run)

        happens: dict[int, list[Callable[[], object]]] = {drops_at: [partial(stage.drops, name)]}
        happens.setdefault(opens_at, []).append(partial(opens, second))
        with pytest.MonkeyPatch.context() as patch:
            moments = Moments(patch, happens)
            opens(first)
            while happens:
                moments.goes_by()
        (working,) = [run for run, opened in outcomes.items() if opened["outcome"] in {"opened", "look_again"}]
        stage.settles(stage.uploads(stage.opens(working)))
        assert stage.opens(working, 2)["outcome"] == "no_drops"
        assert stage.states(name) == ["ingested"], drops_at


def test_an_owner_that_works_for_its_session_keeps_the_dataset(stage: SessionStage) -> None:
    stage.drops("a.png")
    session = stage.opens("first")["session"]
    owning_lease_passes()
    assert stage.polls(session)["progress"] == "running"  # renews the lease of the session
    assert stage.opens("second")["outcome"] == "owned"
    stage.lease_passes("first-1")
    assert stage.opens("second")["outcome"] == "owned"  # until a sweep has settled the session
    stage.sweeps()
    assert stage.opens("second")["outcome"] == "opened"


def test_an_owner_between_two_sessions_keeps_the_dataset(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.settles(stage.uploads(stage.opens("first")))
    stage.drops("b.png")
    owning_lease_passes()
    assert stage.opens("second")["outcome"] == "owned"
    assert stage.opens("first", 2)["outcome"] == "opened"


def test_the_dataset_of_a_killed_owner_is_free_when_its_session_is_settled(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.opens("killed")
    stage.lease_passes("killed-1")
    stage.drops("b.png")
    assert stage.opens("next")["outcome"] == "owned"
    stage.sweeps()
    assert stage.opens("next")["session"]["total"] == 2
    assert owner()["execution_arn"] == execution_arn("next")
    assert stage.sessions_of("a.png", "b.png") == {"next-1"}


def test_a_late_owner_opens_no_session_beside_that_of_another(
    stage: SessionStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.drops("a.png")
    take = Permits.take
    opened: list[dict[str, Any]] = []

    def taken_late(permits: Permits, holder: str) -> Any:
        if not opened:  # the run takes so long that another one takes the dataset
            opened.append({})
            owning_lease_passes()
            opened[0] = stage.opens("second")
        return take(permits, holder)

    monkeypatch.setattr(Permits, "take", taken_late)
    assert stage.opens("first")["outcome"] == "owned"
    assert opened[0]["outcome"] == "opened"
    assert stage.vi.sessions_opened() == 1
    assert connections.sessions_table().get("first-1") is None


def test_of_two_runs_that_find_a_dead_owner_one_owns(stage: SessionStage, monkeypatch: pytest.MonkeyPatch) -> None:
    ownership = connections.run_ownership()
    ownership.take(DATASET, "dead", "dead-1")
    owning_lease_passes()
    look = RunOwnership._item

    def another_is_faster(this: RunOwnership, key: str) -> Any:
        found = look(this, key)
        monkeypatch.setattr(RunOwnership, "_item", look)
        assert ownership.take(DATASET, "fast", "fast-1")
        return found

    monkeypatch.setattr(RunOwnership, "_item", another_is_faster)
    assert not ownership.take(DATASET, "slow", "slow-1")
    assert owner()["execution_arn"] == "fast"


def test_a_dataset_that_another_owns_by_now_is_not_released(stage: SessionStage) -> None:
    ownership = connections.run_ownership()
    ownership.take(DATASET, "second", "second-1")
    ownership.release(DATASET, "first")
    assert owner()["execution_arn"] == "second"


def test_an_owner_that_waits_for_a_permit_keeps_the_dataset_for_as_long(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.plays(ApiFault(method="POST", path="IngestionSessions", status=429, retry_after=3000, times=1))
    assert stage.opens("first")["wait_seconds"] == 3000
    later = datetime.now(UTC) + timedelta(seconds=3000 + LEASE_SECONDS - 60)
    assert owner()["lease_until"] > later.timestamp()
    assert stage.opens("second")["outcome"] == "owned"


@pytest.mark.parametrize("progress", ["finished", "broken"])
def test_a_run_that_fails_when_its_session_is_settled_frees_the_dataset(stage: SessionStage, progress: str) -> None:
    session = stage.session("a.png", execution="first")
    stage.settles(session, progress, "Sandbox.Timedout")
    stage.drops("b.png")
    assert stage.opens("second")["outcome"] == "opened"


def test_a_run_that_fails_to_open_a_session_frees_the_dataset(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.plays(key="dtvi_another")
    with pytest.raises(KeyRefused):
        stage.opens("first")
    assert "execution_arn" not in owner()


def test_a_run_that_is_repeated_keeps_the_dataset(stage: SessionStage) -> None:
    stage.drops("a.png")
    stage.plays(ApiFault(method="GET", status=503))
    with pytest.raises(ViUnavailable):
        stage.opens("first")
    assert stage.opens("second")["outcome"] == "owned"


def test_a_sweep_starts_no_run_while_an_owner_lives(stage: SessionStage) -> None:
    stage.session("a.png", execution="first")
    stage.drops("b.png", minutes_ago=10)
    assert stage.sweeps() == {"abandoned": 0, "returned": 0, "started": 0}
    stage.lease_passes("first-1")
    assert stage.sweeps() == {"abandoned": 1, "returned": 0, "started": 1}


def test_a_sweep_starts_a_run_where_the_owner_has_ended(stage: SessionStage) -> None:
    stage.settles(stage.session("a.png", execution="first"))
    assert stage.opens("first", 2)["outcome"] == "no_drops"
    stage.drops("b.png", minutes_ago=10)
    assert stage.sweeps() == {"abandoned": 0, "returned": 0, "started": 1}
