import re
import tomllib

from release.versions import changelog_section, project_version
from tests.contract.template import ROOT, template

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def test_the_lock_has_the_version_of_the_project() -> None:
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert [package["version"] for package in locked if package["name"] == "assetline"] == [project_version()]


def test_no_other_place_has_a_version() -> None:
    assert "SemanticVersion" not in template()["Metadata"]["AWS::ServerlessRepo::Application"]
    sources = [path for folder in ("cli", "layers", "functions", "local") for path in (ROOT / folder).rglob("*.py")]
    assert [path for path in sources if re.search(r"^(__version__|VERSION) = ", path.read_text(), re.MULTILINE)] == []


def test_the_changelog_begins_with_the_next_or_the_current_version() -> None:
    headings = re.findall(r"^## (\S+)", CHANGELOG, re.MULTILINE)
    assert headings[0] in {"Unreleased", project_version()}
    assert len({*headings}) == len(headings)


def test_the_section_of_a_version_is_found() -> None:
    text = "# Changelog\n\n## Unreleased\n\n- b\n\n## 1.0.0 (2026-12-01)\n\n- a\n"
    assert changelog_section(text, "1.0.0") == "- a"
    assert changelog_section(text, "2.0.0") is None
