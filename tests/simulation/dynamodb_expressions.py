"""The expressions of DynamoDB that the functions write, on items of Python values.

Conditions are text or the objects of `boto3.dynamodb.conditions`; updates are text. Each text is parsed once. Syntax
that no function writes raises `SyntaxError`: add it here before you simulate it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from boto3.dynamodb.conditions import ConditionBase

_TOKEN = re.compile(r"\s*(<=|>=|<>|[(),=<>]|[#:]?\w+)")
_UPDATE = re.compile(r"\b(SET|REMOVE|ADD)\b")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<>": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


_ABSENT = object()
_ON_ATTRIBUTE: dict[str, Callable[..., bool]] = _COMPARED | {
    "attribute_exists": lambda _: True,
    "attribute_not_exists": lambda _: False,
    "IN": lambda value, listed: value in listed,
    "begins_with": lambda value, prefix: bool(value.startswith(prefix)),
}


@dataclass(frozen=True)
class Placeholders:
    """The names and values that the placeholders of an expression stand for."""

    names: Mapping[str, str]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Placeholders":
        """Return those of a request."""
        return cls(request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {}))

    def attribute(self, token: str) -> str:
        """Return the attribute that a token names."""
        return self.names[token] if token.startswith("#") else token


type Item = Mapping[str, Any]
type Holds = Callable[[Item, Placeholders], bool]


def holds(condition: str | ConditionBase | None, item: Item, names: Placeholders) -> bool:
    """Return whether a condition holds for an item; that of None does."""
    if condition is None:
        return True
    if isinstance(condition, ConditionBase):
        return _object_holds(condition, item)
    return _parsed_condition(condition)(item, names)


def updated(expression: str, item: Item, names: Placeholders) -> dict[str, Any]:
    """Return an item after an update."""
    after = dict(item)
    for verb, target, value in _parsed_update(expression):
        attribute = names.attribute(target)
        if verb == "REMOVE":
            after.pop(attribute, None)
        elif verb == "SET":
            after[attribute] = names.values[value]
        else:
            after[attribute] = after.get(attribute, 0) + names.values[value]
    return after


def _object_holds(condition: ConditionBase, item: Item) -> bool:
    expression = condition.get_expression()
    operator, values = expression["operator"], expression["values"]
    match operator:
        case "AND":
            return all(_object_holds(value, item) for value in values)
        case "OR":
            return any(_object_holds(value, item) for value in values)
        case "NOT":
            return not _object_holds(values[0], item)
    name = values[0].name
    if name not in item:
        return operator in {"attribute_not_exists", "<>"}
    return _ON_ATTRIBUTE[operator](item[name], *values[1:])


@cache
def _parsed_update(expression: str) -> tuple[tuple[str, str, str], ...]:
    """Return the verb, the target and the value of each part of an update; REMOVE has no value."""
    parts = []
    clauses = _UPDATE.split(expression)[1:]
    for verb, clause in zip(clauses[::2], clauses[1::2], strict=True):
        for part in clause.split(","):
            target, *value = part.replace("=", " ").split()
            parts.append((verb, target, *value) if value else (verb, target, ""))
    return tuple(parts)


@cache
def _parsed_condition(condition: str) -> Holds:
    tokens = [*_tokens(condition)]
    parsed = _either(tokens)
    if tokens:
        raise SyntaxError(f"{condition!r} continues with {tokens[0]!r}")
    return parsed


def _tokens(condition: str) -> Iterator[str]:
    place = 0
    while condition[place:].strip():
        match = _TOKEN.match(condition, place)
        if match is None:
            raise SyntaxError(f"{condition!r} at {place}")
        yield match[1]
        place = match.end()


def _either(tokens: list[str]) -> Holds:
    alternatives = [_both(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        alternatives.append(_both(tokens))
    return lambda item, names: any(holds_(item, names) for holds_ in alternatives)


def _both(tokens: list[str]) -> Holds:
    conditions = [_single(tokens)]
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        conditions.append(_single(tokens))
    return lambda item, names: all(holds_(item, names) for holds_ in conditions)


def _single(tokens: list[str]) -> Holds:
    token = tokens.pop(0)
    if token == "(":
        nested = _either(tokens)
        _expect(tokens, ")")
        return nested
    if token in {"attribute_exists", "attribute_not_exists"}:
        _expect(tokens, "(")
        attribute, expected = tokens.pop(0), token == "attribute_exists"
        _expect(tokens, ")")
        return lambda item, names: (names.attribute(attribute) in item) is expected
    operator = tokens.pop(0)
    if operator == "IN":
        values = _listed(tokens)
        return lambda item, names: (
            item.get(names.attribute(token), _ABSENT) in [names.values[value] for value in values]
        )
    compared, value = _COMPARED[operator], tokens.pop(0)

    def comparison(item: Item, names: Placeholders) -> bool:
        attribute = names.attribute(token)
        return compared(item[attribute], names.values[value]) if attribute in item else operator == "<>"

    return comparison


def _listed(tokens: list[str]) -> list[str]:
    _expect(tokens, "(")
    values = []
    while tokens[0] != ")":
        values.append(tokens.pop(0))
        if tokens[0] == ",":
            tokens.pop(0)
    _expect(tokens, ")")
    return values


def _expect(tokens: list[str], expected: str) -> None:
    if (found := tokens.pop(0)) != expected:
        raise SyntaxError(f"{found!r} in place of {expected!r}")
