"""Parse --metadata, which S3 keeps with an object and Vi with an asset."""

import re
from collections.abc import Sequence

from assetline_cli.errors import CommandFailed

MOST_BYTES = 2048  # S3: of all names and values of one object
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)  # HTTP: the characters of a header's name


def parse_metadata(given: Sequence[str]) -> dict[str, str]:
    """Read KEY=VALUE arguments. Names are in lower case, as S3 returns them.

    Raises:
        CommandFailed: one is not KEY=VALUE, a key is given twice, or S3 would not keep it.
    """
    metadata: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name, value = name.strip().lower(), value.strip()
        if not equals or not name:
            raise CommandFailed(f"Invalid --metadata {text!r}. Use KEY=VALUE, for example --metadata site=7.")
        if not NAME.fullmatch(name):
            raise CommandFailed(f"Invalid key in --metadata {text!r}. Use letters, digits, - and _ and dots.")
        if not (value.isascii() and value.isprintable()):
            raise CommandFailed(f"Invalid value in --metadata {text!r}. Use printable ASCII characters.")
        if name in metadata:
            raise CommandFailed(f"Duplicate --metadata {name!r}. Give each key once.")
        metadata[name] = value
    size = sum(len(name) + len(value) for name, value in metadata.items())
    if size > MOST_BYTES:
        raise CommandFailed(
            f"The --metadata has {size:,} bytes in total, and the limit of S3 is {MOST_BYTES:,}. Use "
            "fewer or shorter values."
        )
    return metadata
