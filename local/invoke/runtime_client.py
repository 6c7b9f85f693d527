"""Functions invoked on the local stack, which runs them from source through AWS's runtime client (awslambdaric)."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from local.invoke.answer import FunctionAnswer
from local.invoke.deployed import DeployedFunctions


class RuntimeClientInvoker:
    """Invokes functions without a container engine, with the permissions of their roles."""

    def __init__(self, functions: DeployedFunctions) -> None:
        self._functions = functions

    def invoke(self, function: str, content: Any) -> FunctionAnswer:
        """Return the answer of a function to *content*."""
        began = time.monotonic()
        answer = self._functions.client.invoke(
            FunctionName=self._functions.name(function),
            Payload=json.dumps(content).encode(),
            LogType="Tail",
        )
        text = answer["Payload"].read().decode()
        log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
        return FunctionAnswer.of_text(text, time.monotonic() - began, log)
