from typing import Any

import pytest

from tests.contract.template import resources, template


def statements(function: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a function may do, with what it may do only under a condition of the template."""
    found = [statement for policy in function.get("Policies", []) for statement in policy["Statement"]]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in found]


def test_the_names_others_rely_on_are_kept() -> None:
    assert {"ExportStateMachineArn", "ExportBucketName", "ExportsTableName", "SafetyCultureSecretArn"} <= set(
        template()["Outputs"]
    )
    parameters = template()["Parameters"]
    assert parameters["SafetyCultureApiUrl"]["Default"] == "https://api.safetyculture.io"
    assert parameters["ExportSchedule"]["Default"] == ""
    assert "LogRetentionDays" in parameters


@pytest.mark.parametrize("function", resources("AWS::Serverless::Function").items(), ids=lambda item: item[0])
def test_a_function_may_make_named_calls_on_named_resources_only(function: tuple[str, dict[str, Any]]) -> None:
    for statement in statements(function[1]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert all("*" not in action for action in actions)
        assert statement["Resource"] != "*"


def test_buckets_are_private_encrypted_and_tls_only() -> None:
    policies = resources("AWS::S3::BucketPolicy").values()
    for name, bucket in resources("AWS::S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["BucketEncryption"]
        (policy,) = [policy for policy in policies if policy["Bucket"] == {"Ref": name}]
        (tls_only,) = policy["PolicyDocument"]["Statement"]
        assert (tls_only["Effect"], tls_only["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_staging_and_unfinished_uploads_expire_after_a_machine_could_need_them() -> None:
    rules = {
        rule["Id"]: rule for rule in resources("AWS::S3::Bucket")["ExportBucket"]["LifecycleConfiguration"]["Rules"]
    }
    assert rules["StagingExpires"]["Prefix"] == "staging/"
    days = rules["StagingExpires"]["ExpirationInDays"]
    assert days == rules["UnfinishedUploadsExpire"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
    assert days * 24 * 3600 > 172_800
