"""Renders values of a pipe-encoded string directly as the text of a cell, without parsing them into objects."""

import re

from assetline.table.cells import cell_text, money_text, time_text
from assetline.table.pipe_encoding import parse_value

# Money and time in the feed's encoding, in digits that fit 64 bits. Any other encoding is parsed. Source:
# docs/contracts/safetyculture-feeds.md, section 1.5.
_MONEY_BEGINS = '{"currencyCode"'
_MONEY = re.compile(
    r'\{"currencyCode":"([A-Z]{3})"\|"units":(0|-?+[1-9][0-9]{0,17}+)\|"nanos":(0|-?+[1-9][0-9]{0,8}+)\}'
)
_TIME = re.compile(r'\{"seconds":(0|-?+[1-9][0-9]{0,17}+)\|"nanos":(0|[1-9][0-9]{0,8}+)\}')


def literal_text(literal: str) -> str:
    """Return the text of the cell for the value *literal*, equal to `cell_text` of the parsed value.

    Raises:
        NotPipeEncoded: not a value.
    """
    if literal == "null":
        return ""
    text = None
    if literal.startswith(_MONEY_BEGINS):
        if money := _MONEY.fullmatch(literal):
            currency, units, nanos = money.groups()
            text = f"{units} {currency}" if nanos == "0" else money_text(currency, int(units), int(nanos))
    elif time := _TIME.fullmatch(literal):
        seconds, nanos = time.groups()
        text = time_text(int(seconds), int(nanos))
    return cell_text(parse_value(literal)) if text is None else text
