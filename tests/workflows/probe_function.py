"""A function of a test's own on the local stack, run from source as the product's functions are."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.stack.local_template import bootstrap_of
from local.stack.outputs import DeployedStack


@contextmanager
def probe_function(
    stack: DeployedStack, folder: Path, handler: str, *, role: str = "", forked: bool = True, **settings: Any
) -> Iterator[str]:
    """Have a function whose `lambda_handler` is the source text *handler*; yield its ARN.

    On a stack that forks functions, its environments are forks unless *forked* is false.
    """
    (folder / "app.py").write_text(handler)
    lambdas: Any = stack.client("lambda")
    arn = lambdas.create_function(
        FunctionName=f"probe-{folder.name}",
        Runtime="provided.al2023",
        Handler="app.lambda_handler",
        Role=role or a_role_of(stack),
        Code={"ZipFile": _package(folder, forked=forked)},
        Timeout=30,
        **settings,
    )["FunctionArn"]
    try:
        yield arn
    finally:
        lambdas.delete_function(FunctionName=arn)


def a_role_of(stack: DeployedStack) -> str:
    """Return the ARN of the role of one of the stack's functions."""
    roles: Any = stack.client("iam")
    return str(next(role["Arn"] for role in roles.list_roles()["Roles"] if "OpenExport" in role["RoleName"]))


def _package(folder: Path, *, forked: bool) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        program = zipfile.ZipInfo("bootstrap")
        program.external_attr = 0o755 << 16
        package.writestr(program, bootstrap_of(folder, folder / "watched"))
        if forked:
            package.writestr("source", str(folder))
    return content.getvalue()
