"""Reads that await, under asyncio or trio, whichever runs the caller."""

from __future__ import annotations

import asyncio
import functools
import math
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from millpond._errors import PoolBusyError, PoolClosedError
from millpond._host import AsyncioHost

if TYPE_CHECKING:
    from millpond._host import Host
    from millpond._native import _Ahead
    from millpond._reader import PoolReader

__all__ = ["Items", "Turns", "here", "read", "wait"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

#: After how many items, and seconds, an iteration that has not had to wait lets others on the event loop have a turn.
_IN_A_ROW = 100
_TURN = 0.005


class Turns:
    """Lets others on the event loop have a turn after so much that went on without a wait."""

    __slots__ = ("_given", "_since")

    def __init__(self) -> None:
        self._given = 0
        self._since = time.monotonic()

    def is_over(self) -> bool:
        """Count one more; find out whether it is time for :meth:`pass_on`."""
        self._given += 1
        return self._given > _IN_A_ROW or time.monotonic() > self._since + _TURN

    async def pass_on(self, host: Host) -> None:
        """Let others have a turn."""
        await host.sleep(0)
        self._given, self._since = 0, time.monotonic()


async def read(reader: PoolReader[Any], count: int | None, timeout: float | None, partial: bool) -> list[Any]:
    """Read items without blocking the event loop. A read that is cancelled has taken nothing."""
    if count == 0:
        return []
    with Awaiting(reader) as awaiting:
        return await awaiting.read(count, timeout, partial)


class Awaiting:
    """Whoever awaits reads of a reader: until it is left, the calls of coroutine functions upstream run there.

    Parameters
    ----------
    reader : PoolReader
        The reader.
    """

    __slots__ = ("_host", "_reader", "_runners", "ahead")

    def __init__(self, reader: PoolReader[Any]) -> None:
        self._reader = reader
        self._host = here()
        #: What has workers work ahead of the reads, if anything does.
        self.ahead: _Ahead | None = None
        self._runners: list[Any] = []
        try:
            for runner in reader._runners():
                runner.prefer(self._host)
                self._runners.append(runner)
        except BaseException:
            self.leave()
            raise

    def is_here(self) -> bool:
        """Find out whether the caller runs where this was made."""
        return here() == self._host

    def __enter__(self) -> Awaiting:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Await no more."""
        ahead, self.ahead = self.ahead, None
        if ahead is not None:
            ahead.close()
            self._hold()
        runners, self._runners = self._runners, []
        for runner in runners:
            runner.leave(self._host)

    def _hold(self) -> None:
        for runner in self._runners:
            runner.hold()

    async def read(self, count: int | None, timeout: float | None = None, partial: bool = False) -> list[Any]:
        """Read items."""
        if self.ahead is not None:
            self.ahead.keep()
        reading = self._reader._begin(count, partial)
        started = time.monotonic()
        items = None
        try:
            items = await wait(reading, self._host, timeout)
        finally:
            if items is None:
                reading.cancel()
                if self.ahead is not None:
                    self.ahead.close()
                self._hold()
        if items is None:
            there = self._reader._try_read(count) if partial else None
            if there is None:
                raise self._reader._timed_out(count, time.monotonic() - started)
            return there
        self._reader._count(len(items))
        return items


class Items(AsyncIterator[_T]):
    """The items of a reader, for `async for`. Workers work ahead as they do for an ordinary iteration.

    Each item is taken when it is asked for, so several of these share the items of a reader as they come.

    Parameters
    ----------
    reader : PoolReader
        The reader.
    """

    __slots__ = ("_awaiting", "_is_over", "_reader", "_turns")

    def __init__(self, reader: PoolReader[_T]) -> None:
        self._awaiting: Awaiting | None = None
        self._is_over = False
        self._reader = reader
        self._turns = Turns()

    async def __anext__(self) -> _T:
        if self._is_over:
            raise StopAsyncIteration
        if self._turns.is_over():
            await self._turns.pass_on(here())
        try:
            items = self._reader._try_read(1)
            if items is None:
                items = await self._read()
        except Exception as error:
            # A task's failure comes once, and then the end. A pool that was closed says so each time.
            self._is_over = not isinstance(error, (PoolBusyError, PoolClosedError))
            self.close()
            raise
        if items:
            return items[0]  # type: ignore[no-any-return]
        self._is_over = True
        self.close()
        raise StopAsyncIteration

    async def _read(self) -> list[Any]:
        if self._awaiting is None or not self._awaiting.is_here():
            self.close()
            self._awaiting = Awaiting(self._reader)
            self._awaiting.ahead = self._reader._ahead()
        return await self._awaiting.read(1)

    def close(self) -> None:
        """Work ahead no more."""
        awaiting, self._awaiting = self._awaiting, None
        if awaiting is not None:
            awaiting.leave()

    def __del__(self) -> None:
        self.close()


def here(what: str = "a read", instead: str = "read") -> Host:
    """Find out what runs the caller."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        from millpond._trio import TrioHost

        return TrioHost()
    try:
        return AsyncioHost(asyncio.get_running_loop())
    except RuntimeError:
        raise RuntimeError(f"awaiting {what} outside of asyncio and trio: use `{instead}` instead") from None


class Polled(Protocol[_T_co]):
    """What comes when it wants to."""

    def poll(self, callback: Callable[[], object]) -> _T_co | None:
        """Get it, or have `callback` called when it is worth asking again."""


async def wait(polled: Polled[_T], host: Host, timeout: float | None) -> _T | None:
    """Wait, so many seconds at the most, for what is polled; ``None`` when they are over."""
    if type(host) is AsyncioHost:
        return await _wait_in_asyncio(polled, host, timeout)
    return await _wait_in_trio(polled, host, timeout)


async def _wait_in_asyncio(polled: Polled[_T], host: Host, timeout: float | None) -> _T | None:
    loop = asyncio.get_running_loop()
    end = None if timeout is None else loop.time() + timeout
    while True:
        changed: asyncio.Future[None] = loop.create_future()
        result = polled.poll(functools.partial(host.soon, _set, changed))
        if result is not None or (end is not None and loop.time() >= end):
            return result
        timer = None if end is None else loop.call_at(end, _set, changed)
        try:
            await changed
        finally:
            if timer is not None:
                timer.cancel()


def _set(changed: asyncio.Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)


async def _wait_in_trio(polled: Polled[_T], host: Host, timeout: float | None) -> _T | None:
    import trio

    await trio.lowlevel.checkpoint()
    end = math.inf if timeout is None else trio.current_time() + timeout
    while True:
        changed = trio.Event()
        result = polled.poll(functools.partial(host.soon, changed.set))
        if result is not None or trio.current_time() >= end:
            return result
        with trio.move_on_at(end):
            await changed.wait()
