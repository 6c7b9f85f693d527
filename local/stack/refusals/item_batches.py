"""The batches that Step Functions make of the items of a Distributed Map: `{"Items": […]}`, one a child execution."""

from collections.abc import Iterable
from typing import Any

from .state_size import MOST_BYTES, size_bytes


def item_batches(
    items: Iterable[Any], *, most_items: int | None = None, most_bytes: int | None = None, common: Any = None
) -> list[dict[str, Any]]:
    """Return *items* in batches of at most *most_items* and *most_bytes*, each with *common* as its `BatchInput`.

    A batch never has more bytes than the input of an execution may have. A larger item is a batch by itself,
    which its child execution then refuses.
    """
    envelope: dict[str, Any] = {} if common is None else {"BatchInput": common}
    limit = min(most_bytes or MOST_BYTES, MOST_BYTES)
    empty = size_bytes(envelope | {"Items": []})
    batches: list[dict[str, Any]] = []
    room, used = 0, limit
    for item in items:
        size = size_bytes(item) + 1  # the comma after it
        if not batches or room == 0 or used + size > limit:
            batches.append(envelope | {"Items": []})
            room, used = most_items or -1, empty - 1  # no comma after the last
        batches[-1]["Items"].append(item)
        room, used = room - 1, used + size
    return batches
