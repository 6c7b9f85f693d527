"""The operator's account, and the command that a test runs against it."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from assetline_cli.aws_clients import Aws
from assetline_cli.clock import Clock
from assetline_cli.context import CliContext
from assetline_cli.main import app
from assetline_cli.terminal.terminal import Keyboard
from tests.cli.account import LOADER, REGION, Account, Run


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        described = botocore.session.get_session()
        described.register_component("data_loader", LOADER)
        session = boto3.Session(botocore_session=described)
        session.resource("s3").create_bucket(
            Bucket="the-exports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        table = session.resource("dynamodb").create_table(
            TableName="the-table",
            KeySchema=[{"AttributeName": "export_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "export_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Account(session, table)


@pytest.fixture
def assetline(account: Account) -> Run:
    def run(*words: str, sleep: Callable[[float], None] | None = None, **things: Any) -> Result:
        """Run the command; *things* replace parts of its context."""
        clock = Clock(now=lambda: account.now, sleep=sleep or account.sleep)
        usual: dict[str, Any] = {
            "aws": Aws(account.session),
            "clock": clock,
            "keyboard": Keyboard(lambda: False),
        }
        return CliRunner().invoke(app, words, obj=CliContext(**usual | things))

    return run
