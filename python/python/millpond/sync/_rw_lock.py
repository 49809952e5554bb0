"""A lock for many readers or one writer."""

from __future__ import annotations

from typing import Any

from millpond import _native
from millpond._options import Seconds
from millpond.sync import _awaiting, _fresh, _shared, _units

__all__ = ["RWLock", "Side"]


class RWLock:
    """A lock that many may have for reading, or one for writing.

    Who waits is served in the order in which they came: readers that stand together go in together, and neither side
    starves. Who reads may read again, also when a writer waits.

    Examples
    --------
    >>> from millpond.sync import RWLock
    >>> lock = RWLock()
    >>> with lock.read(), lock.read():
    ...     lock.write().acquire(blocking=False)
    Traceback (most recent call last):
    RuntimeError: acquiring a lock for writing by who has it for reading, who would wait for itself
    """

    __slots__ = ("__weakref__", "_lock", "_units")

    def __init__(self) -> None:
        self._lock = _native._RWLock()
        #: Who has it, how, and how often. Each entry is its own unit's to change.
        self._units: dict[int, tuple[Any, str, int]] = {}

    def read(self) -> Side:
        """Give what acquires it for reading, beside others."""
        return Side(self, "read")

    def write(self) -> Side:
        """Give what acquires it for writing, alone."""
        return Side(self, "write")

    def upgradable(self) -> Side:
        """Give what acquires it for reading, by the only one that may go on to :meth:`Side.upgrade`."""
        return Side(self, "upgradable")

    def downgrade(self) -> None:
        """Go on reading, by who has it for writing; nobody writes in between."""
        unit, number = _unit()
        if self._units.get(number, (unit, "", 0))[1] != "write":
            raise RuntimeError("downgrading a lock that the caller has not for writing")
        self._units[number] = unit, "read", 1
        self._lock.downgrade("write", "read")

    @property
    def readers(self) -> int:
        """How many have it for reading."""
        return self._lock.readers

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._lock.waiting

    def locked(self) -> bool:
        """Find out whether somebody has it."""
        return self._lock.is_written or self._lock.readers > 0

    def _check(self, how: str) -> tuple[Any, int, bool]:
        """Find out who acts, and whether that one has it already and reads again."""
        unit, number = _unit()
        has = self._units.get(number)
        if has is None:
            return unit, number, False
        if how == "read" and has[1] != "write":
            self._lock.read_again()
            self._units[number] = unit, has[1], has[2] + 1
            return unit, number, True
        verbs = {"read": "reading", "write": "writing", "upgradable": "reading"}
        raise RuntimeError(
            f"acquiring a lock for {verbs[how]} by who has it for {verbs[has[1]]}, who would wait for itself"
        )

    def __repr__(self) -> str:
        how = "written" if self._lock.is_written else f"{self.readers} reading"
        return f"<RWLock, {how}, {self.waiting} waiting>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (), {})


def _unit() -> tuple[Any, int]:
    unit = _units.current()
    return unit, _units.number_of(unit)


class Side(_shared.Block):
    """One way of acquiring a :class:`RWLock`. A context manager of both kinds."""

    __slots__ = ("_how", "_of")

    def __init__(self, of: RWLock, how: str) -> None:
        self._of = of
        self._how = how

    def acquire(self, blocking: bool = True, timeout: Seconds | None = None) -> bool:
        """Acquire the lock in this way; say whether it was had, in time."""
        of = self._of
        unit, number, has_it = of._check(self._how)
        if not has_it:
            if not of._lock.take(self._how, blocking, timeout):
                return False
            of._units[number] = unit, self._how, 1
        return True

    def try_acquire(self) -> bool:
        """Acquire it if that can be had at once."""
        return self.acquire(False)

    async def acquire_async(self, *, timeout: Seconds | None = None) -> bool:
        """Acquire the lock in this way, awaiting it; say whether it was had, in time."""
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        of = self._of
        unit, number, has_it = of._check(self._how)
        if not has_it:
            lock = of._lock
            if not lock.take_now(self._how, timeout) and not await _awaiting.wait(lock.ask(self._how), timeout):
                return False
            of._units[number] = unit, self._how, 1
        return True

    def release(self) -> None:
        """Release it once."""
        of = self._of
        unit, number = _unit()
        has = of._units.get(number)
        if has is None:
            raise RuntimeError("releasing a lock that the caller has not; acquire it first")
        if has[2] > 1:
            of._units[number] = unit, has[1], has[2] - 1
            of._lock.release("read")
        else:
            del of._units[number]
            of._lock.release(has[1])

    def _upgraded(self) -> tuple[Any, int]:
        unit, number = _unit()
        has = self._of._units.get(number, (unit, "", 0))
        if has[1:] != ("upgradable", 1):
            raise RuntimeError("upgrading a lock that the caller has not as upgradable, or not once")
        return unit, number

    def upgrade(self, timeout: Seconds | None = None) -> bool:
        """Go on to write, when the other readers have gone; say whether that was had, in time."""
        unit, number = self._upgraded()
        if not self._of._lock.take("upgrade", True, timeout):
            return False
        self._of._units[number] = unit, "write", 1
        return True

    async def upgrade_async(self, *, timeout: Seconds | None = None) -> bool:
        """Go on to write, awaiting that the other readers have gone."""
        unit, number = self._upgraded()
        lock = self._of._lock
        if not lock.take_now("upgrade", timeout) and not await _awaiting.wait(lock.ask("upgrade"), timeout):
            return False
        self._of._units[number] = unit, "write", 1
        return True

    def __repr__(self) -> str:
        return f"<{self._how} of {self._of!r}>"


RWLock.__module__ = Side.__module__ = "millpond.sync"
