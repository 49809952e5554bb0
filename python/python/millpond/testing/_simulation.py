"""Simulations: what they are to be like, how they went, and what a test can do within one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, Union

from millpond import _native, _options
from millpond._errors import SimulationError

__all__ = [
    "Faults",
    "Report",
    "Simulation",
    "SimulationSource",
    "Thread",
    "current",
    "last",
    "note",
    "now",
    "shrink",
    "sleep",
    "spawn",
    "yield_now",
]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Faults:
    """What is to go wrong in a simulation.

    Some faults a graph must get over without its reader noticing anything: slow tasks, another size, waits that time
    out at once, tasks that come and go. The others end something: tasks that fail, in place of a call of
    their function (so whatever `on_error` and `retries` say), and tasks that are removed.

    Parameters
    ----------
    fail : int, default 0
        Of the chunks that tasks are given, one in so many fails at a drawn item, with a :class:`millpond.TaskError`;
        0 for none.
    slow : int, default 0
        One in so many takes up to a quarter of a second more, by the simulation's clock.
    cancel : int, default 0
        Of the waits that have a timeout, one in so many times out at once.
    resize : int, default 0
        The pool is given another size this often, 0 included.
    visit : int, default 0
        This often two tasks are added, read from, and dropped before their end.
    remove : int, default 0
        This often a drawn task is removed.
    fail_at : tuple of (str, int), default ()
        The tasks of these names fail at the calls of these numbers, counted from 0.

    Examples
    --------
    >>> from millpond import Pool
    >>> from millpond.testing import Faults, Simulation
    >>> pool = Pool.simulated(Simulation(3, faults=Faults(fail_at=(("square", 4),))))
    >>> squares = pool.source(range(9)).map(lambda n: n * n, name="square")
    >>> squares.read(4)
    [0, 1, 4, 9]
    >>> squares.read(1)
    Traceback (most recent call last):
    millpond.TaskError: task `square` failed at item 4: injected by the simulation
    >>> pool.close()
    """

    fail: int = 0
    slow: int = 0
    cancel: int = 0
    resize: int = 0
    visit: int = 0
    remove: int = 0
    fail_at: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        for name in ("fail", "slow", "cancel", "resize", "visit", "remove"):
            number = _options.integer(getattr(self, name), name, least=0)
            if number >= 2**32:
                raise OverflowError(f"{name} must be at most {2**32 - 1}, got {number}")

    @classmethod
    def harmless(cls) -> Faults:
        """All that a reader must not notice: slow tasks, changes of the size, tasks that come and go."""
        return cls(slow=30, resize=2, visit=2)


@dataclass(frozen=True)
class Simulation:
    """A simulation to be: a seed, and what is to be drawn from it.

    Parameters
    ----------
    seed : int, default 0
        What the order, what tasks take and what goes wrong are drawn from. The same seed is the same run.
    workers : int, optional
        The pool's size: how many work at once, the reader counted; 0 for serial mode. 1 to 4 by default, by the seed.
    order : {"drawn", "walk", "priorities"}, default "drawn"
        How the order of threads is drawn. As a random walk another thread goes on at each step with some
        chance; by priorities the thread of the highest goes on, and a few times falls to the lowest. Drawn: one of
        these.
    preemptions : int, default 3
        How often a thread falls, by priorities.
    faults : Faults, optional
        What is to go wrong. Nothing by default.
    most_steps : int, default 20_000_000
        After how many steps a run is given up, as one that goes round in circles.
    trace_rows : int, default 1000
        How many rows of the trace are kept, the last ones.
    patience : float, default 0.0
        How many seconds of real time to wait for threads outside of the simulation when nobody in it can go on,
        before that is a deadlock. What such threads do is not drawn, so it is not the same again.
    schedule : str, optional
        A run that was written down, to be had again: `str` of :attr:`Report.schedule`. What it says counts, whatever
        the others do.

    Examples
    --------
    >>> from millpond import Pool
    >>> from millpond.testing import Simulation
    >>> with Pool.simulated(Simulation(7, workers=3)) as pool:
    ...     pool.source(range(3)).map(str).read_all()
    ['0', '1', '2']
    """

    seed: int = 0
    workers: int | None = None
    order: Literal["drawn", "walk", "priorities"] = "drawn"
    preemptions: int = 3
    faults: Faults = Faults()
    most_steps: int = 20_000_000
    trace_rows: int = 1000
    patience: float = 0.0
    schedule: str | None = None

    def __post_init__(self) -> None:
        _options.integer(self.seed, "seed", least=0)
        if self.workers is not None:
            _options.integer(self.workers, "workers", least=0)
        if self.order not in ("drawn", "walk", "priorities"):
            raise ValueError(f'order must be "drawn", "walk" or "priorities", got {self.order!r}')
        _options.integer(self.preemptions, "preemptions", least=0)
        if not isinstance(self.faults, Faults):
            raise TypeError(f"faults must be a Faults, got {self.faults!r}")
        _options.integer(self.most_steps, "most_steps", least=1)
        _options.integer(self.trace_rows, "trace_rows", least=0)
        _options.seconds(self.patience, "patience")
        if self.schedule is not None and not isinstance(self.schedule, str):
            raise TypeError(f"schedule must be a str, got {self.schedule!r}")

    @classmethod
    def replay(cls, schedule: str) -> Simulation:
        """Make a simulation that goes as another one went."""
        return cls(schedule=schedule)

    def _native(self) -> _native.Simulation:
        faults = self.faults
        drawn = (faults.fail, faults.slow, faults.cancel, faults.resize, faults.visit, faults.remove)
        preemptions = {"drawn": None, "walk": -1, "priorities": self.preemptions}[self.order]
        return _native.Simulation(
            self.seed,
            self.workers,
            preemptions,
            (*drawn, list(faults.fail_at)),
            self.most_steps,
            self.trace_rows,
            self.patience,
            self.schedule,
        )


#: A seed, a simulation, a schedule that was written down, or None for the one that runs in this thread.
SimulationSource = Union[int, Simulation, str, _native.Simulation, None]


def native(source: SimulationSource) -> _native.Simulation:
    """Make the engine's options of what a user gave."""
    if isinstance(source, _native.Simulation):
        return source
    if isinstance(source, Simulation):
        return source._native()
    if isinstance(source, str):
        return Simulation.replay(source)._native()
    return Simulation(0 if source is None else source)._native()


class Report:
    """How a simulation went. `str` of it is the seed, the schedule, the verdict and the last steps as a table.

    Attributes
    ----------
    seed : int
        What it was drawn from.
    schedule : str
        What was drawn: ``Pool.simulated(report.schedule)`` is the same run again.
    choices : int
        In how many places the order was not the plain one, in which whoever runs goes on.
    faults : int
        How many things went wrong on purpose.
    steps : int
        How many steps it had.
    switches : int
        How often one thread made way for another.
    elapsed : float
        How many seconds it took, by its own clock.
    verdict : str or None
        Why it could not go on, if so.
    """

    __slots__ = ("_report", "choices", "elapsed", "faults", "schedule", "seed", "steps", "switches", "verdict")

    def __init__(self, report: _native._Report) -> None:
        self._report = report
        self.seed = report.seed
        self.schedule = report.schedule
        self.choices, self.faults = report.choices
        self.steps = report.steps
        self.switches = report.switches
        self.elapsed = report.elapsed
        self.verdict = report.verdict

    def table(self, rows: int = 40) -> str:
        """Show the last steps as a table: step, time, worker, task, chunk and event."""
        return self._report.table(_options.integer(rows, "rows", least=0))

    def __str__(self) -> str:
        lines = [
            f"simulation of seed {self.seed}: {self.steps} steps, {self.switches} switches, "
            f"{self.elapsed:.6f} s by its clock",
            *([f"verdict: {self.verdict}"] if self.verdict is not None else []),
            f"schedule: {self.schedule}",
            self.table().rstrip("\n"),
            f'the same again: Pool.simulated("{self.schedule}")',
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Report of seed {self.seed}: {self.steps} steps, verdict {self.verdict!r}>"


def _reported(report: _native._Report | None) -> Report | None:
    return None if report is None else Report(report)


def current() -> Report | None:
    """Tell how the simulation of this thread has gone so far; None when it runs none."""
    return _reported(_native._current_report())


def last() -> Report | None:
    """Tell how the last simulation that ended in this thread went."""
    return _reported(_native._last_report())


def note(what: object) -> None:
    """Put a line into the trace of the simulation that runs in this thread."""
    _native._note(str(what))


def now() -> float:
    """Read the clock of the simulation that runs in this thread, in seconds; `time.monotonic` where there is none."""
    seconds = _native._now()
    return time.monotonic() if seconds is None else seconds


def sleep(seconds: float) -> None:
    """Sleep by the clock of the simulation, which costs no time; `time.sleep` where there is none.

    Examples
    --------
    >>> from millpond import Pool
    >>> from millpond.testing import now, sleep
    >>> with Pool.simulated(1):
    ...     before = now()
    ...     sleep(86_400)
    ...     now() - before >= 86_400
    True
    """
    _native._sleep(_options.seconds(seconds, "seconds") or 0.0)


def yield_now() -> None:
    """Give the other threads of the simulation a turn here.

    To be put where threads meet by other means than millpond's.
    """
    _native._yield_now()


class Thread(Generic[_T]):
    """A thread of a simulation, started by :func:`spawn`."""

    __slots__ = ("_thread",)

    def __init__(self, thread: _native._Thread) -> None:
        self._thread = thread

    def join(self) -> _T:
        """Wait until it has ended, and give what its function returned, or raise what that raised."""
        result: _T = self._thread.join()
        return result

    @property
    def is_alive(self) -> bool:
        """Whether its function has not ended yet."""
        return self._thread.is_alive


def spawn(function: Callable[..., _T], *arguments: Any, name: str | None = None) -> Thread[_T]:
    """Start a thread of the simulation that runs in this thread: it has its turns as the seed says.

    It may read from pools, write into channels, :func:`sleep` and :meth:`Thread.join`. What it must not do is wait
    for other threads of the simulation by other means, a lock or an event of `threading`: nobody else runs meanwhile.

    Parameters
    ----------
    function : callable
        What it calls.
    *arguments
        What it calls it with.
    name : str, optional
        What the trace calls it.

    Examples
    --------
    >>> from millpond import Pool
    >>> from millpond.testing import spawn
    >>> with Pool.simulated(7) as pool:
    ...     writer, reader = pool.channel(2)
    ...     def write():
    ...         writer.write_all(range(5))
    ...         writer.close()
    ...     thread = spawn(write)
    ...     items = reader.map(lambda n: n * n).read_all()
    ...     thread.join()
    >>> items
    [0, 1, 4, 9, 16]
    """
    _options.plain_function(function, "function")
    return Thread(_native._spawn(lambda: function(*arguments), name))


def shrink(
    schedule: str, fails: Callable[[SimulationSource], object], *, options: Simulation | None = None
) -> Report | None:
    """Find a shorter schedule that fails.

    Parameters
    ----------
    schedule : str
        A run that failed: :attr:`Report.schedule`.
    fails : callable
        Makes a pool by ``Pool.simulated`` of what it is given, does with it what failed, closes it, and says whether
        it failed again.

    Returns
    -------
    Report or None
        The shortest run that was found to fail. None when the schedule itself does not fail: then what it does
        depends on something that is not drawn from the seed.
    """
    base = options or Simulation()
    found = _native._shrink(schedule, fails, base.most_steps, base.trace_rows, base.patience)
    return None if found is None else Report(found[0])


def attach_report(error: SimulationError) -> None:
    """Tell with a simulation's error how the run went."""
    report = current() or last()
    error.report = report
    if report is not None and sys.version_info >= (3, 11):
        error.add_note(str(report))


def seeds_of(seeds: int | Iterable[int], first: int) -> Iterable[int]:
    """Make the seeds of what a user gave: so many from the first, or these."""
    if isinstance(seeds, Iterable):
        return seeds
    return range(first, first + _options.integer(seeds, "seeds", least=0))
