"""The packages that the layer carries, as they are locked, with their licences."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "layers/assetline/requirements.txt"
_LOCKED = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+) \\$(?P<hashes>(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?$)+)", re.MULTILINE
)
_CLASSIFIER = "License :: OSI Approved :: "


@dataclass(frozen=True)
class LayerPackage:
    """A locked package; `hashes` is the number of files that pip accepts for it."""

    name: str
    version: str
    hashes: int


def locked_packages(text: str | None = None) -> list[LayerPackage]:
    """Return the packages of *text*, or of the requirements of the layer; one without a hash is not among them."""
    found = _LOCKED.finditer(REQUIREMENTS.read_text() if text is None else text)
    return [LayerPackage(match["name"], match["version"], match["hashes"].count("sha256:")) for match in found]


def licence_of(name: str) -> str:
    """Return the licence that the installed package *name* declares, as an SPDX expression where it has one.

    Raises:
        PackageNotFoundError: the package is not installed.
        LookupError: it declares no licence.
    """
    declared = metadata(name)
    for licence in (declared.get("License-Expression"), declared.get("License"), *_classified(name)):
        if licence:
            return licence
    raise LookupError(f"{name} declares no licence.")


def installed_version(name: str) -> str:
    """Return the version of the installed package *name*."""
    return metadata(name)["Version"]


def _classified(name: str) -> Iterator[str]:
    for classifier in metadata(name).get_all("Classifier") or []:
        if classifier.startswith(_CLASSIFIER):
            yield classifier.removeprefix(_CLASSIFIER)
