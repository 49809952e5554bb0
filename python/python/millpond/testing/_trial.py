"""The pool of one run of a body that is tested, and what is counted in it."""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from millpond import _options
from millpond._channel import ChannelWriter
from millpond._pool import Pool
from millpond._reader import PoolReader
from millpond.testing._simulation import yield_now

__all__ = ["Tracked", "Trial"]

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])

#: How many seconds workers may take to be done with what they have in hand.
_PATIENCE = 10.0


def _has_lock() -> bool:
    """Whether the interpreter has its lock, and so lets go of an object with its last reference."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


class _Flight:
    """Items in flight: now, and at the most."""

    def __init__(self) -> None:
        # The thread that adds one may be made to let go of another one meanwhile.
        self.lock = threading.RLock()
        self.now = 0
        self.peak = 0

    def add(self, count: int) -> None:
        with self.lock:
            self.now += count
            self.peak = max(self.peak, self.now)


class Tracked(Generic[_T]):
    """An item that counts as in flight for as long as it is there. See :meth:`Trial.tracked`."""

    __slots__ = ("_flight", "item")

    def __init__(self, item: _T, flight: _Flight) -> None:
        self.item = item
        self._flight = flight
        flight.add(1)

    def __del__(self) -> None:
        self._flight.add(-1)

    def __repr__(self) -> str:
        return f"Tracked({self.item!r})"


class Trial:
    """The pool of one run of a body, and what is counted in it.

    Attributes
    ----------
    pool : Pool
        The pool: serial, of threads, or simulated.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._flight = _Flight()

    def source(self, items: Iterable[_T], **options: Any) -> PoolReader[_T]:
        """Add a source to the pool: :meth:`Pool.source`."""
        return self.pool.source(items, **options)

    def channel(self, capacity: int | None = None, **options: Any) -> tuple[ChannelWriter[Any], PoolReader[Any]]:
        """Add a source that others write to: :meth:`Pool.channel`."""
        return self.pool.channel(capacity, **options)

    def chain(self, *readers: PoolReader[_T]) -> PoolReader[_T]:
        """Add a task that gives the items of readers one after the other: :meth:`Pool.chain`."""
        return self.pool.chain(*readers)

    def merge(self, *readers: PoolReader[_T]) -> PoolReader[_T]:
        """Add a task that gives the items of readers as they come: :meth:`Pool.merge`."""
        return self.pool.merge(*readers)

    def _count(self, name: str) -> None:
        with self._lock:
            self._calls[name] += 1

    def counted(self, name: str, function: _F) -> _F:
        """Make a function whose calls are counted under a name. The counts of a body are compared between its runs.

        A coroutine function gives one; simulations, which await nothing, refuse it where it is added.
        """
        _options.function(function, "function")
        if _options.is_coroutine_function(function):

            @functools.wraps(function)
            async def awaited(*arguments: Any, **keywords: Any) -> Any:
                self._count(name)
                return await function(*arguments, **keywords)

            return awaited  # type: ignore[return-value]

        @functools.wraps(function)
        def counted(*arguments: Any, **keywords: Any) -> Any:
            self._count(name)
            return function(*arguments, **keywords)

        return counted  # type: ignore[return-value]

    def counted_items(self, name: str, items: Iterable[_T]) -> Iterator[_T]:
        """Give items, and count them under a name as they are taken: for a source."""
        for item in items:
            self._count(name)
            yield item

    def calls(self, name: str) -> int:
        """Tell how often what is counted under this name was called; 0 for what is not counted."""
        with self._lock:
            return self._calls[name]

    def all_calls(self) -> dict[str, int]:
        """Tell all counts by name."""
        with self._lock:
            return {name: count for name, count in self._calls.items() if count}

    def tracked(self, item: _T) -> Tracked[_T]:
        """Make an item that counts as in flight until it is gone: to be made by a source and kept up to the reader."""
        return Tracked(item, self._flight)

    @property
    def in_flight(self) -> int:
        """How many tracked items there are."""
        return self._flight.now

    def assert_calls_at_most(self, name: str, most: int) -> None:
        """Laziness: check that what is counted under this name was called so often at the most."""
        calls = self.calls(name)
        if calls > most:
            raise AssertionError(f"`{name}` was called `{calls}` times and should be `{most}` times at the most")

    def assert_peak_at_most(self, most: int) -> None:
        """Bounded memory: check that there were so many tracked items at once at the most.

        Without an interpreter lock an item that another thread has let go of goes, and counts, until the thread that
        made it runs again, so there may be any number more.
        """
        peak = self._flight.peak
        if peak > most:
            raise AssertionError(f"`{peak}` items were in flight at once and should be `{most}` at the most")

    def assert_quiet(self) -> None:
        """Quiescence: check that all tasks and tracked items go, once workers are done with what they have in hand."""
        end = time.monotonic() + _PATIENCE
        while True:
            tasks, items = self.pool.task_count, self.in_flight
            if (tasks, items) == (0, 0):
                return
            if time.monotonic() >= end:
                raise AssertionError(f"`{tasks}` tasks and `{items}` items are left")
            if items and not _has_lock():
                # Only the thread that made an item lets it go, or the collector does, while that thread waits.
                gc.collect()
            yield_now()
            if self.pool.simulated_from is None:
                time.sleep(0)

    def __repr__(self) -> str:
        return f"<Trial of {self.pool!r}, calls {self.all_calls()}>"
