"""What the pool's threads are to `threading`, and what happens to them at the end of the program."""

from __future__ import annotations

import atexit
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

from millpond import _native

if TYPE_CHECKING:
    import logging

#: The pools that are there, which the end of the program closes.
pools: weakref.WeakSet[_native.Pool] = weakref.WeakSet()

#: How long the end of the program waits for functions that are still running.
GRACE_SECONDS = 1.0


def logger(name: str) -> logging.Logger:
    """Get a logger below `millpond`, which is silent unless the program has set up logging."""
    import logging

    package = logging.getLogger("millpond")
    if not package.handlers:
        package.addHandler(logging.NullHandler())
    return package.getChild(name)


def begin(name: str) -> None:
    """Have `threading` know the calling thread, which is one of a pool's, by a name, and debuggers and profilers too.

    What `threading.settrace` and `threading.setprofile` ask for holds for it as for threads that `threading` starts.
    """
    threading.current_thread().name = name
    if trace := threading._trace_hook:  # type: ignore[attr-defined]
        sys.settrace(trace)
    if profile := threading._profile_hook:
        sys.setprofile(profile)


def end() -> None:
    """Have `threading` forget the calling thread."""
    # A thread that Python has not started stays in this table when it ends, before Python 3.12.
    threading._active.pop(threading.get_ident(), None)  # type: ignore[attr-defined]


@atexit.register
def _end_at_exit() -> None:
    _native._end_here()
    end = time.monotonic() + GRACE_SECONDS
    loops = [loop for pool in list(pools) for loop in [vars(pool).get("_loop")] if loop is not None]
    for pool in list(pools):
        pool.close()
    for loop in loops:
        # What was suspended there is closed.
        loop.join(end - time.monotonic())
    left_behind = _native._end(max(0.0, end - time.monotonic()))
    if left_behind:
        logger("threads").warning("functions still run at the end of the program, on %d threads", left_behind)
