"""The transformed template: what the SAM transform adds that template.yaml does not show."""

from typing import Any

from tests.contract.transformed_template import transformed_resources


def name_properties(kind: str) -> set[str]:
    """Return the properties that give a resource of a type its physical name: QueueName of AWS::SQS::Queue."""
    words = kind.rpartition("::")[2]
    return {"Name", f"{words}Name", f"{words.removesuffix('Version')}Name"}


def literal_names(resource: dict[str, Any]) -> list[str]:
    """Return the physical names that a resource has whatever the name of its stack."""
    if resource["Type"] == "AWS::IAM::Policy":
        return []  # the name of an inline policy is unique in its role, not in the account
    properties = resource.get("Properties", {})
    names = [properties[name] for name in name_properties(resource["Type"]) if name in properties]
    return [name for name in names if "AWS::StackName" not in str(name)]


def test_no_resource_has_the_same_physical_name_in_two_stacks() -> None:
    named = {logical_id: literal_names(resource) for logical_id, resource in transformed_resources().items()}
    assert {logical_id: names for logical_id, names in named.items() if names} == {}


def test_a_literal_name_is_found_and_a_name_of_the_stack_is_not() -> None:
    assert literal_names({"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "drops"}}) == ["drops"]
    assert literal_names({"Type": "AWS::Lambda::LayerVersion", "Properties": {"LayerName": "layer"}}) == ["layer"]
    of_the_stack = {"Fn::Sub": "/assetline/${AWS::StackName}/open_export"}
    assert literal_names({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": of_the_stack}}) == []
