"""What users test their pipelines with: the checks find what is wrong, and say how to have it again."""

from __future__ import annotations

import itertools
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond import Pool, SimulationError, testing
from millpond.testing import (
    CheckError,
    Faults,
    Functions,
    Graph,
    Simulation,
    Trial,
    assert_each_once,
    assert_in_order,
    check,
    find,
    strategies,
)


def log() -> Iterator[tuple[int, int]]:
    """Lines of a log, with few kinds of errors."""
    return ((line, line * line % 11) for line in range(1, 301))


def first_reports(trial: Trial) -> list[tuple[int, int]]:
    """Give the first line of each kind; wrong: the set is shared by all calls."""
    seen: set[int] = set()

    def is_first(report: tuple[int, int]) -> bool:
        kind = report[1]
        if kind in seen:
            return False
        seen.add(kind)
        return True

    return trial.source(log()).map(lambda report: report).filter(is_first).read_all()


def test_hidden_state_is_found_and_the_run_shortened() -> None:
    error = find(first_reports, seeds=1_000, sizes=())
    assert error is not None
    assert error.seed is not None
    assert error.report is not None
    assert error.mode == f"the simulation of seed {error.seed}"
    assert error.reason.startswith("the body gave `[(1, 1), ")
    assert error.report.choices <= 12
    assert str(error) == f"in {error.mode}: {error.reason}\n{error.report}"
    assert str(error).endswith(f'the same again: Pool.simulated("{error.report.schedule}")')


def test_what_was_found_is_there_again() -> None:
    first, second = find(first_reports, seeds=1_000, sizes=()), find(first_reports, seeds=1_000, sizes=())
    assert first is not None
    assert str(first) == str(second)
    again = find(first_reports, seeds=[first.seed], sizes=())
    assert str(again) == str(first)
    assert first.report is not None
    with Pool.simulated(first.report.schedule) as pool:
        given = first_reports(Trial(pool))
    assert f"the body gave `{given!r}`" in first.reason or given != first_reports(Trial(Pool(0)))


def test_what_is_right_passes_in_every_mode_and_is_counted() -> None:
    modes: list[str] = []

    def body(trial: Trial) -> list[int]:
        modes.append(repr(trial.pool))
        return trial.source(range(100)).map(trial.counted("square", lambda n: n * n)).read_all()

    assert check(body, seeds=7, sizes=(1, 3), faults=Faults.harmless()) == (3, 7)
    kinds = [re.sub(r".*(serial|size \d|simulated from seed \d).*", r"\1", mode) for mode in modes]
    assert kinds == ["serial", "size 1", "size 3", *(f"simulated from seed {seed}" for seed in range(7))]


def test_calls_are_compared_unless_that_is_not_wanted() -> None:
    def body(trial: Trial) -> list[int]:
        reader = trial.source(range(1_000)).map(trial.counted("called", lambda n: n))
        return list(itertools.islice(reader, 10))

    error = find(body, sizes=(), seeds=100)
    assert error is not None
    assert re.fullmatch(r"`called` was called `\d+` times, and in serial mode `10` times", error.reason)
    check(body, sizes=(), seeds=100, calls=False)


def test_an_exception_of_the_body_is_the_cause_and_names_its_seed() -> None:
    def body(trial: Trial) -> None:
        if trial.pool.simulated_from == 3:
            raise KeyError("the third")

    with pytest.raises(
        CheckError, match=r"^in the simulation of seed 3: the body raised KeyError: 'the third'"
    ) as caught:
        check(body, seeds=5)
    assert isinstance(caught.value.__cause__, KeyError)
    assert pickle.loads(pickle.dumps(caught.value)).args == (str(caught.value),)


def test_an_exception_in_serial_mode_is_the_bodys_own() -> None:
    with pytest.raises(ZeroDivisionError):
        check(lambda trial: trial.source([0]).map(lambda n: 1 / n).read_all())


def test_a_failure_on_threads_names_their_number() -> None:
    error = find(lambda trial: trial.pool.size == 2, sizes=(1, 2), seeds=0)
    assert str(error) == "in a pool of 2: the body gave `True`, and in serial mode `False`"
    assert error is not None
    assert (error.seed, error.report) == (None, None)


def test_a_deadlock_is_found() -> None:
    def body(trial: Trial) -> None:
        if trial.pool.simulated_from is not None:
            _, reader = trial.channel()
            reader.read(1)

    error = find(body, seeds=1, sizes=())
    assert error is not None
    assert error.reason.startswith("the body raised SimulationError: the simulation of seed 0 cannot go on: a deadlock")
    assert isinstance(error.__cause__, SimulationError)


def test_the_environment_says_how_many_seeds_and_from_where(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int | None] = []

    def body(trial: Trial) -> None:
        seeds.append(trial.pool.simulated_from)

    monkeypatch.setenv("MILLPOND_SEEDS", "3")
    monkeypatch.setenv("MILLPOND_SEED", "40")
    assert check(body, sizes=()).seeds == 3
    assert seeds == [None, 40, 41, 42]
    monkeypatch.setenv("MILLPOND_SEED", "x")
    with pytest.raises(ValueError, match=r"^the environment variable `MILLPOND_SEED` is `x`; give a number$"):
        check(body)


def test_options_of_simulations_are_kept_in_all_of_them() -> None:
    sizes: set[int] = set()

    def body(trial: Trial) -> None:
        if trial.pool.simulated_from is not None:
            sizes.add(trial.pool.size)

    check(body, seeds=20, options=Simulation(workers=3))
    check(body, seeds=20, workers=2)
    assert sizes == {2, 3}


def test_laziness_is_asserted() -> None:
    def body(trial: Trial) -> None:
        reader = trial.source(trial.counted_items("made", itertools.count())).map(trial.counted("called", lambda n: n))
        reader.read(5)
        trial.assert_calls_at_most("called", 5)
        trial.assert_calls_at_most("made", 5)
        with pytest.raises(AssertionError) as caught:
            trial.assert_calls_at_most("called", 4)
        assert str(caught.value) == "`called` was called `5` times and should be `4` times at the most"
        assert trial.calls("nothing") == 0

    check(body, seeds=30)


def test_bounded_memory_and_quiescence_are_asserted() -> None:
    def body(trial: Trial) -> int:
        reader = trial.source(trial.tracked(n) for n in range(5_000)).map(lambda tracked: tracked)
        total = sum(tracked.item for tracked in reader)
        if not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled():
            trial.assert_peak_at_most(4_000)
        with pytest.raises(AssertionError, match=r"items were in flight at once and should be `0` at the most$"):
            trial.assert_peak_at_most(0)
        reader.close()
        del reader
        trial.assert_quiet()
        assert trial.in_flight == 0
        return total

    check(body, seeds=10)


def test_what_is_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("millpond.testing._trial._PATIENCE", 0.0)
    trial = Trial(Pool(0))
    kept = trial.tracked(1)
    reader = trial.source([1])
    with pytest.raises(AssertionError, match=r"^`1` tasks and `1` items are left$"):
        trial.assert_quiet()
    del kept, reader
    trial.assert_quiet()


def test_order_and_completeness_are_asserted_with_the_difference() -> None:
    assert_in_order([1, 2], [1, 2])
    assert_each_once([2, 1, 2], [1, 2, 2])
    assert_each_once([[2], [1]], [[1], [2]])
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: assert_in_order([1, 3], [1, 2]), "item `1` is `3` and should be `2`"),
        (
            lambda: assert_in_order([1], [1, 2]),
            "there are `1` items and should be `2`; as far as they go they are right",
        ),
        (lambda: assert_each_once([1, 1, 3], [1, 2]), "lost: `2`; doubled, or out of nowhere: `1, 3`"),
        (lambda: assert_each_once([[1], [1]], [[1], [2]]), "lost: `[2]`; doubled, or out of nowhere: `[1]`"),
    ]
    for call, message in cases:
        with pytest.raises(AssertionError) as caught:
            call()
        assert str(caught.value) == message


FUNCTIONS = (
    Functions()
    .map("half", lambda n: n // 2)
    .map("negated", lambda n: -n)
    .filter("odd", lambda n: n % 2)
    .flat_map("twice", lambda n: [n, n])
    .join("larger", max)
)


@given(graph=strategies.graphs(FUNCTIONS), faults=strategies.faults(), seed=strategies.seeds())
@settings(max_examples=100)
def test_random_graphs_give_what_lists_give(graph: Graph, faults: Faults, seed: int) -> None:
    checked = strategies.check_graph(graph, seeds=[seed, seed ^ 1], sizes=(2,), faults=faults)
    assert checked == (2, 2)


@given(simulation=strategies.simulations(harmful=True), items=st.lists(st.integers(0, 9), max_size=50))
@settings(max_examples=100)
def test_whatever_goes_wrong_what_comes_is_a_beginning(simulation: Simulation, items: list[int]) -> None:
    from millpond import ReaderClosedError, TaskError

    got: list[int] = []
    with Pool.simulated(simulation) as pool:
        reader = pool.source(items).map(lambda n: n + 1).map(lambda n: n * 2)
        try:
            while part := reader.read(7):
                got += part
        except (TaskError, ReaderClosedError):
            pass
        del reader
    assert got == [(n + 1) * 2 for n in items][: len(got)]


def test_a_wrong_graph_is_found() -> None:
    functions = Functions().map("numbered", lambda n: n + (threading.current_thread() is not threading.main_thread()))
    graph = Graph(functions, "numbered", (Graph(functions, "source", items=tuple(range(40))),))
    with pytest.raises(CheckError, match=r"item `\d+` is `\d+` and should be `\d+`"):
        strategies.check_graph(graph, seeds=100, sizes=())


def test_functions_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match=r"^there is a function `half` already; give another name$"):
        Functions().map("half", abs).join("half", max)


def test_importing_it_needs_neither_pytest_nor_hypothesis() -> None:
    program = (
        "import sys; sys.modules['pytest'] = sys.modules['hypothesis'] = None\n"
        "import millpond.testing\n"
        "print(millpond.testing.check(lambda trial: trial.source([1]).read_all(), seeds=2))\n"
        "try:\n    import millpond.testing.strategies\nexcept ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "Checked(runs=4, seeds=2)",
        "importing `millpond.testing.strategies`, which makes strategies for hypothesis, and that is not installed: "
        "`pip install hypothesis`",
    ]


def test_what_is_exported_is_there() -> None:
    for name in testing.__all__:
        exported: Callable[..., Any] = getattr(testing, name)
        assert exported.__doc__, name
