"""The rules of English for sentences, messages and identifiers, as functions on source code."""

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from io import StringIO

MOST_WORDS_OF_CODE = 25  # ours: a sentence with more is read twice

# A noun clause in place of a subject hides who does what.
OPENINGS = frozenset({"What", "Whatever", "Who", "Whoever", "Whose", "Where", "That", "Those", "How"})
# Programs send, return and refuse. Each of the other words has a plain equivalent: again, checkpointed, permanently,
# download, complete, verified, resume, deleted, selected.
UNPLAIN = re.compile(
    r"\b(hears?|heard|knows?|knew|wants?|wanted|tells?|told|says?|said|believes?|nobody|somebody|anybody|whoever"
    r"|anew|in safety|for good|brings?|brought|whole(?! numbers?\b)|proven|go(?:es)? on|went on|gone|meant"
    r"|is none of|of wh(?:ich|om))\b",
    re.IGNORECASE,
)
# Identifiers name things of the field; these name a pronoun, an adverb or the act of a person.
UNPLAIN_NAMES = frozenset(
    {"one", "ours", "theirs", "again", "before", "there", "alone", "say", "tell", "bring", "gone", "whole", "wanted"}
    | {"said", "told", "asked", "meant", "heard", "brought", "proven", "anew", "whoever", "nobody", "somebody"}
)
UNPLAIN_WORDS_OF_NAMES = frozenset(
    {
        "ours",
        "say",
        "says",
        "said",
        "tell",
        "tells",
        "told",
        "telling",
        "hear",
        "hears",
        "heard",
        "know",
        "knows",
        "knew",
    }
    | {
        "want",
        "wants",
        "bring",
        "brings",
        "bringing",
        "brought",
        "meant",
        "gone",
        "whole",
        "proven",
        "unproven",
        "anew",
    }
    | {"believe", "believes", "whoever", "nobody", "somebody", "anybody"}
)
# Names in JSON, which others read: the keys of outputs and staged documents, and the names of errors.
WIRE_NAMES = frozenset({"asked_at", "gone", "there", "whole_export_id", "StagedGone"})


@cache
def parsed(source: str) -> ast.Module:
    """Return the tree of a module."""
    return ast.parse(source)


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """Return all nodes of the tree of a module."""
    return tuple(ast.walk(parsed(source)))


def docstrings(source: str) -> Iterator[str]:
    """Yield the docstrings of a module."""
    for node in nodes(source):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield text


def comments(source: str) -> Iterator[str]:
    """Yield the comments of a module; the lines of a block are one comment."""
    block, last = "", (0, 0)
    for token in tokenize.generate_tokens(StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        text = token.string.lstrip("# ")
        if token.start == (last[0] + 1, last[1]):
            block = f"{block} {text}"
        else:
            yield block
            block = text
        last = token.start if not token.line[: token.start[1]].strip() else (0, 0)
    yield block


def sentences(source: str) -> list[str]:
    """Return the sentences of the docstrings and comments of a module, without examples and trees."""
    blocks = [block for text in docstrings(source) for block in re.split(r"\n\s*\n|\n\s*(?=- )|(?<=:)\n", text)]
    prose = [" ".join(text.split()) for text in (*blocks, *comments(source)) if not re.search(r"\[cyan\]|──", text)]
    return [sentence for text in prose for sentence in re.split(r"(?<=[.!?:;])\s+", text.removeprefix("- "))]


def is_unplain(sentence: str) -> bool:
    """Return whether a sentence opens with a noun clause, or has an unplain word outside of code."""
    plain = re.sub(r"`[^`]*`|\"[^\"]*\"", "", sentence)
    return sentence.partition(" ")[0] in OPENINGS or bool(UNPLAIN.search(plain))


def is_long(sentence: str) -> bool:
    """Return whether a sentence has more than `MOST_WORDS_OF_CODE` words."""
    return len(re.findall(r"[\w`'/.-]+", sentence)) > MOST_WORDS_OF_CODE


def messages(source: str) -> list[str]:
    """Return the string literals of a module that are sentences or parts of one: those with a space."""
    tree = parsed(source)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in documents)
    return [node.value for node in strings if isinstance(node.value, str) and " " in node.value.strip()]


def names(source: str) -> set[str]:
    """Return the identifiers that a module defines: modules, classes, functions, parameters, variables, attributes."""
    found = set()
    for node in nodes(source):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                found.add(name)
            case ast.alias(asname=str(name)):
                found.add(name)
    return found


def is_unplain_name(name: str) -> bool:
    """Return whether an identifier is a pronoun, an adverb, or has a verb of persons in it."""
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    bare = name.strip("_").lower()
    return name not in WIRE_NAMES and (bare in UNPLAIN_NAMES or not words.isdisjoint(UNPLAIN_WORDS_OF_NAMES))


def is_unplain_test_name(name: str) -> bool:
    """Return whether the name of a test opens with a noun clause, or has a verb of persons in it."""
    return name.startswith(tuple(f"test_{opening.lower()}_" for opening in OPENINGS)) or is_unplain_name(name)
