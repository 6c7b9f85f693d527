"""The mechanical rules of English: docstrings, plain words, sentences, and the names of tests and classes."""

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.contract.template import ROOT

SOURCES = [
    path for folder in ("layers", "functions", "cli", "local", "benchmarks") for path in (ROOT / folder).rglob("*.py")
]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_WORDS = 30  # a sentence with more is read twice
LONGEST_TEST_NAME = 70  # ours: with its file, a failure fits one line

# A noun clause in place of a subject hides who does what.
OPENINGS = {"What", "Who", "Whoever", "Whose", "Where", "That", "Those", "How"}
# Each has a plain equivalent: again, completely, verified, download, safely stored, permanently, nobody.
PLAIN = re.compile(
    r"\b(anew|in safety|for good|is none of|whoever|see (?:it|them) through|is told of|bring back)\b", re.IGNORECASE
)


def docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield text


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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_open_with_their_subject(path: Path) -> None:
    assert not [text for text in docstrings(path) if text.split()[0] in OPENINGS]


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
    assert ["What"][0] in OPENINGS
    assert PLAIN.search("Start the export anew.")
    assert too_long([" ".join(["word"] * (MOST_WORDS + 1))])
    assert long_names(f"class TestIt:\n    def test_{'x' * 66}(): ...\ndef test_{'x' * 65}(): ...") == [
        "test_" + "x" * 66
    ]
    assert shared_class_names([("a.py", "class A: ..."), ("b.py", "class A: ...\nclass B: ...")]) == {
        "A": ["a.py", "b.py"]
    }


# The layer: the subject of every sentence of docstrings and comments is the program, the user or a thing of the stack.
LAYER = sorted((ROOT / "layers").rglob("*.py"))
PERSONS = re.compile(
    r"\b(anew|in safety|whoever|nobody|somebody|anybody|hears?|knows?|wants?|told|of wh(?:ich|om))\b", re.IGNORECASE
)


def sentences_of(path: Path) -> list[str]:
    """Return the sentences of the docstrings and comments of a module."""
    lines = tokenize.generate_tokens(iter(path.read_text().splitlines(keepends=True)).__next__)
    comments = [token.string.lstrip("# ") for token in lines if token.type == tokenize.COMMENT]
    texts = [block for text in docstrings(path) for block in re.split(r"\n\s*\n|\n\s*- ", text)]
    return [sentence for text in (*texts, *comments) for sentence in re.split(r"(?<=[.!?])\s+", text.strip())]


def breaks_a_rule_of_the_layer(sentence: str) -> bool:
    """Return whether a sentence opens with a noun clause, or gives the program the verbs of a person."""
    return sentence.partition(" ")[0] in OPENINGS or bool(PERSONS.search(sentence))


@pytest.mark.parametrize("path", LAYER, ids=lambda path: str(path.relative_to(ROOT)))
def test_sentences_of_the_layer_are_plain(path: Path) -> None:
    assert not [sentence for sentence in sentences_of(path) if breaks_a_rule_of_the_layer(sentence)]


@pytest.mark.parametrize(
    "sentence",
    ["What cannot be read is left.", "A drop of which Vi has no bytes.", "Whoever asks stops.", "Vi is told."],
)
def test_a_sentence_that_breaks_a_rule_of_the_layer_is_found(sentence: str) -> None:
    assert breaks_a_rule_of_the_layer(sentence)
