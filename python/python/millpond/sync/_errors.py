"""What `millpond.sync` raises.

Some have an exception of asyncio for a base. They are made when they are first asked for, so that programs without
event loops do not import asyncio.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from millpond._errors import DeadlockError, MillpondError

__all__ = [
    "BrokenBarrierError",
    "BusyResourceError",
    "ClosedError",
    "DeadlockError",
    "PoisonedError",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
]


class ClosedError(MillpondError, RuntimeError):
    """The semaphore was closed."""


class PoisonedError(MillpondError, RuntimeError):
    """An exception left a `with` block of the lock, so what it guards may be half changed."""


class BusyResourceError(MillpondError, RuntimeError):
    """Another task uses the resource."""


if TYPE_CHECKING:
    import asyncio

    class QueueEmpty(MillpondError, queue.Empty, asyncio.QueueEmpty):
        """There is no item, or there was none in time."""

    class QueueFull(MillpondError, queue.Full, asyncio.QueueFull):
        """There is no room, or there was none in time."""

        remaining: list[object]

    class QueueShutDown(MillpondError):
        """The queue was shut down."""

        remaining: list[object]

    class BrokenBarrierError(MillpondError, threading.BrokenBarrierError):
        """The barrier is broken."""

else:
    _DOCS = {
        "QueueEmpty": "There is no item, or there was none in time.",
        "QueueFull": "There is no room, or there was none in time.",
        "QueueShutDown": "The queue was shut down.",
        "BrokenBarrierError": "The barrier is broken.",
    }
    _BASES = {
        "QueueEmpty": ((queue, "Empty"), ("asyncio", "QueueEmpty")),
        "QueueFull": ((queue, "Full"), ("asyncio", "QueueFull")),
        "QueueShutDown": ((queue, "ShutDown"), ("asyncio", "QueueShutDown")),
        "BrokenBarrierError": ((threading, "BrokenBarrierError"), ("asyncio", "BrokenBarrierError")),
    }
    _lock = threading.Lock()

    def __getattr__(name):
        if name not in _BASES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import asyncio

        (module, synchronous), (_, asynchronous) = _BASES[name]
        bases = (MillpondError, getattr(module, synchronous, None), getattr(asyncio, asynchronous, None))
        with _lock:
            if name not in globals():
                space = {"__doc__": _DOCS[name], "__module__": "millpond.sync"}
                if name in ("QueueFull", "QueueShutDown"):
                    space["remaining"] = []
                globals()[name] = type(name, tuple(base for base in bases if base is not None), space)
        return globals()[name]


for _class in (ClosedError, PoisonedError, BusyResourceError):
    _class.__module__ = "millpond.sync"
