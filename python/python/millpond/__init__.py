"""Lazy, ordered, bounded, parallel dataflow: tasks joined by channels, pulled through a pool."""

from __future__ import annotations

import sys as _sys

# First of all, since it may refuse to go on.
from millpond import _interpreter as _interpreter  # isort: skip
from millpond import _threads as _threads
from millpond._channel import ChannelWriter
from millpond._errors import (
    BranchFullError,
    ChannelClosedError,
    ChannelFullError,
    DeadlockError,
    LibdispatchMissingError,
    MillpondError,
    NotReadyError,
    PoolBusyError,
    PoolClosedError,
    PoolForkedError,
    ReaderClosedError,
    ReadTimeoutError,
    SimulationError,
    TaskError,
    TaskTimeoutError,
)
from millpond._native import __version__ as __version__
from millpond._options import Rejected, Retry
from millpond._pool import Pool
from millpond._reader import PoolReader
from millpond._value_task import ValueTask
from millpond._values import Value

__all__ = [
    "Pool",
    "PoolReader",
    "ChannelWriter",
    "Value",
    "ValueTask",
    "Rejected",
    "Retry",
    "MillpondError",
    "TaskError",
    "TaskTimeoutError",
    "ReadTimeoutError",
    "NotReadyError",
    "ReaderClosedError",
    "PoolClosedError",
    "PoolBusyError",
    "PoolForkedError",
    "LibdispatchMissingError",
    "DeadlockError",
    "BranchFullError",
    "SimulationError",
    "ChannelClosedError",
    "ChannelFullError",
]

if "gevent" in _sys.modules:
    # Not when threads first need it. Those that import a module at once wait for each other at a
    # lock that gevent has patched, and it may lose a wake-up.
    from millpond import _greenlets as _greenlets

for _class in (Rejected, Retry, ValueTask):
    _class.__module__ = "millpond"
