"""Event loops: one of the pool's own, and coroutines that are tasks."""

from __future__ import annotations

import asyncio
import contextvars
import select
import selectors
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from millpond import _native, _options
from millpond._errors import TaskTimeoutError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

__all__ = ["LoopThread", "Runner"]


class LoopThread:
    """An event loop in a thread of its own, started when it is first needed.

    Parameters
    ----------
    name : str
        What the thread is called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: AbstractEventLoop | None = None
        self._is_closed = False

    def get(self) -> AbstractEventLoop | None:
        """Get the loop, running; ``None`` when it was closed."""
        with self._lock:
            if self._loop is None and not self._is_closed:
                self._loop = _new_loop()
                threading.Thread(target=_run, args=(self._loop,), name=self._name, daemon=True).start()
            return self._loop

    def close(self) -> None:
        """Stop the loop, after a last chance for what was cancelled."""
        with self._lock:
            self._is_closed = True
            loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(loop.stop)


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


def _run(loop: AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    _native._wake_on_time()
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class Runner:
    """Runs the coroutines of a task, so many at once, and tells its window what comes of them.

    Its loop is the pool's, or that of whoever awaits a read at the moment.

    Parameters
    ----------
    own : LoopThread
        The pool's loop.
    function : callable
        The coroutine function.
    concurrency : int
        How many coroutines are under way at once.
    failing : tuple
        What becomes of errors; see :mod:`millpond._options`.
    named : tuple
        The task's name and place.
    keeps : str
        What becomes of a result: `map`, `filter`, `filter_map` or `tap`.
    is_starred : bool
        Whether items are taken apart into arguments.
    """

    def __init__(
        self,
        own: LoopThread,
        function: Callable[..., Coroutine[Any, Any, Any]],
        concurrency: int,
        failing: _options.Failing,
        named: _options.Named,
        keeps: str,
        is_starred: bool,
    ) -> None:
        self.window = _native._Window()
        self._own = own
        self._function = function
        self._concurrency = concurrency
        self._on_error, self._retries, self._wait, self._doubles, self._timeout = failing
        self._is_plain = failing == _options.NO_POLICY and keeps == "map" and not is_starred
        self._named = named
        self._keeps = keeps
        self._is_starred = is_starred
        self._context = contextvars.copy_context()
        self._waiting: deque[tuple[int, Any]] = deque()
        self._tasks: set[Task[None]] = set()
        self._preferred: AbstractEventLoop | None = None
        self._is_closed = False

    def prefer(self, loop: AbstractEventLoop | None) -> None:
        """Say which loop the coroutines begun from now on run on; ``None`` for the pool's."""
        self._preferred = loop
        if self._waiting:
            self._ask()

    # ---- the engine's side, in any thread

    def submit(self, items: list[tuple[int, Any]]) -> None:
        """Take items, with their numbers."""
        self._waiting.extend(items)
        self._ask()

    def close(self) -> None:
        """Cancel what is under way: nobody can read it any more."""
        if not hasattr(self, "_waiting"):
            # Garbage, which the collector has taken apart already: nothing is under way, or its loop would hold this.
            return
        self._is_closed = True
        self._waiting.clear()
        for task in list(self._tasks):
            loop = task.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)

    def _ask(self) -> None:
        for loop in (self._preferred, self._own.get()):
            if loop is not None and not loop.is_closed():
                loop.call_soon_threadsafe(self._begin, loop)
                return
        error = RuntimeError("the pool's event loop was closed")
        while self._waiting:
            self.window.fail(self._waiting.popleft()[0], error)

    # ---- the loop's side

    def _begin(self, loop: AbstractEventLoop) -> None:
        # As many as there is something to do for: each takes the next item when it is done with one.
        for _ in range(min(len(self._waiting), self._concurrency - len(self._tasks))):
            context = self._context.copy()
            if sys.version_info >= (3, 11):
                task = loop.create_task(self._work(loop), context=context)
            else:
                task = context.run(loop.create_task, self._work(loop))
            self._tasks.add(task)

    async def _work(self, loop: AbstractEventLoop) -> None:
        context = contextvars.copy_context()
        waiting, succeed, function = self._waiting, self.window.succeed, self._function
        number = -1
        try:
            while waiting and loop is (self._preferred or loop):
                try:
                    number, item = waiting.popleft()
                except IndexError:
                    break
                try:
                    if self._is_plain:
                        succeed(number, await function(item))
                    else:
                        await self._call(number, item)
                except asyncio.CancelledError:
                    if self._is_closed:
                        raise
                    # The loop of whoever awaited ends. The call is made again where there is another one.
                    waiting.appendleft((number, item))
                    self._preferred = None
                    raise
                except BaseException as error:
                    self.window.fail(number, error)
                if contextvars.copy_context() != context:
                    # The next call is to find the variables as they were.
                    break
        finally:
            self._tasks.discard(asyncio.current_task())
            if waiting and not self._is_closed:
                self._ask()

    async def _call(self, number: int, item: Any) -> None:
        wait = self._wait
        left = self._retries
        while True:
            try:
                call = self._function(*item) if self._is_starred else self._function(item)
                if self._timeout is None:
                    result = await call
                else:
                    result = await self._within(call)
            except Exception as error:
                if left:
                    left -= 1
                    if wait:
                        await asyncio.sleep(wait)
                        wait = wait * 2 if self._doubles else wait
                    continue
                if self._on_error is None:
                    raise
                if not callable(self._on_error):
                    self.window.skip(number)
                    return
                result = self._on_error(error, item)
                self.window.succeed(number, result)
                return
            break
        if self._keeps == "map" or (self._keeps == "filter_map" and result is not None):
            self.window.succeed(number, result)
        elif self._keeps == "tap" or (self._keeps == "filter" and result):
            self.window.succeed(number, item)
        else:
            self.window.skip(number)

    async def _within(self, call: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.ensure_future(call)
        done, _ = await asyncio.wait({task}, timeout=self._timeout)
        if not done:
            task.cancel()
            raise TaskTimeoutError(
                f"a call of task `{self._named[0]}` took longer than its timeout of `{self._timeout}` seconds"
            )
        return task.result()
