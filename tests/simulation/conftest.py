"""An emulated Vi for each module."""

from tests.handlers.conftest import aws_calls, every_call_is_granted
from tests.handlers.ingest.conftest import vi

__all__ = ["aws_calls", "every_call_is_granted", "vi"]
