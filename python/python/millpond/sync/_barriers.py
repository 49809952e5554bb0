"""Waiting for each other: countdowns, latches, barriers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any

from millpond import _native, _options
from millpond._options import Seconds
from millpond.sync import _awaiting, _fresh
from millpond.sync._events import Event

__all__ = ["Barrier", "CountdownEvent", "Latch"]


class CountdownEvent(_native.CountdownEvent):
    """A count that threads, greenlets and tasks wait for to be 0.

    Parameters
    ----------
    initial_value : int, default 0
        The count at the start.

    Raises
    ------
    RuntimeError
        When it is counted below 0; it stays as it was.

    Examples
    --------
    >>> from millpond.sync import CountdownEvent
    >>> jobs = CountdownEvent(2)
    >>> jobs.down()
    >>> jobs.wait(timeout=0)
    False
    >>> jobs.down()
    >>> jobs.wait()
    True
    """

    __slots__ = ()

    async def wait_async(self, timeout: Seconds | None = None) -> bool:
        """Wait until it is 0, awaiting; say whether it was, in time."""
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        if self._is_set_now(timeout):
            return True
        return bool(await _awaiting.wait(self._ask(), timeout))

    def __await__(self) -> Generator[Any, Any, bool]:
        return self.wait_async().__await__()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.value}, {self.waiting} waiting>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (self.initial_value,), {})


class _Round:
    """Those who meet: one round of a barrier."""

    __slots__ = ("arrived", "event", "is_broken", "is_complete")

    def __init__(self) -> None:
        self.event = Event()
        self.arrived = 0
        self.is_broken = False
        self.is_complete = False


def _parties(parties: object) -> int:
    if isinstance(parties, bool) or not isinstance(parties, int):
        raise TypeError(f"parties must be an int, got {parties!r}")
    if parties < 1:
        raise ValueError(f"parties must be 1 or more, got {parties}: nobody could arrive")
    return parties


def _broken(message: str) -> Exception:
    from millpond.sync._errors import BrokenBarrierError

    return BrokenBarrierError(message)


class Barrier:
    """A number of threads, greenlets and tasks that go on together, again and again.

    One that times out, is cancelled or interrupted breaks the barrier for all. As a context manager it waits, and
    breaks the barrier if the block is left by an exception.

    Parameters
    ----------
    parties : int
        How many meet.
    action : callable, optional
        What the last one to arrive calls before they go on. What it raises breaks the barrier.

    Raises
    ------
    BrokenBarrierError
        In all who wait, and in whoever comes, when it is broken.

    Examples
    --------
    >>> import threading
    >>> from millpond.sync import Barrier
    >>> barrier = Barrier(2)
    >>> thread = threading.Thread(target=barrier.wait)
    >>> thread.start()
    >>> barrier.wait() in (0, 1)
    True
    >>> thread.join()
    """

    __slots__ = ("__weakref__", "_action", "_guard", "_parties", "_round")

    def __init__(self, parties: int, action: Callable[[], object] | None = None) -> None:
        self._parties = _parties(parties)
        self._action = action
        self._round = _Round()
        # Held for moments. A finalizer may come in between.
        self._guard = threading.RLock()

    def _arrive(self) -> tuple[_Round, int, bool]:
        with self._guard:
            meeting = self._round
            if meeting.is_broken:
                raise _broken("waiting at a barrier that is broken; reset it")
            index = meeting.arrived
            meeting.arrived += 1
            is_last = meeting.arrived == self._parties
            if is_last:
                meeting.is_complete = True
                self._renew()
        return meeting, index, is_last

    def _renew(self) -> None:
        self._round = _Round()

    def _open(self, meeting: _Round) -> None:
        """Let all go on, when the last one has arrived."""
        try:
            if self._action is not None:
                self._action()
        except BaseException:
            self._break(meeting)
            self.abort()
            raise
        meeting.event.set()

    def _break(self, meeting: _Round) -> None:
        meeting.is_broken = True
        meeting.event.set()

    def _give_up(self, meeting: _Round) -> bool:
        """Break the round of one who does not wait any more, unless all have arrived; say whether it is broken."""
        with self._guard:
            if not meeting.is_complete:
                self._break(meeting)
        return meeting.is_broken

    @staticmethod
    def _passed(meeting: _Round, index: int) -> int:
        if meeting.is_broken:
            raise _broken("a barrier was broken while this waited at it")
        return index

    def wait(self, timeout: Seconds | None = None) -> int:
        """Arrive, and wait until all have.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at the most; then the barrier is broken.

        Returns
        -------
        int
            The place in which this one arrived, 0 for the first. Each is there once in a round.
        """
        seconds = _options.seconds(timeout, "timeout")
        meeting, index, is_last = self._arrive()
        if is_last:
            self._open(meeting)
            return index
        try:
            is_in_time = meeting.event.wait(seconds)
        except BaseException:
            self._give_up(meeting)
            raise
        if not is_in_time and not self._give_up(meeting):
            # The last one has come, and calls what is to be called.
            meeting.event.wait()
        return self._passed(meeting, index)

    async def wait_async(self, timeout: Seconds | None = None) -> int:
        """Arrive, and await that all have. See :meth:`wait`."""
        seconds = _options.seconds(timeout, "timeout")
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        meeting, index, is_last = self._arrive()
        if is_last:
            self._open(meeting)
            return index
        try:
            is_in_time = await meeting.event.wait_async(seconds)
        except BaseException:
            self._give_up(meeting)
            raise
        if not is_in_time and not self._give_up(meeting):
            await meeting.event.wait_async()
        return self._passed(meeting, index)

    def __await__(self) -> Generator[Any, Any, int]:
        return self.wait_async().__await__()

    def abort(self) -> None:
        """Break it: who waits, and whoever comes, is told so."""
        with self._guard:
            self._break(self._round)

    def reset(self) -> None:
        """Make it whole and empty; who waits is told that it was broken."""
        with self._guard:
            if self._round.arrived:
                self._break(self._round)
            self._round = _Round()

    @property
    def broken(self) -> bool:
        """Whether it is broken."""
        return self._round.is_broken

    @property
    def parties(self) -> int:
        """How many meet."""
        return self._parties

    @property
    def waiting(self) -> int:
        """How many have arrived and wait."""
        meeting = self._round
        return 0 if meeting.is_broken or meeting.is_complete else meeting.arrived

    def __enter__(self) -> int:
        return self.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abort()

    async def __aenter__(self) -> int:
        return await self.wait_async()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abort()

    def __repr__(self) -> str:
        broken = ", broken" if self.broken else ""
        return f"<{type(self).__name__} of {self.parties}, {self.waiting} waiting{broken}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (self._parties, self._action), {})


class Latch(Barrier):
    """A :class:`Barrier` that all pass once: when the last one has arrived it is open for good.

    Parameters
    ----------
    parties : int
        How many must arrive.
    action : callable, optional
        What the last one calls before they go on.

    Examples
    --------
    >>> from millpond.sync import Latch
    >>> latch = Latch(1)
    >>> latch.wait(), latch.wait()
    (0, 0)
    """

    __slots__ = ()

    def _arrive(self) -> tuple[_Round, int, bool]:
        meeting = self._round
        if meeting.is_complete:
            return meeting, 0, False
        return super()._arrive()

    def _renew(self) -> None:
        """Leave it complete."""


for _class in (CountdownEvent, Barrier, Latch):
    _class.__module__ = "millpond.sync"
