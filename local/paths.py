"""The paths of this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
LAYER = ROOT / "layers" / "assetline"
LAMBDA_RUNTIME = ROOT / "local" / "stack" / "lambda_runtime.py"
LAMBDA_FORKS = ROOT / "local" / "stack" / "lambda_forks.py"
MINISTACK_SERVER = ROOT / "local" / "stack" / "ministack_server.py"

# All generated files, which are never committed.
LOCAL = ROOT / ".local"
STACKS = LOCAL / "stacks"
COMMANDS = LOCAL / "bin"
MINISTACK_STATE = LOCAL / "ministack"  # a key that every MiniStack reads, and the first one makes

# The environment this runs in also runs the emulators, the functions and the operator's command.
PYTHON = Path(sys.executable)
PYTHON_COMMANDS = PYTHON.parent

MINISTACK_PYTHON = LOCAL / "tools" / "ministack" / "bin" / "python"
SAM = LOCAL / "tools" / "sam" / "bin" / "sam"
AWS = LOCAL / "tools" / "awscli" / "bin" / "aws"
