"""Parses the pipe-encoded strings of the assets feed, `fields` and `status_options`.

Source: docs/contracts/safetyculture-feeds.md, section 1.4.

Such a string holds the items of a JSON list, without brackets, with `|` in place of the separator `,`. The
escaping of values in the live API is not known. So plain JSON and a bracketed list are accepted too. An ambiguous text
is refused.
"""

import re
from typing import Any

import orjson

from assetline.exact_numbers import loaded, loses_digits

type Item = dict[str, Any]

_MOST_BRACKETS = 5_000  # ours: half of the levels that CPython's `json` can nest

# A complete string, or a pipe outside all strings.
_STRING_OR_PIPE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|\|')


class NotPipeEncoded(ValueError):  # noqa: N818 - a name for the text, like the names in `assetline.errors`
    """The text is not a list of objects in the feed's pipe encoding."""


def parse_pipes(text: str) -> list[Item]:
    """Return the items of *text*, with unchanged values; `""` has none.

    Numbers are JSON's, of any size and precision. If an object repeats a key, the last value counts. Strings may
    contain unescaped control characters.

    Raises:
        NotPipeEncoded: not JSON with either separator, or not a list of objects.
    """
    try:
        items = _parse_optimistically(text)
    except orjson.JSONDecodeError:
        items = _parse_by_tokens(text)
    else:
        if loses_digits(text.encode("utf-8", "surrogatepass")):
            items = _parse_by_tokens(text)
    if len(items) == 1 and type(items[0]) is list:
        items = items[0]  # the list has its own brackets
    if not all(type(item) is dict for item in items):
        raise NotPipeEncoded("holds something that is not an object")
    return items


def parse_value(literal: str) -> Any:
    """Return the value of *literal*, parsed as `parse_pipes` parses values.

    Raises:
        NotPipeEncoded: no value, or several.
    """
    items = parse_pipes(f'{{"value":{literal}}}')
    if len(items) != 1 or items[0].keys() != {"value"}:
        raise NotPipeEncoded("not one value")
    return items[0]["value"]


def _parse_optimistically(text: str) -> list[Any]:
    r"""Return the elements of *text*, or refuse it: fast, and correct except for integers beyond 64 bits.

    The function replaces all pipes, also those in strings, by a comma *and a line break*. Between values, a line break
    is blank space. Inside a string, JSON forbids it. So a pipe inside a value makes the parser refuse the text instead
    of altering the value. The second attempt replaces only pipes that look like separators: a quote follows, which
    inside a string would have a backslash in front.

    Raises:
        orjson.JSONDecodeError: not JSON, or a value ends like the encoding around it.
    """
    elements: list[Any]
    try:
        elements = orjson.loads("[" + text.replace("|", ",\n") + "]")
    except orjson.JSONDecodeError:
        elements = orjson.loads("[" + text.replace('|"', ',\n"').replace('}|{"', '},\n{"') + "]")
    return elements


def _parse_by_tokens(text: str) -> list[Any]:
    plain = _STRING_OR_PIPE.sub(lambda token: "," if token[0] == "|" else token[0], text)
    if plain.count("[") + plain.count("{") > _MOST_BRACKETS:
        raise NotPipeEncoded("may be nested too deeply to be written again")
    try:
        elements: list[Any] = loaded(f"[{plain}]", strict=False)
    except (ValueError, RecursionError):
        # The parser's message may quote the text, which must not be logged.
        raise NotPipeEncoded("not JSON with either separator") from None
    return elements
