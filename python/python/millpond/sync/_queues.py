"""Queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar, overload

from millpond import _native
from millpond._options import Seconds
from millpond.sync import _awaiting, _shared
from millpond.sync._aio import AioQueue

__all__ = ["LifoQueue", "Queue", "SimpleLifoQueue", "SimpleQueue"]

_T = TypeVar("_T")


class Queue(_shared.Items, _native.Queue[_T]):
    """A queue that threads, greenlets and tasks of any event loop share: first in, first out.

    ``get`` and ``put`` block the thread; ``get_async`` and ``put_async`` await. All stand in one list, first come,
    first served. What is cancelled or times out has taken nothing and put nothing in; only a put that is cancelled
    after it was given room, before its task runs again, has put its item in. After :meth:`shutdown` nothing more goes
    in, and what is in comes out; so ``for item in queue`` and ``async for item in queue`` end.

    Parameters
    ----------
    items : iterable, optional
        What is in at the start. May be left out: ``Queue(10)`` has room for ten.
    maxsize : int, optional
        How many items it has room for; 0 or less, or None, for any number. It may be changed.
    size : callable, optional
        What an item weighs, an int. Then `maxsize` bounds the sum of the weights. An item that is heavier goes in when
        the queue is empty.

    Raises
    ------
    QueueEmpty, QueueFull
        When there was no item or no room, in time.
    QueueShutDown
        When it was shut down.

    Examples
    --------
    >>> import asyncio, threading
    >>> from millpond.sync import Queue
    >>> queue = Queue(2)
    >>> def produce():
    ...     with queue:
    ...         for number in range(5):
    ...             queue.put(number)
    >>> async def consume():
    ...     return [number async for number in queue]
    >>> threading.Thread(target=produce).start()
    >>> asyncio.run(consume())
    [0, 1, 2, 3, 4]
    """

    __slots__ = ()
    _is_lifo = False

    @overload
    def __new__(
        cls, items: int | None = None, maxsize: None = None, *, size: Callable[[_T], int] | None = None
    ) -> Queue[_T]: ...
    @overload
    def __new__(cls, *, maxsize: int | None, size: Callable[[_T], int] | None = None) -> Queue[_T]: ...
    @overload
    def __new__(
        cls, items: Iterable[_T], maxsize: int | None = None, *, size: Callable[[_T], int] | None = None
    ) -> Queue[_T]: ...
    def __new__(
        cls,
        items: Iterable[_T] | int | None = None,
        maxsize: int | None = None,
        *,
        size: Callable[[_T], int] | None = None,
    ) -> Queue[_T]:
        if items is None or isinstance(items, int):
            if items is not None and maxsize is not None:
                raise TypeError(f"maxsize is said twice, {items!r} and {maxsize!r}: say it once")
            return super().__new__(cls, cls._is_lifo, [], maxsize if items is None else items, size)
        return super().__new__(cls, cls._is_lifo, list(items), maxsize, size)

    def get_nowait(self) -> _T:
        """Get an item that is there, as :meth:`try_get`."""
        return self.try_get()

    def put_nowait(self, item: _T) -> None:
        """Put an item in where there is room, as :meth:`try_put`."""
        self.try_put(item)

    async def get_async(self, *, timeout: Seconds | None = None) -> _T:
        """Get the next item, awaiting it.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at the most.

        Returns
        -------
        object
            The item.

        Raises
        ------
        QueueEmpty
            When there was none in time.
        QueueShutDown
            When there is none, and the queue was shut down.
        """
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        item, waiting = self._get_now(timeout)
        if waiting is None:
            return item  # type: ignore[return-value]
        return await _awaiting.wait(waiting, timeout)  # type: ignore[no-any-return]

    async def put_async(self, item: _T, *, timeout: Seconds | None = None) -> None:
        """Put an item in, awaiting room.

        Parameters
        ----------
        item : object
            The item.
        timeout : float, optional
            Seconds to wait at the most.

        Raises
        ------
        QueueFull
            When there was no room in time.
        QueueShutDown
            When the queue was shut down.
        """
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        waiting = self._put_now(item, timeout)
        if waiting is not None:
            await _awaiting.wait(waiting, timeout)

    async def get_many_async(self, count: int, *, timeout: Seconds | None = None) -> list[_T]:
        """Await one item, and get up to `count` that are there then."""
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        return await _awaiting.wait(self._ask_many(count, timeout), timeout)  # type: ignore[no-any-return]

    async def peek_async(self, *, timeout: Seconds | None = None) -> _T:
        """Await an item, and leave it in."""
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        return await _awaiting.wait(self._ask_peek(timeout), timeout)  # type: ignore[no-any-return]

    def put_many(self, items: Iterable[_T], *, timeout: Seconds | None = None) -> None:
        """Put items in, one after the other, waiting for room for each; at most `timeout` seconds for each.

        Where it ends before, the exception's `remaining` has the items that are not in.
        """
        rest = list(items)
        try:
            while rest:
                self.put(rest[0], timeout=timeout)
                del rest[0]
        except Exception as error:
            error.remaining = rest  # type: ignore[attr-defined]
            raise

    async def put_many_async(self, items: Iterable[_T], *, timeout: Seconds | None = None) -> None:
        """Put items in as :meth:`put_many` does, awaiting room."""
        rest = list(items)
        try:
            while rest:
                await self.put_async(rest[0], timeout=timeout)
                del rest[0]
        except BaseException as error:
            error.remaining = rest  # type: ignore[attr-defined]
            raise

    async def join_async(self, *, timeout: Seconds | None = None) -> bool:
        """Await that everything that was put in is done; say whether it is, in time."""
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        return bool(await _awaiting.wait(self._ask_join(timeout), timeout))

    @property
    def aio(self) -> AioQueue[_T]:
        """The same queue with the names of asyncio's."""
        return AioQueue(self)


class LifoQueue(Queue[_T]):
    """A :class:`Queue` whose last item comes out first.

    Examples
    --------
    >>> from millpond.sync import LifoQueue
    >>> LifoQueue([1, 2, 3]).get()
    3
    """

    __slots__ = ()
    _is_lifo = True


class SimpleQueue(Queue[_T]):
    """A :class:`Queue` without a bound, into which putting never waits.

    Parameters
    ----------
    items : iterable, optional
        What is in at the start.
    """

    __slots__ = ()

    def __new__(cls, items: Iterable[_T] = ()) -> SimpleQueue[_T]:
        return super().__new__(cls, items)  # type: ignore[return-value]


class SimpleLifoQueue(SimpleQueue[_T]):
    """A :class:`SimpleQueue` whose last item comes out first.

    Parameters
    ----------
    items : iterable, optional
        What is in at the start.
    """

    __slots__ = ()
    _is_lifo = True


for _class in (Queue, LifoQueue, SimpleQueue, SimpleLifoQueue):
    _class.__module__ = "millpond.sync"
