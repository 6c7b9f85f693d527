"""Every shell and Python block of the README and of docs/, run as it stands there, on a local stack of its own.

These have stand-ins:

- `make` prints what it would run, since .ci/run runs the targets; `make invoke` runs on this stack, without a container
  engine;
- `sam deploy` deploys the local form of the template, with the arguments of the block;
- `aws sqs` has the endpoint as an option, since version 1 of the AWS CLI ignores AWS_ENDPOINT_URL there;
- `.local/env` is that of this stack.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.emulators.safetyculture.scenario import LOCAL_TOKEN, FeedScenario, Unauthorized
from local.emulators.safetyculture.server import FeedEmulator
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION
from local.emulators.vi.server import ViEmulator
from local.paths import AWS, LOCAL, PYTHON_COMMANDS, ROOT, SAM
from local.sample_images import image
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.outputs import DeployedStack
from local.stack.settings import StackSettings
from tests.support.waiting import ended_execution, until

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>sh|console|python)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)
# The answers of the local AWS to operations that it does not have; the AWS CLI has accepted the arguments then.
ABSENT = re.compile(
    r"InvalidAction|UnknownOperation|NotImplemented|not (?:yet )?(?:implemented|supported)|Unknown|404|//sync-"
    r"|occurred .400."
)
REFUSED_ARGUMENTS = 252  # the exit status of the AWS CLI for a command that it does not accept
FEED_ROWS = 30
# The examples of values, and those that open the emulators.
VALUES = {
    "scapi_your_token": LOCAL_TOKEN,
    "dtvi_your_key": LOCAL_KEY,
    "your_organisation": LOCAL_ORGANIZATION,
    "DATASET_ID": "ds1",
}
# Operations that the local AWS does not have: the AWS CLI must accept them.
IN_AN_ACCOUNT = ("accessanalyzer", "start-message-move", "test-state", "validate-state-machine", "simulate-principal")
# The parts of the checkout that the commands read.
CHECKOUT = (
    *("docs", "events", "functions", "layers", "local", "statemachines", "tests"),
    *(".venv", "pyproject.toml", "template.yaml"),
)
SQS = f"""#!/bin/sh
if [ "$1" = sqs ]; then set -- "$@" --endpoint-url "$AWS_ENDPOINT_URL"; fi
exec {AWS} "$@"
"""
# It has the stack in `.local` of the reader's folder in place of the one on a port.
INVOKE = (
    "from pathlib import Path; import local.__main__ as commands; from local.stack.outputs import DeployedStack; "
    "commands.stack_on = lambda _: DeployedStack.read(Path('.local')); commands.main()"
)
MAKE = f"""#!/bin/sh
case $1 in
invoke)
  shift
  exec env PYTHONPATH={ROOT} ENGINE=none "$@" {PYTHON_COMMANDS}/python -c "{INVOKE}" invoke ;;
*) exec /usr/bin/make --directory {ROOT} --dry-run "$@" ;;
esac
"""


@dataclass(frozen=True)
class Block:
    """A block of a page, by its first line."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}-{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that run: commands, without the output that is shown, and Python."""
    content = page.read_text()
    for match in BLOCK.finditer(content):
        lines = [line.removeprefix(match["indent"]) for line in match["text"].splitlines()]
        if match["language"] == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        yield Block(page, content.count("\n", 0, match.start()) + 1, match["language"], "\n".join(lines))


BLOCKS = [block for page in PAGES for block in blocks(page)]
# `sam delete` ends the stack; the payloads of local-testing.md leave exports and sessions that no execution has.
IN_ORDER = sorted(BLOCKS, key=lambda block: ("sam delete" in block.text, block.page.name == "local-testing.md"))
[OUTPUT] = re.findall(r"^output\(\) \{.*?\}$", PAGES[0].read_text(), re.MULTILINE | re.DOTALL)


@dataclass
class Reader:
    """A person who follows the documents: a folder, a stack, and the shell."""

    stack: DeployedStack
    folder: Path
    feed_api: FeedEmulator
    exports: list[str] = field(default_factory=list)

    def client(self, service: Any) -> Any:
        return self.stack.client(service)

    def exported(self, scenario: FeedScenario) -> str:
        """Export assets in a *scenario*, and return the id of the export."""
        self.feed_api.has(scenario)
        arn = self.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["ExportStateMachineArn"], input='{"feed": "assets", "page_size": 25}'
        )["executionArn"]
        ended_execution(self.client("stepfunctions"), arn)
        self.feed_api.has(FeedScenario(rows=FEED_ROWS))

        def settled() -> str | None:
            items = self.stack.table("ExportsTableName")
            found = [item for item in items.scan()["Items"] if item.get("execution_arn") == arn]
            return str(found[0]["export_id"]) if found and found[0]["state"] != "running" else None

        return until(settled, f"{arn} is settled")

    def running_execution(self) -> str:
        """Start an execution that runs for a while."""
        self.feed_api.has(FeedScenario(rows=10_000, latency_seconds=0.5))
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["ExportStateMachineArn"], input='{"feed": "assets", "page_size": 25}'
        )
        return str(started["executionArn"])

    def session(self) -> str:
        """Return the key of an ingestion session."""
        table = self.stack.table("SessionsTableName")

        def opened() -> str | None:
            keys = [str(item["session_key"]) for item in table.scan()["Items"]]
            return next((key for key in sorted(keys) if key.startswith("ds1-")), None)

        return until(opened, "a session is opened")

    def filled(self, line: str) -> str:
        """Return a line with values in place of the names that it leaves to the reader."""
        for name, value in VALUES.items():
            line = line.replace(name, value)
        if "EXPORT_ID" in line:
            failed = FeedScenario(rows=FEED_ROWS * 5, faults=(Unauthorized(page=2),))
            line = line.replace("EXPORT_ID", self.exported(failed if "resume" in line else FeedScenario(rows=5)))
        if "diff OLD NEW" in line:
            old, new = (self.exported(FeedScenario(rows=rows)) for rows in (5, 5))  # a difference has exit status 1
            line = line.replace("OLD NEW", f"{old} {new}")
        return re.sub(r"\bSESSION\b(?!=)", lambda _: self.session(), line)

    def variables(self, text: str) -> dict[str, str]:
        """Return the outputs of the stack as the documents name them, and what else the *text* needs."""
        outputs = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(): at for name, at in self.stack.outputs.items()}
        if "$EXECUTION_ARN" in text:
            outputs["EXECUTION_ARN"] = self.running_execution()
        if "$OLD_TABLE" in text:
            outputs |= self.former_stack()
        return outputs

    def former_stack(self) -> dict[str, str]:
        """Leave a bucket and a table, as a deleted stack does."""
        bucket, table = "former-exports", "former-table"
        self.client("s3").create_bucket(Bucket=bucket)
        self.client("s3").put_object(Bucket=bucket, Key="exports/assets/former.csv", Body=b"id\r\n")
        self.client("dynamodb").create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": "export_id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "export_id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.client("dynamodb").put_item(TableName=table, Item={"export_id": {"S": "former"}, "rows": {"N": "7"}})
        return {"OLD_EXPORT_BUCKET": bucket, "OLD_TABLE": table}

    def ran(self, block: Block) -> subprocess.CompletedProcess[str]:
        """Run a block as one script, without a terminal."""
        if block.language == "python":
            command = [str(PYTHON_COMMANDS / "python"), "-c", block.text]
        else:
            command = ["/bin/sh", "-euc", "\n".join([OUTPUT, *map(self.filled, block.text.splitlines())])]
        path = os.pathsep.join(map(str, (self.folder / "bin", PYTHON_COMMANDS, AWS.parent, "/usr/bin", "/bin")))
        environment = {"PATH": path, "HOME": str(self.folder), "SAM_CLI_TELEMETRY": "0", "ACCOUNT": "000000000000"}
        environment |= {"TMPDIR": str(self.folder / "tmp")}  # `sam deploy` leaves a folder for each function
        environment |= {"__SAM_CLI_APP_DIR": str(LOCAL / "aws-sam"), "SAM_CLI_POLL_DELAY": "0.1"}
        roles = {"CLOSE_EXPORT_ROLE_ARN": "arn:aws:iam::000000000000:role/r", "ROLE_ARN": "arn:aws:iam::0:role/r"}
        ended = subprocess.run(
            command,
            cwd=self.folder,
            env=environment | roles | self.stack.environment | self.variables(block.text),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        self.feed_api.has(FeedScenario(rows=FEED_ROWS))  # a running execution made it slow
        return ended


def sam(template: Path) -> str:
    """Return the stand-in of `sam`, which deploys *template*."""
    return f"""#!/bin/sh
verb=$1; shift
case $verb in
deploy) exec {SAM} deploy --template-file {template} --stack-name "$ASSETLINE_STACK" --resolve-s3 \\
  --capabilities CAPABILITY_IAM --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar "$@" ;;
*) exec {SAM} "$verb" "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def reader(
    emulator: FeedEmulator, vi_emulator: ViEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reader]:
    state, folder = tmp_path_factory.mktemp("stack"), tmp_path_factory.mktemp("reader")
    settings = StackSettings(
        free_port(),
        state,
        emulator.url,
        vi_emulator.url,
        wait_scale=0,
        forks_functions=True,
        parameters={
            "GatherSeconds": "1",
            "LongestGatherSeconds": "1",
            "SessionsPerWindow": "1000",
            "PublishLatestFile": "true",
        },
    )
    for name in CHECKOUT:
        (folder / name).symlink_to(ROOT / name)
    (folder / "photos").mkdir()
    (folder / "photos/a.png").write_bytes(image("png", 1))
    with running_stack(settings) as stack:
        (folder / ".local").mkdir()
        stack.write(folder / ".local")
        for name in ("bin", "tmp"):
            (folder / name).mkdir()
        for name, program in {"aws": SQS, "make": MAKE, "sam": sam(state / "template.json")}.items():
            (folder / "bin" / name).write_text(program)
            (folder / "bin" / name).chmod(0o755)
        reader = Reader(stack, folder, emulator)
        emulator.forget()
        reader.exported(FeedScenario(rows=FEED_ROWS))  # the newest file
        yield reader


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if any(name in block.text for name in IN_AN_ACCOUNT)], ids=str
)
def test_a_confirmation_is_accepted_by_the_aws_cli(reader: Reader, block: Block) -> None:
    ended = reader.ran(block)
    assert ended.returncode != REFUSED_ARGUMENTS, ended.stderr
    assert ended.returncode == 0 or ABSENT.search(ended.stderr), f"{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize(
    "block", [block for block in IN_ORDER if not any(name in block.text for name in IN_AN_ACCOUNT)], ids=str
)
def test_a_block_runs(reader: Reader, block: Block) -> None:
    ended = reader.ran(block)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
