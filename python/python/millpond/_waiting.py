"""How a coroutine waits for a future of `concurrent.futures`: under asyncio or trio, whichever runs it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
from typing import TypeVar

_T = TypeVar("_T")


async def wait_for(future: concurrent.futures.Future[_T]) -> _T:
    """Wait for a future without blocking the event loop; cancelling the wait cancels it, if it has not begun."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return await _wait_in_trio(future)
    return await asyncio.wrap_future(future)


async def _wait_in_trio(future: concurrent.futures.Future[_T]) -> _T:
    if "trio" not in sys.modules:
        raise RuntimeError("awaiting a value outside of asyncio and trio: get it instead")
    import trio

    task = trio.lowlevel.current_task()
    token = trio.lowlevel.current_trio_token()
    is_waiting = True

    def wake() -> None:
        if is_waiting:
            trio.lowlevel.reschedule(task)

    def ended(_: object) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(wake)

    def abort(_: object) -> trio.lowlevel.Abort:
        nonlocal is_waiting
        is_waiting = False
        future.cancel()
        return trio.lowlevel.Abort.SUCCEEDED

    await trio.lowlevel.checkpoint_if_cancelled()
    future.add_done_callback(ended)
    await trio.lowlevel.wait_task_rescheduled(abort)
    is_waiting = False
    return future.result()
