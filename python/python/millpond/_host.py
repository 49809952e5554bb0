"""Where coroutines run: on an event loop of asyncio, or in trio (see `_trio`)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    _AsyncioTask = asyncio.Task[None]
else:
    _AsyncioTask = asyncio.Task

__all__ = ["AsyncioHost", "Event", "Host", "Work"]


class Work(Protocol):
    """A coroutine that was started on a host and makes calls, one after the other."""

    is_touched: bool
    """Whether it was cancelled at some time, by itself or by others: it makes no further calls."""
    is_closing: bool
    """Whether it closes what it had: an event loop of asyncio that ends waits for that."""

    def stop(self) -> None:
        """Cancel it, from any thread."""

    def is_ending(self, error: BaseException) -> bool:
        """Find out whether an exception says that others have cancelled it, and is not the function's own."""


class Event(Protocol):
    """What a coroutine waits for, once."""

    def set(self) -> None:
        """Have it happen. To be called on the host."""

    async def wait(self) -> Any:
        """Wait until it has happened."""


class Host(Protocol):
    """Runs coroutines. Two hosts are equal when they run theirs in the same place."""

    def soon(self, function: Callable[..., object], *arguments: object) -> bool:
        """Have a function called there, from any thread, and say whether it can be."""

    def spawn(self, coroutine: Callable[[Work], Coroutine[Any, Any, None]], context: Context) -> Work:
        """Start a coroutine. To be called there."""

    def event(self) -> Event:
        """Make an event. To be called there."""

    def is_running(self) -> bool:
        """Find out whether it runs coroutines at the moment."""

    def is_here(self) -> bool:
        """Find out whether it runs in the calling thread, which it cannot do while that waits."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def within(self, call: Awaitable[Any], seconds: float, late: Exception) -> Any:
        """Await a call for so long; after that cancel it and raise `late`."""


class _Task(_AsyncioTask):
    """A task that knows whether it was cancelled, and by whom."""

    is_touched = False
    is_closing = False
    _by_others = False

    def cancel(self, *arguments: Any, **options: Any) -> bool:
        if self.is_closing and asyncio._get_running_loop() is None:
            # Subtle: `asyncio.run` cancels what is left while the loop stands still, and then waits for it. A time
            # limit within the generator that is being closed cancels while the loop runs.
            return False
        self.is_touched = True
        if asyncio.current_task(self.get_loop()) is not self:
            self._by_others = True
        return super().cancel(*arguments, **options)

    def stop(self) -> None:
        # A loop that is closed runs nothing any more.
        with contextlib.suppress(RuntimeError):
            self.get_loop().call_soon_threadsafe(self.cancel)

    def is_ending(self, error: BaseException) -> bool:
        if isinstance(error, GeneratorExit):
            # It goes away, with a loop that is closed say, unless the function has raised this.
            return asyncio._get_running_loop() is not self.get_loop() or asyncio.current_task() is not self
        if not isinstance(error, asyncio.CancelledError) or not self._by_others:
            return False
        # A time-out within the function cancels the task too, and takes that back.
        return sys.version_info < (3, 11) or self.cancelling() > 0


async def _with_interrupt(call: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """Await a call as a task of its own: such an exception of a task's would end the event loop."""
    try:
        return await call, None
    except (KeyboardInterrupt, SystemExit) as error:
        return None, error


class AsyncioHost:
    """An event loop of asyncio."""

    __slots__ = ("_loop",)

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncioHost) and other._loop is self._loop

    def __hash__(self) -> int:
        return hash(self._loop)

    def soon(self, function: Callable[..., object], *arguments: object) -> bool:
        """See :class:`Host`."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            # It is closed.
            return False
        return True

    def spawn(self, coroutine: Callable[[Work], Coroutine[Any, Any, None]], context: Context) -> Work:
        """See :class:`Host`."""

        async def begin() -> None:
            await coroutine(cast("_Task", asyncio.current_task()))

        # The loop's own factory of tasks knows nothing of these.
        if sys.version_info >= (3, 11):
            task = _Task(begin(), loop=self._loop, context=context)
        else:
            task = context.run(lambda: _Task(begin(), loop=self._loop))
        # A loop may be closed without a word to its tasks; that these are left is no mistake of the program's.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        return task

    def event(self) -> Event:
        """See :class:`Host`."""
        return asyncio.Event()

    def is_running(self) -> bool:
        """See :class:`Host`."""
        return self._loop.is_running()

    def is_here(self) -> bool:
        """See :class:`Host`."""
        return asyncio._get_running_loop() is self._loop

    async def sleep(self, seconds: float) -> None:
        """See :class:`Host`."""
        await asyncio.sleep(seconds)

    async def within(self, call: Awaitable[Any], seconds: float, late: Exception) -> Any:
        """See :class:`Host`."""
        task = asyncio.ensure_future(_with_interrupt(call))
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            raise late
        result, interrupt = task.result()
        if interrupt is not None:
            raise interrupt
        return result
