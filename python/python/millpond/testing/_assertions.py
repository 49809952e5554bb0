"""What was read, compared with what should have been."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["assert_each_once", "assert_in_order"]


def assert_in_order(items: Sequence[Any], expected: Sequence[Any]) -> None:
    """Check that the items are those, in that order; say where they first differ.

    Examples
    --------
    >>> from millpond.testing import assert_in_order
    >>> assert_in_order([1, 3, 2], [1, 2, 3])
    Traceback (most recent call last):
    AssertionError: item `1` is `3` and should be `2`
    """
    for index, (item, wanted) in enumerate(zip(items, expected)):
        if item != wanted:
            raise AssertionError(f"item `{index}` is `{item!r}` and should be `{wanted!r}`")
    if len(items) != len(expected):
        raise AssertionError(
            f"there are `{len(items)}` items and should be `{len(expected)}`; as far as they go they are right"
        )


def assert_each_once(items: Iterable[Any], expected: Iterable[Any]) -> None:
    """Check that each item is there as often as it is expected, in any order; name what was lost or doubled.

    Examples
    --------
    >>> from millpond.testing import assert_each_once
    >>> assert_each_once([3, 1, 1], [1, 2, 3])
    Traceback (most recent call last):
    AssertionError: lost: `2`; doubled, or out of nowhere: `1`
    """
    lost = list(expected)
    doubled = []
    places: dict[Any, int] | None
    try:
        places = {}
        for item in lost:
            places[item] = places.get(item, 0) + 1
    except TypeError:
        # What has no hash is looked for one by one.
        places = None
    if places is None:
        for item in items:
            if item in lost:
                lost.remove(item)
            else:
                doubled.append(item)
    else:
        for item in items:
            if places.get(item, 0) > 0:
                places[item] -= 1
            else:
                doubled.append(item)
        lost = [item for item, count in places.items() for _ in range(count)]
    if lost or doubled:
        raise AssertionError(f"lost: `{_some(lost)}`; doubled, or out of nowhere: `{_some(doubled)}`")


def _some(items: list[Any]) -> str:
    return ", ".join(map(repr, items[:8])) + (", …" if len(items) > 8 else "")
