"""The cost of an idle month, a million assets and a million images on AWS, from counted calls and list prices."""

from dataclasses import dataclass

NOTED, COMPARED = "2026-11-21", "2026-11-29"

# US dollars, us-east-1, the first tier, without free tier. They were noted from memory on NOTED, and compared on
# COMPARED with stored copies of the pages in SOURCES. No price list of AWS was fetched: check them before relying on
# them.
PRICES = {
    "lambda_arm_gb_second": 0.0000133334,
    "lambda_request": 0.20 / 1_000_000,
    "step_functions_transition": 0.025 / 1000,
    "s3_put": 0.005 / 1000,
    "s3_get": 0.0004 / 1000,
    "dynamodb_write_unit": 0.625 / 1_000_000,
    "dynamodb_read_unit": 0.125 / 1_000_000,
    "sqs_request": 0.40 / 1_000_000,
    "scheduler_invocation": 1.00 / 1_000_000,
    "alarm_metric": 0.10,  # a month
    "custom_metric": 0.30,  # a month
    "dashboard": 3.00,  # a month
    "secret": 0.40,  # a month
    "internet_gb": 0.09,  # the first 10 TB of a month
}


@dataclass(frozen=True)
class Source:
    """The page on which AWS publishes the prices of a service, and the page that they were compared with."""

    prices: str
    compared_with: str


SOURCES = {
    "lambda": Source(
        "aws.amazon.com/lambda/pricing",
        "cloudchipr.com/blog/aws-lambda-pricing, 2024, for durations; "
        "git.mcrn.ar/mariano/lambda_local_runner, May 2026, for requests",
    ),
    "step_functions": Source("aws.amazon.com/step-functions/pricing", "a copy of that page, without a date"),
    "s3": Source("aws.amazon.com/s3/pricing", "c3x.dev/blog/s3-request-fees-explained, without a date"),
    "dynamodb": Source(
        "aws.amazon.com/dynamodb/pricing/on-demand",
        "airbyte.com/data-engineering-resources/dynamodb-pricing, July 2025",
    ),
    "sqs": Source("aws.amazon.com/sqs/pricing", "cloudburn.io/blog/amazon-sqs-pricing, March 2026"),
    "scheduler": Source(
        "aws.amazon.com/eventbridge/pricing", "cloudburn.io/blog/amazon-eventbridge-pricing, March 2026"
    ),
    "cloudwatch": Source(
        "aws.amazon.com/cloudwatch/pricing",
        "signoz.io/guides/cloudwatch-pricing, February 2026, for metrics; "
        "factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, June 2026, for dashboards; "
        "c3x.dev/resources/aws/aws_cloudwatch_metric_alarm, without a date, for alarms",
    ),
    "secrets_manager": Source(
        "aws.amazon.com/secrets-manager/pricing", "hivebook.wiki, a page about Secrets Manager without a date"
    ),
    "internet": Source(
        "aws.amazon.com/ec2/pricing/on-demand", "unanswered.io/guide/aws-sqs-pricing-and-cost-optimization, no date"
    ),
}

BYTES_A_ROW = 513  # measured by `make bench`, of the emulated assets
PAGES, PAGE_SECONDS = 10_000, 0.45  # a million assets at 100 a page
FUNCTION_GB = 0.5
KEEPING_SECONDS = 60  # as in `write_pages`
TURN_SECONDS = 900 - 90  # the function's timeout in the template, less CLOSING_SECONDS
PART_BYTES = 8 * 1024**2
ITEM_WRITE_UNITS = 3  # an item of two to three kilobytes


@dataclass(frozen=True)
class Million:
    """The export of a million assets: its turns, and the number of each kind of call."""

    turns: int
    transitions: int
    lambda_seconds: float
    puts: int
    gets: int
    write_units: int

    def usd(self) -> dict[str, float]:
        """Return dollars by service."""
        return {
            "lambda": self.lambda_seconds * FUNCTION_GB * PRICES["lambda_arm_gb_second"]
            + (self.turns + 2) * PRICES["lambda_request"],
            "step_functions": self.transitions * PRICES["step_functions_transition"],
            "s3": self.puts * PRICES["s3_put"] + self.gets * PRICES["s3_get"],
            "dynamodb": self.write_units * PRICES["dynamodb_write_unit"],
        }


def million(bytes_a_row: float) -> Million:
    """Return the counts of an export of a million assets with *bytes_a_row* in the file."""
    seconds = PAGES * PAGE_SECONDS
    turns = -(-int(seconds) // TURN_SECONDS)
    parts = int(1_000_000 * bytes_a_row / PART_BYTES) + 1
    kept = parts + int(seconds / KEEPING_SECONDS)  # checkpoints in the course of turns, at most
    return Million(
        turns=turns,
        transitions=2 * turns + 5,  # Write Pages and More Pages? a turn; start, open, close, changes, complete
        lambda_seconds=seconds + 5,
        puts=parts + 2 * kept + 2 * turns + 6,
        gets=2 * turns + 4,
        write_units=int(seconds + kept + 3 * turns + 6) * ITEM_WRITE_UNITS,  # progress about once a second
    )


def events(beside: float, a_turn: float) -> float:
    """Return the history events of that export, from those measured beside its turns and in a turn."""
    return beside + a_turn * million(0).turns


MONTH_HOURS = 730
ALARM_METRICS = 39  # of all alarms; some compute their value from several metrics
CUSTOM_METRICS = 1  # OldestDropAge: the only metric of a stack that does nothing
SECRETS = 2
SWEEPS_AN_HOUR = 60 // 5 + 60 // 15  # `sweep_drops` and `sweep_exports`
SWEEP_GB_SECONDS = 1.0  # assumed: a second of the larger of the two functions
SWEEP_READ_UNITS = 10  # assumed: a few items of small tables
QUEUE_POLLS_AN_HOUR = 5 * 3600 // 20  # AWS: five long polls of 20 seconds wait on the queue of an event source


def idle_month() -> dict[str, float]:
    """Return dollars by service, for a month in which nothing is exported or dropped."""
    sweeps = SWEEPS_AN_HOUR * MONTH_HOURS
    return {
        "cloudwatch": ALARM_METRICS * PRICES["alarm_metric"]
        + CUSTOM_METRICS * PRICES["custom_metric"]
        + PRICES["dashboard"],
        "secrets_manager": SECRETS * PRICES["secret"],
        "lambda": sweeps * (SWEEP_GB_SECONDS * PRICES["lambda_arm_gb_second"] + PRICES["lambda_request"]),
        "dynamodb": sweeps * SWEEP_READ_UNITS * PRICES["dynamodb_read_unit"],
        "scheduler": sweeps * PRICES["scheduler_invocation"],
        "sqs": QUEUE_POLLS_AN_HOUR * MONTH_HOURS * PRICES["sqs_request"],
    }


IMAGES, IMAGE_BYTES = 1_000_000, 500_000  # assumed: a million images of half a megabyte
DROPS_A_BATCH = 10  # as in the template
DROPS_A_SESSION = 5_000
TRANSITIONS_A_SESSION = 100  # assumed: twenty slices, thirty polls and the other states
RECORD_GB, UPLOAD_GB = 1.0, 1769 / 1024
RECORD_SECONDS = 0.05  # assumed, for one image
UPLOADED_AT_ONCE = 32  # as in `upload_assets`
TRANSFER_SECONDS = 0.64  # assumed: an image read from S3 and sent to Vi, beside the others


@dataclass(frozen=True)
class ImageCalls:
    """The calls to AWS for one image, from the drop to its outcome; a test counts them in an account in memory.

    `index_writes` are the units of the index by state.
    """

    puts: float = 1
    updates: float = 2
    index_writes: float = 2
    items_read: float = 5
    objects_read: float = 2
    tags_read: float = 0
    tags_written: float = 0

    def write_units(self) -> float:
        """Return the write units of DynamoDB, for items of at most a kilobyte."""
        return self.puts + self.updates + self.index_writes


ALL_TAGGED = ImageCalls(tags_read=1, tags_written=1)  # with TagObjects=All


def million_images(calls: ImageCalls = ImageCalls()) -> dict[str, float]:
    """Return dollars by service for the ingestion of a million images that are in S3.

    Neither their PUT by other programs nor their transfer to Vi is included.
    """
    sessions = IMAGES / DROPS_A_SESSION
    batches = IMAGES / DROPS_A_BATCH
    gets = calls.objects_read + calls.tags_read
    upload_seconds = TRANSFER_SECONDS / UPLOADED_AT_ONCE
    return {
        "dynamodb": IMAGES
        * (calls.write_units() * PRICES["dynamodb_write_unit"] + calls.items_read * PRICES["dynamodb_read_unit"]),
        "s3": IMAGES * (calls.tags_written * PRICES["s3_put"] + gets * PRICES["s3_get"]),
        "lambda": IMAGES * (RECORD_SECONDS * RECORD_GB + upload_seconds * UPLOAD_GB) * PRICES["lambda_arm_gb_second"]
        + batches * PRICES["lambda_request"],
        "sqs": (IMAGES + 2 * batches) * PRICES["sqs_request"],  # one message each; a receive and a delete a batch
        "step_functions": sessions * TRANSITIONS_A_SESSION * PRICES["step_functions_transition"],
    }


def beside_a_million_images() -> dict[str, float]:
    """Return dollars for what comes with a million images, whichever program ingests them."""
    return {"puts": IMAGES * PRICES["s3_put"], "internet": IMAGES * IMAGE_BYTES / 1e9 * PRICES["internet_gb"]}
