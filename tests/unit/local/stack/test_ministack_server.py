from collections.abc import Callable

import pytest

from local.stack.ministack_server import scaled, without_pause


def run_execution(sleep: Callable[[float], None]) -> str:
    sleep(0.15)
    sleep(2.5)
    return "0.15"


def wait(sleep: Callable[[float], None]) -> str:
    sleep(0.25)
    return "waited"


@pytest.mark.parametrize(
    ("function", "sleeps", "result"), [(run_execution, [0, 2.5], "0.15"), (wait, [0.25], "waited")]
)
def test_only_the_pause_before_the_first_state_is_left_out(
    function: Callable[..., str], sleeps: list[float], result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "__code__", without_pause(function.__code__))
    slept: list[float] = []
    assert (function(slept.append), slept) == (result, sleeps)


@pytest.mark.parametrize(("scale", "seconds"), [(1, 60), (0.1, 6), (0, 0)])
def test_a_returned_message_is_hidden_for_a_scaled_time(scale: float, seconds: int) -> None:
    changed = scaled(lambda data, url: (url, data), scale)({"ReceiptHandle": "r", "VisibilityTimeout": "60"}, "url")
    assert changed == ("url", {"ReceiptHandle": "r", "VisibilityTimeout": seconds})
