"""What several classes of this package have alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Protocol, TypeVar

__all__ = ["Block", "Items"]

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class _Acquirable(Protocol):
    def acquire(self) -> bool: ...
    async def acquire_async(self) -> bool: ...
    def release(self) -> None: ...


class Block:
    """Acquires at the beginning of a block, ``with`` or ``async with``, and releases at its end."""

    __slots__ = ()

    def __enter__(self: _Acquirable) -> bool:
        return self.acquire()

    def __exit__(
        self: _Acquirable,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    async def __aenter__(self: _Acquirable) -> bool:
        return await self.acquire_async()

    async def __aexit__(
        self: _Acquirable,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class _Queue(Protocol[_T_co]):
    @property
    def maxsize(self) -> int: ...
    @property
    def getting(self) -> int: ...
    @property
    def putting(self) -> int: ...
    @property
    def is_shutdown(self) -> bool: ...
    def get(self) -> _T_co: ...
    async def get_async(self) -> _T_co: ...
    def shutdown(self) -> None: ...
    def __len__(self) -> int: ...


_AnyQueue = TypeVar("_AnyQueue", bound=_Queue[Any])


class Items:
    """What queues have whose items come out in whatever order."""

    __slots__ = ()

    def close(self: _Queue[Any]) -> None:
        """Take no more items, as ``shutdown()``."""
        self.shutdown()

    @property
    def waiting(self: _Queue[Any]) -> int:
        """How many wait for items or for room."""
        return self.getting + self.putting

    def __enter__(self: _AnyQueue) -> _AnyQueue:
        return self

    def __exit__(
        self: _Queue[Any],
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    def __iter__(self: _Queue[_T]) -> Iterator[_T]:
        from millpond.sync._errors import QueueShutDown

        while True:
            try:
                item = self.get()
            except QueueShutDown:
                return
            yield item

    async def __aiter__(self: _Queue[_T]) -> AsyncIterator[_T]:
        from millpond.sync._errors import QueueShutDown

        while True:
            try:
                item = await self.get_async()
            except QueueShutDown:
                return
            yield item

    def __bool__(self) -> bool:
        # It has a length, but that is not whether it is there.
        return True

    def __repr__(self: _Queue[Any]) -> str:
        room = "" if self.maxsize == 0 else f" of at most {self.maxsize}"
        ended = ", shut down" if self.is_shutdown else ""
        return f"<{type(self).__name__}, {len(self)}{room} in, {self.getting} getting, {self.putting} putting{ended}>"

    def __reduce__(self) -> str:
        raise TypeError(
            f"a {type(self).__name__} cannot be copied or pickled: its items and waiters are of this process; "
            "make another one, or use a queue of `multiprocessing`"
        )
