"""Reads and writes that wait in a greenlet of gevent, whose thread goes on with others meanwhile.

See `greenlets.rs` for when these are called.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from millpond import _native, _threads

if TYPE_CHECKING:
    from millpond._channel import ChannelWriter
    from millpond._native import _Ahead
    from millpond._reader import PoolReader

__all__ = ["advance", "end", "expect", "has_hub", "idle", "is_one", "read", "write"]

_T_co = TypeVar("_T_co", covariant=True)
_T = TypeVar("_T")


class _Polled(Protocol[_T_co]):
    def poll(self, callback: Callable[[], object]) -> _T_co | None: ...
    def cancel(self) -> None: ...


def expect() -> None:
    """Have reads and writes look for greenlets, if gevent has patched this program."""
    if _threads.has_greenlets():
        _native._expect_greenlets()


def is_one() -> bool:
    """Find out whether the caller is a greenlet, and not the hub, which must not wait."""
    import gevent

    return gevent.getcurrent() is not gevent.get_hub()


def has_hub() -> bool:
    """Find out whether something on the calling thread has waited as greenlets do."""
    from gevent import _hub_local

    return _hub_local.get_hub_if_exists() is not None


def _wait(polled: _Polled[_T], timeout: float | None) -> _T | None:
    """Wait, so many seconds at the most, for what is polled; ``None`` when they are over."""
    import gevent
    from gevent.event import Event

    end = None if timeout is None else time.monotonic() + timeout
    result = None
    # What any thread may have the hub of this one wake up by.
    watcher = gevent.get_hub().loop.async_()
    changed = Event()
    watcher.start(changed.set)
    try:
        while True:
            changed.clear()
            result = polled.poll(watcher.send)
            if result is not None:
                return result
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            changed.wait(left)
    finally:
        if result is None:
            polled.cancel()
        watcher.stop()
        watcher.close()


def read(reader: PoolReader[Any], count: int | None, timeout: float | None, partial: bool) -> list[Any]:
    """Read items."""
    started = time.monotonic()
    items = _wait(reader._begin(count, partial), timeout)
    if items is None:
        there = reader._try_read(count) if partial else None
        if there is None:
            raise reader._timed_out(count, time.monotonic() - started)
        return there
    reader._count(len(items))
    return items


def advance(reader: PoolReader[Any], ahead: _Ahead | None) -> list[Any]:
    """Read an item, or none at the end, as the next one of an iteration that works ahead."""
    if ahead is None:
        return read(reader, 1, None, False)
    ahead.keep()
    is_read = False
    try:
        items = read(reader, 1, None, False)
        is_read = bool(items)
    finally:
        if not is_read:
            ahead.close()
    return items


def write(writer: ChannelWriter[Any], item: object, timeout: float | None) -> bool:
    """Write an item."""
    started = time.monotonic()
    if _wait(writer._begin(item), timeout) is None:
        raise writer._timed_out(time.monotonic() - started)
    return True


def idle(crew: _native._Idle) -> None:
    """Wait for a job, on a thread whose functions have made a hub: locks of gevent's may count on it to go on."""
    _wait(crew, None)


def end() -> None:
    """Let go of what gevent has for the calling thread, which ends."""
    import gevent

    if has_hub():
        # What it has yet to do: to close sockets, say.
        gevent.sleep(0)
        gevent.get_hub().destroy()
