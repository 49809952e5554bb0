"""Functions that an executor of somebody else's calls, in other processes say.

The engine keeps what it does: it decides which items are worked on when, keeps their order, their bounds and their
errors. A worker hands the call over and waits for it, without the interpreter's lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor
from typing import Any

__all__ = ["Elsewhere"]


class Elsewhere:
    """An executor, or a function that makes one.

    Parameters
    ----------
    executor : concurrent.futures.Executor or callable
        The executor. A function is called when one is needed first, and again when that one broke because a process of
        its died.
    """

    def __init__(self, executor: Any) -> None:
        self._lock = threading.Lock()
        self._current: Any = None
        self._make: Callable[[], Any] | None = None
        if callable(getattr(executor, "submit", None)) and not isinstance(executor, type):
            self._current = executor
        elif callable(executor):
            self._make = executor
        else:
            raise TypeError(
                f"executor is a concurrent.futures.Executor, or a function that makes one, not `{executor!r}`"
            )

    def workers(self) -> int | None:
        """Say how many calls it makes at once, if it tells."""
        count = getattr(self.current(), "_max_workers", None)
        return count if isinstance(count, int) and count > 0 else None

    def current(self) -> Any:
        """Give the executor."""
        with self._lock:
            if self._current is None and self._make is not None:
                self._current = self._make()
            return self._current

    def discard(self, broken: Any) -> None:
        """Use another executor from now on, where one can be made."""
        with self._lock:
            if self._make is None or self._current is not broken:
                return
            self._current = None
        broken.shutdown(wait=False)

    def close(self) -> None:
        """Shut down the executor, if it was made here."""
        with self._lock:
            if self._make is None or self._current is None:
                return
            made, self._current = self._current, None
        made.shutdown(wait=False)

    def bind(self, function: Callable[..., Any], *, lists: bool = False) -> Callable[..., Any]:
        """Make a function that has the executor call another one.

        Parameters
        ----------
        function : callable
            The function.
        lists : bool, default False
            Whether it returns an iterable, which is made into a list there: a generator cannot travel.
        """
        return _Call(self, function, lists)


class _Call:
    """A function that is called elsewhere."""

    __slots__ = ("_elsewhere", "_function", "_lists")

    def __init__(self, elsewhere: Elsewhere, function: Callable[..., Any], lists: bool) -> None:
        self._elsewhere = elsewhere
        self._function = function
        self._lists = lists

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        executor = self._elsewhere.current()
        try:
            if self._lists:
                return executor.submit(_listed, self._function, *args).result()
            return executor.submit(self._function, *args, **kwargs).result()
        except BrokenExecutor:
            # What has not come back is lost; whether to call again is for the task's policy to say.
            self._elsewhere.discard(executor)
            raise


def _listed(function: Callable[..., Iterable[Any]], *args: Any) -> list[Any]:
    return list(function(*args))
