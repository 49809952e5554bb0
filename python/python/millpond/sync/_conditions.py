"""Conditions: waiting for a change of what a lock guards."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from millpond import _options
from millpond._options import Seconds
from millpond.sync._events import Event
from millpond.sync._locks import Lock, RLock

__all__ = ["Condition"]

_T = TypeVar("_T")
_ANY: Any = object()


class _Waiter:
    """One who waits: for any notification, or for one at which a predicate holds."""

    __slots__ = ("error", "event", "predicate", "value")

    def __init__(self, predicate: Callable[[], Any] | None) -> None:
        self.event = Event()
        self.predicate = predicate
        self.value: Any = True
        self.error: BaseException | None = None

    def is_ready(self) -> bool:
        """Find out, for a notifier, whether it goes on."""
        if self.predicate is None:
            return True
        try:
            self.value = self.predicate()
            return bool(self.value)
        except BaseException as error:
            # It is the waiter's.
            self.error = error
            return True


class Condition(Generic[_T]):
    """Waiting for a change of what a lock guards, for threads, greenlets and tasks at once.

    A predicate is evaluated by whoever notifies, so that only those wake up for whom it holds.

    Parameters
    ----------
    lock : Lock, RLock, a lock of `threading`, or None
        What guards it; a new :class:`RLock` unless it is said. With None nothing does, and notifications that nobody
        waits for are lost. Tasks wait with a lock of this package, or with None.

    Raises
    ------
    RuntimeError
        When somebody waits or notifies who does not own the lock.

    Examples
    --------
    >>> import threading
    >>> from millpond.sync import Condition
    >>> changed, items = Condition(), []
    >>> def add():
    ...     with changed:
    ...         items.append("mill")
    ...         changed.notify()
    >>> with changed:
    ...     threading.Thread(target=add).start()
    ...     changed.wait_for(lambda: len(items))
    1
    """

    __slots__ = ("__weakref__", "_lock", "_waiters")

    def __init__(self, lock: Any = _ANY) -> None:
        self._lock = RLock() if lock is _ANY else lock
        #: In the order in which they came. Changed by who owns the lock, or in single steps.
        self._waiters: dict[_Waiter, None] = {}

    @property
    def lock(self) -> Any:
        """The lock."""
        return self._lock

    @property
    def waiting(self) -> int:
        """How many wait and have not been notified."""
        return len(self._waiters)

    def _check(self, verb: str) -> None:
        lock = self._lock
        if lock is None:
            return
        if isinstance(lock, (Lock, RLock)):
            is_owned = lock.owned() or (isinstance(lock, Lock) and not lock._options()[0] and lock.locked())
        elif hasattr(lock, "_is_owned"):
            is_owned = lock._is_owned()
        else:
            is_owned = lock.locked()
        if not is_owned:
            raise RuntimeError(f"{verb} a condition whose lock the caller does not own; acquire it first")

    def _release(self) -> Any:
        lock = self._lock
        if isinstance(lock, RLock):
            return lock._release_all()
        if hasattr(lock, "_release_save"):
            return lock._release_save()
        if lock is not None:
            lock.release()
        return None

    def _acquire_again(self, state: Any) -> None:
        lock = self._lock
        if isinstance(lock, RLock):
            lock.acquire(count=state)
        elif hasattr(lock, "_acquire_restore"):
            lock._acquire_restore(state)
        elif lock is not None:
            lock.acquire()

    async def _acquire_again_async(self, state: Any) -> None:
        """Acquire the lock again although the task was cancelled, which is told then."""
        lock = self._lock
        if lock is None:
            return
        options = {"count": state} if isinstance(lock, RLock) else {}
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            with trio.CancelScope(shield=True):
                await lock.acquire_async(**options)
            return
        cancelled: BaseException | None = None
        while True:
            try:
                await lock.acquire_async(**options)
                break
            except BaseException as error:
                if type(error).__name__ != "CancelledError":
                    raise
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _left(self, waiter: _Waiter, is_notified: bool) -> Any:
        """Say what a wait gives that is over, with the lock acquired again."""
        if waiter in self._waiters:
            del self._waiters[waiter]
        elif not is_notified:
            # A notification and the end of its time met.
            is_notified = True
        if waiter.error is not None:
            raise waiter.error
        return is_notified

    def _gave_up(self, waiter: _Waiter) -> None:
        """Have another one notified, where this one was and goes away by an exception."""
        if waiter in self._waiters:
            del self._waiters[waiter]
        elif waiter.error is None:
            self._notify(1)

    def _begin(self, predicate: Callable[[], Any] | None) -> _Waiter:
        waiter = _Waiter(predicate)
        self._waiters[waiter] = None
        return waiter

    def wait(self, timeout: Seconds | None = None) -> bool:
        """Release the lock, wait for a notification, and acquire the lock again.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at the most, for the notification.

        Returns
        -------
        bool
            Whether there was one, in time.
        """
        seconds = _options.seconds(timeout, "timeout")
        self._check("waiting for")
        return bool(self._wait(None, seconds)[0])

    def _wait(self, predicate: Callable[[], Any] | None, seconds: float | None) -> tuple[bool, Any]:
        waiter = self._begin(predicate)
        state = self._release()
        try:
            is_notified = waiter.event.wait(seconds)
        except BaseException:
            self._acquire_again(state)
            self._gave_up(waiter)
            raise
        self._acquire_again(state)
        return self._left(waiter, is_notified), waiter.value

    async def _wait_async(self, predicate: Callable[[], Any] | None, seconds: float | None) -> tuple[bool, Any]:
        waiter = self._begin(predicate)
        state = self._release()
        try:
            is_notified = await waiter.event.wait_async(seconds)
        except BaseException:
            await self._acquire_again_async(state)
            self._gave_up(waiter)
            raise
        try:
            await self._acquire_again_async(state)
        except BaseException:
            self._gave_up(waiter)
            raise
        return self._left(waiter, is_notified), waiter.value

    async def wait_async(self, timeout: Seconds | None = None) -> bool:
        """Wait as :meth:`wait` does, awaiting. One that is cancelled acquires the lock again before it says so."""
        seconds = _options.seconds(timeout, "timeout")
        self._check("waiting for")
        return bool((await self._wait_async(None, seconds))[0])

    def wait_for(self, predicate: Callable[[], _T], timeout: Seconds | None = None, *, delegate: bool = True) -> _T:
        """Wait until a predicate holds, and give what it returns.

        Parameters
        ----------
        predicate : callable
            It is called with the lock acquired: before the wait, and at notifications.
        timeout : float, optional
            Seconds to wait at the most; then this gives what the predicate returned last.
        delegate : bool, default True
            Whether whoever notifies calls it, and wakes this one only if it holds. What it raises is raised here.
        """
        seconds = _options.seconds(timeout, "timeout")
        self._check("waiting for")
        end = None if seconds is None else time.monotonic() + seconds
        value = predicate()
        while not value:
            left = None if end is None else max(0.0, end - time.monotonic())
            is_notified, value = self._wait(predicate if delegate else None, left)
            if not is_notified:
                return predicate()
            if not delegate:
                value = predicate()
        return value

    async def wait_for_async(
        self, predicate: Callable[[], _T], timeout: Seconds | None = None, *, delegate: bool = True
    ) -> _T:
        """Wait until a predicate holds, awaiting. See :meth:`wait_for`."""
        seconds = _options.seconds(timeout, "timeout")
        self._check("waiting for")
        end = None if seconds is None else time.monotonic() + seconds
        value = predicate()
        while not value:
            left = None if end is None else max(0.0, end - time.monotonic())
            is_notified, value = await self._wait_async(predicate if delegate else None, left)
            if not is_notified:
                return predicate()
            if not delegate:
                value = predicate()
        return value

    def _notify(self, count: int) -> int:
        notified = 0
        for waiter in list(self._waiters):
            if notified == count:
                break
            if waiter in self._waiters and waiter.is_ready():
                self._waiters.pop(waiter, None)
                waiter.event.set()
                notified += 1
        return notified

    def notify(self, n: int = 1) -> int:
        """Notify the first `n` who wait and whose predicates hold; say how many that were."""
        if isinstance(n, bool) or not isinstance(n, int):
            raise TypeError(f"n must be an int, got {n!r}")
        if n < 0:
            raise ValueError(f"n must be 0 or more, got {n}")
        self._check("notifying")
        return self._notify(n)

    def notify_all(self) -> int:
        """Notify all who wait and whose predicates hold; say how many that were."""
        self._check("notifying")
        return self._notify(-1)

    def acquire(self, blocking: bool = True, timeout: Seconds | None = None) -> bool:
        """Acquire the lock."""
        return bool(self._lock.acquire(blocking, timeout))

    async def acquire_async(self, *, timeout: Seconds | None = None) -> bool:
        """Acquire the lock, awaiting it."""
        return bool(await self._lock.acquire_async(timeout=timeout))

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def locked(self) -> bool:
        """Find out whether the lock is held."""
        return bool(self._lock.locked())

    def __enter__(self) -> bool:
        return True if self._lock is None else bool(self._lock.__enter__())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.__exit__(kind, error, traceback)

    async def __aenter__(self) -> None:
        if self._lock is not None:
            await self._lock.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._lock is not None:
            await self._lock.__aexit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<Condition of {self._lock!r}, {self.waiting} waiting>"

    def __reduce__(self) -> str:
        raise TypeError(
            "a Condition cannot be copied or pickled, since its lock is used elsewhere too: make another one"
        )


Condition.__module__ = "millpond.sync"
