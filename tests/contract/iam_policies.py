"""The inline policies of the transformed template, with sample ARNs in place of references."""

import re
from typing import Any

from tests.contract.template import template
from tests.contract.transformed_template import transformed_resources

ACCOUNT = "us-east-1:123456789012"
SAMPLE_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{ACCOUNT}:table/name",
    "AWS::Lambda::Function": f"arn:aws:lambda:{ACCOUNT}:function:name",
    "AWS::S3::Bucket": "arn:aws:s3:::name",
    "AWS::SQS::Queue": f"arn:aws:sqs:{ACCOUNT}:name",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{ACCOUNT}:secret:name-AbCdEf",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{ACCOUNT}:stateMachine:name",
}
# Parameters and pseudo parameters; of a resource, Ref gives the ARN of those types that policies name by Ref.
SAMPLE_VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "BackfillBucketName": "name",
    "DownloadBucketName": "name",
    "BackfillKmsKeyArn": f"arn:aws:kms:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
    "DownloadKmsKeyArn": f"arn:aws:kms:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
}
_NOTHING = {"Ref": "AWS::NoValue"}


def inline_policies() -> dict[str, dict[str, Any]]:
    """Return every inline policy by the resource that has it, with what it grants only under conditions."""
    found = {}
    for name, resource in transformed_resources().items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Policy":
            found[name] = resolved(properties["PolicyDocument"])
        if resource["Type"] == "AWS::IAM::Role":
            for place, policy in enumerate(properties.get("Policies", [])):
                found[f"{name}.{place}"] = resolved(policy["PolicyDocument"])
    return found


def resolved(node: Any) -> Any:
    """Return *node* with samples in place of its intrinsic functions; of a condition, what holds if it is true."""
    value: Any
    match node:
        case {"Ref": str(name)}:
            value = _value(name)
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            value = _value(f"{name}.{attribute}")
        case {"Fn::If": [_, then, _]}:
            value = resolved(then)
        case {"Fn::Sub": [str(text), dict(values)]}:
            value = _substituted(text, {name: resolved(value) for name, value in values.items()})
        case {"Fn::Sub": str(text)}:
            value = _substituted(text, {})
        case dict():
            value = {key: resolved(value) for key, value in node.items()}
        case list():
            value = [resolved(value) for value in node if value != _NOTHING]
        case _:
            value = node
    return value


def _substituted(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{([\w.:]+)\}", lambda at: values.get(at[1]) or _value(at[1]), text)


def _value(name: str) -> str:
    if name in SAMPLE_VALUES or name in template()["Parameters"]:
        return SAMPLE_VALUES[name]
    resource, _, attribute = name.partition(".")
    if attribute == "Name":
        return "name"
    assert attribute in {"", "Arn"}, name
    return SAMPLE_ARNS[transformed_resources()[resource]["Type"]]
