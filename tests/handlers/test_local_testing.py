"""The example of docs/local-testing.md: a payload of events/ and a handler, on AWS in memory."""

from functions.open_export import app as open_export
from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import FeedEmulator
from tests.handlers.conftest import ExportAccount, event, lambda_context


def test_an_opened_export_starts_at_the_first_page(aws: ExportAccount, feed_api: FeedEmulator) -> None:
    feed_api.has(FeedScenario(rows=250))
    opened = open_export.lambda_handler(event("open_export/assets"), lambda_context())
    assert opened["checkpoint"]["cursor"].startswith("/feed/assets?limit=")
    assert aws.item(opened["export"]["export_id"])["state"] == "running"
