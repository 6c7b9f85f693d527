"""The official SDK's own integration tests pass against the emulated Vi, as far as they are of what it emulates.

They are in the SDK's source distribution, which `make test` fetches: nothing of it is in this repository.
"""

import os
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import httpx
import pytest

from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ViScenario
from local.emulators.vi.server import running
from local.paths import LOCAL
from local.sample_images import image

SUITE = LOCAL / "tools/visdk-tests"
DATASET = f"/workspaces/{LOCAL_ORGANIZATION}/datasets/{LOCAL_ORGANIZATION}_ds1"
KEY = {"authorization": f"Bearer {LOCAL_KEY}", "organization-id": LOCAL_ORGANIZATION}
SECONDS = 120
AT_LEAST = 44

# By module and class, without `test_`.
PASSED = """
    asset_sources::TestAssetSourceGet: get_asset_source_derived_from_list
    asset_sources::TestAssetSourceIngestionSessions: list_ingestion_sessions
    asset_sources::TestAssetSourcesList: list_asset_sources
    assets::TestAssetDownloadIntegration: download_assets_error_invalid_dataset download_assets_to_temp_dir
        download_assets_with_overwrite download_assets_with_progress
    assets::TestAssetGetIntegration: get_asset_basic get_asset_error_invalid_id get_asset_with_contents
    assets::TestAssetListIntegration: list_assets_basic list_assets_error_invalid_dataset
        list_assets_with_contents list_assets_with_pagination list_assets_with_sorting
    assets::TestAssetUploadCleanup: delete_uploaded_assets
    assets::TestAssetUploadIntegration: upload_error_invalid_dataset upload_from_folder upload_single_image
        upload_without_wait
    assets_with_objects::TestAssetWithObjectsGet: get_asset_with_objects_derived_from_list
    assets_with_objects::TestAssetsWithObjectsList: list_assets_with_objects list_assets_with_objects_pagination
    client::TestClientInitialization: client_custom_endpoint client_init_explicit_credentials
        client_init_from_env
    client::TestClientLogging: client_with_custom_logging client_with_logging_disabled
    client::TestClientResources: organizations_nested_resources organizations_resource_available
    datasets::TestDatasetDeleteIntegration: delete_dataset_error_invalid_id delete_dataset_protection
        get_deletion_operation_invalid_dataset
    datasets::TestDatasetGet: dataset_has_required_fields get_dataset_by_id
    datasets::TestDatasetsList: list_datasets list_datasets_iteration list_datasets_with_pagination
    folders::TestFolderChildren: list_root_children
    folders::TestFolderGet: get_folder_derived_from_list
    folders::TestFoldersList: list_folders list_folders_with_sorting
    organizations::TestOrganization: get_organization_info organization_has_required_fields
    organizations::TestOrganizationLists: list_organizations list_organizations_pagination
"""

# They call `organizations.info`, which the SDK does not have.
FAILED = """
    client::TestClientConnectivity: client_can_connect client_organization_access
    client::TestClientInitialization: client_invalid_credentials
"""


def names(listed: str) -> set[str]:
    groups = re.findall(r"(\w+::\w+):((?:\s+\w+(?![\w:]))+)", listed)
    return {f"{group}::{name}" for group, tests in groups for name in tests.split()}


MODULES = sorted({name.partition("::")[0] for name in names(PASSED)})


def run(url: str, folder: Path) -> ET.Element:
    """Run the SDK's tests of the modules, whose client may reach nothing but *url*, and return their report."""
    photos, report, settings = folder / "photos", folder / "report.xml", folder / "pytest.ini"
    photos.mkdir()
    settings.write_text("[pytest]\n")  # in place of the SDK's own, which measures its coverage
    for number in range(5):
        (photos / f"test_{number}.jpg").write_bytes(image("jpg", number))
    requested = {
        "DATATURE_VI_SECRET_KEY": LOCAL_KEY,
        "DATATURE_VI_ORGANIZATION_ID": LOCAL_ORGANIZATION,
        "DATATURE_VI_API_ENDPOINT": url,
        "TEST_DATASET_ID": "ds1",
        "TEST_ASSET_ID": "asset-000001",
        "TEST_ASSET_FOLDER_PATH": str(photos),
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    opted_in = dict.fromkeys(("TEST_LARGE_DOWNLOAD", "CLEANUP_TEST_UPLOADS", "ALLOW_DATASET_DELETE"), "1")
    files = [f"tests/integrations/test_{module}_integration.py" for module in MODULES]
    subprocess.run(
        [
            *(LOCAL / "tools/visdk/bin/python", "-m", "pytest", "-c", settings, "--rootdir", SUITE),
            *("-p", "no:cacheprovider", "--quiet", f"--junit-xml={report}", *files),
        ],
        cwd=SUITE,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "VI_ENABLE_FILE": "false"} | requested | opted_in,
        check=False,  # the report lists the failed ones
        capture_output=True,
        timeout=SECONDS,
    )
    return ET.parse(report).getroot()  # noqa: S314 - written by pytest


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    with running(ViScenario(sessions_per_window=None, holds={"ds1": 7})) as vi:
        httpx.put(f"{vi.url}{DATASET}/folders/raw%2F2025", json={"owner": "x"}, headers=KEY).raise_for_status()
        report = run(vi.url, tmp_path_factory.mktemp("sdk"))
    ended = {}
    for case in report.iter("testcase"):
        module, _, group = case.attrib["classname"].removeprefix("tests.integrations.test_").partition("_integration.")
        name = f"{module}::{group}::{case.attrib['name'].removeprefix('test_')}"
        ended[name] = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
    return ended


def test_the_tests_of_the_sdk_pass_by_name(outcomes: dict[str, str]) -> None:
    passed = {name for name, ended in outcomes.items() if ended == "passed"}
    assert passed == names(PASSED)
    assert len(passed) >= AT_LEAST


def test_failing_tests_fail_by_a_fault_of_the_sdk(outcomes: dict[str, str]) -> None:
    assert {name for name, ended in outcomes.items() if ended != "passed"} == names(FAILED)
