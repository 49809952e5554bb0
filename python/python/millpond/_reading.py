"""Reads that await, under asyncio or trio, whichever runs the caller."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millpond._native import _Reading
    from millpond._reader import PoolReader

__all__ = ["read"]


async def read(reader: PoolReader[Any], count: int) -> list[Any]:
    """Read items without blocking the event loop. A read that is cancelled has taken nothing."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    # Coroutines that are tasks run here while this waits for what they give.
    runners = reader._runners() if loop is not None else []
    for runner in runners:
        runner.prefer(loop)
    reading = reader._begin(count)
    try:
        items = await (_read_in_trio(reading) if loop is None else _read_in_asyncio(loop, reading))
    finally:
        reading.cancel()
        for runner in runners:
            runner.prefer(None)
    reader._count(len(items))
    return items


async def _read_in_asyncio(loop: asyncio.AbstractEventLoop, reading: _Reading) -> list[Any]:
    while True:
        changed: asyncio.Future[None] = loop.create_future()
        items = reading.poll(_thread_safe(loop.call_soon_threadsafe, _set, changed))
        if items is not None:
            return items
        await changed


def _thread_safe(call: Callable[..., object], *arguments: object) -> Callable[[], None]:
    """Call in another thread's loop, if that still runs."""

    def wake() -> None:
        # A loop that is closed has nobody who waits any more.
        with contextlib.suppress(RuntimeError):
            call(*arguments)

    return wake


def _set(changed: asyncio.Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)


async def _read_in_trio(reading: _Reading) -> list[Any]:
    if "trio" not in sys.modules:
        raise RuntimeError("awaiting a read outside of asyncio and trio: use `read` instead")
    import trio

    token = trio.lowlevel.current_trio_token()
    await trio.lowlevel.checkpoint()
    while True:
        changed = trio.Event()
        items = reading.poll(_thread_safe(token.run_sync_soon, changed.set))
        if items is not None:
            return items
        await changed.wait()
