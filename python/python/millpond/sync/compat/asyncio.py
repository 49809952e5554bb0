"""The locks, events and queues of `asyncio`, for any number of loops and for threads.

They take and give what those of `asyncio` do, and belong to no loop. Threads use the object that is `.shared`.
"""

from __future__ import annotations

import collections
from typing import Any, TypeVar

from millpond import sync as _sync
from millpond.sync import _aio, _hooked
from millpond.sync._errors import BrokenBarrierError, QueueEmpty, QueueFull, QueueShutDown

__all__ = [
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "Condition",
    "Event",
    "Lock",
    "LifoQueue",
    "PriorityQueue",
    "Queue",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
    "Semaphore",
]

_T = TypeVar("_T")


class Lock(_aio.AioLock):
    """`asyncio.Lock`: anybody may release it."""

    __slots__ = ("__weakref__", "shared")

    def __init__(self) -> None:
        #: The same lock for threads.
        self.shared = _sync.Lock(owned=False)
        super().__init__(self.shared)

    def __repr__(self) -> str:
        return f"<Lock [{'locked' if self.locked() else 'unlocked'}]>"


class Semaphore(_aio.AioLock):
    """`asyncio.Semaphore`."""

    __slots__ = ("__weakref__", "shared")

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError("Semaphore initial value must be >= 0")
        #: The same semaphore for threads.
        self.shared = self._make(value)
        super().__init__(self.shared)

    def _make(self, value: int) -> _sync.Semaphore:
        return _sync.Semaphore(value)

    @property
    def _value(self) -> int:
        return self.shared.value

    def locked(self) -> bool:
        """Find out whether it cannot be had at once."""
        return self.shared.value == 0 or self.shared.waiting > 0


class BoundedSemaphore(Semaphore):
    """`asyncio.BoundedSemaphore`."""

    __slots__ = ()

    def _make(self, value: int) -> _sync.Semaphore:
        return _sync.BoundedSemaphore(value)

    def release(self) -> None:
        """Release it."""
        try:
            self.shared.release()
        except RuntimeError:
            raise ValueError("BoundedSemaphore released too many times") from None


class Event(_aio.AioEvent):
    """`asyncio.Event`."""

    __slots__ = ("__weakref__", "shared")

    def __init__(self) -> None:
        #: The same event for threads.
        self.shared = _sync.Event()
        super().__init__(self.shared)


class Condition:
    """`asyncio.Condition`."""

    __slots__ = ("__weakref__", "_lock", "shared")

    def __init__(self, lock: Lock | None = None) -> None:
        self._lock = Lock() if lock is None else lock
        #: The same condition for threads.
        self.shared: _sync.Condition[Any] = _sync.Condition(self._lock.shared)

    def locked(self) -> bool:
        """Find out whether the lock is held."""
        return self._lock.locked()

    async def acquire(self) -> bool:
        """Acquire the lock."""
        return await self._lock.acquire()

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    async def wait(self) -> bool:
        """Wait for a notification."""
        return await self.shared.wait_async()

    async def wait_for(self, predicate: Any) -> Any:
        """Wait until a predicate holds, which the waiter evaluates."""
        # As there, one that holds already needs no lock.
        value = predicate()
        return value or await self.shared.wait_for_async(predicate, delegate=False)

    def notify(self, n: int = 1) -> None:
        """Notify the first `n`."""
        self.shared.notify(n)

    def notify_all(self) -> None:
        """Notify all."""
        self.shared.notify_all()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *of: object) -> None:
        self.release()


class Barrier:
    """`asyncio.Barrier`."""

    __slots__ = ("__weakref__", "shared")

    def __init__(self, parties: int) -> None:
        if parties < 1:
            raise ValueError("parties must be >= 1")
        #: The same barrier for threads.
        self.shared = _sync.Barrier(parties)

    async def wait(self) -> int:
        """Wait for the others."""
        return await self.shared.wait_async()

    async def reset(self) -> None:
        """Make it whole and empty."""
        self.shared.reset()

    async def abort(self) -> None:
        """Break it."""
        self.shared.abort()

    @property
    def parties(self) -> int:
        """How many meet."""
        return self.shared.parties

    @property
    def n_waiting(self) -> int:
        """How many wait."""
        return self.shared.waiting

    @property
    def broken(self) -> bool:
        """Whether it is broken."""
        return self.shared.broken

    async def __aenter__(self) -> int:
        return await self.wait()

    async def __aexit__(self, *of: object) -> None:
        """Go on."""


class _Shared(_hooked.HookedQueue[_T]):
    """What is behind a queue, whose methods say the order."""

    def __init__(self, face: Queue[_T], maxsize: int) -> None:
        self._face = face
        super().__init__(None, maxsize)

    def _init(self, maxsize: int) -> None:
        self._face._init(maxsize)

    def _qsize(self) -> int:
        return len(self._face._queue)

    def _put(self, item: _T) -> None:
        self._face._put(item)

    def _get(self) -> _T:
        return self._face._get()

    def _peek(self) -> _T:
        return self._face._queue[0]  # type: ignore[no-any-return]


class Queue(_aio.AioQueue[_T]):
    """`asyncio.Queue`. Subclasses override `_init`, `_put` and `_get`."""

    def __init__(self, maxsize: int = 0) -> None:
        #: The same queue for threads.
        self.shared: _hooked.HookedQueue[_T] = _Shared(self, maxsize)
        super().__init__(self.shared)

    def _init(self, maxsize: int) -> None:
        self._queue: Any = collections.deque()

    def _put(self, item: _T) -> None:
        self._queue.append(item)

    def _get(self) -> _T:
        return self._queue.popleft()  # type: ignore[no-any-return]


class LifoQueue(Queue[_T]):
    """`asyncio.LifoQueue`."""

    def _init(self, maxsize: int) -> None:
        self._queue = []

    def _get(self) -> _T:
        return self._queue.pop()  # type: ignore[no-any-return]


class PriorityQueue(Queue[_T]):
    """`asyncio.PriorityQueue`."""

    def _init(self, maxsize: int) -> None:
        self._queue = []

    def _put(self, item: _T) -> None:
        import heapq

        heapq.heappush(self._queue, item)

    def _get(self) -> _T:
        import heapq

        return heapq.heappop(self._queue)  # type: ignore[no-any-return]
