"""Tests of pipelines: the same body in every mode and in many simulated orders.

A pipeline is right if it gives the same whatever the workers do. :func:`check` runs a body in serial mode, on
threads and in simulations of many seeds, and compares what it gives and how often it called its functions. What
differs is told as a seed, with the shortest schedule that still differs and its last steps; ``Pool.simulated(seed)``
is the same run again.

* :class:`Trial` is the pool of one run: it counts calls and items in flight, and has assertions for laziness,
  bounded memory and that nothing is left running. :func:`assert_in_order` and :func:`assert_each_once` compare what
  was read.
* :class:`Simulation` and :class:`Faults` say what a simulation is like; :func:`now`, :func:`sleep`, :func:`spawn`,
  :func:`note` and :func:`yield_now` are what a test can do within one; :func:`current` and :func:`last` tell how it
  goes and went.
* :class:`Functions` makes random graphs of functions of yours; :mod:`millpond.testing.strategies` draws them, faults
  and seeds with hypothesis. For pytest there are the fixtures `millpond_check` and `millpond_pool`, and
  ``--millpond-seeds``.

What a simulation cannot see: a thread makes way only at the engine's steps and where it waits by millpond's means,
never between two instructions of a function. A function that waits for another thread by other means, a lock that is
held during a read, an event, a barrier, waits for ever, since nobody else runs meanwhile. `time.sleep` takes real
time. Order that comes from `hash` or `id` is Python's, and not drawn: set `PYTHONHASHSEED` where a set of strings
decides what is done.
"""

from __future__ import annotations

from millpond._errors import SimulationError
from millpond.testing._assertions import assert_each_once, assert_in_order
from millpond.testing._check import Checked, CheckError, check, find
from millpond.testing._functions import Functions, Graph
from millpond.testing._simulation import (
    Faults,
    Report,
    Simulation,
    Thread,
    current,
    last,
    note,
    now,
    shrink,
    sleep,
    spawn,
    yield_now,
)
from millpond.testing._trial import Tracked, Trial

__all__ = [
    "check",
    "find",
    "Checked",
    "CheckError",
    "Trial",
    "Tracked",
    "assert_in_order",
    "assert_each_once",
    "Simulation",
    "Faults",
    "Report",
    "SimulationError",
    "current",
    "last",
    "shrink",
    "now",
    "sleep",
    "spawn",
    "Thread",
    "note",
    "yield_now",
    "Functions",
    "Graph",
]

for _class in (Checked, CheckError, Faults, Functions, Graph, Report, Simulation, Thread, Tracked, Trial):
    _class.__module__ = "millpond.testing"
