"""The cost of a million assets on AWS, from the counted calls of an export and list prices."""

from dataclasses import dataclass

# US dollars, us-east-1, list prices from memory on 2026-11-21, without free tier: check them before relying on them.
PRICES = {
    "lambda_arm_gb_second": 0.0000133334,
    "lambda_request": 0.20 / 1_000_000,
    "step_functions_transition": 0.025 / 1000,
    "s3_put": 0.005 / 1000,
    "s3_get": 0.0004 / 1000,
    "dynamodb_write_unit": 0.625 / 1_000_000,
}

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
