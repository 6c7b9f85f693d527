"""The expressions of DynamoDB that the ingestion writes, on items of Python values.

Conditions are text or the objects of `boto3.dynamodb.conditions`; updates are text. What is not written anywhere in the
product raises `SyntaxError`, so that it is added here before it is simulated.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import ConditionBase

_TOKEN = re.compile(r"\s*(<=|>=|<>|[(),=<>]|[#:]?\w+)")
_UPDATE = re.compile(r"\b(SET|REMOVE|ADD)\b")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "<>": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


@dataclass(frozen=True)
class Names:
    """What the placeholders of an expression stand for."""

    names: Mapping[str, str]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Names":
        """Return those of a request."""
        return cls(asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {}))

    def attribute(self, token: str) -> str:
        """Return the attribute that a token names."""
        return self.names[token] if token.startswith("#") else token


def holds(condition: str | ConditionBase | None, item: Mapping[str, Any], names: Names) -> bool:
    """Return whether a condition holds for an item; that of None does."""
    if condition is None:
        return True
    if isinstance(condition, ConditionBase):
        return _object_holds(condition, item)
    tokens = [*_tokens(condition)]
    held = _either(tokens, item, names)
    if tokens:
        raise SyntaxError(f"{condition!r} goes on with {tokens[0]!r}")
    return held


def updated(expression: str, item: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Return an item after an update."""
    after = dict(item)
    clauses = _UPDATE.split(expression)[1:]
    for verb, clause in zip(clauses[::2], clauses[1::2], strict=True):
        for part in clause.split(","):
            if verb == "REMOVE":
                after.pop(names.attribute(part.strip()), None)
            elif verb == "SET":
                target, _, value = part.partition("=")
                after[names.attribute(target.strip())] = names.values[value.strip()]
            else:
                target, value = part.split()
                attribute = names.attribute(target)
                after[attribute] = after.get(attribute, 0) + names.values[value]
    return after


def _object_holds(condition: ConditionBase, item: Mapping[str, Any]) -> bool:
    said = condition.get_expression()
    operator, values = said["operator"], said["values"]
    if operator in {"AND", "OR"}:
        one, other = (_object_holds(value, item) for value in values)
        return (one and other) if operator == "AND" else (one or other)
    name = values[0].name
    if operator == "attribute_not_exists":
        return name not in item
    if operator == "attribute_exists":
        return name in item
    if operator == "IN":
        return item.get(name) in values[1] if name in item else False
    if operator == "begins_with":
        return name in item and item[name].startswith(values[1])
    return name in item and _COMPARED[operator](item[name], values[1])


def _tokens(condition: str) -> Iterator[str]:
    place = 0
    while condition[place:].strip():
        match = _TOKEN.match(condition, place)
        if match is None:
            raise SyntaxError(f"{condition!r} at {place}")
        yield match[1]
        place = match.end()


def _either(tokens: list[str], item: Mapping[str, Any], names: Names) -> bool:
    held = _both(tokens, item, names)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        held = _both(tokens, item, names) or held
    return held


def _both(tokens: list[str], item: Mapping[str, Any], names: Names) -> bool:
    held = _one(tokens, item, names)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        held = _one(tokens, item, names) and held
    return held


def _one(tokens: list[str], item: Mapping[str, Any], names: Names) -> bool:
    token = tokens.pop(0)
    if token == "(":
        held = _either(tokens, item, names)
        _expect(tokens, ")")
        return held
    if token in {"attribute_exists", "attribute_not_exists"}:
        _expect(tokens, "(")
        attribute = names.attribute(tokens.pop(0))
        _expect(tokens, ")")
        return (attribute in item) is (token == "attribute_exists")
    attribute, operator = names.attribute(token), tokens.pop(0)
    if operator == "IN":
        _expect(tokens, "(")
        listed = []
        while tokens[0] != ")":
            listed.append(names.values[tokens.pop(0)])
            if tokens[0] == ",":
                tokens.pop(0)
        _expect(tokens, ")")
        return attribute in item and item[attribute] in listed
    value = names.values[tokens.pop(0)]
    return attribute in item and _COMPARED[operator](item[attribute], value)


def _expect(tokens: list[str], wanted: str) -> None:
    if (found := tokens.pop(0)) != wanted:
        raise SyntaxError(f"{found!r} in place of {wanted!r}")
