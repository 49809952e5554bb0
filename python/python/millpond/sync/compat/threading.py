"""The locks, events and barriers of `threading`, which tasks may wait for too.

They take and give what those of `threading` do, private hooks included. Beside that they have the methods with
`_async`.
"""

from __future__ import annotations

import threading as _threading
from typing import TYPE_CHECKING, Any

from millpond import sync as _sync
from millpond._options import Seconds
from millpond.sync import _fresh

if TYPE_CHECKING:
    from millpond.sync import BrokenBarrierError as BrokenBarrierError

__all__ = ["Barrier", "BoundedSemaphore", "BrokenBarrierError", "Condition", "Event", "Lock", "RLock", "Semaphore"]


def _timeout(timeout: Seconds | None, blocking: bool = True) -> float | None:
    """Take what `threading` takes: -1 is for ever."""
    if timeout is None:
        return None
    if not blocking:
        if timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return None
    timeout = float(timeout)
    if timeout == -1:
        return None
    if timeout > _threading.TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    if timeout < 0:
        raise ValueError("timeout value must be a non-negative number")
    return timeout


def _named(made: object) -> str:
    kind = type(made)
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__}"


class Lock(_sync.Lock):
    """`threading.Lock`: anybody may release it."""

    __slots__ = ()

    def __new__(cls) -> Lock:
        """Make one."""
        return super().__new__(cls, owned=False)

    def acquire(self, blocking: bool = True, timeout: Seconds | None = -1) -> bool:
        """Acquire it; a time-out of -1 is none."""
        return super().acquire(bool(blocking), _timeout(timeout, blocking))

    def _at_fork_reinit(self) -> None:
        if self.locked():
            self.release()

    def __repr__(self) -> str:
        state = "locked" if self.locked() else "unlocked"
        return f"<{state} {_named(self)} object at {id(self):#x}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"cannot pickle '{type(self).__name__}' object")


class RLock(_sync.RLock):
    """`threading.RLock`. Two tasks of one thread are two owners."""

    __slots__ = ()

    def acquire(self, blocking: bool = True, timeout: Seconds | None = -1, *, count: int | None = None) -> bool:
        """Acquire it; a time-out of -1 is none."""
        return super().acquire(bool(blocking), _timeout(timeout, blocking), count=count)

    def _is_owned(self) -> bool:
        return self.owned()

    def _recursion_count(self) -> int:
        return self.count()

    def _release_save(self) -> int:
        return self._release_all()

    def _acquire_restore(self, count: int) -> None:
        self.acquire(count=count)

    def __repr__(self) -> str:
        state = "locked" if self.locked() else "unlocked"
        return f"<{state} {_named(self)} object at {id(self):#x}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"cannot pickle '{type(self).__name__}' object")


class Semaphore(_sync.Semaphore):
    """`threading.Semaphore`."""

    __slots__ = ()

    def __new__(cls, value: int = 1) -> Semaphore:
        """Make one."""
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        return super().__new__(cls, value)

    def acquire(self, blocking: bool = True, timeout: Seconds | None = None, *, count: int | None = None) -> bool:
        """Acquire it."""
        if not blocking and timeout is not None:
            raise ValueError("can't specify timeout for non-blocking acquire")
        return super().acquire(bool(blocking), None if timeout is None else max(0.0, float(timeout)), count=count)

    def release(self, n: int = 1) -> None:  # type: ignore[override]
        """Release it `n` times."""
        if n < 1:
            raise ValueError("n must be one or more")
        super().release(n)

    @property
    def _value(self) -> int:
        return self.value

    def __repr__(self) -> str:
        most = "" if self.max_value is None else f"/{self.max_value}"
        return f"<{_named(self)} at {id(self):#x}: value={self.value}{most}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (self.initial_value,), {})


class BoundedSemaphore(Semaphore):
    """`threading.BoundedSemaphore`."""

    __slots__ = ()

    def __new__(cls, value: int = 1) -> BoundedSemaphore:
        """Make one."""
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        return _sync.Semaphore.__new__(cls, value, value)

    def release(self, n: int = 1) -> None:  # type: ignore[override]
        """Release it `n` times."""
        if n < 1:
            raise ValueError("n must be one or more")
        try:
            _sync.Semaphore.release(self, n)
        except RuntimeError:
            raise ValueError("Semaphore released too many times") from None


class Event(_sync.Event):
    """`threading.Event`."""

    __slots__ = ()

    def __new__(cls) -> Event:
        """Make one."""
        return super().__new__(cls)

    def set(self) -> None:  # type: ignore[override]
        """Set it."""
        super().set()

    def clear(self) -> None:  # type: ignore[override]
        """Clear it."""
        super().clear()

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Wait until it is set; a time-out below 0 is 0."""
        return super().wait(None if timeout is None else max(0.0, float(timeout)))

    def _at_fork_reinit(self) -> None:
        """Leave it: waiters of threads that are gone have left it themselves."""

    def __repr__(self) -> str:
        state = "set" if self.is_set() else "unset"
        return f"<{_named(self)} at {id(self):#x}: {state}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (), {})


class Condition(_sync.Condition[Any]):
    """`threading.Condition`."""

    __slots__ = ()

    def __init__(self, lock: Any = None) -> None:
        super().__init__(RLock() if lock is None else lock)

    def acquire(self, *arguments: Any, **options: Any) -> bool:
        """Acquire the lock, as that takes it."""
        return bool(self._lock.acquire(*arguments, **options))

    def _is_owned(self) -> bool:
        try:
            self._check("")
        except RuntimeError:
            return False
        return True

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Wait for a notification; a time-out below 0 is 0."""
        return super().wait(None if timeout is None else max(0.0, float(timeout)))

    def wait_for(self, predicate: Any, timeout: Seconds | None = None, *, delegate: bool = False) -> Any:
        """Wait until a predicate holds, which the waiter evaluates."""
        return super().wait_for(predicate, None if timeout is None else max(0.0, float(timeout)), delegate=delegate)

    def notify(self, n: int = 1) -> None:  # type: ignore[override]
        """Notify the first `n`."""
        super().notify(n)

    def notify_all(self) -> None:  # type: ignore[override]
        """Notify all."""
        super().notify_all()

    notifyAll = notify_all


class Barrier(_sync.Barrier):
    """`threading.Barrier`."""

    __slots__ = ("_timeout",)

    def __init__(self, parties: int, action: Any = None, timeout: Seconds | None = None) -> None:
        super().__init__(parties, action)
        self._timeout = timeout

    def wait(self, timeout: Seconds | None = None) -> int:
        """Wait for the others, for the barrier's time-out unless another is said."""
        timeout = self._timeout if timeout is None else timeout
        return super().wait(None if timeout is None else max(0.0, float(timeout)))

    @property
    def n_waiting(self) -> int:
        """How many wait."""
        return self.waiting

    def __repr__(self) -> str:
        state = "broken" if self.broken else f"waiters={self.n_waiting}/{self.parties}"
        return f"<{_named(self)} at {id(self):#x}: {state}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (self._parties, self._action, self._timeout), {})


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "BrokenBarrierError":
            return _sync.BrokenBarrierError
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
