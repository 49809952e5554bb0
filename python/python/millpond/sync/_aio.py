"""Views of locks, events and queues with the names of asyncio's."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from millpond.sync._events import Event
    from millpond.sync._hooked import HookedQueue
    from millpond.sync._queues import Queue

__all__ = ["AioEvent", "AioLock", "AioQueue"]

_T = TypeVar("_T")


class _Acquirable(Protocol):
    async def acquire_async(self) -> bool: ...
    def release(self) -> None: ...
    def locked(self) -> bool: ...


class AioLock:
    """A lock or semaphore as asyncio's: ``await x.aio.acquire()``, ``async with x.aio``."""

    __slots__ = ("_of",)

    def __init__(self, of: _Acquirable) -> None:
        self._of = of

    async def acquire(self) -> bool:
        """Take it."""
        return await self._of.acquire_async()

    def release(self) -> None:
        """Give it back."""
        self._of.release()

    def locked(self) -> bool:
        """Find out whether it cannot be had now."""
        return self._of.locked()

    async def __aenter__(self) -> None:
        await self._of.acquire_async()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._of.release()


class AioEvent:
    """An event as asyncio's: ``await x.aio.wait()``."""

    __slots__ = ("_of",)

    def __init__(self, of: Event) -> None:
        self._of = of

    async def wait(self) -> bool:
        """Wait until it is set."""
        return await self._of.wait_async()

    def set(self) -> None:
        """Set it."""
        self._of.set()

    def clear(self) -> None:
        """Have waiters wait again."""
        self._of.clear()

    def is_set(self) -> bool:
        """Find out whether it is set."""
        return self._of.is_set()


class AioQueue(Generic[_T]):
    """A queue as asyncio's: ``await x.aio.get()``."""

    __slots__ = ("_of",)

    def __init__(self, of: Queue[_T] | HookedQueue[_T]) -> None:
        self._of = of

    async def get(self) -> _T:
        """Get an item."""
        return await self._of.get_async()

    async def put(self, item: _T) -> None:
        """Put an item in."""
        await self._of.put_async(item)

    def get_nowait(self) -> _T:
        """Get an item that is there."""
        return self._of.try_get()

    def put_nowait(self, item: _T) -> None:
        """Put an item in where there is room."""
        self._of.try_put(item)

    def task_done(self) -> None:
        """Say that what one item was put in for is done."""
        self._of.task_done()

    async def join(self) -> None:
        """Wait until all is done."""
        await self._of.join_async()

    def shutdown(self, immediate: bool = False) -> None:
        """Take no more items."""
        self._of.shutdown(immediate)

    def qsize(self) -> int:
        """Count the items."""
        return len(self._of)

    def empty(self) -> bool:
        """Find out whether there are none."""
        return len(self._of) == 0

    def full(self) -> bool:
        """Find out whether there is no room."""
        return 0 < self._of.maxsize <= len(self._of)

    @property
    def maxsize(self) -> int:
        """The largest number of items; 0 for any."""
        return self._of.maxsize
