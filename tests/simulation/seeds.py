"""The seeds that are played: a few in every test run, others and more by `make simulate SEEDS=… FIRST=…`."""

import os

SEEDS = range(int(os.environ.get("FIRST", "0")), int(os.environ.get("FIRST", "0")) + int(os.environ.get("SEEDS", "40")))
