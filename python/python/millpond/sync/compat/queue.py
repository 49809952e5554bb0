"""The queues of `queue`, which tasks may use too.

They take and give what those of `queue` do, and subclasses override `_init`, `_put`, `_get` and `_qsize`. Beside that
they have the methods with `_async`.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, TypeVar

from millpond._options import Seconds
from millpond.sync import _hooked

if TYPE_CHECKING:
    from millpond.sync import QueueEmpty as Empty
    from millpond.sync import QueueFull as Full
    from millpond.sync import QueueShutDown as ShutDown

__all__ = ["Empty", "Full", "LifoQueue", "PriorityQueue", "Queue", "ShutDown", "SimpleQueue"]

_T = TypeVar("_T")


class Queue(_hooked.HookedQueue[_T]):
    """`queue.Queue`."""

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(None, maxsize)

    def put(self, item: _T, block: bool = True, timeout: Seconds | None = None) -> None:
        """Put an item in."""
        super().put(item, bool(block), timeout if block else None)

    def get(self, block: bool = True, timeout: Seconds | None = None) -> _T:
        """Get the next item."""
        return super().get(bool(block), timeout if block else None)

    def join(self) -> None:  # type: ignore[override]
        """Wait until everything that was put in is done."""
        super().join()

    def qsize(self) -> int:
        """Count the items."""
        return self._qsize()

    def empty(self) -> bool:
        """Find out whether there are none."""
        return not self._qsize()

    def full(self) -> bool:
        """Find out whether there is no room."""
        return 0 < self.maxsize <= self._qsize()


class LifoQueue(Queue[_T]):
    """`queue.LifoQueue`."""

    def _init(self, maxsize: int) -> None:
        self.queue: list[_T] = []

    def _put(self, item: _T) -> None:
        self.queue.append(item)

    def _get(self) -> _T:
        return self.queue.pop()

    def _peek(self) -> _T:
        return self.queue[-1]


class PriorityQueue(Queue[_T]):
    """`queue.PriorityQueue`, whose `queue` is a heap as there."""

    def _init(self, maxsize: int) -> None:
        self.queue: list[_T] = []

    def _put(self, item: _T) -> None:
        heapq.heappush(self.queue, item)  # type: ignore[type-var]

    def _get(self) -> _T:
        return heapq.heappop(self.queue)  # type: ignore[type-var]


class SimpleQueue(Queue[_T]):
    """`queue.SimpleQueue`."""

    def __init__(self) -> None:
        super().__init__(0)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from millpond.sync import _errors

        names = {"Empty": "QueueEmpty", "Full": "QueueFull", "ShutDown": "QueueShutDown"}
        if name in names:
            return getattr(_errors, names[name])
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
