"""The queues of `janus`: one queue with a face for threads and one for tasks, here of any number of loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from millpond import sync as _sync
from millpond.sync import _hooked

if TYPE_CHECKING:
    from millpond.sync import QueueEmpty as AsyncQueueEmpty
    from millpond.sync import QueueEmpty as SyncQueueEmpty
    from millpond.sync import QueueFull as AsyncQueueFull
    from millpond.sync import QueueFull as SyncQueueFull
    from millpond.sync import QueueShutDown as AsyncQueueShutDown
    from millpond.sync import QueueShutDown as SyncQueueShutDown

__all__ = [
    "AsyncQueueEmpty",
    "AsyncQueueFull",
    "AsyncQueueShutDown",
    "LifoQueue",
    "PriorityQueue",
    "Queue",
    "SyncQueueEmpty",
    "SyncQueueFull",
    "SyncQueueShutDown",
]

_T = TypeVar("_T")


class _Face(Generic[_T]):
    """What both faces of a queue have."""

    __slots__ = ("_queue",)

    def __init__(self, queue: Queue[_T]) -> None:
        self._queue = queue

    @property
    def maxsize(self) -> int:
        """How many items it has room for; 0 for any number."""
        return self._queue.maxsize

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._queue.closed

    @property
    def unfinished_tasks(self) -> int:
        """How many items were put in that nobody has said to be done."""
        return self._queue.shared.unfinished_tasks

    def qsize(self) -> int:
        """Count the items."""
        return len(self._queue.shared)

    def empty(self) -> bool:
        """Find out whether there are none."""
        return not self.qsize()

    def full(self) -> bool:
        """Find out whether there is no room."""
        return 0 < self.maxsize <= self.qsize()

    def task_done(self) -> None:
        """Say that what one item was put in for is done."""
        self._queue.shared.task_done()

    def shutdown(self, immediate: bool = False) -> None:
        """Take no more items."""
        self._queue.shutdown(immediate)

    def get_nowait(self) -> _T:
        """Get an item that is there."""
        return self._queue.shared.try_get()

    def put_nowait(self, item: _T) -> None:
        """Put an item in where there is room."""
        self._queue.shared.try_put(item)


class SyncQueue(_Face[_T]):
    """The face for threads: as `queue.Queue`."""

    __slots__ = ()

    def get(self, block: bool = True, timeout: float | None = None) -> _T:
        """Get the next item."""
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        return self._queue.shared.get(block, timeout if block else None)

    def put(self, item: _T, block: bool = True, timeout: float | None = None) -> None:
        """Put an item in."""
        if timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        self._queue.shared.put(item, block, timeout if block else None)

    def join(self) -> None:
        """Wait until everything that was put in is done."""
        self._queue.shared.join()


class AsyncQueue(_Face[_T]):
    """The face for tasks: as `asyncio.Queue`."""

    __slots__ = ()

    async def get(self) -> _T:
        """Get the next item."""
        return await self._queue.shared.get_async()

    async def put(self, item: _T) -> None:
        """Put an item in."""
        await self._queue.shared.put_async(item)

    async def join(self) -> None:
        """Wait until everything that was put in is done."""
        await self._queue.shared.join_async()


class Queue(Generic[_T]):
    """`janus.Queue`. It may be made anywhere, and closing it wakes everyone.

    Examples
    --------
    >>> import asyncio, threading
    >>> from millpond.sync.compat import janus
    >>> async def main():
    ...     queue = janus.Queue()
    ...     threading.Thread(target=queue.sync_q.put, args=("mill",)).start()
    ...     item = await queue.async_q.get()
    ...     await queue.aclose()
    ...     return item
    >>> asyncio.run(main())
    'mill'
    """

    def __init__(self, maxsize: int = 0) -> None:
        #: The queue behind the faces.
        self.shared: _sync.Queue[_T] | _hooked.HookedQueue[_T] = self._make(maxsize)
        self._sync = SyncQueue(self)
        self._async = AsyncQueue(self)

    def _make(self, maxsize: int) -> _sync.Queue[_T] | _hooked.HookedQueue[_T]:
        return _sync.Queue(maxsize)

    @property
    def sync_q(self) -> SyncQueue[_T]:
        """The face for threads."""
        return self._sync

    @property
    def async_q(self) -> AsyncQueue[_T]:
        """The face for tasks."""
        return self._async

    @property
    def maxsize(self) -> int:
        """How many items it has room for; 0 for any number."""
        return self.shared.maxsize

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.shared.is_shutdown

    def shutdown(self, immediate: bool = False) -> None:
        """Take no more items; give what is in, unless that is to be dropped at once."""
        self.shared.shutdown(immediate)

    def close(self) -> None:
        """Take no more items and drop what is in."""
        self.shared.shutdown(True)

    async def wait_closed(self) -> None:
        """Find out that it was closed; there is nothing to wait for."""
        if not self.closed:
            raise RuntimeError("Waiting for non-closed queue")

    async def aclose(self) -> None:
        """Close it."""
        self.close()


class LifoQueue(Queue[_T]):
    """`janus.LifoQueue`."""

    def _make(self, maxsize: int) -> _sync.Queue[_T] | _hooked.HookedQueue[_T]:
        return _sync.LifoQueue(maxsize)


class PriorityQueue(Queue[_T]):
    """`janus.PriorityQueue`."""

    def _make(self, maxsize: int) -> _sync.Queue[_T] | _hooked.HookedQueue[_T]:
        return _sync.PriorityQueue(maxsize)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from millpond.sync import _errors

        if name in __all__:
            return getattr(_errors, name.removeprefix("Sync").removeprefix("Async"))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
