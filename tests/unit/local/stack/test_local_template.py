"""The derived template is the real one, but for what makes the functions run from source."""

import json
import os
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from local.errors import TemplateNotLocal
from local.paths import LAYER, ROOT, TEMPLATE
from local.stack.local_template import bootstrap_of, definitions, derive, sources, write_bootstraps
from local.stack.yaml_tags import Tagged, read_template, template_json, template_text

CODE = Path("/state/code")


@pytest.fixture
def template() -> dict[str, Any]:
    return read_template(TEMPLATE)


@pytest.fixture
def derived(template: dict[str, Any]) -> dict[str, Any]:
    return derive(template, root=ROOT, code=CODE)


def functions_in(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    resources = template["Resources"].items()
    return {name: resource for name, resource in resources if resource["Type"] == "AWS::Serverless::Function"}


def test_the_real_template_survives_being_read_and_written(template: dict[str, Any], tmp_path: Path) -> None:
    written = tmp_path / "template.yaml"
    written.write_text(template_text(template))
    assert read_template(written) == template


def test_short_tags_are_written_in_full_as_json() -> None:
    tags = {
        "reference": Tagged("!Ref", "Bucket"),
        "condition": Tagged("!Condition", "HasKey"),
        "attribute": Tagged("!GetAtt", "Queue.Outputs.Arn"),
        "choice": [Tagged("!If", ["HasKey", Tagged("!Sub", "${Key}"), Tagged("!Ref", "AWS::NoValue")])],
    }
    assert json.loads(template_json(tags)) == {
        "reference": {"Ref": "Bucket"},
        "condition": {"Condition": "HasKey"},
        "attribute": {"Fn::GetAtt": ["Queue", "Outputs.Arn"]},
        "choice": [{"Fn::If": ["HasKey", {"Fn::Sub": "${Key}"}, {"Ref": "AWS::NoValue"}]}],
    }


def test_deriving_leaves_the_template_it_is_given_alone(template: dict[str, Any]) -> None:
    derive(template, root=ROOT, code=CODE)
    assert template == read_template(TEMPLATE)


def test_nothing_but_the_listed_differences_differs(template: dict[str, Any], derived: dict[str, Any]) -> None:
    expected = deepcopy(template)
    del expected["Metadata"]
    for name in ("Architectures", "Layers"):
        del expected["Globals"]["Function"][name]
    for name, function in functions_in(expected).items():
        function["Properties"] |= {"Runtime": "provided.al2023", "CodeUri": str(CODE / name)}
    drops = expected["Resources"]["RecordDropFunctionDrops"]["Properties"]
    drops["ScalingConfig"]["MaximumConcurrency"] = template["Parameters"]["RecordDropConcurrency"]["Default"]
    for machine in ("ExportFeed", "ExportFeeds", "IngestDrops", "BackfillDrops", "DownloadAssets", "DeleteAssets"):
        properties = expected["Resources"][f"{machine}StateMachine"]["Properties"]
        properties["DefinitionUri"] = str(ROOT / properties["DefinitionUri"])
    for name in ("ExportFunctionsFailingAlarm", "IngestFunctionsFailingAlarm", "DatasetFunctionsFailingAlarm"):
        alarm = expected["Resources"][name]["Properties"]
        _, first, *_ = alarm.pop("Metrics")
        stat = first["MetricStat"]
        alarm |= stat["Metric"] | {"Period": stat["Period"], "Statistic": stat["Stat"]}
    for name in ("AssetlineLayer", "ExportBucketPolicy", "DropBucketPolicy"):
        del expected["Resources"][name]
    assert without_rewritten(derived) == without_rewritten(expected)


def without_rewritten(node: Any) -> Any:
    """Return *node* with both spellings of a secret's ARN alike."""
    match node:
        case Tagged("!Ref", "SafetyCultureSecret" | "ViSecret" as name):
            return f"the ARN of {name}"
        case Tagged("!GetAtt", "SafetyCultureSecret.Id" | "ViSecret.Id" as attribute):
            return f"the ARN of {attribute.removesuffix('.Id')}"
        case dict():
            return {key: without_rewritten(value) for key, value in node.items()}
        case list():
            return [without_rewritten(value) for value in node]
        case _:
            return node


def test_a_derived_template_names_no_layer_and_the_arn_of_every_secret(derived: dict[str, Any]) -> None:
    text = template_text(derived)
    assert "AssetlineLayer" not in text
    assert "!Ref 'SafetyCultureSecret'" not in text


def test_every_function_of_the_template_has_source_and_handler(template: dict[str, Any]) -> None:
    folders = sources(template, root=ROOT)
    assert folders.keys() == functions_in(template).keys()
    assert [folder for folder in folders.values() if not (folder / "app.py").is_file()] == []


def test_the_machines_of_the_real_template_have_their_definitions(template: dict[str, Any]) -> None:
    assert [path.name for path in definitions(template, root=ROOT) if path.is_file()] == [
        "export_feed.asl.json",
        "export_feeds.asl.json",
        "ingest_drops.asl.json",
        "backfill_drops.asl.json",
        "download_assets.asl.json",
        "delete_assets.asl.json",
    ]


def test_a_statement_keeps_its_conditions() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Condition": {"ForAllValues:StringEquals": {"events:source": "assetline", "aws:ResourceAccount": "1"}},
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [statement]}}
    derived = derive({"Resources": {"Role": role}}, root=ROOT, code=CODE)
    assert derived["Resources"]["Role"]["Properties"]["Policies"] == [statement]


def test_a_bucket_policy_keeps_what_is_not_about_tls() -> None:
    tls_only = {"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    own = {"Effect": "Deny", "Action": "s3:DeleteObject"}
    policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": {"Statement": [tls_only, own]}}}
    derived = derive({"Resources": {"Policy": policy}}, root=ROOT, code=CODE)
    assert derived["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Statement"] == [own]


def test_a_secret_named_in_a_text_is_its_arn_there_too() -> None:
    resources = {
        "Token": {"Type": "AWS::SecretsManager::Secret", "Properties": {}},
        "Function": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"CodeUri": "f/", "Description": Tagged("!Sub", "${Token} of ${AWS::Region}")},
        },
    }
    derived = derive({"Resources": resources}, root=ROOT, code=CODE)
    assert derived["Resources"]["Function"]["Properties"]["Description"] == Tagged(
        "!Sub", "${Token.Id} of ${AWS::Region}"
    )


def test_a_function_without_a_source_folder_is_refused() -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"PackageType": "Image"}}
    with pytest.raises(TemplateNotLocal, match="the function Scanner has no CodeUri"):
        sources({"Resources": {"Scanner": function}}, root=ROOT)


@pytest.mark.parametrize("watched", [True, False])
def test_a_bootstrap_watches_its_source_for_an_edited_stack(tmp_path: Path, watched: bool) -> None:
    write_bootstraps({"Odd": tmp_path}, code=tmp_path / "code", watched=watched)
    shown = tmp_path / "shown"
    program = (tmp_path / "code/Odd/bootstrap").read_text()
    shown.write_text(program.replace("exec ", "echo ${ASSETLINE_WATCHES_CODE-none}; : "))
    process = subprocess.run(["sh", shown], check=True, capture_output=True, text=True, env={"_HANDLER": "app.handler"})
    assert process.stdout == ("1\n" if watched else "none\n")


def test_a_bootstrap_starts_in_the_source_folder_whatever_its_name(tmp_path: Path) -> None:
    source = tmp_path / "it's a $folder"
    source.mkdir()
    write_bootstraps({"Odd": source}, code=tmp_path / "code", watched=False)
    bootstrap = tmp_path / "code" / "Odd" / "bootstrap"
    assert os.access(bootstrap, os.X_OK)
    shown = tmp_path / "shown"
    shown.write_text(bootstrap_of(source, tmp_path / "watched").replace("exec ", "pwd; echo ${LOG_LEVEL-none}; echo "))
    ministacks = {"_HANDLER": "app.handler", "LOG_LEVEL": "WARNING"}
    process = subprocess.run(["sh", shown], check=True, capture_output=True, text=True, env=ministacks)
    folder, log_level, command = process.stdout.splitlines()
    assert (folder, log_level) == (str(source), "none")
    assert command.endswith("lambda_runtime.py app.handler")
    assert f"{LAYER}" in bootstrap.read_text()
