"""The pipe-encoded strings of the assets feed, `fields` and `status_options`.

Source: docs/contracts/safetyculture-feeds.md, section 1.4.

They are a list's items in JSON whose separator `,` is written `|`, without the brackets. How the live API escapes what
stands inside a value is not known, so plain JSON and a bracketed list are taken as well; what has no single reading is
refused, never guessed at.
"""

import re
from typing import Any

import orjson

from assetline.exact_numbers import loaded, loses_digits

type Item = dict[str, Any]

_MOST_BRACKETS = 5_000  # ours: half of what CPython's `json` can nest

# A string, whole, or a pipe that stands outside of all strings.
_STRING_OR_PIPE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|\|')


class NotPipeEncoded(ValueError):  # noqa: N818 - it says what the text is, like the names in `assetline.errors`
    """The text is not a list of objects in the feed's pipe encoding."""


def parse_pipes(text: str) -> list[Item]:
    """Return the items *text* holds, every value as it was; `""` holds none.

    Numbers are JSON's, of any size and precision. Of a key repeated in one object the last
    stays. Control characters inside strings may stand there unescaped.

    Raises:
        NotPipeEncoded: not JSON however it is separated, or not a list of objects.
    """
    try:
        items = _parse_optimistically(text)
    except orjson.JSONDecodeError:
        items = _parse_by_tokens(text)
    else:
        if loses_digits(text.encode("utf-8", "surrogatepass")):
            items = _parse_by_tokens(text)
    if len(items) == 1 and type(items[0]) is list:
        items = items[0]  # the list had brackets of its own
    if not all(type(item) is dict for item in items):
        raise NotPipeEncoded("holds something that is not an object")
    return items


def parse_value(literal: str) -> Any:
    """Return the one value *literal* holds, as `parse_pipes` reads the values of its items.

    Raises:
        NotPipeEncoded: no value, or several.
    """
    items = parse_pipes(f'{{"value":{literal}}}')
    if len(items) != 1 or items[0].keys() != {"value"}:
        raise NotPipeEncoded("not one value")
    return items[0]["value"]


def _parse_optimistically(text: str) -> list[Any]:
    r"""Return the elements *text* holds, or refuse it: quick, and right but for integers beyond 64 bits.

    Pipes are replaced without a look at the quotes, by a comma *and a line break*. Between values a line break is
    blank space; inside a string JSON forbids it, so a pipe that was part of a value makes the parser refuse the text
    instead of altering the value. The second attempt takes only pipes that look like separators: a quote follows, which
    inside a string has a backslash before it.

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
        raise NotPipeEncoded("may be nested too deep to be written again")
    try:
        elements: list[Any] = loaded(f"[{plain}]", strict=False)
    except (ValueError, RecursionError):
        # The parser's own words can quote the text, which must not reach a log.
        raise NotPipeEncoded("not JSON, however it is separated") from None
    return elements
