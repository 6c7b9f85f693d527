import csv
from pathlib import Path

from benchmarks import plain_program
from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import running


def test_objects_become_columns_and_lists_stay_json() -> None:
    record = {"id": "a", "site": {"id": "s", "at": {"city": "Bern"}}, "tags": ["x", 1]}
    assert plain_program.flattened(record) == {"id": "a", "site.id": "s", "site.at.city": "Bern", "tags": '["x", 1]'}


def test_the_plain_program_exports_every_row(tmp_path: Path) -> None:
    with running(FeedScenario(rows=60)) as feed_api:
        rows, seconds = plain_program.export(feed_api.url, tmp_path / "assets.csv")
    with (tmp_path / "assets.csv").open(newline="") as file:
        written = [*csv.DictReader(file)]
    assert (rows, len(written), len({row["id"] for row in written})) == (60, 60, 60)
    assert seconds > 0
