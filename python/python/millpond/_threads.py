"""What the pool's threads are to `threading`, and what happens to them at the end of the program."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from millpond import _native

if TYPE_CHECKING:
    import logging

#: The pools that are there, which the end of the program closes.
pools: weakref.WeakSet[_native.Pool] = weakref.WeakSet()

#: What the system calls the threads that gevent may have something for.
_with_greenlets: set[int] = set()

#: How long the end of the program waits for functions that are still running.
GRACE_SECONDS = 1.0


def logger(name: str) -> logging.Logger:
    """Get a logger below `millpond`, which is silent unless the program has set up logging."""
    import logging

    package = logging.getLogger("millpond")
    if not package.handlers:
        package.addHandler(logging.NullHandler())
    return package.getChild(name)


def has_greenlets() -> bool:
    """Find out whether gevent has made greenlets of Python's threads."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def original(name: str, module: str = "_thread") -> Any:
    """Get something of a standard module as it is without gevent, a lock say; ``None`` where there is no such thing.

    What stands between the threads of a pool and those of the program is for real threads, greenlets or not.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return getattr(importlib.import_module(module), name, None)
    with contextlib.suppress(AttributeError):
        return monkey.get_original(module, name)
    return None


def start(name: str, function: Callable[..., object], *arguments: object) -> None:
    """Start a daemon thread of the system's, also where gevent makes greenlets of Python's."""
    if not has_greenlets():
        threading.Thread(target=function, args=arguments, name=name, daemon=True).start()
        return

    def run() -> None:
        begin(name)
        _with_greenlets.add(threading.get_native_id())
        try:
            function(*arguments)
        finally:
            end()

    if len(_with_greenlets) > 64:
        _with_greenlets.intersection_update([number for number in list(_with_greenlets) if _is_there(number)])
    original("start_new_thread")(run, ())


def _is_there(number: int) -> bool:
    """Find out whether the system still has a thread of this number, where that can be found out."""
    return os.path.exists(f"/proc/self/task/{number}")


def _wait_until_gone(give_up: float) -> None:
    """Wait for threads that had greenlets to be gone, or until a time.

    Such a thread lets go of them at its very end, without the interpreter's lock. The interpreter must not be at its
    own end then: its last collection comes across the same greenlets.
    """
    sleep = original("sleep", "time")
    while any(map(_is_there, list(_with_greenlets))) and time.monotonic() < give_up:
        sleep(0.0005)


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
    if has_greenlets():
        from millpond import _greenlets

        _greenlets.end()


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
    _wait_until_gone(end)
    if left_behind:
        logger("threads").warning("functions still run at the end of the program, on %d threads", left_behind)
