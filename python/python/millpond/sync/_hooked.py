"""Queues whose order is decided in Python: by comparing items, or by the methods of a subclass.

Two semaphores are waited at: one counts the items, the other the room. Whoever has a permit takes its turn, in which
Python code runs: one unit at a time, and no lock of a primitive is held. An item stays in until somebody takes it out
in its turn, so what is cancelled before has taken nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from millpond import _options
from millpond._options import Seconds
from millpond.sync import _aio, _shared
from millpond.sync._barriers import CountdownEvent
from millpond.sync._errors import ClosedError
from millpond.sync._locks import Lock
from millpond.sync._semaphores import Semaphore

__all__ = ["HookedQueue", "PriorityQueue"]

_T = TypeVar("_T")

#: The room of a queue without a bound.
_ANY_NUMBER = 1 << 60


class _Turn(Lock):
    """The right to use what is in a queue. One who has it and asks again uses the queue within its own order."""

    __slots__ = ()

    def __enter__(self) -> bool:
        if self.owned():
            raise RuntimeError("using a queue from within one of its own methods or comparisons, which have it")
        return super().__enter__()


def _patience(block: bool, timeout: Seconds | None) -> float | None:
    seconds = _options.seconds(timeout, "timeout")
    if block:
        return seconds
    if timeout is not None:
        raise ValueError("timeout has no use with block=False: leave one of them out")
    return 0


class HookedQueue(_shared.Items, Generic[_T]):
    """A queue whose subclasses say in which order items come out, by `_init`, `_put` and `_get`.

    These, and `_qsize`, `_peek` and `_clear`, are called by one unit at a time. Otherwise it is a :class:`Queue`.

    Parameters
    ----------
    items : iterable, optional
        What is in at the start. May be left out.
    maxsize : int, optional
        How many items it has room for; 0 or less, or None, for any number.
    """

    def __init__(self, items: Iterable[_T] | int | None = None, maxsize: int | None = None) -> None:
        if items is not None and isinstance(items, int):
            if maxsize is not None:
                raise TypeError(f"maxsize is said twice, {items!r} and {maxsize!r}: say it once")
            items, maxsize = None, items
        if isinstance(maxsize, bool) or not (maxsize is None or isinstance(maxsize, int)):
            raise TypeError(f"maxsize must be an int or None, got {maxsize!r}")
        there = [] if items is None else list(items)
        self._maxsize = max(0, maxsize or 0)
        self._turn = _Turn(detect=False)
        self._is_shutdown = False
        #: How many permits for room are to go when they come back, since the queue has become smaller.
        self._debt = 0
        self._init(self._maxsize)
        for item in there:
            self._put(item)
        self._items = Semaphore(len(there))
        self._room = Semaphore(max(0, (self._maxsize or _ANY_NUMBER) - len(there)))
        self._debt = max(0, len(there) - (self._maxsize or _ANY_NUMBER))
        self._unfinished = CountdownEvent(len(there))

    def _init(self, maxsize: int) -> None:
        self.queue: Any = deque()

    def _qsize(self) -> int:
        return len(self.queue)

    def _put(self, item: _T) -> None:
        self.queue.append(item)

    def _get(self) -> _T:
        return self.queue.popleft()  # type: ignore[no-any-return]

    def _peek(self) -> _T:
        return self.queue[0]  # type: ignore[no-any-return]

    def _clear(self) -> None:
        self.queue.clear()

    def _add(self, item: _T) -> None:
        """Put an item in, by one who has room for it."""
        try:
            with self._turn:
                if self._is_shutdown:
                    raise _error("QueueShutDown", "putting into a queue that was shut down")
                self._put(item)
                self._unfinished.up()
        except BaseException:
            self._make_room(1)
            raise
        self._items.add(1)

    def _make_room(self, count: int) -> None:
        if self._debt:
            with self._turn:
                paid = min(count, self._debt)
                self._debt -= paid
            count -= paid
        if count:
            self._room.add(count)

    def _take(self, peeks: bool) -> _T:
        """Take an item out, by one who has a permit or has found the queue shut down."""
        try:
            with self._turn:
                if not self._qsize():
                    raise _error("QueueShutDown", "getting from a queue that was shut down")
                item = self._peek() if peeks else self._get()
        except BaseException:
            self._items.add(1)
            raise
        if peeks:
            self._items.add(1)
        else:
            self._make_room(1)
        return item

    def get(self, block: bool = True, timeout: Seconds | None = None) -> _T:
        """Get the next item."""
        return self._get_now(_patience(block, timeout), False)

    def _get_now(self, seconds: float | None, peeks: bool) -> _T:
        try:
            is_there = self._items.acquire(timeout=seconds)
        except ClosedError:
            is_there = True
        if not is_there:
            raise _error("QueueEmpty", "the queue is empty")
        return self._take(peeks)

    async def _get_soon(self, timeout: Seconds | None, peeks: bool) -> _T:
        try:
            is_there = await self._items.acquire_async(timeout=timeout)
        except ClosedError:
            is_there = True
        if not is_there:
            raise _error("QueueEmpty", "the queue is empty")
        return self._take(peeks)

    async def get_async(self, *, timeout: Seconds | None = None) -> _T:
        """Get the next item, awaiting it."""
        return await self._get_soon(timeout, False)

    def put(self, item: _T, block: bool = True, timeout: Seconds | None = None) -> None:
        """Put an item in."""
        seconds = _patience(block, timeout)
        try:
            has_room = self._room.acquire(timeout=seconds)
        except ClosedError:
            raise _error("QueueShutDown", "putting into a queue that was shut down") from None
        if not has_room:
            raise _error("QueueFull", "the queue is full")
        self._add(item)

    async def put_async(self, item: _T, *, timeout: Seconds | None = None) -> None:
        """Put an item in, awaiting room."""
        try:
            has_room = await self._room.acquire_async(timeout=timeout)
        except ClosedError:
            raise _error("QueueShutDown", "putting into a queue that was shut down") from None
        if not has_room:
            raise _error("QueueFull", "the queue is full")
        self._add(item)

    def try_get(self) -> _T:
        """Get an item that is there."""
        return self._get_now(0, False)

    def try_put(self, item: _T) -> None:
        """Put an item in where there is room."""
        self.put(item, False)

    get_nowait = try_get
    put_nowait = try_put

    def peek(self, block: bool = True, timeout: Seconds | None = None) -> _T:
        """Look at the next item, which stays in."""
        return self._get_now(_patience(block, timeout), True)

    def try_peek(self) -> _T:
        """Look at the next item if there is one."""
        return self._get_now(0, True)

    async def peek_async(self, *, timeout: Seconds | None = None) -> _T:
        """Look at the next item, awaiting one."""
        return await self._get_soon(timeout, True)

    def task_done(self) -> None:
        """Say that what one item was put in for is done."""
        try:
            self._unfinished.down()
        except RuntimeError:
            raise ValueError("task_done() called more often than items were put in") from None

    def join(self, timeout: Seconds | None = None) -> bool:
        """Wait until everything that was put in is done; say whether it is, in time."""
        return self._unfinished.wait(timeout)

    async def join_async(self, *, timeout: Seconds | None = None) -> bool:
        """Await that everything that was put in is done; say whether it is, in time."""
        return await self._unfinished.wait_async(timeout)

    @property
    def unfinished_tasks(self) -> int:
        """How many items were put in that nobody has said to be done."""
        return self._unfinished.value

    def shutdown(self, immediate: bool = False) -> None:
        """Take no more items; give what is in, unless that is to be dropped at once."""
        with self._turn:
            self._is_shutdown = True
        self._items.close()
        self._room.close()
        if immediate:
            self.clear()

    @property
    def is_shutdown(self) -> bool:
        """Whether it was shut down."""
        return self._is_shutdown

    def clear(self) -> int:
        """Drop what is in, which counts as done; say how many items that were."""
        count = 0
        while True:
            try:
                is_there = self._items.acquire(timeout=0)
            except ClosedError:
                is_there = bool(len(self))
            if not is_there:
                return count
            with self._turn:
                if not self._qsize():
                    return count
                self._get()
            self._make_room(1)
            count += 1
            if self._unfinished.value:
                self._unfinished.down()

    @property
    def maxsize(self) -> int:
        """How many items it has room for; 0 for any number."""
        return self._maxsize

    @maxsize.setter
    def maxsize(self, value: int | None) -> None:
        if isinstance(value, bool) or not (value is None or isinstance(value, int)):
            raise TypeError(f"maxsize must be an int or None, got {value!r}")
        with self._turn:
            before, self._maxsize = self._maxsize or _ANY_NUMBER, max(0, value or 0)
            more = (self._maxsize or _ANY_NUMBER) - before
            if more < 0:
                self._debt += -more - self._room.forget(-more)
        if more > 0:
            self._make_room(more)

    @property
    def getting(self) -> int:
        """How many wait for an item."""
        return self._items.waiting

    @property
    def putting(self) -> int:
        """How many wait for room."""
        return self._room.waiting

    @property
    def aio(self) -> _aio.AioQueue[_T]:
        """The same queue with the names of asyncio's."""
        return _aio.AioQueue(self)

    def __len__(self) -> int:
        return self._qsize()


def _class(name: str) -> type[Exception]:
    from millpond.sync import _errors

    return getattr(_errors, name)  # type: ignore[no-any-return]


def _error(name: str, message: str) -> Exception:
    return _class(name)(message)


class PriorityQueue(HookedQueue[_T]):
    """A :class:`Queue` whose smallest item comes out first; of equal ones the one that was put in first.

    Parameters
    ----------
    items : iterable, optional
        What is in at the start. May be left out.
    maxsize : int, optional
        How many items it has room for; 0 or less, or None, for any number.

    Raises
    ------
    Exception
        What a comparison raises, out of the call that puts the item in. The queue is as it was then.
    RuntimeError
        When a comparison uses the queue.

    Examples
    --------
    >>> from millpond.sync import PriorityQueue
    >>> queue = PriorityQueue([3, 1, 2])
    >>> [queue.get() for _ in range(3)]
    [1, 2, 3]
    """

    def _init(self, maxsize: int) -> None:
        # The smallest is last, so that taking it compares and moves nothing.
        self.queue: list[_T] = []

    def _put(self, item: _T) -> None:
        low, high = 0, len(self.queue)
        while low < high:
            middle = (low + high) // 2
            if item < self.queue[middle]:  # type: ignore[operator]
                low = middle + 1
            else:
                high = middle
        self.queue.insert(low, item)

    def _get(self) -> _T:
        return self.queue.pop()

    def _peek(self) -> _T:
        return self.queue[-1]


for _kind in (HookedQueue, PriorityQueue):
    _kind.__module__ = "millpond.sync"
