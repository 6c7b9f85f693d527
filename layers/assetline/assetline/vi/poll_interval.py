"""The pause between two polls of a Vi session."""

FIRST_SECONDS = 2.0  # ours: small sessions end within seconds
GROWTH = 1.5  # ours
LONGEST_SECONDS = 60.0  # ours


def poll_interval(polls: int) -> float:
    """Return the seconds to wait after a poll with *polls* polls before it."""
    grown = min(polls, 20)  # a larger power would overflow
    return min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH**grown)
