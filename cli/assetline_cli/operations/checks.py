"""The checks of the diagnosis: each looks at one thing, and names the next step if it is wrong."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

from assetline.credentials import Token
from assetline.errors import Permanent, Retryable
from assetline.safetyculture.client import FeedClient
from assetline.vi import datasets as vi_datasets
from assetline_cli.aws_errors import code_of
from assetline_cli.errors import CommandFailed
from assetline_cli.operations.schedule_expression import next_time
from assetline_cli.operations.status import SCHEDULE
from assetline_cli.stack import Stack, find_stack
from assetline_cli.terminal.formatting import count_of, duration
from assetline_cli.vi_client import vi_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.exceptions import ClientError

    from assetline_cli.context import CliContext

type Verdict = Literal["ok", "warning", "failed", "skipped"]

MOST_SKEW = timedelta(minutes=5)  # AWS refuses a signature that is older or newer than this
SOME_SKEW = timedelta(minutes=1)  # ours: worth a warning
TOKEN_UNUSED_DAYS = 30  # docs/contracts/safetyculture-feeds.md, section 1.1: a user token expires unused
CONCURRENCY_BESIDE = 10  # ours: for the functions beside record_drop, each with few invocations at once
SAFETYCULTURE_URL, SAFETYCULTURE_SECRET, VI_SECRET = "SafetyCultureApiUrl", "SafetyCultureSecretArn", "ViSecretArn"
DEAD_LETTER_QUEUES = {"DropDeadLetterQueueUrl": "drop messages", "SalvageDeadLetterQueueUrl": "events of ended exports"}


@dataclass(frozen=True)
class Finding:
    """The result of one check; `action` is what to do, for a warning or a failure."""

    check: str
    verdict: Verdict
    message: str
    action: str | None = None


@dataclass(frozen=True)
class Check:
    """A check: its name, and the function that runs it."""

    name: str
    run: Callable[[], Finding]


def ok(name: str, message: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(name, "ok", message)


class Diagnosis:
    """The checks of one stack, from the credentials to the schedule."""

    def __init__(self, context: CliContext, stack_name: str) -> None:
        self._context = context
        self._stack_name = stack_name

    def account_checks(self) -> list[Check]:
        """Return the checks that need no stack."""
        return [Check("credentials", self._credentials), Check("clock", self._clock)]

    def find_stack(self) -> Stack:
        """Return the stack; raises as `find_stack`."""
        return find_stack(self._context.aws.cloudformation, self._stack_name)

    def stack_checks(self, stack: Stack) -> list[Check]:
        """Return the checks of the deployed stack."""
        return [
            Check("stack", lambda: self._stack_state(stack)),
            Check("SafetyCulture API", lambda: self._safetyculture(stack)),
            Check("SafetyCulture token age", lambda: self._token_age(stack)),
            Check("Vi API", lambda: self._vi(stack)),
            Check("concurrency", lambda: self._concurrency(stack)),
            Check("alarms", lambda: self._alarms(stack)),
            Check("alarm notifications", lambda: self._notifications(stack)),
            Check("dead letters", lambda: self._dead_letters(stack)),
            Check("schedule", lambda: self._schedule(stack)),
        ]

    def _credentials(self) -> Finding:
        identity = self._context.aws.sts.get_caller_identity()
        return ok("credentials", f"{identity['Arn']} in {self._context.aws.region}")

    def _clock(self) -> Finding:
        answer: Any = self._context.aws.sts.get_caller_identity()
        date = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("date")
        if not date:
            return Finding("clock", "skipped", "AWS did not send its time.")
        skew = abs(self._context.clock.now() - parsedate_to_datetime(date).astimezone(UTC))
        message = f"The clock of this computer differs from that of AWS by {duration(skew.total_seconds())}."
        if skew < SOME_SKEW:
            return ok("clock", message)
        action = "Synchronise the clock, for example with `timedatectl set-ntp true`. AWS refuses 5 minutes."
        return Finding("clock", "failed" if skew >= MOST_SKEW else "warning", message, action)

    def _stack_state(self, stack: Stack) -> Finding:
        message = f"Stack {stack.name} is {stack.status}, with {count_of(len(stack.outputs), 'output')}."
        if stack.status.endswith("_COMPLETE") and not stack.status.startswith(("ROLLBACK", "DELETE")):
            return ok("stack", message)
        action = f"See its events: aws cloudformation describe-stack-events --stack-name {stack.name}"
        verdict: Verdict = "warning" if stack.status.endswith("_IN_PROGRESS") else "failed"
        return Finding("stack", verdict, message, action)

    def _safetyculture(self, stack: Stack) -> Finding:
        name, origin, arn = (
            "SafetyCulture API",
            stack.parameters.get(SAFETYCULTURE_URL),
            stack.outputs.get(SAFETYCULTURE_SECRET),
        )
        if not origin or not arn:
            return Finding(name, "failed", "The stack is missing its origin or secret.", "Redeploy the stack.")
        token = Token(arn, lambda _fresh: self._secret(arn))
        try:
            with closing(FeedClient(origin, token)) as client:
                client.who_am_i()
        except (Permanent, Retryable) as error:
            return Finding(name, "failed", f"{type(error).__name__}: {error}", _put_secret(arn, "scapi_your_token"))
        return ok(name, f"{origin} accepts the token.")

    def _token_age(self, stack: Stack) -> Finding:
        name, arn = "SafetyCulture token age", stack.outputs.get(SAFETYCULTURE_SECRET)
        if not arn:
            return Finding(name, "skipped", "The stack has no secret of SafetyCulture.")
        described = self._context.aws.secrets.describe_secret(SecretId=arn)
        changed_at = described.get("LastChangedDate") or described.get("CreatedDate")
        if changed_at is None:
            return Finding(name, "skipped", "Secrets Manager did not send the time of the last change.")
        days = (self._context.clock.now() - changed_at).days
        message = f"The token was stored {count_of(days, 'day')} ago."
        scheduled = bool(stack.parameters.get(SCHEDULE))
        if days < TOKEN_UNUSED_DAYS or scheduled:
            return ok(name, message)
        action = (
            f"SafetyCulture deletes a user token that is unused for {TOKEN_UNUSED_DAYS} days. Set ExportSchedule, "
            "or use the token of a service user."
        )
        return Finding(name, "warning", message, action)

    def _vi(self, stack: Stack) -> Finding:
        name, arn = "Vi API", stack.outputs.get(VI_SECRET, "")
        try:
            with closing(vi_client(self._context, stack, patient=False)) as client:
                next(vi_datasets.datasets(client), None)
        except CommandFailed as error:
            return Finding(name, "failed", str(error), "Redeploy the stack.")
        except (Permanent, Retryable) as error:
            unset = type(error).__name__ == "KeyMissing"
            message = "No Vi key. Exports work without one." if unset else f"{type(error).__name__}: {error}"
            action = _put_secret(arn, """'{"secret_key": "dtvi_…", "organization_id": "…"}'""")
            return Finding(name, "warning" if unset else "failed", message, action)
        return ok(name, f"{stack.vi().origin} accepts the key.")

    def _concurrency(self, stack: Stack) -> Finding:
        name, limits = "concurrency", self._context.aws.lambdas.get_account_settings()["AccountLimit"]
        quota = limits["ConcurrentExecutions"]
        needed = int(stack.parameters.get("RecordDropConcurrency") or 0) + CONCURRENCY_BESIDE
        message = f"The account allows {quota:,} concurrent executions; the stack uses up to about {needed}."
        if quota >= needed:
            return ok(name, message)
        action = (
            "Request a higher quota: aws service-quotas request-service-quota-increase --service-code lambda "
            "--quota-code L-B99A9384 --desired-value 1000. Or lower RecordDropConcurrency."
        )
        return Finding(name, "warning", message, action)

    def _alarms(self, stack: Stack) -> Finding:
        name = "alarms"
        answer = self._context.aws.cloudwatch.describe_alarms(AlarmNamePrefix=f"{stack.name}-", StateValue="ALARM")
        firing = [alarm.get("AlarmName", "") for alarm in answer.get("MetricAlarms", [])]
        if not firing:
            return ok(name, "No alarm fires.")
        action = "See docs/operations.md, section Alarms, for the reason and the next step of each."
        return Finding(name, "failed", f"Firing: {', '.join(sorted(firing))}.", action)

    def _notifications(self, stack: Stack) -> Finding:
        name, topic = "alarm notifications", stack.parameters.get("AlarmTopicArn", "")
        email = stack.parameters.get("AlarmEmail", "")
        if not topic and not email:
            action = "Deploy with an address: sam deploy --parameter-overrides AlarmEmail=ops@example.com"
            return Finding(name, "warning", "The alarms notify no one.", action)
        unconfirmed = [*self._unconfirmed(stack)] if email else []
        if unconfirmed:
            action = "Follow the link in the email of AWS Notifications."
            return Finding(name, "failed", f"Not confirmed yet: {', '.join(unconfirmed)}.", action)
        return ok(name, f"Alarms notify {' and '.join(filter(None, (email, topic)))}.")

    def _unconfirmed(self, stack: Stack) -> Iterator[str]:
        alarms = self._context.aws.cloudwatch.describe_alarms(AlarmNamePrefix=f"{stack.name}-", MaxRecords=1)
        for alarm in alarms.get("MetricAlarms", []):
            for topic in alarm.get("AlarmActions", []):
                if topic == stack.parameters.get("AlarmTopicArn"):
                    continue
                answer = self._context.aws.sns.list_subscriptions_by_topic(TopicArn=topic)
                for subscription in answer["Subscriptions"]:
                    if subscription.get("SubscriptionArn") == "PendingConfirmation":
                        yield subscription.get("Endpoint", "")

    def _dead_letters(self, stack: Stack) -> Finding:
        name, found = "dead letters", []
        for output, what in DEAD_LETTER_QUEUES.items():
            if not (url := stack.outputs.get(output)):
                continue
            attributes = self._context.aws.sqs.get_queue_attributes(
                QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )["Attributes"]
            if number := int(attributes.get("ApproximateNumberOfMessages", 0)):
                found.append(f"{number:,} {what}")
        if not found:
            return ok(name, "Both dead-letter queues are empty.")
        action = "See the logs of the function, fix the cause, and run `assetline drops redrive` for drop messages."
        return Finding(name, "failed", f"In dead-letter queues: {', '.join(found)}.", action)

    def _schedule(self, stack: Stack) -> Finding:
        name, expression = "schedule", stack.parameters.get(SCHEDULE)
        if not expression:
            return ok(name, "No schedule: exports start only when someone starts them.")
        resource = self._context.aws.cloudformation.describe_stack_resource(
            StackName=stack.name, LogicalResourceId="ScheduledExport"
        )
        physical = resource["StackResourceDetail"].get("PhysicalResourceId", "").rpartition("/")[2]
        state = self._context.aws.scheduler.get_schedule(Name=physical)["State"]
        upcoming = next_time(expression, self._context.clock.now())
        when = f" The next time is {upcoming:%Y-%m-%d %H:%M} UTC." if upcoming else ""
        if state == "ENABLED":
            return ok(name, f"{expression} is enabled.{when}")
        return Finding(name, "failed", f"Schedule {physical} is {state}.", "Enable it, or redeploy the stack.")

    def _secret(self, arn: str) -> str | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - help needs none

        try:
            return self._context.aws.secrets.get_secret_value(SecretId=arn).get("SecretString")
        except ClientError as error:
            if _has_no_value(error):
                return None
            raise


def _has_no_value(error: ClientError) -> bool:
    return code_of(error) == "ResourceNotFoundException"


def _put_secret(arn: str, value: str) -> str:
    return f"Store it: aws secretsmanager put-secret-value --secret-id {arn} --secret-string {value}"
