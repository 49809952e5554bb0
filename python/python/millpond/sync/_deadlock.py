"""What a search for deadlocks finds out about tasks, and says of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["describe", "thread_of", "why"]


def thread_of(ident: int) -> threading.Thread | int:
    """Give the thread that has this number, or the number of one that Python has not started."""
    for thread in threading.enumerate():
        if thread.ident == ident:
            return thread
    return ident


def describe(waiter: Callable[[], Any] | None, ident: int | None) -> str:
    """Name who waits."""
    unit = waiter() if waiter is not None else None
    if unit is not None:
        return _name(unit)
    if ident is None:
        return "a thread"
    thread = thread_of(ident)
    return f"thread `{thread.name}`" if isinstance(thread, threading.Thread) else f"thread {ident}"


def _name(unit: Any) -> str:
    get_name = getattr(unit, "get_name", None)
    name = get_name() if get_name is not None else getattr(unit, "name", None)
    return f"task `{name}`" if name else repr(unit)


def why(holder: Any, running: Any, blocks: bool, is_here: bool) -> str | None:
    """Say why a lock will not be released by the task or greenlet that holds it; ``None`` if it may be.

    `running` is the event loop of the calling thread if that is to block, and `is_here` says whether the holder took
    the lock in this thread.
    """
    name = _name(holder)
    get_loop = getattr(holder, "get_loop", None)
    if get_loop is None:
        return _why_in_trio(holder, name, blocks, is_here)
    if holder.done():
        return f"{name} has ended without releasing it"
    loop = get_loop()
    if loop.is_closed():
        return f"{name} holds it, whose event loop is closed"
    if blocks and loop is running:
        return f"{name} holds it, and needs the event loop that this call would block; await it instead"
    if blocks and is_here and not loop.is_running():
        return f"{name} holds it, whose event loop is paused and runs in this thread"
    return None


def _why_in_trio(holder: Any, name: str, blocks: bool, is_here: bool) -> str | None:
    if getattr(holder, "dead", False) is True:
        return f"{name} has ended without releasing it"
    trio = sys.modules.get("trio")
    if trio is None or not isinstance(holder, trio.lowlevel.Task):
        return None
    if getattr(holder.coro, "cr_frame", holder) is None:
        return f"{name} has ended without releasing it"
    if blocks and is_here and trio.lowlevel.in_trio_run():
        return f"{name} holds it, and needs the event loop that this call would block; await it instead"
    return None
