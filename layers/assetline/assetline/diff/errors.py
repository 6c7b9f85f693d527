"""Why two files cannot be compared; messages name the file, and the line where there is one, and hold no record.

Permanent
├── FileMalformed    a file is not what its format says
├── KeyMissing       a file, or a row of it, has not the columns that tell rows apart
└── FormatUnknown    a name that ends in none of the formats of an export
"""

from assetline.errors import Permanent


class FileMalformed(Permanent):
    """A file is cut short, or is not what its format says."""


class KeyColumnMissing(Permanent):
    """A file, or a row of it, has not the columns that tell rows apart."""


class FormatUnknown(Permanent):
    """The name of a file does not say how to read it."""
