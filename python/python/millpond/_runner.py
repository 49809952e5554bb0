"""Calls of a coroutine function, so many at once."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from millpond import _native, _options, _threads
from millpond._errors import DeadlockError, TaskTimeoutError

if TYPE_CHECKING:
    from millpond._host import Event, Host, Work
    from millpond._loop import LoopThread

__all__ = ["Runner"]


class Runner:
    """Calls the coroutine function of a task, so many at once, and tells its window what comes of them.

    The calls run where a read awaits at the moment, else on the pool's own loop. While a read that awaited was
    cancelled and nobody reads instead, no call is begun.

    Parameters
    ----------
    own : LoopThread
        The pool's loop.
    function : callable
        The coroutine function.
    concurrency : int
        How many calls are under way at once.
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
        self._on_error, self._retries, self._timeout = failing
        self._is_plain = failing == _options.NO_POLICY and keeps == "map" and not is_starred
        self._named = named
        self._keeps = keeps
        self._is_starred = is_starred
        self._context = _native._copy_context()
        #: Items with their numbers, and the host on which the call was cancelled, if it was.
        self._waiting: deque[tuple[int, Any, Host | None]] = deque()
        self._works: dict[Work, Host] = {}
        #: Who is to know when a work on a host has ended.
        self._watchers: list[tuple[Host, Event]] = []
        #: How many works there are or will be, counted by whoever starts them: there may be several hosts.
        self._started = 0
        self._lock = _threads.original("allocate_lock")()
        #: Where reads await, the last one last.
        self._hosts: list[Host] = []
        #: The number of the first item that failed: what comes after it is not called.
        self._last = sys.maxsize
        self._is_held = False
        self._is_closed = False
        own.runners.add(self)

    def prefer(self, host: Host) -> None:
        """Have calls begin on this host from now on, until :meth:`leave`."""
        self._hosts.append(host)
        if self._waiting:
            self._ask()

    def leave(self, host: Host) -> None:
        """Take back one :meth:`prefer`."""
        try:
            self._hosts.remove(host)
        except ValueError:
            # It turned out to have ended.
            return
        if self._waiting:
            self._ask()

    def hold(self) -> None:
        """Begin no further calls until somebody reads: a read was cancelled."""
        self._is_held = True
        # Those who read all the same are made to ask again.
        self.window.hold()

    def check_wait(self) -> None:
        """Refuse to wait in the calling thread for calls that cannot go on as long as it waits.

        Raises
        ------
        DeadlockError
            When the calls are on the event loop of this thread.
        """
        if self._hosts and (self._waiting or self._works) and self._hosts[-1].is_here():
            raise DeadlockError(
                f"waiting for calls of task `{self._named[0]}`, which are made on the event loop of the thread that "
                "waits, since another read awaits there; await this one too, with `read_async` or `async for`"
            )

    # ---- the engine's side, in any thread

    def submit(self, items: list[tuple[int, Any]]) -> None:
        """Take items, with their numbers."""
        self._waiting.extend((number, item, None) for number, item in items)
        self._ask()

    def resume(self) -> None:
        """Go on: somebody reads."""
        self._is_held = False
        if self._waiting:
            self._ask()

    def close(self) -> None:
        """Cancel what is under way: nobody can read it any more."""
        if not hasattr(self, "_waiting"):
            # Garbage, which the collector has taken apart already: nothing is under way, or its loop would hold this.
            return
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
        if was_closed:
            # To be cancelled twice would cut short what ends in the meantime.
            return
        self._waiting.clear()
        for work in list(self._works):
            work.stop()

    @property
    def is_closed(self) -> bool:
        """Whether it was told to end."""
        return self._is_closed

    async def ended(self, host: Host) -> None:
        """Wait until the calls that were made on this host, and are cancelled, have ended."""
        while host in list(self._works.values()):
            event = host.event()
            self._watchers.append((host, event))
            await event.wait()

    def _ask(self) -> None:
        while True:
            try:
                host = self._hosts[-1]
            except IndexError:
                break
            if host.soon(self._begin, host):
                return
            self._forget(host)
        own = self._own.host()
        if own is not None and own.soon(self._begin, own):
            return
        error = RuntimeError("the pool's event loop was closed")
        while self._waiting:
            self.window.fail(self._waiting.popleft()[0], error)

    def _forget(self, host: Host) -> None:
        self._hosts = [other for other in self._hosts if other != host]

    # ---- the host's side

    def _begin(self, host: Host) -> None:
        # As many as there is something to do for: each takes the next item when it is done with one.
        with self._lock:
            count = 0 if self._is_held else min(len(self._waiting), self._concurrency - self._started)
            count = max(count, 0)
            self._started += count
        try:
            for _ in range(count):
                self._works[host.spawn(lambda work: self._work(host, work), self._context.copy())] = host
                count -= 1
        finally:
            if count > 0:
                # The host takes no more.
                with self._lock:
                    self._started -= count

    def _goes_on(self, host: Host) -> bool:
        return bool(self._waiting) and not self._is_held and (not self._hosts or host == self._hosts[-1])

    async def _work(self, host: Host, work: Work) -> None:
        context = contextvars.copy_context()
        waiting, succeed, function = self._waiting, self.window.succeed, self._function
        try:
            while self._goes_on(host):
                try:
                    number, item, ended = waiting.popleft()
                except IndexError:
                    break
                if number > self._last:
                    continue
                try:
                    if self._is_plain:
                        succeed(number, await function(item))
                    else:
                        await self._call(host, work, number, item)
                except BaseException as error:
                    if work.is_ending(error):
                        if not self._is_closed:
                            self._end(host, number, item, ended, error)
                        raise
                    if isinstance(error, (Exception, asyncio.CancelledError)):
                        self._fail(number, error)
                    elif not self._is_closed:
                        # Ctrl-C or an exit: no failure of the item, which is put back.
                        self._is_held = True
                        waiting.appendleft((number, item, ended))
                        self.window.interrupt(error)
                if work.is_touched or contextvars.copy_context() != context:
                    # The next call is to find the task and its variables as they were.
                    break
        finally:
            self._works.pop(work, None)
            for there, event in self._watchers:
                if there == host:
                    event.set()
            with self._lock:
                self._started -= 1
            if waiting and not self._is_closed:
                self._ask()

    def _fail(self, number: int, error: BaseException) -> None:
        self._last = min(self._last, number)
        self.window.fail(number, error)

    def _end(self, host: Host, number: int, item: Any, ended: Host | None, error: BaseException) -> None:
        """Have a call made again on another host: that of whoever awaited ends. Once for each host."""
        self._forget(host)
        if host == ended or self._own.is_running(host):
            self._fail(number, error)
        else:
            self._waiting.appendleft((number, item, host))

    async def _call(self, host: Host, work: Work, number: int, item: Any) -> None:
        waits: _native._Waits | None = None
        while True:
            try:
                call = self._function(*item) if self._is_starred else self._function(item)
                result = await (call if self._timeout is None else host.within(call, self._timeout, self._late()))
            except BaseException as error:
                # A call that was cancelled by itself has failed like others.
                if not isinstance(error, (Exception, asyncio.CancelledError)) or work.is_ending(error):
                    raise
                waits = waits or _native._Waits(self._retries)
                wait = waits.next(error)
                if wait is not None:
                    if wait:
                        await host.sleep(wait)
                    continue
                choice = _options.chosen_for(error, self._on_error)
                if choice is None:
                    raise
                if not callable(choice):
                    self.window.skip(number)
                    return
                result = choice(error, item)
                if _options.is_awaitable(result):
                    result = await result
                self.window.succeed(number, result)
                return
            break
        if self._keeps == "map" or (self._keeps == "filter_map" and result is not None):
            self.window.succeed(number, result)
        elif self._keeps == "tap" or (self._keeps == "filter" and result):
            self.window.succeed(number, item)
        else:
            self.window.skip(number)

    def _late(self) -> TaskTimeoutError:
        return TaskTimeoutError(
            f"a call of task `{self._named[0]}` took longer than its timeout of `{self._timeout}` seconds"
        )
