"""The answer of a function, whichever way it was invoked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FunctionAnswer:
    """The result or the error of a function, with the seconds it took and the lines that it logged."""

    content: Any
    seconds: float
    log: str = ""

    @classmethod
    def of_text(cls, text: str, seconds: float, log: str = "") -> FunctionAnswer:
        """Return the answer in the body of a response; a body that is no JSON is an error of the runtime."""
        try:
            return cls(json.loads(text), seconds, log)
        except ValueError:
            message = text.strip() or "the function returned nothing"
            return cls({"errorType": "Runtime.NoAnswer", "errorMessage": message}, seconds, log)

    @property
    def error(self) -> str:
        """The name of the raised error, empty after a success.

        `sam local` has no other sign of an error: its exit status is 0, and its response has no header for it.
        """
        if isinstance(self.content, dict) and "errorMessage" in self.content:
            return str(self.content.get("errorType") or "Unhandled")
        return ""

    @property
    def message(self) -> str:
        """The message of the raised error."""
        return str(self.content["errorMessage"]) if self.error else ""
