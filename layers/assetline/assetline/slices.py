"""Work cut into slices of bounded count and size, in order."""

from collections.abc import Callable, Iterable


def in_slices[Item](
    items: Iterable[Item], bytes_of: Callable[[Item], int], most_items: int, most_bytes: int
) -> list[tuple[Item, ...]]:
    """Return *items* in slices of at most *most_items* and *most_bytes*; a larger item gets its own slice."""
    slices: list[list[Item]] = []
    held = 0
    for item in items:
        size = bytes_of(item)
        if not slices or len(slices[-1]) >= most_items or held + size > most_bytes:
            slices.append([])
            held = 0
        slices[-1].append(item)
        held += size
    return [tuple(each) for each in slices]
