"""Limiters: tokens, of which each borrower has at most one."""

from __future__ import annotations

from typing import Any

from millpond import _native
from millpond._options import Seconds
from millpond.sync import _awaiting, _fresh, _shared, _units
from millpond.sync._aio import AioLock

__all__ = ["CapacityLimiter", "RCapacityLimiter"]


class CapacityLimiter(_shared.Block):
    """A number of tokens that threads, greenlets and tasks borrow, each of them one at a time.

    Parameters
    ----------
    total_tokens : int, default 1
        How many there are. It may be changed; if there are more then, those who wait get them.

    Raises
    ------
    RuntimeError
        When a borrower acquires a second one, or gives back what it has not.

    Examples
    --------
    >>> from millpond.sync import CapacityLimiter
    >>> limiter = CapacityLimiter(2)
    >>> with limiter:
    ...     limiter.available_tokens
    1
    """

    __slots__ = ("__weakref__", "_borrowers", "_limiter")

    def __init__(self, total_tokens: int = 1) -> None:
        self._limiter = _native._Limiter(total_tokens)
        #: Who has a token, by their numbers. They are kept, so that nobody else gets theirs.
        self._borrowers: dict[int, Any] = {}

    def acquire(self, blocking: bool = True, timeout: Seconds | None = None) -> bool:
        """Borrow a token; say whether it was had, in time."""
        return self.acquire_on_behalf_of(_units.current(), blocking, timeout)

    def try_acquire(self) -> bool:
        """Borrow a token if one is free."""
        return self.acquire(False)

    async def acquire_async(self, *, timeout: Seconds | None = None) -> bool:
        """Borrow a token, awaiting it; say whether it was had, in time."""
        return await self.acquire_on_behalf_of_async(_units.current(), timeout=timeout)

    def release(self) -> None:
        """Give the token back."""
        self.release_on_behalf_of(_units.current())

    def acquire_on_behalf_of(self, borrower: object, blocking: bool = True, timeout: Seconds | None = None) -> bool:
        """Borrow a token for somebody else, who is known by identity."""
        number = _units.number_of(borrower)
        if not self._limiter.take(number, blocking, timeout):
            return False
        self._borrowers[number] = borrower
        return True

    async def acquire_on_behalf_of_async(self, borrower: object, *, timeout: Seconds | None = None) -> bool:
        """Borrow a token for somebody else, awaiting it."""
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        number = _units.number_of(borrower)
        if not self._limiter.take_now(number, timeout) and not await _awaiting.wait(self._limiter.ask(number), timeout):
            return False
        self._borrowers[number] = borrower
        return True

    def release_on_behalf_of(self, borrower: object) -> None:
        """Give back a token that was borrowed for somebody."""
        number = _units.number_of(borrower)
        kept = self._borrowers.pop(number, None)
        try:
            self._limiter.give_back(number)
        finally:
            # Until here nobody else could be at its address.
            del kept

    def borrowed(self) -> bool:
        """Find out whether the caller has a token."""
        return self._limiter.has_borrowed(_units.number_of(_units.current()))

    @property
    def borrowers(self) -> list[Any]:
        """Who has a token: tasks, greenlets, threads, and those on whose behalf it was acquired."""
        return [_units.shown(borrower) for borrower in list(self._borrowers.values())]

    @property
    def total_tokens(self) -> int:
        """How many tokens there are."""
        return self._limiter.total

    @total_tokens.setter
    def total_tokens(self, value: int) -> None:
        self._limiter.set_total(value)

    @property
    def borrowed_tokens(self) -> int:
        """How many are borrowed."""
        return self._limiter.borrowed

    @property
    def available_tokens(self) -> int:
        """How many are free."""
        return max(0, self._limiter.total - self._limiter.borrowed)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._limiter.waiting

    def locked(self) -> bool:
        """Find out whether no token is free."""
        return self.available_tokens == 0

    @property
    def aio(self) -> AioLock:
        """The same limiter with the names of asyncio's locks."""
        return AioLock(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {self.available_tokens} of {self.total_tokens} free, {self.waiting} waiting>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (self.total_tokens,), {})


class RCapacityLimiter(CapacityLimiter):
    """A :class:`CapacityLimiter` whose borrowers may acquire their token again; it is free when released as often.

    Parameters
    ----------
    total_tokens : int, default 1
        How many there are.

    Examples
    --------
    >>> from millpond.sync import RCapacityLimiter
    >>> limiter = RCapacityLimiter()
    >>> with limiter, limiter:
    ...     limiter.count()
    2
    """

    __slots__ = ("_counts",)

    def __init__(self, total_tokens: int = 1) -> None:
        super().__init__(total_tokens)
        #: How often each borrower has its token. Each is changed by its own borrower alone.
        self._counts: dict[int, int] = {}

    def _again(self, borrower: object) -> bool:
        number = _units.number_of(borrower)
        if number not in self._counts:
            return False
        self._counts[number] += 1
        return True

    def acquire_on_behalf_of(self, borrower: object, blocking: bool = True, timeout: Seconds | None = None) -> bool:
        """Borrow a token for somebody else, or once more."""
        if self._again(borrower):
            return True
        is_acquired = super().acquire_on_behalf_of(borrower, blocking, timeout)
        if is_acquired:
            self._counts[_units.number_of(borrower)] = 1
        return is_acquired

    async def acquire_on_behalf_of_async(self, borrower: object, *, timeout: Seconds | None = None) -> bool:
        """Borrow a token for somebody else, or once more, awaiting it."""
        if self._again(borrower):
            return True
        is_acquired = await super().acquire_on_behalf_of_async(borrower, timeout=timeout)
        if is_acquired:
            self._counts[_units.number_of(borrower)] = 1
        return is_acquired

    def release_on_behalf_of(self, borrower: object) -> None:
        """Give back a token once."""
        number = _units.number_of(borrower)
        if self._counts.get(number, 0) > 1:
            self._counts[number] -= 1
            return
        self._counts.pop(number, None)
        super().release_on_behalf_of(borrower)

    def count(self) -> int:
        """Say how often the caller has its token."""
        return self._counts.get(_units.number_of(_units.current()), 0)


for _class in (CapacityLimiter, RCapacityLimiter):
    _class.__module__ = "millpond.sync"
