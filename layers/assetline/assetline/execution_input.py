"""The input of an execution as its user wrote it, and the id of its work."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ValidationError

from assetline.errors import InvalidInput

# Step Functions adds this key to the input of a nested execution, so that the console links it to its parent.
PARENT = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def without_parent(raw: Any) -> Any:
    """Return *raw* without the key that Step Functions adds to the input of a nested execution."""
    return {name: value for name, value in raw.items() if name != PARENT} if isinstance(raw, dict) else raw


def parent_of(raw: Any) -> str | None:
    """Return the ARN of the execution that started this one, None if a user started it."""
    parent = raw.get(PARENT) if isinstance(raw, dict) else None
    return parent if isinstance(parent, str) else None


def work_id(dataset_id: str, execution_arn: str, started_at: datetime) -> str:
    """Return the id of an execution's work on a dataset; a repeated first state returns the same id."""
    hashed = sha256(execution_arn.encode()).hexdigest()[:8]
    return f"{dataset_id}_{started_at:%Y%m%d_%H%M%S}_{hashed}"


def parse[Request: BaseModel](model: type[Request], raw: Any) -> Request:
    """Read an execution's input. Raise `InvalidInput`, which names every wrong key and the allowed keys."""
    _refuse_half_characters(raw)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise InvalidInput(_explanation(error, model)) from None


def _refuse_half_characters(raw: Any) -> None:
    """Refuse an input with half of a surrogate pair: JSON can hold one, but addresses and keys cannot."""
    try:
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "The execution's input holds half of a character (a lone surrogate, \\ud800 to \\udfff). Correct the value."
        ) from None


def _explanation(error: ValidationError, model: type[BaseModel]) -> str:
    """Describe the errors without the values: an input may hold values that must not be logged."""
    keys = ", ".join(model.model_fields)
    complaints = []
    for detail in error.errors(include_url=False, include_input=False):
        key = str(detail["loc"][0]) if detail["loc"] else ""
        match detail["type"]:
            case "extra_forbidden":
                complaints.append(f"{key!r} is not an allowed key")
            case "missing":
                complaints.append(f"{key!r} is missing")
            case "model_type" | "dict_type" if not key:
                complaints.append("the input is not a JSON object")
            case "value_error":
                complaints.append(detail["msg"].removeprefix("Value error, "))
            case _:
                complaints.append(f"{key!r}: {detail['msg'].lower()}")
    return f"The execution's input is not valid: {'; '.join(dict.fromkeys(complaints))}. The allowed keys are {keys}."
