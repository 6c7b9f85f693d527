import pytest

from release.layer_packages import REQUIREMENTS, LayerPackage, installed_version, licence_of, locked_packages
from release.licences import ACCEPTED, PAGE, page

PACKAGES = locked_packages()


def test_every_requirement_of_the_layer_has_hashes() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith((" ", "#"))]
    assert [line.split("==")[0] for line in lines] == [package.name for package in PACKAGES]
    assert all(package.hashes for package in PACKAGES)


def test_a_requirement_without_a_hash_is_found() -> None:
    assert locked_packages("anyio==4.16.0\nh11==0.16.0 \\\n    --hash=md5:00\n") == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_licence_of_a_package_is_accepted(package: LayerPackage) -> None:
    assert licence_of(package.name) in ACCEPTED


def test_the_tests_run_the_versions_of_the_layer() -> None:
    assert [(package.name, installed_version(package.name)) for package in PACKAGES] == [
        (package.name, package.version) for package in PACKAGES
    ]


def test_the_page_of_licences_is_current() -> None:
    assert PAGE.read_text() == page(), "run `.venv/bin/python -m release licences`"
