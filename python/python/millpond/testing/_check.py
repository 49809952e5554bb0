"""A body run in every mode, and its results compared."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from millpond import _options
from millpond._pool import Pool
from millpond.testing._simulation import Faults, Report, Simulation, SimulationSource, last, seeds_of, shrink
from millpond.testing._trial import Trial

__all__ = ["CheckError", "Checked", "check", "find"]

#: How many seeds there are unless it is said.
SEEDS = 100


class CheckError(AssertionError):
    """A body gave in one mode what it did not give in serial mode, or raised.

    Attributes
    ----------
    mode : str
        In which mode: ``"serial mode"``, ``"a pool of 2"``, ``"the simulation of seed 17"``.
    seed : int or None
        The seed, for a simulation.
    report : Report or None
        For a simulation, the shortest run that was found to fail.
    reason : str
        What differs.
    """

    def __init__(self, mode: str, reason: str, seed: int | None = None, report: Report | None = None) -> None:
        super().__init__(f"in {mode}: {reason}" + ("" if report is None else f"\n{report}"))
        self.mode = mode
        self.reason = reason
        self.seed = seed
        self.report = report

    def __reduce__(self) -> tuple[type[AssertionError], tuple[str]]:
        # A report belongs to its process.
        return AssertionError, (str(self),)


class Checked(NamedTuple):
    """How much a check did."""

    #: Runs in serial mode and on pools of threads.
    runs: int
    #: Seeds that were run in simulations.
    seeds: int


class _Outcome(NamedTuple):
    result: Any
    calls: dict[str, int] | None

    def difference(self, other: _Outcome, same: Callable[[Any, Any], object] | None) -> str | None:
        """Tell what is different in another run."""
        if not _are_same(self.result, other.result, same):
            return f"the body gave `{other.result!r}`, and in serial mode `{self.result!r}`"
        if self.calls is None or other.calls is None:
            return None
        for name in sorted({*self.calls, *other.calls}):
            ours, theirs = self.calls.get(name, 0), other.calls.get(name, 0)
            if ours != theirs:
                return f"`{name}` was called `{theirs}` times, and in serial mode `{ours}` times"
        return None


class _Incomparable(TypeError):
    """What a body gave cannot be compared, whatever the mode."""


def _are_same(expected: Any, got: Any, same: Callable[[Any, Any], object] | None) -> bool:
    try:
        return bool(expected == got if same is None else same(expected, got))
    except Exception as error:
        how = "`==`" if same is None else f"`{_options.name_of(same, 'same')}`"
        raise _Incomparable(
            f"comparing what the body gave by {how} raised {type(error).__name__}: a `{type(expected).__name__}` and a "
            f"`{type(got).__name__}`; give `same=`, a function of both that says whether they are the same"
        ) from error


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the collector from letting go of readers at moments that depend on what the process did before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Check:
    def __init__(
        self, body: Callable[[Trial], Any], compares_calls: bool, same: Callable[[Any, Any], object] | None
    ) -> None:
        self.body = body
        self.compares_calls = compares_calls
        self.same = same

    def run(self, pool: Pool) -> _Outcome:
        """Run the body with a pool, which is closed then."""
        try:
            trial = Trial(pool)
            result = self.body(trial)
            calls = trial.all_calls() if self.compares_calls else None
            return _Outcome(result, calls)
        finally:
            pool.close()

    def difference(self, expected: _Outcome, make: Callable[[], Pool]) -> tuple[str | None, Exception | None]:
        """Tell how a run differs from serial mode, and what it raised."""
        try:
            return expected.difference(self.run(make()), self.same), None
        except _Incomparable:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return f"the body raised {text}", error

    def simulated(self, expected: _Outcome, source: SimulationSource) -> tuple[str | None, Exception | None]:
        with _without_collector():
            reason, error = self.difference(expected, lambda: Pool.simulated(source))
        report = last()
        if reason is None and report is not None and report.verdict is not None:
            reason = report.verdict
        return reason, error


def check(
    body: Callable[[Trial], Any],
    *,
    seeds: int | Iterable[int] | None = None,
    sizes: Iterable[int] = (1, 2, 4),
    workers: int | None = None,
    faults: Faults | None = None,
    options: Simulation | None = None,
    calls: bool = True,
    same: Callable[[Any, Any], object] | None = None,
) -> Checked:
    """Run a body in serial mode, on threads and in simulations, and compare what it gives and what it calls.

    Parameters
    ----------
    body : callable
        Is called with a :class:`Trial`, whose pool it adds tasks to and reads from. What it returns is compared by
        ``==`` with what it returned in serial mode: it must not contain what is different each time. It is a plain
        function: one that awaits does so within, by ``asyncio.run``.
    seeds : int or iterable of int, optional
        How many simulations, or of which seeds. 100 by default, or as many as the environment variable
        `MILLPOND_SEEDS` says, beginning with `MILLPOND_SEED`.
    sizes : iterable of int, default (1, 2, 4)
        The sizes of pools of threads.
    workers : int, optional
        How many work at once in simulations; 1 to 4 by default, by the seed.
    faults : Faults, optional
        What goes wrong in simulations: :meth:`Faults.harmless`, say.
    options : Simulation, optional
        All else that can be said of the simulations. Its seed counts for nothing.
    calls : bool, default True
        Whether the calls that the body counts are compared too. Not for graphs where they are a matter of chance: an
        iteration that is broken off, the longer side of a zip.
    same : callable, optional
        A function of what the body gave in serial mode and of what it gave now, which says whether they are the same:
        for floats, arrays, sets in lists. ``==`` by default.

    Returns
    -------
    Checked
        How many runs there were.

    Raises
    ------
    CheckError
        When a run gives something else than in serial mode, or raises. It names the seed, and has the shortest run
        that was found to fail.
    TypeError
        When `body` is a coroutine function, or what it gives cannot be compared: the message names the types.
    Exception
        What the body raises in serial mode already.

    Examples
    --------
    >>> from millpond.testing import check
    >>> def body(trial):
    ...     parse = trial.counted("parse", int)
    ...     numbers = trial.source(["1", "2", "3"]).map(parse)
    ...     first = numbers.read(1)
    ...     trial.assert_calls_at_most("parse", 1)  # nothing is parsed that was not asked for
    ...     return first + numbers.read_all()
    >>> check(body, seeds=20)
    Checked(runs=4, seeds=20)
    """
    first = _number("MILLPOND_SEED", 0)
    if seeds is None:
        seeds = _number("MILLPOND_SEEDS", SEEDS)
    base = options or Simulation()
    base = replace(base, workers=base.workers if workers is None else workers, faults=faults or base.faults)
    _options.plain_function(body, "body")
    if same is not None:
        _options.plain_function(same, "same")
    checking = _Check(body, calls, same)
    expected = checking.run(Pool(0))
    # Told before anything else runs.
    _are_same(expected.result, expected.result, same)
    runs = 1
    for size in sizes:
        runs += 1
        reason, error = checking.difference(expected, lambda size=size: Pool(size))  # type: ignore[misc]
        if reason is not None:
            raise CheckError(f"a pool of {size}", reason) from error
    count = 0
    for seed in seeds_of(seeds, first):
        count += 1
        reason, error = checking.simulated(expected, replace(base, seed=seed))
        if reason is None:
            continue
        whole = last()
        report = None
        if whole is not None:
            report = shrink(whole.schedule, lambda shorter: _fails(checking, expected, shorter), options=base)
        raise CheckError(f"the simulation of seed {seed}", reason, seed, report or whole) from error
    return Checked(runs, count)


def _fails(checking: _Check, expected: _Outcome, source: SimulationSource) -> bool:
    return checking.simulated(expected, source)[0] is not None


def find(body: Callable[[Trial], Any], **options: Any) -> CheckError | None:
    """Do what :func:`check` does, and give what fails instead of raising it."""
    try:
        check(body, **options)
    except CheckError as error:
        return error
    return None


def _number(name: str, default: int) -> int:
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"the environment variable `{name}` is `{text}`; give a number") from None
