"""Durations, rates, sizes and ages as an operator reads them."""

import pytest

from assetline_cli.terminal.formatting import age, duration, page_time, pages_rate, rows_rate, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (4725, "1h 18m 45s"),
        (4725 - 3600, "18m 45s"),
        (90000, "25h 00m 00s"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_rates_show_what_matters_of_them() -> None:
    assert [pages_rate(rate) for rate in (515.6, 9.84, 0.43, 0.04)] == ["516", "9.8", "0.4", "0.04"]
    assert [page_time(seconds) for seconds in (0.487, 0.0031)] == ["0.49s", "0.003s"]
    assert [rows_rate(rate) for rate in (12345.6, 980.4, 4.25)] == ["12,346", "980", "4.2"]


def test_sizes_and_ages_are_in_their_largest_unit() -> None:
    assert [size(bytes_) for bytes_ in (0, 999, 1000, 2491837, 999_960_000, 240 * 1000**3, 5 * 10**15)] == [
        "0 B", "999 B", "1.0 kB", "2.5 MB", "1.0 GB", "240.0 GB", "5,000.0 TB",
    ]  # fmt: skip
    assert [age(seconds) for seconds in (-3, 59.9, 60, 7199, 7200, 86400 * 5.5)] == [
        "0s",
        "59s",
        "1m",
        "1h",
        "2h",
        "5d",
    ]
