"""The mechanical rules of English: sentences, messages, identifiers, and the names of tests and classes."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.contract import english
from tests.contract.template import ROOT

SOURCES = [
    path
    for folder in ("layers", "functions", "cli", "local", "benchmarks", "release")
    for path in (ROOT / folder).rglob("*.py")
]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_WORDS = 30  # a sentence with more is read twice
LONGEST_TEST_NAME = 70  # ours: with its file, a failure fits one line

# Each has a plain equivalent: again, completely, verified, download, safely stored, permanently.
PLAIN = re.compile(
    r"\b(anew|in safety|for good|is none of|whoever|see (?:it|them) through|is told of|bring back)\b", re.IGNORECASE
)


def prose(page: Path) -> list[str]:
    """Return the sentences of a page, without code, tables and headings."""
    text = re.sub(r"```.*?```|<!--.*?-->", "", page.read_text(), flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith(("|", "#"))]
    blocks = re.split(r"\n\s*\n|\n(?=\s*[-*] |\d+\. )", "\n".join(lines))
    return [sentence for block in blocks for sentence in re.split(r"(?<=[.!?:;])\s+", block)]


def too_long(sentences: list[str]) -> list[str]:
    return [sentence for sentence in sentences if len(re.findall(r"[\w`'/-]+", sentence)) > MOST_WORDS]


def long_names(source: str) -> list[str]:
    """Return the names of test functions that are too long."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if node.name.startswith("test_") and len(node.name) > LONGEST_TEST_NAME]


def shared_class_names(sources: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names of classes that occur twice, with their files; classes of tests may share a name."""
    found = defaultdict(list)
    for file, source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("Test"):
                found[node.name].append(file)
    return {name: files for name, files in found.items() if len(files) > 1}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_use_plain_words(page: Path) -> None:
    assert not [sentence for sentence in prose(page) if PLAIN.search(sentence)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_of_pages_are_short(page: Path) -> None:
    assert not too_long(prose(page))


def test_names_of_tests_are_short() -> None:
    assert [name for path in TESTS for name in long_names(path.read_text())] == []


def test_no_class_name_occurs_twice() -> None:
    files = [*SOURCES, *TESTS]
    assert shared_class_names((str(path.relative_to(ROOT)), path.read_text()) for path in files) == {}


def test_the_rules_see_what_breaks_them() -> None:
    assert PLAIN.search("Start the export anew.")
    assert too_long([" ".join(["word"] * (MOST_WORDS + 1))])
    assert long_names(f"class TestIt:\n    def test_{'x' * 66}(): ...\ndef test_{'x' * 65}(): ...") == [
        "test_" + "x" * 66
    ]
    assert shared_class_names([("a.py", "class A: ..."), ("b.py", "class A: ...\nclass B: ...")]) == {
        "A": ["a.py", "b.py"]
    }


# The subject of every sentence of docstrings and comments is the program, the user or a thing of the stack.
@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_sentences_of_code_are_plain_and_short(path: Path) -> None:
    found = english.sentences(path.read_text())
    assert not [sentence for sentence in found if english.is_unplain(sentence) or english.is_long(sentence)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages_are_plain(path: Path) -> None:
    assert not [text for text in english.messages(path.read_text()) if english.is_unplain(text)]


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_identifiers_are_words_of_the_field(path: Path) -> None:
    assert not [name for name in english.names(path.read_text()) if english.is_unplain_name(name)]


def test_names_of_tests_are_plain() -> None:
    found = [name for path in TESTS for name in english.names(path.read_text()) if name.startswith("test_")]
    assert [name for name in found if english.is_unplain_test_name(name)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        *("What cannot be read is left.", "A drop of which Vi has no bytes.", "Whoever asks stops.", "Vi is told."),
        *("The file is whole.", "The export goes on."),
    ],
)
def test_an_unplain_sentence_is_found(sentence: str) -> None:
    source = f'"""Do it.\n\n{sentence}\n"""\n\n# {sentence}\nfail("{sentence}")\n'
    assert [text for text in english.sentences(source) if english.is_unplain(text)] == [sentence, sentence]
    assert [text for text in english.messages(source) if english.is_unplain(text)] == [sentence]


def test_a_sentence_of_two_lines_is_found() -> None:
    words = " ".join(["word"] * english.MOST_WORDS_OF_CODE)
    source = f"# {words}\n# more. And one more.\nx = 1  # {words}\n"
    assert [sentence for sentence in english.sentences(source) if english.is_long(sentence)] == [f"{words} more."]


@pytest.mark.parametrize(
    "source",
    [
        *("one = 1", "def f(told): ...", "def _say(): ...", "class Brought: ...", "self.is_whole = True"),
        *("[before for before in ()]", "import x as again", "def vi_says(): ...", "lambda one: 1"),
    ],
)
def test_an_unplain_identifier_is_found(source: str) -> None:
    assert [name for name in english.names(source) if english.is_unplain_name(name)]


@pytest.mark.parametrize("name", ["test_what_is_over_is_kept", "test_where_it_is", "test_an_error_is_told"])
def test_an_unplain_name_of_a_test_is_found(name: str) -> None:
    assert english.is_unplain_test_name(name)


@pytest.mark.parametrize("source", ["uploaded_before = 1", "def retry_again(): ...", "asked_at = 1", "one_key = 2"])
def test_an_identifier_of_the_field_is_accepted(source: str) -> None:
    assert not [name for name in english.names(source) if english.is_unplain_name(name)]
