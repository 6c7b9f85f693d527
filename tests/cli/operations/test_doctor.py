"""The diagnosis: what is well, what is wrong, and what to do."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local.emulators.safetyculture.scenario import LOCAL_TOKEN
from local.emulators.safetyculture.server import FeedEmulator, running
from tests.cli.account import Account, Run
from tests.cli.operations.conftest import TOPIC, OperatedStack, answered


@pytest.fixture(scope="module")
def feed_server() -> Iterator[FeedEmulator]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def well(stack: OperatedStack, feed_server: FeedEmulator) -> OperatedStack:
    """Return a stack whose checks find nothing, but that it has no Vi key."""
    feed_server.forget()
    stack.account.parameters["SafetyCultureApiUrl"] = feed_server.url
    stack.answers["GetSecretValue"] = {"SecretString": LOCAL_TOKEN}
    return stack


def findings(assetline: Run) -> tuple[int, dict[str, dict[str, Any]]]:
    ended = assetline("doctor", "--json")
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    return ended.exit_code, {finding["check"]: finding for finding in found}


def test_a_stack_that_is_well_has_no_problem(well: OperatedStack, assetline: Run) -> None:
    ended = assetline("doctor")
    assert ended.exit_code == 0
    assert [line for line in ended.stdout.splitlines() if line.startswith("✗")] == []
    assert "✓ SafetyCulture API: " in ended.stdout
    assert ended.stdout.splitlines()[-1] == "1 warning found."


@pytest.mark.parametrize(
    ("operation", "answer", "check", "verdict", "action"),
    [
        ("GetCallerIdentity", (403, "ExpiredToken"), "credentials", "failed", "Correct this"),
        ("GetSecretValue", {"SecretString": "scapi_old"}, "SafetyCulture API", "failed", "put-secret-value"),
        ("GetSecretValue", (400, "ResourceNotFoundException"), "SafetyCulture API", "failed", "put-secret-value"),
        ("GetSecretValue", (400, "AccessDeniedException"), "SafetyCulture API", "failed", "Correct this"),
        (
            "GetAccountSettings",
            {"AccountLimit": {"ConcurrentExecutions": 10}},
            "concurrency",
            "warning",
            "request-service-quota-increase",
        ),
        (
            "DescribeAlarms",
            {"MetricAlarms": [{"AlarmName": "assetline-x", "AlarmActions": []}]},
            "alarms",
            "failed",
            "docs/operations.md",
        ),
        (
            "GetQueueAttributes",
            {"Attributes": {"ApproximateNumberOfMessages": "3"}},
            "dead letters",
            "failed",
            "assetline drops redrive",
        ),
        ("GetAccountSettings", (501, "NotImplemented"), "concurrency", "skipped", None),
    ],
)
def test_each_problem_has_a_next_step(
    well: OperatedStack, assetline: Run, operation: str, answer: Any, check: str, verdict: str, action: str | None
) -> None:
    well.answers[operation] = answer
    exit_status, found = findings(assetline)
    assert found[check]["verdict"] == verdict
    assert exit_status == (1 if verdict == "failed" else 0)
    assert found[check]["action"] is None if action is None else action in found[check]["action"]


def test_a_token_never_appears(well: OperatedStack, assetline: Run) -> None:
    well.answers["GetSecretValue"] = {"SecretString": "scapi_secret_of_ours"}
    ended = assetline("doctor")
    assert ended.exit_code == 1
    assert "scapi_secret_of_ours" not in ended.stdout + ended.stderr


def test_no_other_check_runs_without_credentials(well: OperatedStack, assetline: Run) -> None:
    well.answers["GetCallerIdentity"] = (403, "InvalidClientTokenId")
    assert [*findings(assetline)[1]] == ["credentials"]


def test_a_stack_that_does_not_exist_is_one_finding(well: OperatedStack, account: Account, assetline: Run) -> None:
    account.stacks.clear()
    exit_status, found = findings(assetline)
    assert exit_status == 1
    assert [*found] == ["credentials", "clock", "stack"]
    assert "does not exist" in found["stack"]["message"]


def test_a_clock_that_is_wrong_is_a_problem(well: OperatedStack, account: Account, assetline: Run) -> None:
    answer = well._answer

    def an_hour_ahead(model: Any, **more: object) -> Any:
        account.now += timedelta(hours=1)
        try:
            return answer(model, **more)
        finally:
            account.now -= timedelta(hours=1)

    account.session.events.register_first("before-call.sts", an_hour_ahead)
    _, found = findings(assetline)
    assert found["clock"]["verdict"] == "failed"
    assert "1h 00m 00s" in found["clock"]["message"]


def test_alarms_without_an_address_notify_no_one(well: OperatedStack, account: Account, assetline: Run) -> None:
    account.parameters["AlarmEmail"] = ""
    _, found = findings(assetline)
    assert found["alarm notifications"]["verdict"] == "warning"
    assert "AlarmEmail=" in found["alarm notifications"]["action"]


def test_a_subscription_without_confirmation_is_a_problem(well: OperatedStack, assetline: Run) -> None:
    well.answers["DescribeAlarms"] = {"MetricAlarms": [{"AlarmName": "assetline-x", "AlarmActions": [TOPIC]}]}
    pending = {"SubscriptionArn": "PendingConfirmation", "Endpoint": "ops@example.com"}
    well.answers["ListSubscriptionsByTopic"] = {"Subscriptions": [pending]}
    _, found = findings(assetline)
    assert found["alarm notifications"]["verdict"] == "failed"
    assert "ops@example.com" in found["alarm notifications"]["message"]


@pytest.mark.parametrize(("state", "verdict"), [("ENABLED", "ok"), ("DISABLED", "failed")])
def test_the_schedule_is_checked(
    well: OperatedStack, account: Account, assetline: Run, state: str, verdict: str
) -> None:
    account.parameters["ExportSchedule"] = "cron(0 3 * * ? *)"
    well.answers["GetSchedule"] = {"State": state}
    account.session.events.register_first(
        "before-call.cloudformation.DescribeStackResource",
        lambda **_: answered({"StackResourceDetail": {"PhysicalResourceId": "default/nightly"}}),
    )
    _, found = findings(assetline)
    assert found["schedule"]["verdict"] == verdict


def test_an_old_token_without_a_schedule_is_a_warning(well: OperatedStack, account: Account, assetline: Run) -> None:
    well.answers["DescribeSecret"] = {"LastChangedDate": account.now - timedelta(days=31)}
    _, found = findings(assetline)
    assert found["SafetyCulture token age"]["verdict"] == "warning"
    assert "31 days" in found["SafetyCulture token age"]["message"]
