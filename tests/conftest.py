"""The setup of every test: an empty AWS account and a plain terminal, on every machine."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from tests.support.shared_setup import share_setup

# A machine that is busy is no reason for a test to fail: what is to be quick is measured by the benchmarks.
settings.register_profile("assetline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assetline")
share_setup()

# Files whose tests take far longer than others, in tests of usual length.
LONG_FILES = {
    "test_documents.py": 2500,
    "test_many_drops.py": 1200,
    "test_secrets_stay_secret.py": 1100,
    "test_ingest_drops.py": 1000,
    "test_slow_upload.py": 600,
    "test_download.py": 450,
    "test_lint.py": 400,
}
WORKFLOW = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: else a worker has one left when the others have ended."""
    tests = Counter(item.path for item in items)

    def length(item: pytest.Item) -> int:
        a_test = WORKFLOW if item.path.parent.name == "workflows" else 1
        return LONG_FILES.get(item.path.name, tests[item.path] * a_test)

    items.sort(key=lambda item: (-length(item), item.path))  # the order within a file stays


@pytest.fixture(autouse=True)
def aws_without_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "ASSETLINE_STACK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "STACK_NAME": "assetline-test",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
