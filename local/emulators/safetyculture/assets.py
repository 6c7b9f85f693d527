"""Assets of an imaginary organisation, as rows of the assets feed.

Every row is a function of its index and the seed alone. So any page of a million assets can be made without the
previous ones, and is the same on every machine. Rows and the definitions of their fields have the shapes of
docs/contracts/safetyculture-feeds.md, sections 1.3 and 5. The values are chosen to be hard to turn into a table: text
that resembles the surrounding encoding, a formula or a number.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Self

DISPLAY_NAME_FIELD_ID = "ef1223ac-dfb5-11ec-9d64-0242ac120003"  # predefined: the same in every organisation

ODD_TEXTS = (
    "one, two, three",
    "a|b, c",
    '}|{"name":"Serial number"|"value":"forged"|"field_id":"none"}',
    'the "red" one',
    '"quoted from end to end"',
    r"C:\plant\new\table",
    "ends with a backslash \\",
    "first line\nsecond line",
    "first line\r\nsecond line\r\n",
    "carriage\rreturn",
    "tab\tbetween",
    "  spaces around  ",
    "\u00a0no-break space\u00a0",
    '=HYPERLINK("https://example.invalid/?q="&A1,"click")',
    "-5",
    "+61 2 5550 0000",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "007",
    "1E5",
    "null",
    "2024-02-30",
    "発電機の点検、毎週",
    "مولد كهربائي احتياطي",
    "Щит № 3 «зимний»",
    "जनरेटर सेट",
    "מחולל גיבוי",
    "เครื่องกำเนิดไฟฟ้า",
    "Ersatzschlüssel fu\u0308r Tür 4",  # the first u with its dots is two code points
    "👷🏽‍♀️ checked 🇦🇺 ✅",
    "line\u2028separator",
    "\ufeffbyte order mark",
    "long " * 400,
)
_PLAIN_TEXTS = ("Checked by {0}", "Moved from bay {0}", "See work order {0}", "Serviced at {0} hours", "")

# `{0}` keeps every code its own: the organisation's codes are unique, however odd.
_ODD_CODES = (
    '=HYPERLINK("https://example.invalid/{0}","{0}")',
    "-{0}",
    "@A{0}",
    "00{0}",
    " PUMP-{0} ",
    "PUMP|{0}",
    "PUMP,{0}",
    'PUMP "{0}"',
    "PUMP\\{0}",
    "ポンプ-{0}",
    "PUMP\n{0}",
)
_TYPE_NAMES = (
    "Forklift",
    "Générateur",
    "Fire extinguisher, CO₂",
    "フォークリフト",
    "HVAC unit | roof",
    'Pump 3"',
    "Щит",
)
_DISPLAY_NAMES = ("Forklift", "Générateur de secours", "Extinguisher", "予備ポンプ", "Chiller", "Pump 🔧")
_MAKERS = ("KR", "TOY", "CAT", "JLG", "HY")
_CURRENCIES = ("AUD", "EUR", "JPY", "BHD", "USD")  # two, none and three decimals
_STATUSES = (
    ("In Service", "STATUS_BADGE_COLOR_GREEN"),
    ("Under repair, awaiting parts", "STATUS_BADGE_COLOR_YELLOW"),
    ("Außer Betrieb", "STATUS_BADGE_COLOR_RED"),
)
_SITES = 40

# Realistic names. Two fields are named Location: the field's ID is the key, its name is not.
_CUSTOM_FIELDS = (
    ("Serial number", "STRING"),
    ("Notes", "STRING"),
    ("Purchase price, ex tax", "MONEY"),
    ("Adjustment", "MONEY"),
    ("Commissioned", "TIMESTAMP"),
    ("Next inspection", "TIMESTAMP"),
    ("Condition | rating", "SELECT"),
    ("Location", "STRING"),
    ("Location", "STRING"),
)
_SELECT_OPTIONS = ("Good", "Fair, usable", 'Poor "replace"', "不良", "Unknown|new")

_FIRST_SECOND = 1_514_764_800  # 2018-01-01, the first day with records
_EIGHT_YEARS = 8 * 365 * 86_400
_EPOCH = date(1970, 1, 1)
_ABSENT_BELOW = 86  # of 256: six of nine custom fields are present
_NULL_BELOW = 100
_INT64_PAST_DOUBLE = 9_007_199_254_740_993  # a reader that uses doubles rounds it

_quoted = json.encoder.encode_basestring  # a JSON string that escapes only quotes, backslashes and controls


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the organisation; a pipe-encoded value stands between its *opening* and its *closing*."""

    id: str
    name: str
    kind: str
    opening: str
    closing: str

    @classmethod
    def of(cls, field_id: str, name: str, kind: str) -> Self:
        return cls(field_id, name, kind, f'{{"name":{_quoted(name)}|"value":', f'|"field_id":{_quoted(field_id)}}}')


@dataclass(frozen=True, slots=True)
class _Organisation:
    """The properties that all assets of one seed share."""

    display_name: _Field
    custom_fields: tuple[_Field, ...]
    types: tuple[tuple[str, str], ...]
    sites: tuple[str, ...]
    statuses: tuple[dict[str, str], ...]


def assets(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the first *count* assets, in the order of the feed."""
    return (asset(index, seed) for index in range(count))


def asset(index: int, seed: int = 0) -> dict[str, Any]:
    """Return row *index* of the feed, its keys in the live order."""
    organisation = _organisation(seed)
    dice = _dice(index, seed)
    type_id, type_name = organisation.types[dice[16] % len(organisation.types)]
    created = _FIRST_SECOND + int.from_bytes(dice[17:21]) % _EIGHT_YEARS
    modified = created + int.from_bytes(dice[21:24])
    return {
        "id": _uuid(dice[:16]),
        "code": _code(index, dice[24]),
        "type_id": type_id,
        "type_name": type_name,
        "fields": "|".join(
            [
                f"{field.opening}{_pipe_value(value)}{field.closing}"
                for field, value in _values(index, organisation, dice)
            ]
        ),
        "created_at": _rfc3339(created, dice[25]),
        "modified_at": _rfc3339(modified, dice[26]),
        "site_id": None if dice[27] < 40 else organisation.sites[dice[27] % _SITES],
        "state": "ASSET_STATE_ARCHIVED" if dice[28] < 32 else "ASSET_STATE_ACTIVE",
        "status_options": _status_options(seed, dice[29]),
    }


def fields(index: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return the items of `fields` of row *index* before pipe encoding: the result of a reader without loss."""
    values = _values(index, _organisation(seed), _dice(index, seed))
    return [{"name": field.name, "value": value, "field_id": field.id} for field, value in values]


def statuses(index: int, seed: int = 0) -> list[dict[str, str]]:
    """Return the items of `status_options` of row *index* before pipe encoding."""
    return _statuses(_organisation(seed), _dice(index, seed)[29])


def field_definitions(seed: int = 0) -> list[dict[str, Any]]:
    """Return every field of the organisation, as `result` of `POST /assets/v1/fields/list` (contract, section 5)."""
    organisation = _organisation(seed)
    options = [{"id": _named_uuid(seed, f"option {label}"), "label": label} for label in _SELECT_OPTIONS]
    return [
        {
            "id": field.id,
            "name": field.name,
            "field_type": "FIELD_TYPE_PREDEFINED" if field is organisation.display_name else "FIELD_TYPE_CUSTOM",
            "value_type": f"FIELD_VALUE_TYPE_{field.kind}",
            "select_options": options if field.kind == "SELECT" else [],
        }
        for field in (organisation.display_name, *organisation.custom_fields)
    ]


def pipe_encoded(items: list[dict[str, Any]]) -> str:
    """Return *items* as the feed writes them in `fields` and `status_options`; an empty list gives "".

    The format is JSON with pipes as item separators, without the brackets of the list. Strings are written
    unchanged: whether the live API escapes them is not documented.
    """
    return "|".join([_pipe_value(item) for item in items])


@lru_cache(maxsize=16)
def _organisation(seed: int) -> _Organisation:
    group_id = _named_uuid(seed, "status group")
    return _Organisation(
        display_name=_Field.of(DISPLAY_NAME_FIELD_ID, "Display name", "STRING"),
        custom_fields=tuple(
            _Field.of(_named_uuid(seed, f"field {place}"), name, kind)
            for place, (name, kind) in enumerate(_CUSTOM_FIELDS)
        ),
        types=tuple((_named_uuid(seed, f"type {name}"), name) for name in _TYPE_NAMES),
        sites=tuple(f"location_{_named_uuid(seed, f'site {place}').replace('-', '')}" for place in range(_SITES)),
        statuses=tuple(
            {
                "id": _named_uuid(seed, f"status {name}"),
                "name": name,
                "color": color,
                "status_group_id": group_id,
                "status_group_name": "Availability",
            }
            for name, color in _STATUSES
        ),
    )


def _code(index: int, die: int) -> str:
    # Every eighth code is odd, in turn, so that a short feed has them all.
    turn, rest = divmod(index, 8)
    return (
        _ODD_CODES[turn % len(_ODD_CODES)].format(index) if rest == 5 else f"{_MAKERS[die % len(_MAKERS)]}-{index:07}"
    )


def _statuses(organisation: _Organisation, die: int) -> list[dict[str, str]]:
    count = (0, 1, 0, 1, 0, 1, 0, 2)[die % 8]
    return [organisation.statuses[(die // 8 + place) % len(_STATUSES)] for place in range(count)]


@lru_cache(maxsize=4096)
def _status_options(seed: int, die: int) -> str:
    return pipe_encoded(_statuses(_organisation(seed), die))


def _values(index: int, organisation: _Organisation, dice: bytes) -> list[tuple[_Field, Any]]:
    if index % 67 == 66:
        return []  # an asset of an import that set no field
    display_name = f"{_DISPLAY_NAMES[dice[30] % len(_DISPLAY_NAMES)]} {index}"
    found: list[tuple[_Field, Any]] = [(organisation.display_name, display_name)]
    for place, field in enumerate(organisation.custom_fields):
        luck = dice[31 + place]
        if field.name == "Notes" and index % 2 == 0:
            # In order, not at random: every odd text occurs in each 2 x len(ODD_TEXTS) rows.
            found.append((field, ODD_TEXTS[index // 2 % len(ODD_TEXTS)]))
        elif luck >= _NULL_BELOW:
            found.append((field, _VALUE_OF[field.kind](int.from_bytes(dice[40 + 2 * place : 44 + 2 * place]))))
        elif luck >= _ABSENT_BELOW:
            found.append((field, None))
    return found


def _pipe_value(value: Any) -> str:
    # By hand: `json` with these separators takes four times as long, and this is most of the cost of a row.
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{" + "|".join([f"{_quoted(key)}:{_pipe_value(item)}" for key, item in value.items()]) + "}"
    return "null" if value is None else str(value)


def _text(number: int) -> str:
    if number % 11 == 0:
        return ODD_TEXTS[number // 11 % len(ODD_TEXTS)]
    return _PLAIN_TEXTS[number % len(_PLAIN_TEXTS)].format(number % 10_000)


def _money(number: int) -> dict[str, Any]:
    # Units and nanos have the same sign, as in google.type.Money; -0.75 shows it in the nanos only.
    sign = -1 if number % 5 == 0 else 1
    units = _INT64_PAST_DOUBLE if number % 17 == 0 else number % 100_000 if number % 7 else 0
    nanos = (0, 0, 500_000_000, 990_000_000, 750_000_000, 1)[number % 6]
    return {"currencyCode": _CURRENCIES[number % len(_CURRENCIES)], "units": sign * units, "nanos": sign * nanos}


def _timestamp(number: int) -> dict[str, int]:
    # From 1949 to 2067: some before the epoch, whose seconds are negative.
    return {"seconds": number * 7 % 3_720_000_000 - 660_000_000, "nanos": (0, 0, 0, 123_456_789)[number % 4]}


def _choice(number: int) -> str:
    # The format of a chosen option in the live feed is unknown; the documented asset has only `string_value` for it.
    return _SELECT_OPTIONS[number % len(_SELECT_OPTIONS)]


_VALUE_OF: dict[str, Callable[[int], Any]] = {
    "STRING": _text,
    "MONEY": _money,
    "TIMESTAMP": _timestamp,
    "SELECT": _choice,
}


def _rfc3339(seconds: int, die: int) -> str:
    day, second = divmod(seconds, 86_400)
    return f"{_date(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{die * 3:03}Z"


@lru_cache(maxsize=8192)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


def _dice(index: int, seed: int) -> bytes:
    # A hash, not `random`: seeding a generator costs more than a complete row.
    return blake2b(b"%d:%d" % (seed, index), digest_size=64).digest()


def _named_uuid(seed: int, name: str) -> str:
    return _uuid(blake2b(f"{seed}:{name}".encode(), digest_size=16).digest())


def _uuid(raw: bytes) -> str:
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
