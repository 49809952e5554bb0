"""The event loop that a pool has of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import selectors
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

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
        #: Held by the thread.
        self._is_at_work = _threads.original("allocate_lock")()
        self._lock = _threads.original("allocate_lock")()
        self._loop: AbstractEventLoop | None = None
        self._is_closed = False
        #: Not empty once the loop is to end.
        self._closing: list[bool] = []

    def get(self) -> AbstractEventLoop | None:
        """Get the loop, running; ``None`` when it was closed."""
        with self._lock:
            if self._loop is None and not self._is_closed:
                self._loop = self._start()
            return self._loop

    def _start(self) -> AbstractEventLoop:
        end = self._end = concurrent.futures.Future()
        # So that nobody who waits for it takes it for something to be cancelled.
        end.set_running_or_notify_cancel()
        self._is_at_work.acquire()
        if not _threads.has_greenlets():
            loop = _new_loop()
            _threads.start(self._name, _run, loop, self.runners, self._closing, end, self._is_at_work)
            return loop
        # There the loop's own sockets belong to the thread that makes them.
        made: list[AbstractEventLoop] = []
        is_made = _threads.original("allocate_lock")()
        is_made.acquire()
        runners, closing, is_at_work = self.runners, self._closing, self._is_at_work

        def run() -> None:
            try:
                made.append(_new_loop())
            finally:
                is_made.release()
            _run(made[0], runners, closing, end, is_at_work)

        _threads.start(self._name, run)
        is_made.acquire()
        return made[0]

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
        self._closing.append(True)
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(loop.stop)

    def join(self, seconds: float) -> None:
        """Wait so long for the thread, which was closed, to end."""
        if self._end is not None and self._is_at_work.acquire(timeout=max(0.0, seconds)):
            self._is_at_work.release()

    async def ended(self) -> None:
        """Wait, on another loop, until all that was running for the pool has ended, here and there."""
        host = here("the end of a pool", "with")
        for runner in list(self.runners):
            runner.close()
            await runner.ended(host)
        if self._end is not None:
            await wait_for(self._end)


_Epoll: Any = _threads.original("EpollSelector", "selectors")

if _Epoll is not None:

    class _PreciseSelector(_Epoll):  # type: ignore[misc]
        """Waits as long as it is told to, to the microsecond.

        The standard one rounds up to whole milliseconds, which is what `epoll_wait` takes: a sleep of 5 ms takes 5.5 on
        average. `select` on the epoll object itself takes microseconds.
        """

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            # A long wait is long enough for another millisecond; and `select` has no use for high numbers.
            if timeout is not None and 0 < timeout < 0.1 and self.fileno() < 1024:
                if not _threads.original("select", "select")((self.fileno(),), (), (), timeout)[0]:
                    return []
                timeout = 0
            return super().select(timeout)  # type: ignore[no-any-return]


class _InThreads(concurrent.futures.ThreadPoolExecutor):
    """Calls functions in threads of the system's. Those of the standard one would be greenlets of the loop's thread.

    That thread waits as others do, so its greenlets would never have a turn.
    """

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, **options: Any
    ) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*arguments, **options))
                except BaseException as error:
                    future.set_exception(error)

        _threads.start("millpond-blocking", call)
        return future


def _new_loop() -> AbstractEventLoop:
    """Make a loop of the kind that the program wants, with exact timers where it is the standard one."""
    loop = asyncio.new_event_loop()
    if (
        type(loop) is not asyncio.SelectorEventLoop
        or _Epoll is None
        or _threads.original("DefaultSelector", "selectors") is not _Epoll
    ):
        return loop
    loop.close()
    loop = asyncio.SelectorEventLoop(_PreciseSelector())
    if _threads.has_greenlets():
        loop.set_default_executor(_InThreads())
    return loop


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


def _run_on(loop: AbstractEventLoop, closing: list[bool]) -> None:
    while True:
        try:
            return loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            # A task that a coroutine function started has raised this; whoever awaits it is told as
            # well. Subtle: the loop forgets that it was to stop.
            if closing:
                return


def _run(
    loop: AbstractEventLoop,
    runners: Iterable[Runner | Puller],
    closing: list[bool],
    end: concurrent.futures.Future[None],
    is_at_work: Any,
) -> None:
    asyncio.set_event_loop(loop)
    _native._wake_on_time()
    try:
        _run_on(loop, closing)
        loop.run_until_complete(_settle(loop, list(runners)))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        end.set_result(None)
        is_at_work.release()
