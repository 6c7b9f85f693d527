"""The bill of materials of the layer, in CycloneDX."""

import subprocess
from pathlib import Path

from release.layer_packages import REQUIREMENTS, ROOT

TOOL = ROOT / ".local/tools/sbom/bin/cyclonedx-py"


def write_sbom(file: Path) -> None:
    """Write the packages of the layer with their hashes to *file*; the same lock always gives the same bytes.

    Raises:
        CalledProcessError: the tool failed; its message is on stderr.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *(TOOL, "requirements", "--pyproject", ROOT / "pyproject.toml", "--mc-type", "application"),
            *("--of", "JSON", "--output-reproducible", "--output-file", file, REQUIREMENTS),
        ],
        check=True,
    )
