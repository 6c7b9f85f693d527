from typing import Any

import pytest

from assetline.ingest.message_retries import pause_seconds
from assetline.vi import client
from tests.contract.metrics import (
    EMITTED_BY_AWS,
    emitted,
    metrics_of_alarms,
    metrics_of_the_dashboard,
    widgets,
)
from tests.contract.template import MACHINES, listed, machine, resources, statements, template

EVENT_SOURCE_MAPPING = "AWS::Lambda::EventSourceMapping"


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


SPEAK_WITH_VI = [
    name
    for name, function in resources("AWS::Serverless::Function").items()
    if {"Ref": "ViSecret"} in [entry for statement in statements(function) for entry in listed(statement["Resource"])]
]


@pytest.mark.parametrize("name", SPEAK_WITH_VI)
def test_a_function_outlasts_a_vi_that_hangs_and_raises_a_named_error(name: str) -> None:
    function = resources("AWS::Serverless::Function")[name]
    default = template()["Globals"]["Function"]["Timeout"]
    assert client.TIMEOUT.connect is not None
    assert client.TIMEOUT.read is not None
    tries = client.REPEATS + 1
    pauses = sum(client.PAUSE * repeat for repeat in range(1, tries))
    longest = tries * (client.TIMEOUT.connect + client.TIMEOUT.read) + pauses
    assert function.get("Timeout", default) >= longest + 30  # for what it does beside


def test_every_timeout_is_about_a_function() -> None:
    assert {"PollSessionFunction", "SettleSessionFunction", "OpenViExportFunction"} < {*SPEAK_WITH_VI}


READERS = ["RecordDropFunction", "UploadAssetsFunction"]


@pytest.mark.parametrize("name", READERS)
def test_readers_of_drops_may_list_their_buckets(name: str) -> None:
    allowed = statements(resources("AWS::Serverless::Function")[name])
    read = [entry["Resource"] for entry in allowed if "s3:GetObject" in entry["Action"]]
    listed = [entry["Resource"] for entry in allowed if entry["Action"] == "s3:ListBucket"]
    objects = ["${DropBucket.Arn}", "arn:${AWS::Partition}:s3:::${BackfillBucketName}"]
    assert all({"Fn::Sub": f"{bucket}/*"} in read for bucket in objects)
    assert {"Fn::GetAtt": ["DropBucket", "Arn"]} in listed
    assert {"Fn::Sub": objects[1]} in listed


def test_a_function_that_reads_a_bucket_may_list_it() -> None:
    for name, function in resources("AWS::Serverless::Function").items():
        allowed = statements(function)
        read = {str(entry["Resource"]) for entry in allowed if "s3:GetObject" in entry["Action"]}
        listed = {str(entry["Resource"]) for entry in allowed if entry["Action"] == "s3:ListBucket"}
        for bucket in ("ExportBucket", "DropBucket", "BackfillBucketName", "DownloadBucketName"):
            assert any(bucket in each for each in read) <= any(bucket in each for each in listed), (name, bucket)


@pytest.mark.parametrize("name", ["OpenSessionFunction", "SettleSessionFunction", "SweepDropsFunction"])
def test_functions_that_end_drops_may_tag_and_announce_them(name: str) -> None:
    allowed = statements(resources("AWS::Serverless::Function")[name])
    tagging = {"s3:GetObjectTagging", "s3:PutObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectVersionTagging"}
    tagged = [str(statement["Resource"]) for statement in allowed if tagging <= set(statement["Action"])]
    assert [bucket for bucket in ("${DropBucket.Arn}/*", "${BackfillBucketName}/*") if bucket not in str(tagged)] == []
    assert [statement for statement in allowed if statement["Action"] == "events:PutEvents"]


def actions_on(function: str, resource: Any) -> set[str]:
    """Return what a function may do with a resource."""
    found: set[str] = set()
    for statement in statements(resources("AWS::Serverless::Function")[function]):
        if statement["Resource"] == resource:
            action = statement["Action"]
            found |= {action} if isinstance(action, str) else {*action}
    return found


@pytest.mark.parametrize(
    ("function", "drops", "sessions", "queries"),
    [
        ("RecordDropFunction", "BatchGetItem PutItem UpdateItem", "UpdateItem", ""),
        ("OpenSessionFunction", "BatchGetItem UpdateItem", "GetItem PutItem UpdateItem DeleteItem", "Query"),
        ("SettleSessionFunction", "BatchGetItem UpdateItem", "GetItem UpdateItem", ""),
        ("SweepDropsFunction", "BatchGetItem UpdateItem", "GetItem UpdateItem Scan", "Query"),
    ],
)
def test_the_ingestion_may_do_with_its_tables_what_it_does(
    function: str, drops: str, sessions: str, queries: str
) -> None:
    index = {"Fn::Sub": "${DropsTable.Arn}/index/by_dataset_state"}
    for resource, calls in (
        ({"Fn::GetAtt": ["DropsTable", "Arn"]}, drops),
        ({"Fn::GetAtt": ["SessionsTable", "Arn"]}, sessions),
        (index, queries),
    ):
        assert actions_on(function, resource) == {f"dynamodb:{call}" for call in calls.split()}


def test_a_grant_to_tag_an_object_includes_its_versions() -> None:
    for arn in ("${DropBucket.Arn}/*", "arn:${AWS::Partition}:s3:::${BackfillBucketName}/*"):
        for function in ("RecordDropFunction", "SettleSessionFunction", "SweepDropsFunction"):
            assert actions_on(function, {"Fn::Sub": arn}) - {"s3:GetObject"} == {
                f"s3:{verb}Object{version}Tagging" for verb in ("Get", "Put") for version in ("", "Version")
            }


@pytest.mark.parametrize("table", ["DropsTable", "SessionsTable"])
def test_ended_items_expire(table: str) -> None:
    assert resources("AWS::DynamoDB::Table")[table]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }


def test_buckets_are_private_encrypted_and_tls_only() -> None:
    policies = resources("AWS::S3::BucketPolicy").values()
    for name, bucket in resources("AWS::S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["BucketEncryption"]
        (policy,) = [policy for policy in policies if policy["Bucket"] == {"Ref": name}]
        (tls_only,) = policy["PolicyDocument"]["Statement"]
        assert (tls_only["Effect"], tls_only["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
        assert (tls_only["Principal"], tls_only["Action"]) == ("*", "s3:*")
        assert tls_only["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def test_staging_and_open_uploads_outlast_every_machine() -> None:
    rules = {
        rule["Id"]: rule for rule in resources("AWS::S3::Bucket")["ExportBucket"]["LifecycleConfiguration"]["Rules"]
    }
    assert rules["StagingExpires"]["Prefix"] == "staging/"
    days = rules["StagingExpires"]["ExpirationInDays"]
    assert days == rules["UnfinishedUploadsExpire"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
    assert days * 24 * 3600 > 172_800


def test_every_metric_of_alarms_and_dashboard_is_emitted() -> None:
    named = {*metrics_of_alarms(), *metrics_of_the_dashboard()}
    assert {metric.namespace for metric in named} == {"Assetline", *EMITTED_BY_AWS}
    own = {(metric.name, metric.dimensions) for metric in named if metric.namespace == "Assetline"}
    assert own <= emitted()
    assert {metric.stack for metric in named if metric.namespace == "Assetline"} == {"AWS::StackName"}
    assert template()["Globals"]["Function"]["Environment"]["Variables"]["STACK_NAME"] == {"Ref": "AWS::StackName"}
    for metric in named:
        if metric.namespace in EMITTED_BY_AWS:
            assert (metric.dimensions, metric.name in EMITTED_BY_AWS[metric.namespace][1]) == (
                frozenset({EMITTED_BY_AWS[metric.namespace][0]}),
                True,
            )


def test_every_failing_resource_has_an_alarm_and_a_widget() -> None:
    machines, functions = resources("AWS::Serverless::StateMachine"), resources("AWS::Serverless::Function")
    dead_letters = {f"{name}.QueueName" for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetterQueue")}
    failures = {(how, name) for how in ("ExecutionsFailed", "ExecutionsTimedOut") for name in machines}
    depths = {("ApproximateNumberOfMessagesVisible", name) for name in dead_letters}
    errors = {("Errors", name) for name in functions}
    # Only errors show failures of a function that no machine runs and that keeps no failed event.
    lock = {
        ("Errors", name)
        for name, function in functions.items()
        if {"Events", "EventInvokeConfig"} & {*function} == {"Events"}
    } | {("Errors", mapping["FunctionName"]["Ref"]) for mapping in resources(EVENT_SOURCE_MAPPING).values()}

    assert {name for _, name in lock} == {"RecordDropFunction", "SweepDropsFunction", "SweepExportsFunction"}
    assert failures | depths | errors <= {(metric.name, metric.of) for metric in metrics_of_alarms()}
    assert failures | depths | errors <= {(metric.name, metric.of) for metric in metrics_of_the_dashboard()}
    shown = {arn for widget in widgets() for arn in widget.get("alarms", [])}
    assert shown == {f"${{{name}.Arn}}" for name in resources("AWS::CloudWatch::Alarm")}

    # An error that a machine repeats raises no alarm.
    at_once = {
        _function(alarm["Dimensions"])
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "Errors"
    }
    assert at_once == {name for _, name in lock}


GROUPED = {name: alarm for name, alarm in resources("AWS::CloudWatch::Alarm").items() if "Metrics" in alarm}
METRICS_OF_A_MATH_ALARM = 10  # CloudWatch: a hard limit


def _function(dimensions: list[dict[str, Any]]) -> str:
    (dimension,) = dimensions
    return str(dimension["Value"]["Ref"])


@pytest.mark.parametrize("name", GROUPED)
def test_functions_that_machines_retry_share_an_error_alarm(name: str) -> None:
    alarm = GROUPED[name]
    (summed,) = [metric for metric in alarm["Metrics"] if "Expression" in metric]
    single = [metric for metric in alarm["Metrics"] if "MetricStat" in metric]
    assert len(single) <= METRICS_OF_A_MATH_ALARM
    assert summed["Expression"] == f"SUM([{', '.join(f'FILL({metric["Id"]}, 0)' for metric in single)}])"
    assert "ReturnData" not in summed
    assert all(metric["ReturnData"] is False for metric in single)
    for metric in single:
        stat = metric["MetricStat"]
        assert (stat["Metric"]["MetricName"], stat["Stat"], stat["Period"]) == ("Errors", "Sum", 300)
        words = metric["Id"].split("_")
        assert _function(stat["Metric"]["Dimensions"]) == f"{''.join(map(str.capitalize, words))}Function"
    periods, threshold = alarm["EvaluationPeriods"], alarm["Threshold"]
    assert (alarm["DatapointsToAlarm"], threshold > 1, periods > 1) == (periods, True, True)


def test_the_alarm_on_errors_that_go_on_comes_before_the_machine_gives_up() -> None:
    seconds = max(alarm["EvaluationPeriods"] for alarm in GROUPED.values()) * 300
    (pauses,) = {
        tuple(
            min(retry["MaxDelaySeconds"], retry["IntervalSeconds"] * 2**number)
            for number in range(retry["MaxAttempts"])
        )
        for path in MACHINES
        for state in machine(path)["States"].values()
        for retry in state.get("Retry", [])
        if "AwsUnavailable" in retry["ErrorEquals"] and path.name == "export_feed.asl.json"
    }
    assert sum(pauses) >= seconds
    longest = max(pauses)
    assert all(alarm["Threshold"] <= 300 // longest for alarm in GROUPED.values())


@pytest.mark.parametrize("alarm", resources("AWS::CloudWatch::Alarm").items(), ids=lambda item: item[0])
def test_an_alarm_notifies_the_topic_and_the_email_that_are_given(alarm: tuple[str, dict[str, Any]]) -> None:
    nothing = {"Ref": "AWS::NoValue"}
    assert alarm[1]["AlarmActions"] == [
        {"Fn::If": ["AlarmsNotifyTopic", {"Ref": "AlarmTopicArn"}, nothing]},
        {"Fn::If": ["AlarmsNotifyEmail", {"Ref": "AlarmTopic"}, nothing]},
    ]


def test_cloudwatch_may_publish_to_the_encrypted_alarm_topic() -> None:
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    assert resources("AWS::SNS::Topic")["AlarmTopic"]["KmsMasterKeyId"] == {"Ref": "AlarmTopicKey"}
    key = resources("AWS::KMS::Key")["AlarmTopicKey"]["KeyPolicy"]["Statement"]
    (use,) = [statement for statement in key if statement["Principal"] == cloudwatch]
    assert {*use["Action"]} == {"kms:Decrypt", "kms:GenerateDataKey*"}
    (publish,) = resources("AWS::SNS::TopicPolicy")["AlarmTopicPolicy"]["PolicyDocument"]["Statement"]
    assert (publish["Principal"], publish["Action"]) == (cloudwatch, "sns:Publish")
    assert publish["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_failed_events_of_the_salvage_are_kept() -> None:
    salvage = resources("AWS::Serverless::Function")["SalvageExportFunction"]
    queue = {"Fn::GetAtt": ["SalvageDeadLetterQueue", "Arn"]}
    assert salvage["Events"]["ExecutionEnded"]["Properties"]["DeadLetterConfig"]["Arn"] == queue
    assert salvage["EventInvokeConfig"]["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": queue}
    (allowed,) = resources("AWS::SQS::QueuePolicy")["SalvageQueuePolicy"]["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Resource"] == queue


def test_new_accounts_can_run_record_drop_beside_other_functions() -> None:
    (mapping,) = resources(EVENT_SOURCE_MAPPING).values()
    assert mapping["FunctionName"] == {"Ref": "RecordDropFunction"}
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "RecordDropConcurrency"}}
    concurrency = template()["Parameters"]["RecordDropConcurrency"]
    limits_of_sqs_scaling = (2, 1000)
    assert (concurrency["MinValue"], concurrency["MaxValue"]) == limits_of_sqs_scaling
    concurrent_executions_of_a_new_account = 10
    assert concurrency["Default"] <= concurrent_executions_of_a_new_account // 2


def test_a_failed_drop_message_is_attempted_often_before_it_is_dead() -> None:
    queue = resources("AWS::SQS::Queue")["DropQueue"]
    function = resources("AWS::Serverless::Function")["RecordDropFunction"]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]  # the Lambda developer guide, SQS event sources
    receives = queue["RedrivePolicy"]["maxReceiveCount"]
    assert receives >= 6
    assert 30 * 60 <= sum(pause_seconds(receive) for receive in range(1, receives)) <= 3600
    assert "sqs:ChangeMessageVisibility" in actions_on("RecordDropFunction", {"Fn::GetAtt": ["DropQueue", "Arn"]})


HOLD_DATA = {
    name: resource
    for name, resource in template()["Resources"].items()
    if resource["Type"] in {"AWS::S3::Bucket", "AWS::DynamoDB::Table"}
}


@pytest.mark.parametrize("name", HOLD_DATA)
def test_user_data_survives_the_deletion_of_its_resource(name: str) -> None:
    resource = HOLD_DATA[name]
    assert (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) == ("Retain", "Retain")


@pytest.mark.parametrize("table", resources("AWS::DynamoDB::Table"))
def test_a_table_is_protected_from_deletion_and_restorable(table: str) -> None:
    properties = resources("AWS::DynamoDB::Table")[table]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_a_replaced_secret_keeps_its_credential() -> None:
    secrets = [entry for entry in template()["Resources"].values() if entry["Type"] == "AWS::SecretsManager::Secret"]
    assert {(secret["DeletionPolicy"], secret["UpdateReplacePolicy"]) for secret in secrets} == {("Delete", "Retain")}


def test_functions_and_layer_have_the_architecture_of_the_parameter() -> None:
    layer = template()["Resources"]["AssetlineLayer"]
    assert template()["Parameters"]["Architecture"]["Default"] == "arm64"
    assert [
        *template()["Globals"]["Function"]["Architectures"],
        layer["Metadata"]["BuildArchitecture"],
        *layer["Properties"]["CompatibleArchitectures"],
    ] == [{"Ref": "Architecture"}] * 3
