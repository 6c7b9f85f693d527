"""What --metadata says, as S3 keeps it with an object and Vi with an asset."""

import re
from collections.abc import Sequence

from assetline_cli.errors import CommandFailed

MOST_BYTES = 2048  # S3: of all names and values of one object
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)  # HTTP: what the name of a header is made of


def parse_metadata(given: Sequence[str]) -> dict[str, str]:
    """Read KEY=VALUE arguments. Names are in lower case, as S3 gives them back.

    Raises:
        CommandFailed: one is not KEY=VALUE, a key is given twice, or S3 would not keep it.
    """
    metadata: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name, value = name.strip().lower(), value.strip()
        if not equals or not name:
            raise CommandFailed(f"--metadata {text!r} is not KEY=VALUE: write, for example, --metadata site=7.")
        if not NAME.fullmatch(name):
            raise CommandFailed(f"--metadata {text!r}: S3 takes a key of letters, digits and - _ . only.")
        if not (value.isascii() and value.isprintable()):
            raise CommandFailed(f"--metadata {text!r}: S3 keeps a value of printable ASCII only.")
        if name in metadata:
            raise CommandFailed(f"--metadata {name!r} is given twice, and an object has one value a key.")
        metadata[name] = value
    size = sum(len(name) + len(value) for name, value in metadata.items())
    if size > MOST_BYTES:
        raise CommandFailed(f"--metadata has {size:,} bytes in all, and S3 keeps {MOST_BYTES:,} with an object.")
    return metadata
