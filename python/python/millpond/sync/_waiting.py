"""How coroutines wait: by the adapter of the event loop that runs them.

An adapter is what a hub (`hub.rs`) knows of its loop: whether it runs in the calling thread, and how to have something
called there. It also knows how one of its tasks waits.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import weakref
from asyncio import AbstractEventLoop
from typing import Any

from millpond import _native

__all__ = ["checkpoint", "wait"]


class _Asyncio:
    """An event loop of asyncio, uvloop's too."""

    __slots__ = ("__weakref__", "_loop", "hub")

    def __init__(self, loop: AbstractEventLoop) -> None:
        # Waiters' lists refer to this, and are to keep no loop alive.
        self._loop = weakref.ref(loop)
        self.hub = _native._Hub(self)

    def is_here(self) -> bool:
        running = asyncio._get_running_loop()
        return running is not None and running is self._loop()

    def is_closed(self) -> bool:
        loop = self._loop()
        return loop is None or loop.is_closed()

    def post(self, flush: _native._Flush) -> bool:
        loop = self._loop()
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(flush)
        except RuntimeError:
            # It is closed.
            return False
        return True


_adapters: weakref.WeakKeyDictionary[AbstractEventLoop, _Asyncio] = weakref.WeakKeyDictionary()
#: Guards the dictionary, for moments: finalizers may come here too.
_lock = threading.RLock()


def _adapter(loop: AbstractEventLoop) -> _Asyncio:
    with _lock:
        adapter = _adapters.get(loop)
        if adapter is None:
            adapter = _adapters[loop] = _Asyncio(loop)
        others = [other for other in _adapters.values() if other is not adapter]
    # Whoever waits on a loop that was closed is in the way of those on others.
    for other in others:
        if other.is_closed() and other.hub.waiting():
            other.hub.die()
    return adapter


class _Place:
    """Where one task waits: on a future, which whoever grants it something sets, on this loop."""

    __slots__ = ("future", "is_over")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.future: asyncio.Future[None] = loop.create_future()
        self.is_over = False

    def wake(self) -> None:
        """Have the task go on."""
        if not self.future.done():
            self.future.set_result(None)

    def end(self) -> None:
        """Have it find that its time is over."""
        self.is_over = True
        self.wake()


async def wait(waiting: _native._Wait, timeout: float | None) -> Any:
    """Wait until a primitive has granted what was asked for, or the time is up.

    Cancelling it gives up; what was granted meanwhile goes to the next who waits, or back.
    """
    if timeout is not None and timeout <= 0:
        waiting.advance(None, True)
        return waiting.result()
    loop = asyncio._get_running_loop()
    if loop is None:
        return await _elsewhere(waiting, timeout)
    hub = _adapter(loop).hub
    place = _Place(loop)
    if waiting.begin(hub, place.wake):
        return waiting.result()
    timer = None if timeout is None or timeout == math.inf else loop.call_later(timeout, place.end)
    try:
        while True:
            await place.future
            place.future = loop.create_future()
            if waiting.advance(place.wake, place.is_over):
                return waiting.result()
    except BaseException:
        waiting.cancel()
        raise
    finally:
        if timer is not None:
            timer.cancel()


async def _elsewhere(waiting: _native._Wait, timeout: float | None) -> Any:
    trio = sys.modules.get("trio")
    if trio is None or not trio.lowlevel.in_trio_run():
        raise RuntimeError("awaiting outside of asyncio and trio: use the method that blocks")
    from millpond.sync import _trio

    return await _trio.wait(waiting, timeout)


async def checkpoint() -> None:
    """Let others on the loop have a turn, and look whether the task was cancelled."""
    if asyncio._get_running_loop() is not None:
        await asyncio.sleep(0)
        return
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        await trio.lowlevel.checkpoint()
