"""The allowed targets of credentials: https, or plain HTTP at a loopback address, for every reader of an origin."""

import re
from collections.abc import Callable

import pytest

from assetline.config import ORIGIN, DatasetSettings
from assetline.errors import InvalidInput
from assetline_cli.errors import CommandFailed
from assetline_cli.stack import Stack, ViSettings
from local.errors import LocalStackFailed
from local.stack.settings import StackSettings
from tests.contract.template import template

type Reader = Callable[[str], None]

TAKEN = [
    "https://api.vi.datature.com",
    "https://10.0.0.1:8443",
    "http://127.0.0.1:8000",
    "http://127.9.9.9",
    "http://localhost",
    "http://localhost:4566",
    "http://[::1]:80",
]
REFUSED = [
    "http://api.vi.datature.com",
    "HTTP://api.vi.datature.com",
    "http://10.0.0.1",
    "http://169.254.169.254",
    "http://localhost.example.com",
    "http://127.0.0.1.example.com",
    "http://127.0.0.1@example.com",
    "http://127.0.0.1:80@example.com",
    "http://127.1",
    "http://0.0.0.0",
    "http://[::]",
    "https://user@api.example",
    "https://api.example/path",
    "ftp://api.example",
    "//api.example",
    "",
]


def read_by_a_function(origin: str) -> None:
    DatasetSettings.from_env({"EXPORT_BUCKET": "b", "VI_API_URL": origin, "VI_SECRET_ARN": "arn"})


def read_by_the_command(origin: str) -> None:
    Stack("s", "m", "b", "t", vi_settings=ViSettings(origin, "arn", None, None)).vi()


def read_by_the_local_stack(origin: str) -> None:
    StackSettings(vi_url=origin or "-")


READERS = [
    (read_by_a_function, InvalidInput),
    (read_by_the_command, CommandFailed),
    (read_by_the_local_stack, LocalStackFailed),
]


@pytest.mark.parametrize(("read", "error"), READERS)
@pytest.mark.parametrize("origin", REFUSED)
def test_an_origin_that_shows_credentials_on_the_way_is_refused(
    read: Reader, error: type[Exception], origin: str
) -> None:
    with pytest.raises(error, match="https://"):
        read(origin)


@pytest.mark.parametrize("read", [read for read, _ in READERS])
@pytest.mark.parametrize("origin", TAKEN)
def test_https_and_the_loopback_of_the_local_stack_are_taken(read: Reader, origin: str) -> None:
    read(origin)


@pytest.mark.parametrize("parameter", ["SafetyCultureApiUrl", "ViApiUrl"])
def test_the_template_takes_what_the_functions_take(parameter: str) -> None:
    allowed = template()["Parameters"][parameter]
    assert allowed["AllowedPattern"] == ORIGIN
    assert re.fullmatch(ORIGIN, allowed["Default"])
