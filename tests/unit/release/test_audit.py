import json

from release.audit import read_audit

FOUND = {"name": "h11", "version": "0.14.0", "vulns": [{"id": "GHSA-1"}]}
CLEAN = {"name": "anyio", "version": "4.16.0", "vulns": []}
SKIPPED = {"name": "idna", "skip_reason": "Dependency not found on PyPI and could not be audited: idna (3.20)"}


def report(*dependencies: object) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_a_vulnerability_is_reported() -> None:
    audit = read_audit(report(FOUND, CLEAN), 2)
    assert audit.lines() == ["Known vulnerability in h11 0.14.0: GHSA-1"]


def test_an_audit_of_all_packages_is_reported() -> None:
    assert read_audit(report(CLEAN), 1).lines() == ["No known vulnerability in 1 of 1 packages."]


def test_skipped_packages_are_reported_as_not_audited() -> None:
    audit = read_audit(report(CLEAN, SKIPPED), 2)
    assert audit.lines() == [
        "1 of 2 packages were not audited: the advisory source cannot be reached, or has no record of them.",
        "No known vulnerability in 1 of 2 packages.",
    ]


def test_no_report_means_that_nothing_was_audited() -> None:
    audit = read_audit("", 16)
    assert (audit.vulnerabilities, audit.audited, audit.not_audited) == ([], 0, 16)
    assert len(audit.lines()) == 1
