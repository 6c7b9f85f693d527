"""The version, which pyproject.toml alone has, and its section of the changelog."""

import re
import tomllib

from release.layer_packages import ROOT


def project_version() -> str:
    """Return the version of this checkout."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def changelog_section(text: str, version: str) -> str | None:
    """Return the section of *version* in a changelog, without its heading; None without one."""
    match = re.search(rf"^## {re.escape(version)}(?![.\d])[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match else None
