"""Waits of tasks of trio. Imported by those that run under trio only."""

from __future__ import annotations

import functools
import math
import threading
import weakref
from typing import Any

import trio

from millpond import _native

__all__ = ["wait"]


class _Trio:
    """A run of trio."""

    __slots__ = ("__weakref__", "_token", "hub")

    def __init__(self, token: trio.lowlevel.TrioToken) -> None:
        self._token = weakref.ref(token)
        self.hub = _native._Hub(self)

    def is_here(self) -> bool:
        return trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is self._token()

    def post(self, flush: _native._Flush) -> bool:
        token = self._token()
        if token is None:
            return False
        try:
            token.run_sync_soon(flush)
        except trio.RunFinishedError:
            return False
        return True


_adapters: weakref.WeakKeyDictionary[trio.lowlevel.TrioToken, _Trio] = weakref.WeakKeyDictionary()
_lock = threading.RLock()


def _hub() -> _native._Hub:
    token = trio.lowlevel.current_trio_token()
    with _lock:
        adapter = _adapters.get(token)
        if adapter is None:
            adapter = _adapters[token] = _Trio(token)
    return adapter.hub


async def wait(waiting: _native._Wait, timeout: float | None) -> Any:
    """Wait until a primitive has granted what was asked for, or the time is up. See `_waiting`."""
    resume = functools.partial(trio.lowlevel.reschedule, trio.lowlevel.current_task())
    if waiting.begin(_hub(), resume):
        return waiting.result()

    def abort(_: object) -> trio.lowlevel.Abort:
        # One who is being resumed already is resumed by that.
        return trio.lowlevel.Abort.SUCCEEDED if waiting.disarm() else trio.lowlevel.Abort.FAILED

    try:
        with trio.move_on_after(math.inf if timeout is None else timeout):
            while True:
                await trio.lowlevel.wait_task_rescheduled(abort)
                if waiting.advance(resume):
                    return waiting.result()
        waiting.advance(None, True)
        return waiting.result()
    except BaseException:
        waiting.cancel()
        raise
