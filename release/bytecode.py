"""The compiled modules that the layer and the functions carry.

`sam build` installs sources only, and Lambda cannot write to the folders of a function: without these files, Python
compiles every module at each cold start.
"""

import compileall
from pathlib import Path
from py_compile import PycInvalidationMode


class CompilationError(Exception):
    """A module of the build has an error of syntax, or its folder cannot be written."""


def compile_build(build: Path) -> int:
    """Compile all modules of each function and layer in the folder *build*, and return how many there are.

    The files do not depend on the time or the folder of the build, and Python loads them without a look at the
    source: packaging changes the times of sources.

    Raises:
        CompilationError: a module was not compiled; its error was printed.
    """
    for folder in sorted(path for path in build.iterdir() if path.is_dir()):
        compiled = compileall.compile_dir(
            folder,
            quiet=1,
            force=True,
            workers=0,
            stripdir=folder,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
        if not compiled:
            raise CompilationError(f"A module in {folder} was not compiled. See its error above.")
    return sum(1 for _ in build.rglob("*.py"))
