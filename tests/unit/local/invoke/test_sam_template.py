"""The template for invoking: the functions and layers of the real one, with the variables that `sam local` passes."""

import os
from pathlib import Path
from typing import Any

import pytest

from local.invoke.sam_local import env_vars
from local.invoke.sam_template import CONTAINER, DECLARED, FOLDER, derive_for_invoking, sam_environment
from local.paths import ROOT, TEMPLATE
from local.stack.local_template import FUNCTION
from local.stack.outputs import DeployedStack
from local.stack.yaml_tags import Tagged, read_template

STACK = DeployedStack("http://127.0.0.1:4566", "us-east-1", "assetline", {}, {"vi": "http://127.0.0.1:5001"})


@pytest.fixture
def derived() -> dict[str, Any]:
    return derive_for_invoking(read_template(TEMPLATE), root=ROOT, architecture="x86_64")


def functions_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    resources = template["Resources"].items()
    return {name: resource["Properties"] for name, resource in resources if resource["Type"] == FUNCTION}


def test_it_has_every_function_with_its_source_and_limits(derived: dict[str, Any]) -> None:
    real = functions_of(read_template(TEMPLATE))
    assert functions_of(derived).keys() == real.keys()
    for name, properties in functions_of(derived).items():
        assert properties["CodeUri"] == str(ROOT / real[name]["CodeUri"])
        assert properties.get("Timeout") == real[name].get("Timeout")
        assert properties.get("MemorySize") == real[name].get("MemorySize")
        assert "Policies" not in properties


def test_the_architecture_is_that_of_the_engine(derived: dict[str, Any]) -> None:
    assert derived["Parameters"]["Architecture"]["Default"] == "x86_64"
    assert derived["Globals"]["Function"]["Architectures"] == [Tagged("!Ref", "Architecture")]
    assert derived["Resources"]["AssetlineLayer"]["Metadata"]["BuildArchitecture"] == Tagged("!Ref", "Architecture")


def test_variables_are_declared_and_have_no_value(derived: dict[str, Any]) -> None:
    common = derived["Globals"]["Function"]["Environment"]["Variables"]
    real = read_template(TEMPLATE)["Globals"]["Function"]["Environment"]["Variables"]
    assert common.keys() == real.keys() | {*DECLARED}
    assert {*common.values()} == {""}
    own = functions_of(derived)["RecordDropFunction"]["Environment"]["Variables"]
    assert own == {"INGEST_STATE_MACHINE_ARN": "", "DROP_QUEUE_URL": ""}


def test_the_forwarding_program_is_a_layer_and_can_be_run(derived: dict[str, Any]) -> None:
    assert derived["Globals"]["Function"]["Layers"] == [
        Tagged("!Ref", "AssetlineLayer"),
        Tagged("!Ref", "ForwardingLayer"),
    ]
    assert derived["Resources"]["ForwardingLayer"]["Properties"]["ContentUri"] == str(CONTAINER)
    assert os.access(CONTAINER / "forward.py", os.X_OK)


def test_it_is_built_outside_of_the_folder_that_a_deployment_takes() -> None:
    assert ROOT / ".aws-sam" not in (FOLDER, *FOLDER.parents)


def test_the_real_template_is_unchanged() -> None:
    template = read_template(TEMPLATE)
    derive_for_invoking(template, root=ROOT, architecture="arm64")
    assert template == read_template(TEMPLATE)


def test_every_function_gets_its_variables_and_the_local_stack() -> None:
    environments = {"OpenExportFunction": {"EXPORT_BUCKET": "exports-1", "AWS_ENDPOINT_URL": "https://aws"}}
    [variables] = env_vars(STACK, environments, {4566: "172.17.0.1:40001", 5001: "172.17.0.1:40002"}).values()
    assert variables["EXPORT_BUCKET"] == "exports-1"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert variables["FORWARDED_PORTS"] == "4566=172.17.0.1:40001,5001=172.17.0.1:40002"
    assert {*DECLARED} <= variables.keys()


def test_credentials_of_the_caller_do_not_reach_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_PROFILE", "production")
    environment = sam_environment("unix:///engine.sock", "http://127.0.0.1:4566")
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert not {"AWS_SESSION_TOKEN", "AWS_PROFILE"} & environment.keys()
    assert Path(environment["__SAM_CLI_APP_DIR"]).is_relative_to(ROOT)
