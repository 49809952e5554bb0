"""Locks."""

from __future__ import annotations

from typing import Any

from millpond import _native
from millpond._options import Seconds
from millpond.sync import _awaiting, _fresh
from millpond.sync._aio import AioLock

__all__ = ["Lock", "RLock"]


def _state(lock: Lock | RLock) -> str:
    name = "" if lock.name is None else f" {lock.name!r}"
    held = (
        f"owned by {lock.owner!r}" if lock.locked() and lock.owner is not None else "held" if lock.locked() else "free"
    )
    return f"<{type(lock).__name__}{name}, {held}, {lock.waiting} waiting>"


class Lock(_native.Lock):
    """A lock that threads, greenlets and tasks of any event loop share.

    They stand in one list, first come, first served. Its owner is whoever acquired it: the task, the greenlet or the
    thread. Releasing it never waits. What is cancelled or times out has not acquired it.

    Parameters
    ----------
    owned : bool, default True
        Whether it has an owner, which alone may release it. Without one anybody may, as with those of `threading`
        and `asyncio`.
    policy : {'eventual', 'handoff', 'barging'}
        Whether a newcomer may take the lock when it is released although a thread waits: for 0.5 ms, never, always.
        With 'handoff' a lock that threads contend for is many times slower. Tasks are never overtaken.
    detect : bool, default True
        Whether a wait that cannot end raises `DeadlockError`. It costs nothing where the lock is free.
    poison : bool, default False
        Whether an exception that leaves a `with` block makes later acquisitions raise `PoisonedError`.
    name : str, optional
        What it is called in errors.

    Raises
    ------
    RuntimeError
        When its owner acquires it again, and when somebody else releases it.

    Examples
    --------
    >>> import asyncio, threading
    >>> from millpond.sync import Lock
    >>> lock, total = Lock(), 0
    >>> def count_in_thread():
    ...     global total
    ...     for _ in range(1000):
    ...         with lock:
    ...             total += 1
    >>> async def count_in_task():
    ...     global total
    ...     for _ in range(1000):
    ...         async with lock:
    ...             total += 1
    >>> thread = threading.Thread(target=count_in_thread)
    >>> thread.start()
    >>> asyncio.run(count_in_task())
    >>> thread.join()
    >>> total
    2000
    """

    __slots__ = ()

    async def acquire_async(self, *, timeout: Seconds | None = None) -> bool:
        """Acquire the lock, awaiting it.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at the most.

        Returns
        -------
        bool
            Whether it was acquired, in time.
        """
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        if self._take_now(timeout):
            return True
        return bool(await _awaiting.wait(self._ask(timeout), timeout))

    async def _enter_async(self, is_turn_over: bool) -> None:
        if is_turn_over:
            await _awaiting.checkpoint()
        if not self._take_now():
            await _awaiting.wait(self._ask(), None)

    @property
    def aio(self) -> AioLock:
        """The same lock with the names of asyncio's."""
        return AioLock(self)

    def __repr__(self) -> str:
        return _state(self)

    def __reduce__(self) -> tuple[Any, ...]:
        names = ("owned", "policy", "detect", "poison", "name")
        return _fresh.make, (type(self), (), dict(zip(names, self._options())))


class RLock(_native.RLock):
    """A lock that its owner may acquire again; it is free when it was released as often.

    Its owner is the task, the greenlet or the thread. So two tasks of one thread never have it both, and plain
    functions that a task calls may acquire what the task has.

    Parameters
    ----------
    policy, detect, name
        As for :class:`Lock`.

    Examples
    --------
    >>> from millpond.sync import RLock
    >>> lock = RLock()
    >>> with lock, lock:
    ...     lock.count()
    2
    """

    __slots__ = ()

    async def acquire_async(self, *, timeout: Seconds | None = None, count: int = 1) -> bool:
        """Acquire the lock, awaiting it: `count` times at once. See :meth:`Lock.acquire_async`."""
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        if self._take_now(count, timeout):
            return True
        return bool(await _awaiting.wait(self._ask(count, timeout), timeout))

    async def _enter_async(self, is_turn_over: bool) -> None:
        if is_turn_over:
            await _awaiting.checkpoint()
        if not self._take_now(1):
            await _awaiting.wait(self._ask(1), None)

    @property
    def aio(self) -> AioLock:
        """The same lock with the names of asyncio's."""
        return AioLock(self)

    def __repr__(self) -> str:
        return _state(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (), dict(zip(("policy", "detect", "name"), self._options())))


for _class in (Lock, RLock):
    _class.__module__ = "millpond.sync"
