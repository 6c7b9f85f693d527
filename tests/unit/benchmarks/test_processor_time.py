import os
from pathlib import Path

import pytest

from benchmarks.processor_time import seconds_of, spent
from local.stack.processes import Process

FIRST, SECOND, OTHER = (
    ("open_session", Process(1, 1, 1)),
    ("upload_assets", Process(2, 1, 1)),
    ("record_drop", Process(3, 1, 1)),
)


def test_the_seconds_of_a_process_are_those_that_the_kernel_reports() -> None:
    stat = f"7 (a name) with spaces) S {'0 ' * 10}250 50 0 0"
    assert seconds_of(stat) == 300 / os.sysconf("SC_CLK_TCK")
    assert seconds_of(Path("/proc/self/stat").read_text()) <= sum(os.times()[:2]) + 0.1


def test_time_is_spent_by_the_named_functions_between_two_looks() -> None:
    earlier, later = {FIRST: 1.0, OTHER: 5.0}, {FIRST: 1.5, SECOND: 2.0, OTHER: 9.0}
    assert spent(earlier, later, {"open_session", "upload_assets"}) == 2.5


def test_an_environment_that_ended_between_two_looks_is_an_error() -> None:
    assert spent({OTHER: 5.0}, {}, {"open_session"}) == 0
    with pytest.raises(RuntimeError, match="record_drop"):
        spent({OTHER: 5.0}, {}, {"record_drop"})
