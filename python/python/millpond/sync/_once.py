"""What happens once, or by one at a time: cells, shared calls, guards, decorators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Hashable
from types import TracebackType
from typing import Any, Generic, TypeVar

from millpond.sync import _fresh
from millpond.sync._errors import BusyResourceError
from millpond.sync._locks import Lock

__all__ = ["Flag", "OnceCell", "ResourceGuard", "SingleFlight", "once", "synchronized"]

_T = TypeVar("_T")
_F = TypeVar("_F", bound="Callable[..., Any]")
_UNSET: Any = object()


class OnceCell(Generic[_T]):
    """A value that is made once; whoever comes meanwhile waits for it.

    What the function raises goes to its caller, and the next one who wants the value tries again.

    Examples
    --------
    >>> from millpond.sync import OnceCell
    >>> cell = OnceCell()
    >>> cell.get_or_init(lambda: 7), cell.get_or_init(lambda: 8)
    (7, 7)
    """

    __slots__ = ("__weakref__", "_lock", "_value")

    def __init__(self) -> None:
        self._lock = Lock(name="a cell whose value is being made")
        self._value: Any = _UNSET

    def get(self, default: Any = None) -> Any:
        """Give the value, or `default` where there is none yet. Never waits."""
        value = self._value
        return default if value is _UNSET else value

    def is_set(self) -> bool:
        """Find out whether there is a value."""
        return self._value is not _UNSET

    def get_or_init(self, function: Callable[[], _T]) -> _T:
        """Give the value, which the function makes if there is none."""
        if self._value is _UNSET:
            with self._lock:
                if self._value is _UNSET:
                    self._value = function()
        return self._value  # type: ignore[no-any-return]

    async def get_or_init_async(self, function: Callable[[], Awaitable[_T]]) -> _T:
        """Give the value, which the coroutine function makes if there is none."""
        if self._value is _UNSET:
            async with self._lock:
                if self._value is _UNSET:
                    self._value = await function()
        return self._value  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<OnceCell, {'empty' if self._value is _UNSET else repr(self._value)}>"

    def __reduce__(self) -> str:
        raise TypeError("a OnceCell cannot be copied or pickled: share it")


class _Call:
    """A call that several wait for."""

    __slots__ = ("callers", "cell")

    def __init__(self) -> None:
        self.cell: OnceCell[Any] = OnceCell()
        self.callers = 0


class SingleFlight:
    """Calls that are made once for all who ask for the same key meanwhile.

    If the one who calls is cancelled, or its call raises, the next one calls.

    Examples
    --------
    >>> from millpond.sync import SingleFlight
    >>> SingleFlight().run("page", lambda: 7)
    7
    """

    __slots__ = ("__weakref__", "_calls", "_guard")

    def __init__(self) -> None:
        self._calls: dict[Hashable, _Call] = {}
        self._guard = Lock(name="a list of calls", detect=False)

    def _enter(self, key: Hashable) -> _Call:
        with self._guard:
            call = self._calls.get(key)
            if call is None or call.cell.is_set():
                call = self._calls[key] = _Call()
            call.callers += 1
        return call

    def _leave(self, key: Hashable, call: _Call) -> None:
        with self._guard:
            call.callers -= 1
            if self._calls.get(key) is call and (call.callers == 0 or call.cell.is_set()):
                del self._calls[key]

    def run(self, key: Hashable, function: Callable[[], _T]) -> _T:
        """Give what the function returns, or what it returns for another caller of this key who asks meanwhile."""
        call = self._enter(key)
        try:
            result: _T = call.cell.get_or_init(function)
            return result
        finally:
            self._leave(key, call)

    async def run_async(self, key: Hashable, function: Callable[[], Awaitable[_T]]) -> _T:
        """Give what the coroutine function returns, or what it returns for another caller of this key."""
        call = self._enter(key)
        try:
            result: _T = await call.cell.get_or_init_async(function)
            return result
        finally:
            self._leave(key, call)

    def __repr__(self) -> str:
        return f"<SingleFlight, {len(self._calls)} calls>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (), {})


class ResourceGuard:
    """Something that one at a time uses; another one is refused at once.

    Parameters
    ----------
    action : str, default 'using'
        What is done with it, for the error.

    Raises
    ------
    BusyResourceError
        When somebody uses it.

    Examples
    --------
    >>> from millpond.sync import ResourceGuard
    >>> guard = ResourceGuard("reading from")
    >>> with guard, guard:
    ...     pass
    Traceback (most recent call last):
    millpond.sync.BusyResourceError: another task is already reading from this resource
    """

    __slots__ = ("__weakref__", "_lock", "action")

    def __init__(self, action: str = "using") -> None:
        #: What is done with it.
        self.action = action
        self._lock = Lock(owned=False)

    def locked(self) -> bool:
        """Find out whether somebody uses it."""
        return self._lock.locked()

    def __enter__(self) -> None:
        if not self._lock.acquire(False):
            raise BusyResourceError(f"another task is already {self.action} this resource")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def __repr__(self) -> str:
        return f"<ResourceGuard {self.action!r}, {'busy' if self.locked() else 'free'}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (self.action,), {})


class Flag(Generic[_T]):
    """A marker that is set once, by the first who comes.

    Examples
    --------
    >>> from millpond.sync import Flag
    >>> flag = Flag()
    >>> flag.set("first"), flag.set("second"), flag.get()
    (True, False, 'first')
    """

    __slots__ = ("__weakref__", "_markers")

    def __init__(self, marker: Any = _UNSET) -> None:
        #: Filled by one step, which one of several does first.
        self._markers: dict[str, Any] = {} if marker is _UNSET else {"": marker}

    def set(self, marker: Any = None) -> bool:
        """Set the marker if there is none; say whether it is this one now."""
        marker = object() if marker is None else marker
        return self._markers.setdefault("", marker) is marker

    def get(self, default: Any = _UNSET, *, default_factory: Callable[[], Any] | None = None) -> Any:
        """Give the marker, or what is to be given where there is none."""
        try:
            return self._markers[""]
        except KeyError:
            if default_factory is not None:
                return default_factory()
            if default is not _UNSET:
                return default
        raise LookupError("the flag is not set, and there is no default")

    def is_set(self) -> bool:
        """Find out whether there is a marker."""
        return bool(self._markers)

    def clear(self) -> None:
        """Take the marker away."""
        self._markers.clear()

    def copy(self) -> Flag[_T]:
        """Make another one with the same marker."""
        return Flag(self._markers.get("", _UNSET))

    def __repr__(self) -> str:
        return f"<Flag, {'set' if self._markers else 'unset'}>"

    def __reduce__(self) -> str:
        raise TypeError("a Flag cannot be copied or pickled, since a marker is known by identity: call its `copy`")


class _Synchronized:
    """A lock that decorates."""

    __slots__ = ("_lock",)

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def __call__(self, function: _F) -> _F:
        lock = self._lock
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*arguments: Any, **options: Any) -> Any:
                async with lock:
                    return await function(*arguments, **options)

            return call_async  # type: ignore[return-value]

        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            with lock:
                return function(*arguments, **options)

        return call  # type: ignore[return-value]

    def __enter__(self) -> Any:
        return self._lock.__enter__()

    def __exit__(self, *of: Any) -> Any:
        return self._lock.__exit__(*of)

    def __aenter__(self) -> Any:
        return self._lock.__aenter__()

    def __aexit__(self, *of: Any) -> Any:
        return self._lock.__aexit__(*of)


def synchronized(lock: Any) -> _Synchronized:
    """Have functions and coroutine functions run with a lock acquired. Also a context manager.

    Parameters
    ----------
    lock : Lock, RLock, Semaphore, …
        The lock.

    Examples
    --------
    >>> from millpond.sync import Lock, synchronized
    >>> lock = Lock()
    >>> @synchronized(lock)
    ... def is_held():
    ...     return lock.locked()
    >>> is_held(), lock.locked()
    (True, False)
    """
    return _Synchronized(lock)


def once(function: _F) -> _F:
    """Have a function or coroutine function without arguments run once per process, and give what it gave.

    Whoever calls it meanwhile waits. What it raises goes to its caller, and the next one tries again.

    Examples
    --------
    >>> from millpond.sync import once
    >>> @once
    ... def load():
    ...     print("loading")
    ...     return 7
    >>> load(), load()
    loading
    (7, 7)
    """
    cell: OnceCell[Any] = OnceCell()
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async() -> Any:
            return await cell.get_or_init_async(function)

        return call_async  # type: ignore[return-value]

    @functools.wraps(function)
    def call() -> Any:
        return cell.get_or_init(function)

    return call  # type: ignore[return-value]


for _class in (OnceCell, SingleFlight, ResourceGuard, Flag, synchronized, once):
    _class.__module__ = "millpond.sync"
