"""Semaphores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millpond import _native
from millpond._options import Seconds
from millpond.sync import _awaiting, _fresh
from millpond.sync._aio import AioLock

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BoundedSemaphore", "Semaphore"]


class Semaphore(_native.Semaphore):
    """A number of permits that threads, greenlets and tasks of any event loop take and give back.

    They stand in one list, first come, first served: a request for several permits is not passed by smaller ones.
    Anybody may release, and that never waits.

    Parameters
    ----------
    initial_value : int, default 1
        How many permits there are.
    max_value : int, optional
        How many there may ever be. With it, this makes a :class:`BoundedSemaphore`.

    Raises
    ------
    ClosedError
        When one is acquired after :meth:`close`, or waited for meanwhile.

    Examples
    --------
    >>> from millpond.sync import Semaphore
    >>> connections = Semaphore(2)
    >>> with connections:
    ...     connections.value
    1
    >>> connections.acquire(timeout=0, count=3)
    False
    """

    __slots__ = ()

    def __new__(cls, initial_value: int | None = None, max_value: int | None = None) -> Self:
        if max_value is not None and cls is Semaphore:
            cls = BoundedSemaphore  # type: ignore[assignment]
        return super().__new__(cls, initial_value, max_value)

    async def acquire_async(self, *, timeout: Seconds | None = None, count: int = 1) -> bool:
        """Take `count` permits, awaiting them.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at the most.
        count : int, default 1
            How many.

        Returns
        -------
        bool
            Whether they were taken, in time.
        """
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        if self._take_now(count, timeout):
            return True
        return bool(await _awaiting.wait(self._ask(count), timeout))

    async def _enter_async(self, is_turn_over: bool) -> None:
        if is_turn_over:
            await _awaiting.checkpoint()
        if not self._take_now(1):
            await _awaiting.wait(self._ask(1), None)

    @property
    def aio(self) -> AioLock:
        """The same semaphore with the names of asyncio's."""
        return AioLock(self)

    def __repr__(self) -> str:
        bound = "" if self.max_value is None else f" of at most {self.max_value}"
        closed = ", closed" if self.closed else ""
        return f"<{type(self).__name__}, {self.value}{bound} free, {self.waiting} waiting{closed}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (self.initial_value, self.max_value), {})


class BoundedSemaphore(Semaphore):
    """A semaphore that refuses to have more than `max_value` permits.

    Parameters
    ----------
    initial_value : int, default 1
        How many permits there are.
    max_value : int, optional
        How many there may ever be; as many as there are at the start, if it is not said.

    Raises
    ------
    RuntimeError
        When more are released than were taken. Then none is.

    Examples
    --------
    >>> from millpond.sync import BoundedSemaphore
    >>> BoundedSemaphore(1).release()
    Traceback (most recent call last):
    RuntimeError: releasing 1 permits where 0 are taken: the semaphore has at most 1; release what was acquired
    """

    __slots__ = ()

    def __new__(cls, initial_value: int | None = None, max_value: int | None = None) -> Self:
        if max_value is None:
            max_value = 1 if initial_value is None else initial_value
        return super().__new__(cls, initial_value, max_value)


for _class in (Semaphore, BoundedSemaphore):
    _class.__module__ = "millpond.sync"
