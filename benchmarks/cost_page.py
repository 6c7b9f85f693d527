"""The page docs/cost.md, and the sentence of the README, made from the prices."""

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path

from benchmarks import prices
from benchmarks.prices import SOURCES

ROOT = Path(__file__).parents[1]
PAGE, README = ROOT / "docs/cost.md", ROOT / "README.md"
MARKED = re.compile(r"(<!-- cost -->\n).*?(<!-- /cost -->)", re.DOTALL)

WIDTH = 124
SERVICES = {
    "cloudwatch": "CloudWatch",
    "dynamodb": "DynamoDB",
    "internet": "data transfer to the internet",
    "lambda": "Lambda",
    "s3": "S3",
    "scheduler": "EventBridge Scheduler",
    "secrets_manager": "Secrets Manager",
    "sqs": "SQS",
    "step_functions": "Step Functions",
}


def table(usd: Mapping[str, float]) -> str:
    """Return the dollars by service as a table, the largest first, with their sum."""
    lines = ["| Service | US dollars |", "|---|---:|"]
    lines += [f"| {SERVICES[name]} | {dollars:.2f} |" for name, dollars in sorted(usd.items(), key=lambda of: -of[1])]
    return "\n".join([*lines, f"| **Sum** | **{sum(usd.values()):.2f}** |"])


def sources() -> str:
    """Return the sources of the prices as a table."""
    lines = ["| Service | Price page | Compared with |", "|---|---|---|"]
    lines += [f"| {SERVICES[name]} | {source.prices} | {source.compared_with} |" for name, source in SOURCES.items()]
    return "\n".join(lines)


def page() -> str:
    """Return the page, its paragraphs in lines of one width."""
    blocks = _text().rstrip().split("\n\n")
    return (
        "\n\n".join(block if block.startswith(("#", "|")) else textwrap.fill(block, WIDTH) for block in blocks) + "\n"
    )


def _text() -> str:
    calls, export = prices.ImageCalls(), prices.million(prices.BYTES_A_ROW)
    tags_usd = prices.million_images(prices.ALL_TAGGED)["s3"] - prices.million_images(calls)["s3"]
    beside = prices.beside_a_million_images()
    return f"""\
# Cost

`.venv/bin/python -m benchmarks --cost` generates this page from counted calls and list prices, in
`benchmarks/prices.py`. A test compares the page with them. The list prices are those of us-east-1. They were noted
from memory on {prices.NOTED}, and compared with [other pages](#where-the-prices-are-from) on {prices.COMPARED}:
check them before you rely on them. Free tiers and taxes are left out. No figure comes from a bill.

## An idle month

{prices.MONTH_HOURS} hours, in which the schedules of the sweeps run, and nothing is exported or dropped.

{table(prices.idle_month())}

The template has {prices.ALARM_METRICS} metrics in alarms, {prices.SECRETS} secrets, a dashboard, and
{prices.SWEEPS_AN_HOUR} sweeps an hour. A sweep is assumed to use {prices.SWEEP_GB_SECONDS:g} GB-second and
{prices.SWEEP_READ_UNITS} read units. Lambda polls the drop queue {prices.QUEUE_POLLS_AN_HOUR:,} times an hour.
`AlarmEmail` adds a KMS key, about a dollar a month. In a month with exports or drops, each further metric of
Assetline costs {prices.PRICES["custom_metric"]:.2f} dollars.

## An export of a million assets

{prices.PAGES:,} pages of 100 assets, {prices.PAGE_SECONDS} seconds a page: {export.turns} turns,
{export.transitions} state transitions, {export.puts} S3 PUT requests, {export.write_units:,} write units. `make
bench` measured {prices.BYTES_A_ROW} bytes a row.

{table(export.usd())}

The file takes {1_000_000 * prices.BYTES_A_ROW / 1e9:.1f} GB of storage. With larger pages, an export costs
less.

## An ingestion of a million images

Images of {prices.IMAGE_BYTES / 1e6:g} MB, in sessions of {prices.DROPS_A_SESSION:,}. A test counts the calls
for an image: {calls.write_units():g} write units and {calls.items_read:g} items read in DynamoDB
and {calls.objects_read:g} objects read in S3. `TagObjects=All` also reads and writes the tags of each object, for
{tags_usd:.2f} dollars.

{table(prices.million_images(calls))}

Assumed are {prices.RECORD_SECONDS} seconds of `record_drop` for an image, and {prices.TRANSITIONS_A_SESSION} state
transitions a session. `upload_assets` sends {prices.UPLOADED_AT_ONCE} images at once. It is assumed to need
{prices.TRANSFER_SECONDS} seconds for each of them. The logs of your stack have the billed durations.

Two sums are not included, since every program that sends images from S3 to Vi causes them. The images go over the
internet, for {beside["internet"]:.2f} dollars, which grow with their size. The programs that put them into S3 pay
{beside["puts"]:.2f} dollars for the requests.

## Where the prices are from

AWS publishes its prices on the pages of the second column. They were not fetched. The pages of the third column were
read as stored copies, and name the same prices.

{sources()}

## Not included

Storage in S3 and DynamoDB, ingested logs, point-in-time recovery, and downloads from S3 to a computer. The
subscriptions of SafetyCulture and Datature Vi have prices of their own.
"""


def sentence() -> str:
    """Return the lines of the README between its marks."""
    idle, export, images = (
        sum(usd.values())
        for usd in (prices.idle_month(), prices.million(prices.BYTES_A_ROW).usd(), prices.million_images())
    )
    return f"""\
| At list prices, without free tiers | US dollars |
|---|---:|
| an idle month | {idle:.2f} |
| an export of a million assets | {export:.2f} |
| an ingestion of a million images of {prices.IMAGE_BYTES / 1e6:g} MB, without their transfer to Vi | {images:.2f} |
"""


def with_sentence(text: str) -> str:
    """Return the README with new lines between its marks."""
    return MARKED.sub(lambda marks: marks[1] + sentence() + marks[2], text)


def write() -> None:
    """Write the page, and the README."""
    PAGE.write_text(page())
    README.write_text(with_sentence(README.read_text()))
