"""The refusals of AWS that MiniStack lacks, one file each; `docs/truth.md` lists them.

`ministack_server.py` loads this package by its path, in MiniStack's environment: it imports nothing of the project.
The decisions are pure functions, so the project's tests can import them without MiniStack.
"""

from . import condition_keys, distributed_map, function_memory, machine_role, physical_names, s3_parts, state_size
from .patching import require_version

TEACHINGS = (
    s3_parts.teach,
    function_memory.teach,
    state_size.teach,
    distributed_map.teach,
    condition_keys.teach,
    physical_names.teach,
    machine_role.teach,
)


def teach_all() -> None:
    """Add every refusal to MiniStack; raises `PatchFailed` if it is another version than the pinned one."""
    require_version()
    for teach in TEACHINGS:
        teach()
