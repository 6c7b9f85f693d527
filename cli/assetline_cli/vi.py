"""Vi, as the command asks it itself: with the stack's key, read with the operator's credentials."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from assetline.credentials import ViKey
from assetline.vi.client import ViClient
from assetline_cli.errors import code_of
from assetline_cli.stack import find_stack
from assetline_cli.vi_client import PatientVi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetline_cli.context import Desk
    from assetline_cli.stack import Stack


@contextmanager
def vi_of(desk: Desk, stack: str, *, patient: bool = True) -> Iterator[ViClient]:
    """Give out the client of the Vi of the stack called *stack*; raises as `find_stack` and `vi_client`."""
    with closing(vi_client(desk, find_stack(desk.aws.cloudformation, stack), patient=patient)) as client:
        yield client


def vi_client(desk: Desk, stack: Stack, *, patient: bool = True) -> ViClient:
    """Return the client of the stack's Vi; the key is read when it is first needed, and stays in this process.

    One that is *patient* asks again by itself, a `PatientVi`; another is for who does so already.

    Raises:
        OutputsMissing: the stack does not say where Vi is.
    """
    vi = stack.vi()
    held: list[str | None] = []

    def read(fresh: bool) -> str | None:
        if fresh or not held:
            held[:] = [_secret(desk, vi.secret_arn)]
        return held[0]

    key = ViKey(vi.secret_arn, read)
    return PatientVi(vi.origin, key, desk) if patient else ViClient(vi.origin, key)


def _secret(desk: Desk, arn: str) -> str | None:
    try:
        return desk.aws.secrets.get_secret_value(SecretId=arn).get("SecretString")
    except ClientError as error:
        # A secret nobody has put a value in answers so; so does one that was deleted.
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise
