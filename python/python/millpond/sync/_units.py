"""Who acts: the task, the greenlet or the thread, for what is kept in Python."""

from __future__ import annotations

from typing import Any

from millpond import _native

__all__ = ["current", "number_of", "shown"]

#: Marks the numbers of objects, which no thread has.
_OBJECT = 1 << 61


def current() -> Any:
    """Give who acts: the task or the greenlet, or the number of the thread, which no other ever has."""
    return _native._current_unit()


def number_of(unit: Any) -> int:
    """Give a number that nobody else has as long as the unit is there."""
    return unit if type(unit) is int and unit < _OBJECT else id(unit) | _OBJECT


def shown(unit: Any) -> Any:
    """Give what users know a unit by."""
    if type(unit) is not int:
        return unit
    from millpond.sync import _deadlock

    ident = _native._ident_of(unit)
    return unit if ident is None else _deadlock.thread_of(ident)
