"""What millpond raises.

Exceptions that a task's function raises come out of a read as they are: the same object, with its traceback and a note
that says which task it was, at which item, and where the task was added. The classes here are for what has no
exception of its own.
"""

from __future__ import annotations

import contextlib
import queue
from typing import Any, TypeVar

__all__ = [
    "BranchFullError",
    "ChannelClosedError",
    "ChannelFullError",
    "DeadlockError",
    "LibdispatchMissingError",
    "MillpondError",
    "NotReadyError",
    "PoolBusyError",
    "PoolClosedError",
    "PoolForkedError",
    "ReadTimeoutError",
    "ReaderClosedError",
    "SimulationError",
    "TaskError",
    "TaskTimeoutError",
]


class MillpondError(Exception):
    """The base of all that millpond raises on its own account."""


class TaskError(MillpondError, RuntimeError):
    """A task stopped, and there is no exception of its function that could say why."""


class TaskTimeoutError(MillpondError, TimeoutError):
    """A call of a task's function took longer than the task's `timeout`."""


class ReadTimeoutError(MillpondError, TimeoutError):
    """The items that were asked for were not there in time. They stay readable."""


class NotReadyError(MillpondError, queue.Empty):
    """Nothing is there now, and the read was not to wait."""


class PoolClosedError(MillpondError, RuntimeError):
    """The pool was closed."""


class PoolBusyError(MillpondError, RuntimeError):
    """The pool is in serial mode, and another thread is reading from it at this moment."""


class PoolForkedError(MillpondError, RuntimeError):
    """The pool was made before this process was forked."""


class LibdispatchMissingError(MillpondError, RuntimeError):
    """A pool was to run on libdispatch, and the library is not there."""


class ReaderClosedError(MillpondError, ValueError):
    """The reader was closed, or another task reads from it."""


class DeadlockError(MillpondError, RuntimeError):
    """The read would wait for itself, for ever."""


class BranchFullError(DeadlockError):
    """A branch with a capacity is full, and nobody has read from it for its patience.

    Nothing is lost: read from that branch, or close it, and the same read of another one goes on.
    """


class ChannelClosedError(MillpondError, ValueError):
    """The channel was closed: nobody will read what is written."""


class ChannelFullError(MillpondError, queue.Full):
    """There is no room in the channel, and the write was not to wait."""


class SimulationError(MillpondError, RuntimeError):
    """A simulated pool cannot go on: a deadlock, no end in sight, or what no simulation can run.

    `report`, where it is not None, is how the run went: a :class:`millpond.testing.Report`.
    """

    report: Any = None


class SimulationOver(BaseException):
    """Ends a function that is in the middle of a wait when its simulation is over. Not to be caught."""


def never_an_end(error: BaseException, task: object) -> BaseException:
    """Give what counts as raised by a function: a `StopIteration` would end an iteration without a word."""
    if not isinstance(error, (StopIteration, StopAsyncIteration)):
        return error
    failure = RuntimeError(f"the function of task `{task}` raised {type(error).__name__}")
    failure.__cause__ = error
    return failure


_Error = TypeVar("_Error", bound=Exception)


def ending(error: _Error) -> _Error:
    """Mark an exception as none of the item's or the function's: it ends a read whatever the task's policy is."""
    with contextlib.suppress(Exception):
        error._millpond_ends_the_read = True  # type: ignore[attr-defined]
    return error


def is_ending(error: Exception) -> bool:
    """Say whether an exception was marked by :func:`ending`."""
    return getattr(error, "_millpond_ends_the_read", None) is True


for _name in __all__:
    globals()[_name].__module__ = "millpond"
