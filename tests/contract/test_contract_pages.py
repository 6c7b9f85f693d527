"""References to the contract pages name existing sections, and the paths of CONTRIBUTING.md exist."""

import re
from collections.abc import Iterator

import pytest

from tests.contract.template import ROOT

PAGES = {path.name: path.read_text() for path in sorted((ROOT / "docs/contracts").glob("*.md"))}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
FOLDERS = ("benchmarks", "cli", "docs", "functions", "layers", "local", "tests")
READ = [
    *ROOT.glob("*.md"),
    ROOT / "template.yaml",
    *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in {".md", ".py"}),
]

# `docs/contracts/vi-api.md, section 2, rows 1 to 8, and 3.7`, also over two lines of a comment, or after a link.
_REFERENCE = re.compile(r"contracts/([\w-]+\.md)\)?((?:,? (?:sections?|rows?)(?:,? (?:and|to|\d+(?:\.\d+)?)\b)+)*)")
_LINE_END = re.compile(r"\s*\n\s*(?:# )?\s*")
_PATH = re.compile(r"(?<![\w/.-])((?:[\w-]+/)+[\w.-]*|[\w-]+\.(?:md|yaml))(?![\w/])")


def references(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield page, `section` or `row`, and number of every reference; one without a number yields the page alone."""
    for page, places in _REFERENCE.findall(_LINE_END.sub(" ", text)):
        yield page, "page", ""
        kind = "section"
        for word in re.findall(r"section|row|[\d.]+", places):
            if word in {"section", "row"}:
                kind = word
            else:
                yield page, "section" if "." in word else kind, word


def exists(page: str, kind: str, number: str) -> bool:
    pattern = {"page": "^# ", "section": rf"^##+ {re.escape(number)}\.? ", "row": rf"^\| {number} \|"}[kind]
    return re.search(pattern, PAGES.get(page, ""), re.MULTILINE) is not None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(docs/contracts/vi-api.md, section 2.1). 7", ["section 2.1"]),
        ("docs/contracts/vi-api.md, sections 1, 3.2 and 7.", ["section 1", "section 3.2", "section 7"]),
        (
            "docs/contracts/vi-api.md, section 2,\n    # rows 1 to 8, and 3.7)",
            ["section 2", "row 1", "row 8", "section 3.7"],
        ),
        ("[contract](../contracts/vi-api.md), section 3.2)", ["section 3.2"]),
        ("contracts/vi-api.md) 7", []),
    ],
)
def test_reference_in_any_form_is_parsed(text: str, found: list[str]) -> None:
    assert [f"{kind} {number}" for _, kind, number in references(text)] == ["page ", *found]


@pytest.mark.parametrize(
    "place",
    [
        ("vi-api.md", "section", "99"),
        ("vi-api.md", "section", "2.9"),
        ("vi-api.md", "row", "99"),
        ("no.md", "page", ""),
    ],
)
def test_missing_place_is_not_found(place: tuple[str, str, str]) -> None:
    assert not exists(*place)


def test_references_to_contract_pages_name_existing_sections() -> None:
    referred = [
        (path.relative_to(ROOT), found)
        for path in READ
        if path.name != "test_contract_pages.py"
        for found in references(path.read_text())
    ]
    assert len({path for path, _ in referred}) > 40
    assert [f"{path}: {' '.join(found)}" for path, found in referred if not exists(*found)] == []


def test_sections_of_contract_pages_have_unique_numbers() -> None:
    for text in PAGES.values():
        numbers = re.findall(r"^##+ ([\d.]+?)\.? ", text, re.MULTILINE)
        assert numbers == sorted(set(numbers), key=lambda number: [*map(int, number.split("."))])


def test_paths_of_contributing_exist() -> None:
    named = {path for path in _PATH.findall(CONTRIBUTING) if not path.startswith((".venv/", ".local/"))}
    assert {"template.yaml", "docs/operations.md", "tests/workflows/", "functions/"} <= named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_contributing_fits_in_150_lines() -> None:
    assert CONTRIBUTING.count("\n") <= 150


def test_readme_links_contract_pages_and_contributing() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in PAGES if f"](docs/contracts/{name})" not in readme] == []
    assert "](CONTRIBUTING.md)" in readme
