"""Events."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from millpond import _native
from millpond._options import Seconds
from millpond.sync import _awaiting, _fresh
from millpond.sync._aio import AioEvent

__all__ = ["Event"]


class Event(_native.Event):
    """Something that happens, and that threads, greenlets and tasks of any event loop wait for.

    ``event.wait()`` blocks the thread; ``await event`` awaits. All who wait when it is set go on, also if it is cleared
    at once after.

    Parameters
    ----------
    once : bool, default False
        Whether it stays set for ever once it was.

    Raises
    ------
    RuntimeError
        When an event that happens once is cleared.

    Examples
    --------
    >>> import asyncio, threading
    >>> from millpond.sync import Event
    >>> ready = Event()
    >>> async def main():
    ...     threading.Thread(target=ready.set).start()
    ...     return await ready
    >>> asyncio.run(main())
    True
    """

    __slots__ = ()

    async def wait_async(self, timeout: Seconds | None = None) -> bool:
        """Wait until it is set, awaiting it.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at the most.

        Returns
        -------
        bool
            Whether it was set, in time.
        """
        if _native._is_turn_over():
            await _awaiting.checkpoint()
        if self._is_set_now(timeout):
            return True
        return bool(await _awaiting.wait(self._ask(), timeout))

    def __await__(self) -> Generator[Any, Any, bool]:
        return self.wait_async().__await__()

    @property
    def aio(self) -> AioEvent:
        """The same event with the names of asyncio's."""
        return AioEvent(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {'set' if self.is_set() else 'unset'}, {self.waiting} waiting>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _fresh.make, (type(self), (), {"once": self.once})


Event.__module__ = "millpond.sync"
