"""Locks, semaphores, events and queues that serve threads, greenlets and event loops at once.

One object serves them all: a thread blocks in ``lock.acquire()``, a greenlet of gevent's lets others go on, and a task
of asyncio or trio awaits ``lock.acquire_async()``. They stand in one list, first come, first served. What is cancelled
or times out has taken nothing, and what was granted to an event loop that is closed goes to the next who waits.

If only threads use it, and none of what `threading` and `queue` lack is needed, use these.
"""

from __future__ import annotations

import os as _os
import sys as _sys
from typing import TYPE_CHECKING, Any

from millpond import _native
from millpond.sync import _deadlock as _deadlock
from millpond.sync import _errors
from millpond.sync._barriers import Barrier, CountdownEvent, Latch
from millpond.sync._conditions import Condition
from millpond.sync._errors import BusyResourceError, ClosedError, DeadlockError, PoisonedError
from millpond.sync._events import Event
from millpond.sync._hooked import HookedQueue, PriorityQueue
from millpond.sync._limiters import CapacityLimiter, RCapacityLimiter
from millpond.sync._locks import Lock, RLock
from millpond.sync._once import Flag, OnceCell, ResourceGuard, SingleFlight, once, synchronized
from millpond.sync._queues import LifoQueue, Queue, SimpleLifoQueue, SimpleQueue
from millpond.sync._rw_lock import RWLock
from millpond.sync._semaphores import BoundedSemaphore, Semaphore

if "gevent" in _sys.modules:
    # As in `millpond`: not when several threads first need it.
    from millpond.sync import _gevent as _gevent

if TYPE_CHECKING:
    from millpond.sync._errors import BrokenBarrierError as BrokenBarrierError
    from millpond.sync._errors import QueueEmpty as QueueEmpty
    from millpond.sync._errors import QueueFull as QueueFull
    from millpond.sync._errors import QueueShutDown as QueueShutDown

__all__ = [
    "Lock",
    "RLock",
    "RWLock",
    "Condition",
    "synchronized",
    "Semaphore",
    "BoundedSemaphore",
    "CapacityLimiter",
    "RCapacityLimiter",
    "ResourceGuard",
    "Event",
    "REvent",
    "CountdownEvent",
    "Latch",
    "Barrier",
    "Queue",
    "LifoQueue",
    "PriorityQueue",
    "HookedQueue",
    "SimpleQueue",
    "SimpleLifoQueue",
    "OnceCell",
    "SingleFlight",
    "once",
    "Flag",
    "checkpoints",
    "BrokenBarrierError",
    "BusyResourceError",
    "ClosedError",
    "DeadlockError",
    "PoisonedError",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
]


#: The name of an event that can be cleared, where events cannot.
REvent = Event


def checkpoints(*, every: int) -> int:
    """Set after how many awaits that need not wait a thread lets others on its loop have a turn.

    Under trio each one does so.

    Parameters
    ----------
    every : int
        That many; 0 for never. It is 256 unless it is set.

    Returns
    -------
    int
        What it was before.
    """
    return _native._set_checkpoints(every)


if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_native._forked)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in ("BrokenBarrierError", "QueueEmpty", "QueueFull", "QueueShutDown"):
            return getattr(_errors, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
