"""Write `tests/contract/aws_calls.json` from a recording: `python -m tests.support.record_calls FOLDER`."""

import json
import sys
from pathlib import Path

from tests.support.aws_calls import TABLE, merged

if __name__ == "__main__":
    TABLE.write_text(json.dumps(merged(Path(sys.argv[1])), indent=2) + "\n")
