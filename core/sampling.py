"""Which frames stand for a whole presentation: a few, evenly spread over it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

_Item = TypeVar("_Item")


def spread(count: int, wanted: int) -> list[int]:
    """At most ``wanted`` indices below ``count``, evenly spread, each in the middle of its part."""
    if count <= wanted:
        return list(range(count))
    return [int((i + 0.5) * count / wanted) for i in range(wanted)]


def evenly(items: Iterable[_Item], count: int) -> list[_Item]:
    """About ``count`` items, at most, spread over ``items`` of which nobody knows how many there are.

    It never holds more than twice as many.
    """
    kept: list[_Item] = []
    stride = 1
    for number, item in enumerate(items):
        if number % stride == 0:
            kept.append(item)
        if len(kept) == 2 * count:
            kept = kept[::2]
            stride *= 2
    step = -(-len(kept) // count) if kept else 1
    return kept[::step][:count]
