"""What the pool's threads are to `threading`, and what happens to them at the end of the program."""

from __future__ import annotations

import atexit
import threading

from millpond import _native

#: How long the end of the program waits for functions that are still running.
GRACE_SECONDS = 1.0


def begin(name: str) -> None:
    """Have `threading` know the calling thread, which is one of a pool's, by a name."""
    threading.current_thread().name = name


def end() -> None:
    """Have `threading` forget the calling thread."""
    # A thread that Python has not started stays in this table when it ends, before Python 3.12.
    threading._active.pop(threading.get_ident(), None)  # type: ignore[attr-defined]


@atexit.register
def _end_at_exit() -> None:
    _native._end(GRACE_SECONDS)
