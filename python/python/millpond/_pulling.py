"""Async iterators as sources and as results of functions: pulled where reads await, else on the pool's own loop.

An async iterator stays where it was begun, and one task pulls it from its first item to its end and closes it: what it
holds open from one item to the next (a cancel scope, a time limit, a connection) may belong to that task and its loop.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from millpond import _native, _options, _threads
from millpond._errors import DeadlockError
from millpond._reading import Turns

if TYPE_CHECKING:
    from millpond._host import Event, Host, Work
    from millpond._loop import LoopThread
    from millpond._pool import Pool

__all__ = ["Puller", "blocking", "collected"]

_T = TypeVar("_T")


class Puller:
    """Pulls the items of async iterators, as many as the engine asks for, and hands them over.

    Parameters
    ----------
    own : LoopThread
        The pool's loop.
    named : tuple
        The task's name and place.
    iterable : async iterable, optional
        What a source iterates over. Without it the engine hands over one after the other.
    """

    def __init__(self, own: LoopThread, named: _options.Named, iterable: AsyncIterable[Any] | None = None) -> None:
        self.pulled = _native._Pulled()
        self._own = own
        self._named = named
        self._iterables: deque[AsyncIterable[Any]] = deque([] if iterable is None else [iterable])
        self._context = _native._copy_context()
        self._lock = _threads.original("allocate_lock")()
        #: Where reads await, the last one last.
        self._hosts: list[Host] = []
        #: How many more items the engine wants.
        self._left = 0
        self._is_held = False
        self._is_closed = False
        #: Where it pulls, from the first item on, and the task that does.
        self._host: Host | None = None
        self._work: Work | None = None
        self._iterator: AsyncIterator[Any] | None = None
        #: Whether the task waits for an item.
        self._is_pulling = False
        #: What the task waits for that has nothing to do.
        self._parked: Event | None = None
        #: Whether the task has ended, and who is to know.
        self._is_over = False
        self._watchers: list[Event] = []
        self._turns = Turns()
        own.runners.add(self)

    def prefer(self, host: Host) -> None:
        """Have it begin on this host, if it has not begun, until :meth:`leave`."""
        here = self._host
        if here is not None and here != host and not self._is_over and not self._is_running(here):
            raise self._stuck("whose event loop does not run at the moment")
        self._hosts.append(host)

    def leave(self, host: Host) -> None:
        """Take back one :meth:`prefer`."""
        if host in self._hosts:
            self._hosts.remove(host)

    def hold(self) -> None:
        """Pull no further item until somebody reads: a read was cancelled."""
        with self._lock:
            self._is_held = True
            self._left = 0
        self.pulled.hold()

    def check_wait(self) -> None:
        """Refuse to wait in the calling thread for what cannot come.

        Raises
        ------
        DeadlockError
            When it would wait for itself, or for a loop that does not run. The reader can be read on elsewhere.
        """
        host = self._host
        if host is None or self._is_over or not (self._left or self._is_pulling):
            return
        if host.is_here():
            raise self._stuck("which runs on the event loop of the thread that waits")
        if not self._is_running(host):
            raise self._stuck("whose event loop does not run at the moment")

    def _is_running(self, host: Host) -> bool:
        # The own loop may be about to be started.
        return self._own.is_running(host) or host.is_running()

    def _stuck(self, why: str) -> DeadlockError:
        return DeadlockError(
            f"waiting for the async iterator of task `{self._named[0]}`, {why}; await the read there, with "
            "`read_async` or `async for`"
        )

    # ---- the engine's side, in any thread

    def open(self, iterable: AsyncIterable[Any]) -> None:
        """Take the next iterable."""
        self._iterables.append(iterable)

    def ask(self, count: int) -> None:
        """Pull so many items more."""
        with self._lock:
            self._left += count
            begins = self._host is None
            if self._host is None:
                self._host = self._hosts[-1] if self._hosts else self._own.host()
            host = self._host
        if host is None:
            self.pulled.fail(RuntimeError("the pool's event loop was closed"))
        elif self._is_over or not host.soon(self._begin if begins else self._wake):
            self._lose()

    def resume(self) -> None:
        """Go on: somebody reads."""
        self._is_held = False

    @property
    def is_closed(self) -> bool:
        """Whether it was told to end."""
        return self._is_closed

    def close(self) -> None:
        """End, and close the iterator: nobody can read it any more."""
        if not hasattr(self, "_iterables"):
            # Garbage, which the collector has taken apart already: nothing is under way, or its loop would hold this.
            return
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            host = self._host
        # To be cancelled twice would cut short what ends in the meantime.
        if host is not None and not self._is_over and not was_closed:
            host.soon(self._stop)

    def _lose(self) -> None:
        self._is_over = True
        self.pulled.fail(
            RuntimeError(
                f"the async iterator of task `{self._named[0]}` has not come to its end, and the event loop on which "
                "it ran has; read all of it there, or all of it without awaiting"
            )
        )

    # ---- the host's side

    def _begin(self) -> None:
        host = self._host
        if host is not None and not self._is_closed:
            self._work = host.spawn(lambda work: self._pull(host, work), self._context.copy())

    def _wake(self) -> None:
        parked, self._parked = self._parked, None
        if parked is not None:
            parked.set()

    def _stop(self) -> None:
        if self._is_pulling and self._work is not None:
            self._work.stop()
        self._wake()

    async def ended(self, host: Host) -> None:
        """Wait until what was pulled on this host, and is closed, has ended."""
        if self._host == host and self._work is not None and not self._is_over:
            event = host.event()
            self._watchers.append(event)
            await event.wait()

    async def _pull(self, host: Host, work: Work) -> None:
        is_dropped = False
        try:
            await self._pull_all(host)
        except BaseException as error:
            is_dropped = isinstance(error, GeneratorExit) and work.is_ending(error)
            if work.is_ending(error):
                if not self._is_closed and not is_dropped:
                    self._lose()
                raise
            self.pulled.fail(error)
        finally:
            iterator, self._iterator = self._iterator, None
            # One whose task is dropped goes away with it.
            if not is_dropped:
                work.is_closing = True
                try:
                    await _close(iterator)
                finally:
                    self._is_over = True
                    for event in self._watchers:
                        event.set()

    async def _pull_all(self, host: Host) -> None:
        is_begun = False
        while await self._is_wanted(host):
            if self._iterator is None:
                iterable, is_begun = self._iterables.popleft(), False
                self._iterator = type(iterable).__aiter__(iterable)
            iterator = self._iterator
            if is_begun and isinstance(iterator, types.AsyncGeneratorType) and iterator.ag_frame is None:
                raise RuntimeError(f"the async generator of task `{self._named[0]}` was closed by somebody else")
            self._is_pulling = True
            try:
                item = await iterator.__anext__()
            except StopAsyncIteration:
                self._iterator = None
                with self._lock:
                    self._left = 0
                self.pulled.end()
            else:
                is_begun = True
                self.pulled.give(item)
            finally:
                self._is_pulling = False

    async def _is_wanted(self, host: Host) -> bool:
        """Wait until an item is wanted; say whether one is at all."""
        if self._turns.is_over():
            await self._turns.pass_on(host)
        while True:
            with self._lock:
                if self._is_closed:
                    return False
                if self._left > 0 and not self._is_held and (self._iterator is not None or self._iterables):
                    self._left -= 1
                    return True
                parked = self._parked = host.event()
            await parked.wait()


async def _close(iterator: AsyncIterator[Any] | None) -> None:
    # As of other sources, a generator is closed. Other iterators are whose they are.
    if isinstance(iterator, AsyncGenerator):
        try:
            await iterator.aclose()
        except Exception as error:
            _native._report(error, iterator)


def blocking(pool: Callable[[], Pool | None], name: str, iterable: AsyncIterable[_T]) -> Iterator[_T]:
    """Iterate over an async iterable in a thread that waits for each item."""
    owner = pool()
    if owner is None:
        return
    with owner.source(iterable, name=name) as reader:
        del owner
        while items := reader.read(1):
            yield items[0]


def collected(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Have what a function gives iterated over within its call, which may be made again then."""

    async def collect(item: Any) -> Any:
        result = function(item)
        if _options.is_awaitable(result):
            result = await result
        if not _options.is_async_iterable(result):
            return result
        return [part async for part in result]

    return collect
