"""Writes to channels that await, under asyncio or trio, whichever runs the caller."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any

from millpond import _options
from millpond._reading import Turns, here, wait

if TYPE_CHECKING:
    from millpond._channel import ChannelWriter

__all__ = ["write", "write_all"]


class _Here(threading.local):
    """The writes on the event loop of a thread."""

    def __init__(self) -> None:
        self.turns = Turns()


_here = _Here()


async def write(writer: ChannelWriter[Any], item: object, timeout: float | None) -> None:
    """Write an item without blocking the event loop. A write that is cancelled has written nothing."""
    host = here("a write", "write")
    if _here.turns.is_over():
        await _here.turns.pass_on(host)
    writing = writer._begin(item)
    started = time.monotonic()
    is_written = None
    try:
        is_written = await wait(writing, host, timeout)
    finally:
        if is_written is None:
            writing.cancel()
    if is_written is None:
        raise writer._timed_out(time.monotonic() - started)


async def write_all(writer: ChannelWriter[Any], items: Iterable[Any] | AsyncIterable[Any]) -> None:
    """Write the items of an iterable, one after the other."""
    if _options.is_async_iterable(items):
        async for item in items:  # type: ignore[union-attr]
            await write(writer, item, None)
    else:
        for item in _options.iterable(items, "items"):
            await write(writer, item, None)
