"""docs/truth.md names tests, documents and refusals that exist, and every refusal that there is."""

import re
from pathlib import Path

from tests.contract.template import ROOT

TRUTH = (ROOT / "docs/truth.md").read_text()
REFUSALS = ROOT / "local/stack/refusals"


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", TRUTH))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_refusal_is_on_the_page_with_its_test() -> None:
    teaching = {path.stem for path in REFUSALS.glob("*.py") if "\ndef teach()" in path.read_text()}
    listed = dict(re.findall(r"^\| `(\w+)` \|.*\| `(tests/workflows/\w+\.py)` \|$", TRUTH, re.MULTILINE))
    assert listed.keys() == teaching
    assert [test for test in listed.values() if not Path(ROOT / test).is_file()] == []


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/truth.md)" in (ROOT / "README.md").read_text()
