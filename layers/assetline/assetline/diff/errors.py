"""The errors of a comparison. A message names the file and the line, if there is one, and quotes no record.

Permanent ├── FileMalformed      a file does not match its format ├── KeyColumnMissing   a file or a row lacks the
columns that identify rows └── FormatUnknown      the name of a file ends in none of the formats of an export
"""

from assetline.errors import Permanent


class FileMalformed(Permanent):
    """A file is cut short, or does not match its format."""


class KeyColumnMissing(Permanent):
    """A file or a row lacks the columns that identify rows."""


class FormatUnknown(Permanent):
    """The name of a file does not imply its format."""
