"""How the classes of this package wait, without importing asyncio before somebody awaits."""

from __future__ import annotations

from typing import Any

from millpond import _native
from millpond._options import Seconds

__all__ = ["checkpoint", "wait"]


async def checkpoint() -> None:
    """Let others on the loop have a turn, and look whether the task was cancelled."""
    from millpond.sync import _waiting

    await _waiting.checkpoint()


async def wait(waiting: _native._Wait, timeout: Seconds | None) -> Any:
    """Wait until a primitive has granted what was asked for, or the time is up."""
    from millpond.sync import _waiting

    return await _waiting.wait(waiting, None if timeout is None else float(timeout))
