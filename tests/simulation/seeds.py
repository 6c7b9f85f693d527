"""The seeds that are played: a few in every test run, others and more by `make simulate SEEDS=… FIRST=…`."""

import os

_FIRST = int(os.environ.get("FIRST", "0"))
_COUNT = int(os.environ.get("SEEDS", "150"))

SEEDS = range(_FIRST, _FIRST + _COUNT)
