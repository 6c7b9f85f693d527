"""The files for GitHub run existing targets, and an issue has the diagnosis."""

import re
from typing import Any

import pytest
import yaml

from tests.contract.template import ROOT, template

GITHUB = ROOT / ".github"
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def read(name: str) -> Any:
    return yaml.safe_load((GITHUB / name).read_text())


def commands(workflow: str) -> list[str]:
    jobs = read(f"workflows/{workflow}.yml")["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", ["check", "release"])
def test_a_workflow_checks_tests_and_audits(workflow: str) -> None:
    lines = commands(workflow)
    named = {name for line in lines for name in re.findall(r"\bmake ([a-z-]+)", line)}
    assert {"check", "test", "audit"} <= named <= TARGETS


def test_a_tag_is_packaged_with_the_bill_of_materials() -> None:
    lines = commands("release")
    assert lines.index("make test") < lines.index("make build")
    assert [line for line in lines if "sam package" in line and "--output-template-file packaged.yaml" in line]
    assert [line for line in lines if "gh release create" in line and "packaged.yaml .aws-sam/sbom.json" in line]


def test_a_problem_is_reported_with_the_diagnosis() -> None:
    form = {field["id"]: field for field in read("ISSUE_TEMPLATE/bug.yml")["body"] if "id" in field}
    assert form["doctor"]["attributes"]["label"] == "Output of `assetline doctor --json`"
    assert form["doctor"]["validations"]["required"]


def test_every_lock_gets_updates() -> None:
    updates = {update["package-ecosystem"]: update for update in read("dependabot.yml")["updates"]}
    assert updates.keys() == {"uv", "npm", "github-actions"}
    locks = {f"/{path.parent.relative_to(ROOT)}" for path in (ROOT / "tests").rglob("package-lock.json")}
    assert {*updates["npm"]["directories"]} == locks


def test_the_description_for_the_application_repository_is_complete() -> None:
    described = template()["Metadata"]["AWS::ServerlessRepo::Application"]
    assert {"Name", "Description", "Author", "SpdxLicenseId", "LicenseUrl", "ReadmeUrl"} <= described.keys()
    assert len(described["Description"]) <= 256  # the repository's limit
    assert [name for name in ("LicenseUrl", "ReadmeUrl") if not (ROOT / described[name]).is_file()] == []
