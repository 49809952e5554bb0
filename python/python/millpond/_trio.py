"""Coroutines in trio. Imported by those that run under trio only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any

import trio

from millpond._host import Event, Work

__all__ = ["TrioHost"]


class _TrioWork:
    """A system task of trio, which ends with the run."""

    is_touched = False
    is_closing = False

    def __init__(self, host: TrioHost) -> None:
        self._host = host
        self.scope = trio.CancelScope()

    def stop(self) -> None:
        self.is_touched = True
        self._host.soon(self.scope.cancel)

    def is_ending(self, error: BaseException) -> bool:
        return isinstance(error, trio.Cancelled)


class TrioHost:
    """A run of trio. See :class:`millpond._host.Host`."""

    __slots__ = ("_token",)

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrioHost) and other._token is self._token

    def __hash__(self) -> int:
        return hash(self._token)

    def soon(self, function: Callable[..., object], *arguments: object) -> bool:
        """See :class:`millpond._host.Host`."""
        try:
            self._token.run_sync_soon(function, *arguments)
        except trio.RunFinishedError:
            return False
        return True

    def spawn(self, coroutine: Callable[[Work], Coroutine[Any, Any, None]], context: Context) -> Work:
        """See :class:`millpond._host.Host`."""
        work = _TrioWork(self)

        async def begin() -> None:
            with work.scope:
                await coroutine(work)

        trio.lowlevel.spawn_system_task(begin, name=coroutine, context=context)
        return work

    def event(self) -> Event:
        """See :class:`millpond._host.Host`."""
        return trio.Event()

    def is_running(self) -> bool:
        """See :class:`millpond._host.Host`."""
        # A run that is over is found out by `soon`.
        return True

    def is_here(self) -> bool:
        """See :class:`millpond._host.Host`."""
        return trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is self._token

    async def sleep(self, seconds: float) -> None:
        """See :class:`millpond._host.Host`."""
        await trio.sleep(seconds)

    async def within(self, call: Awaitable[Any], seconds: float, late: Exception) -> Any:
        """See :class:`millpond._host.Host`."""
        with trio.move_on_after(seconds):
            return await call
        raise late
