"""The input of an execution: what somebody asks to be exported."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assetline.errors import InvalidInput

type Scalar = str | int | float | bool


class ExportRequest(BaseModel):
    """`{"feed": "assets", "params": {…}, "format": "csv", "page_size": null, "max_turn_seconds": null}`.

    All but `feed` are optional. `page_size` null asks for the feed's usual size, `max_turn_seconds` null for turns as
    long as the function may run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    feed: str
    params: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    format: Literal["csv"] = "csv"
    page_size: int | None = Field(default=None, ge=1, le=1000)
    max_turn_seconds: float | None = Field(default=None, gt=0, le=900)

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Read an execution's input; raises `InvalidInput`, naming every key that is wrong and what is allowed."""
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise InvalidInput(_explanation(error, cls)) from None

    def wire_params(self) -> dict[str, str | list[str]]:
        """Return `params` as the feed's query spells them: `true`, not `True`."""
        return {
            name: [_wire(element) for element in value] if isinstance(value, list) else _wire(value)
            for name, value in self.params.items()
        }


def _wire(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _explanation(error: ValidationError, model: type[BaseModel]) -> str:
    """Say what is wrong without repeating the values: an input may hold what should not be in a log."""
    keys = ", ".join(model.model_fields)
    complaints = []
    for detail in error.errors(include_url=False, include_input=False):
        key = str(detail["loc"][0]) if detail["loc"] else ""
        match detail["type"]:
            case "extra_forbidden":
                complaints.append(f"{key!r} is not a key of it")
            case "missing":
                complaints.append(f"{key!r} is missing")
            case "model_type" | "dict_type" if not key:
                complaints.append("it is not a JSON object")
            case _:
                complaints.append(f"{key!r}: {detail['msg'].lower()}")
    return f"The execution's input cannot be used: {'; '.join(dict.fromkeys(complaints))}. The keys are {keys}."
