"""Functions that an executor of somebody else's calls, in other processes say.

The engine keeps what it does: it decides which items are worked on when, keeps their order, their bounds and their
errors. A worker hands the call over and waits for it, without the interpreter's lock.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import types
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor
from typing import Any

from millpond._errors import PoolClosedError, ending

__all__ = ["Elsewhere"]


class Elsewhere:
    """An executor, or a function that makes one.

    Parameters
    ----------
    executor : concurrent.futures.Executor or callable
        The executor. A function is called when one is needed first, and again when that one broke because a process of
        its died; what it lost is then called once more.
    """

    def __init__(self, executor: Any) -> None:
        self._lock = threading.Lock()
        self._current: Any = None
        self._make: Callable[[], Any] | None = None
        self._is_closed = False
        if callable(getattr(executor, "submit", None)) and not isinstance(executor, type):
            self._current = executor
        elif callable(executor):
            self._make = executor
        else:
            raise TypeError(
                f"executor must be a concurrent.futures.Executor, or a function that makes one, got {executor!r}"
            )

    def workers(self) -> int | None:
        """Say how many calls it makes at once, if it tells."""
        count = getattr(self.current(), "_max_workers", None)
        return count if isinstance(count, int) and count > 0 else None

    def current(self) -> Any:
        """Give the executor."""
        with self._lock:
            if self._is_closed:
                raise PoolClosedError("calling a function for a pool that was closed; read before the pool is closed")
            if self._current is None and self._make is not None:
                self._current = self._make()
            return self._current

    def renew(self, broken: Any) -> bool:
        """Use another executor from now on; whether one can be made."""
        with self._lock:
            if self._make is None:
                return False
            if self._current is not broken:
                return True
            self._current = None
        broken.shutdown(wait=False)
        return True

    def close(self) -> None:
        """Shut down the executor, if it was made here."""
        with self._lock:
            self._is_closed = True
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
    """A function that is called elsewhere.

    What goes wrong with the executor rather than with the function is no failure of the item: no policy skips it, or
    tries again for ever.
    """

    __slots__ = ("_elsewhere", "_function", "_lists")

    def __init__(self, elsewhere: Elsewhere, function: Callable[..., Any], lists: bool) -> None:
        self._elsewhere = elsewhere
        self._function = function
        self._lists = lists

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        executor = self._current()
        try:
            return self._call(executor, args, kwargs)
        except BrokenExecutor as error:
            if not self._elsewhere.renew(executor):
                raise ending(error) from error.__cause__
        # What has not come back is lost, by this function or by another one's, so it has a second call.
        executor = self._current()
        try:
            return self._call(executor, args, kwargs)
        except BrokenExecutor as error:
            self._elsewhere.renew(executor)
            raise ending(error) from error.__cause__

    def _current(self) -> Any:
        try:
            return self._elsewhere.current()
        except Exception as error:
            raise ending(error) from error.__cause__

    def _call(self, executor: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        function = _sent(self._function, executor)
        try:
            if self._lists:
                future = executor.submit(_listed, function, *args)
            else:
                future = executor.submit(function, *args, **kwargs)
        except BrokenExecutor:
            raise
        except RuntimeError as error:
            # It was shut down.
            raise ending(error) from error.__cause__
        try:
            return future.result()
        except CancelledError as error:
            if future.cancelled():
                raise ending(error) from error.__cause__
            raise


def _listed(function: Callable[..., Iterable[Any]], *args: Any) -> list[Any]:
    return list(function(*args))


class _Hidden:
    """A function on its way to another process, whose name leads to what a decorator has put in its place."""

    __slots__ = ("_depth", "_function")

    def __init__(self, function: types.FunctionType, depth: int) -> None:
        self._function = function
        self._depth = depth

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __reduce__(self) -> Any:
        return _found, (self._function.__module__, self._function.__qualname__, self._depth)


def _found(module: str, name: str, depth: int) -> Any:
    """Find a function that is wrapped so many times in what its name leads to."""
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        # What is in a class as it stands there, not bound to it.
        found = vars(found)[part] if isinstance(found, type) and part in vars(found) else getattr(found, part)
    for _ in range(depth):
        found = found.__wrapped__
    return found


#: How many decorators are looked through.
_MOST_DECORATORS = 20


def _sent(function: Any, executor: Any) -> Any:
    """Give what is sent for a function: itself, or what finds it where a decorator hides it."""
    if type(function) is not types.FunctionType:
        return function
    module: str | None = function.__module__
    if module is None or (module == "__main__" and not isinstance(executor, ProcessPoolExecutor)):
        # Others send the main module's functions as what they are.
        return function
    with contextlib.suppress(Exception):
        found = _found(module, function.__qualname__, 0)
        for depth in range(_MOST_DECORATORS):
            if found is function:
                return function if depth == 0 else _Hidden(function, depth)
            found = found.__wrapped__
    return function
