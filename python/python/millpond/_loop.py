"""The event loop that a pool has of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import select
import selectors
import threading
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING

from millpond import _native, _threads
from millpond._host import AsyncioHost
from millpond._reading import here
from millpond._waiting import wait_for

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from millpond._host import Host
    from millpond._pulling import Puller
    from millpond._runner import Runner

__all__ = ["LoopThread"]


class LoopThread:
    """An event loop in a thread of its own, started when it is first needed.

    Parameters
    ----------
    name : str
        What the thread is called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        #: What runs coroutines of the pool, on this loop or on others.
        self.runners: weakref.WeakSet[Runner | Puller] = weakref.WeakSet()
        #: Done when the thread has ended, once it was started.
        self._end: concurrent.futures.Future[None] | None = None
        self._lock = threading.Lock()
        self._loop: AbstractEventLoop | None = None
        self._is_closed = False

    def get(self) -> AbstractEventLoop | None:
        """Get the loop, running; ``None`` when it was closed."""
        with self._lock:
            if self._loop is None and not self._is_closed:
                self._loop = _new_loop()
                self._end = concurrent.futures.Future()
                # So that nobody who waits for it takes it for something to be cancelled.
                self._end.set_running_or_notify_cancel()
                threading.Thread(
                    target=_run, args=(self._loop, self.runners, self._end), name=self._name, daemon=True
                ).start()
            return self._loop

    def host(self) -> AsyncioHost | None:
        """Get the loop as what coroutines run on; ``None`` when it was closed."""
        loop = self.get()
        return None if loop is None else AsyncioHost(loop)

    def is_running(self, host: Host) -> bool:
        """Find out whether a host is this loop, which was not closed."""
        loop = self._loop
        return loop is not None and host == AsyncioHost(loop)

    def close(self) -> None:
        """Stop the loop, after a last chance for what was cancelled."""
        with self._lock:
            self._is_closed = True
            loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(loop.stop)

    def join(self, seconds: float) -> None:
        """Wait so long for the thread, which was closed, to end."""
        if self._end is not None:
            concurrent.futures.wait([self._end], max(0.0, seconds))

    async def ended(self) -> None:
        """Wait, on another loop, until all that was running for the pool has ended, here and there."""
        host = here("the end of a pool", "with")
        for runner in list(self.runners):
            runner.close()
            await runner.ended(host)
        if self._end is not None:
            await wait_for(self._end)


if hasattr(selectors, "EpollSelector"):

    class _PreciseSelector(selectors.EpollSelector):
        """Waits as long as it is told to, to the microsecond.

        The standard one rounds up to whole milliseconds, which is what `epoll_wait` takes: a sleep of 5 ms takes 5.5 on
        average. `select` on the epoll object itself takes microseconds.
        """

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            # A long wait is long enough for another millisecond; and `select` has no use for high numbers.
            if timeout is not None and 0 < timeout < 0.1 and self.fileno() < 1024:
                if not select.select((self.fileno(),), (), (), timeout)[0]:
                    return []
                timeout = 0
            return super().select(timeout)


def _new_loop() -> AbstractEventLoop:
    """Make a loop of the kind that the program wants, with exact timers where it is the standard one."""
    loop = asyncio.new_event_loop()
    if type(loop) is not asyncio.SelectorEventLoop or selectors.DefaultSelector is not getattr(
        selectors, "EpollSelector", None
    ):
        return loop
    loop.close()
    return asyncio.SelectorEventLoop(_PreciseSelector())


async def _settle(loop: AbstractEventLoop, runners: Iterable[Runner | Puller]) -> None:
    """Let all that runs for the pool end: what closes has time for it, and all else is cancelled."""
    host = AsyncioHost(loop)
    for runner in runners:
        runner.close()
    ends = [asyncio.ensure_future(runner.ended(host)) for runner in runners]
    if ends:
        await asyncio.wait(ends, timeout=_threads.GRACE_SECONDS)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _run(loop: AbstractEventLoop, runners: Iterable[Runner | Puller], end: concurrent.futures.Future[None]) -> None:
    asyncio.set_event_loop(loop)
    _native._wake_on_time()
    try:
        loop.run_forever()
        loop.run_until_complete(_settle(loop, list(runners)))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        end.set_result(None)
