"""The search for known vulnerabilities in the packages of the layer."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from release.layer_packages import REQUIREMENTS, ROOT

TOOL = ROOT / ".local/tools/audit/bin/pip-audit"
SECONDS = 30  # ours: for one answer of the advisory source


@dataclass(frozen=True)
class Audit:
    """The result: the vulnerabilities as `package version: id`, and the numbers of packages that were audited or not.

    pip-audit skips a package that the source does not have, and still ends with success.
    """

    vulnerabilities: Sequence[str]
    audited: int
    not_audited: int

    def lines(self) -> list[str]:
        """Return the result in sentences."""
        total = self.audited + self.not_audited
        lines = [f"Known vulnerability in {vulnerability}" for vulnerability in self.vulnerabilities]
        if self.not_audited:
            lines.append(
                f"{self.not_audited} of {total} packages were not audited: the advisory source cannot be reached, or "
                "has no record of them."
            )
        if self.audited and not self.vulnerabilities:
            lines.append(f"No known vulnerability in {self.audited} of {total} packages.")
        return lines


def run_audit(packages: int) -> Audit:
    """Ask the advisory source about the *packages* of the layer."""
    ended = subprocess.run(
        [
            *(TOOL, "--requirement", REQUIREMENTS, "--disable-pip", "--require-hashes", "--format", "json"),
            *("--timeout", str(SECONDS), "--progress-spinner", "off"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    return read_audit(ended.stdout, packages)


def read_audit(report: str, packages: int) -> Audit:
    """Return the result of a *report* of pip-audit about *packages*; without a report, nothing was audited."""
    try:
        found: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        return Audit([], 0, packages)
    audited = [package for package in found if "skip_reason" not in package]
    vulnerabilities = [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in audited
        for vulnerability in package["vulns"]
    ]
    return Audit(vulnerabilities, len(audited), packages - len(audited))
