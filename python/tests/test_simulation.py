"""Simulated pools: the same seed is the same run, also in Python."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from millpond import Pool, PoolForkedError, PoolReader, ReadTimeoutError, Retry, SimulationError, TaskError
from millpond.testing import Faults, Report, Simulation, current, last, note, now, shrink, sleep, spawn, yield_now


@pytest.fixture(autouse=True)
def _no_simulation_and_no_thread_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert current() is None
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("simulated")] == []


def twenty_tasks(pool: Pool) -> PoolReader[Any]:
    """Add a fork, a join, functions of all kinds."""
    numbers = pool.source(range(200)).map(lambda n: n + 1).filter(lambda n: n % 7).map(lambda n: n * 3)
    first, second = numbers.tee(2)
    sums = second.batch(4).map(sum).tap(lambda n: None).map(lambda n: n ^ 5).map(lambda n: n + 1)
    halves = first.skip(3).flat_map(lambda n: [n, n] if n % 2 else [n]).filter_map(lambda n: n // 2 or None)
    return halves.zip(sums).starmap(lambda left, right: left + right).enumerate().map(sum).map(lambda n: n * 2)


def run(simulation: Simulation | str) -> Report:
    """Read from a graph of many tasks in two threads."""
    with Pool.simulated(simulation) as pool:
        reader = twenty_tasks(pool)

        def read() -> int:
            count = 0
            while items := reader.read(5):
                count += len(items)
            return count

        thread = spawn(read, name="other")
        try:
            read()
            thread.join()
        except TaskError:
            # Injected.
            pass
        reader.close()
    report = last()
    assert report is not None
    return report


def simulations(seed: int) -> list[Simulation]:
    faults = Faults(slow=30, resize=2, visit=2, fail=200, remove=1)
    return [
        Simulation(seed, faults=faults, trace_rows=100_000),
        Simulation(seed, order="walk", workers=3, trace_rows=100_000),
        Simulation(seed, order="priorities", faults=faults, trace_rows=100_000),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_gives_the_same_run_to_the_last_step(seed: int) -> None:
    for simulation in simulations(seed):
        first, second = run(simulation), run(simulation)
        assert first.table(100_000) == second.table(100_000)
        assert first.schedule == second.schedule
        assert (first.steps, first.switches, first.elapsed) == (second.steps, second.switches, second.elapsed)


@pytest.mark.parametrize("seed", range(10))
def test_a_schedule_written_down_gives_the_same_run(seed: int) -> None:
    for simulation in simulations(seed):
        first = run(simulation)
        second = run(Simulation(schedule=first.schedule, trace_rows=100_000))
        assert first.table(100_000) == second.table(100_000)
        assert run(first.schedule).schedule == first.schedule


def test_other_seeds_give_other_runs() -> None:
    assert len({run(Simulation(seed, workers=3)).table(1000) for seed in range(30)}) > 25


def test_a_run_does_not_depend_on_how_the_process_hashes() -> None:
    program = (
        "from millpond import Pool\nfrom millpond.testing import last\n"
        "with Pool.simulated(3) as pool: pool.source(map(str, range(200))).map(str.encode).map(len).read_all()\n"
        "print(last())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert "schedule: seed 3 " in said[0]


def test_functions_run_on_several_threads_one_at_a_time() -> None:
    names: set[str] = set()
    inside: list[int] = []

    def function(item: int) -> int:
        assert not inside, "nobody else runs"
        inside.append(item)
        names.add(threading.current_thread().name)
        inside.pop()
        return item

    for seed in range(30):
        with Pool.simulated(Simulation(seed, workers=3)) as pool:
            assert pool.source(range(200)).map(function).map(function).read_all() == list(range(200))
    assert "MainThread" in names
    assert {name for name in names if name != "MainThread"} >= {"simulated-1", "simulated-2"}


def test_sleeps_retries_and_batches_go_by_a_clock_that_costs_no_time() -> None:
    failures = iter([OSError("busy")] * 3)

    def call(item: int) -> int:
        if item == 2:
            for failure in failures:
                raise failure
        return item

    with Pool.simulated(1) as pool:
        started = now()
        sleep(3_600)
        assert now() - started >= 3_600
        reader = pool.source(range(4)).map(call, retries=Retry(5, wait=1_000.0, doubling=True))
        assert reader.read_all() == [0, 1, 2, 3]
        assert now() - started >= 3_600 + 7_000
        writer, written = pool.channel()
        batches = written.batch(10, within=500.0)

        def write() -> None:
            writer.write_all("abc")
            sleep(1_000)
            writer.write("d")
            writer.close()

        thread = spawn(write)
        assert batches.read_all() == [["a", "b", "c"], ["d"]]
        thread.join()
    assert current() is None
    before = now()
    assert now() >= before, "outside of a simulation it is the system's clock"


def test_a_read_that_times_out_by_that_clock_loses_nothing() -> None:
    with Pool.simulated(5) as pool:
        writer, reader = pool.channel()
        with pytest.raises(ReadTimeoutError, match=r"reading `2` items timed out after `3600\.\d+` seconds"):
            reader.read(2, timeout=3_600)
        writer.write_all("abc")
        writer.close()
        assert reader.read(2, timeout=1) == ["a", "b"]
        assert reader.read_all(timeout=1) == ["c"]


def test_a_full_channel_blocks_a_simulated_writer_only() -> None:
    for seed in range(50):
        with Pool.simulated(seed) as pool:
            writer, reader = pool.channel(3)

            def write() -> None:
                writer.write_all(range(50))  # noqa: B023
                writer.close()  # noqa: B023

            thread = spawn(write)
            assert reader.map(str).read_all() == [str(n) for n in range(50)]
            thread.join()


def test_a_thread_gives_what_its_function_returned_or_raised() -> None:
    def fail() -> None:
        raise KeyError("its own")

    with Pool.simulated(1):
        thread = spawn(pow, 2, 10)
        assert thread.is_alive
        assert (thread.join(), thread.join()) == (1024, 1024)
        assert not thread.is_alive
        with pytest.raises(KeyError, match=r"its own"):
            spawn(fail).join()


def test_a_deadlock_is_told_with_how_it_came_to_it() -> None:
    held = threading.local()
    with pytest.raises(SimulationError) as caught, Pool.simulated(3) as pool:  # noqa: PT012
        _, never = pool.channel()

        def wait() -> None:
            held.here = True
            never.read(1)

        note("here it begins")
        spawn(wait, name="other").join()
    assert str(caught.value) == ("the simulation of seed 3 cannot go on: a deadlock: caller, other can wait for ever")
    report = caught.value.report
    assert isinstance(report, Report)
    assert report.verdict == "a deadlock: caller, other can wait for ever"
    assert "note: here it begins" in str(report)
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == [str(report)]


def test_what_is_in_the_middle_of_a_wait_at_the_end_is_unwound() -> None:
    unwound: list[BaseException] = []
    with pytest.raises(SimulationError), Pool.simulated(3) as pool:  # noqa: PT012
        _, never = pool.channel()

        def wait() -> None:
            try:
                never.read(1)
            except BaseException as error:
                unwound.append(error)
                raise

        thread = spawn(wait)
        reader = pool.source([1]).map(lambda item: wait())
        spawn(reader.read_all)
        thread.join()
    assert [type(error).__name__ for error in unwound] == ["SimulationOver", "SimulationOver"]


def test_a_run_without_an_end_is_given_up() -> None:
    def look() -> None:
        while True:
            yield_now()

    with (  # noqa: PT012
        pytest.raises(SimulationError, match=r"seed 1 cannot go on: it goes on after 5000 steps"),
        Pool.simulated(Simulation(1, most_steps=5_000)),
    ):
        spawn(look)
        look()


def test_faults_that_a_reader_must_not_notice_change_nothing() -> None:
    expected = twenty_tasks(Pool(0)).read_all()
    injected = 0
    for seed in range(60):
        with Pool.simulated(Simulation(seed, faults=Faults.harmless())) as pool:
            assert twenty_tasks(pool).read_all() == expected
        report = last()
        assert report is not None
        injected += report.faults
    assert injected > 60


def test_a_task_fails_at_the_call_that_was_chosen() -> None:
    for seed in range(20):
        with Pool.simulated(Simulation(seed, faults=Faults(fail_at=(("tenth", 10),)))) as pool:
            reader = pool.source(range(50)).map(lambda n: n, name="tenth")
            # Calls are counted as they are made, and the eleventh need not be that of the eleventh item.
            with pytest.raises(TaskError):
                reader.read_all()
            items = reader.read(partial=True)
            assert items == list(range(len(items)))
            assert len(items) < 50
            with pytest.raises(TaskError) as caught:
                reader.read(1)
            assert str(caught.value) == f"task `tenth` failed at item {len(items)}: injected by the simulation"


def test_an_exception_of_a_function_comes_out_as_it_is() -> None:
    def fail(item: int) -> int:
        if item == 60:
            raise KeyError(item)
        return item

    for seed in range(20):
        with Pool.simulated(Simulation(seed, workers=3)) as pool:
            reader = pool.source(range(100)).map(fail)
            with pytest.raises(KeyError):
                reader.read_all()
            assert reader.read(60) == list(range(60))
            with pytest.raises(KeyError) as caught:
                reader.read(1)
            frames = [entry.name for entry in caught.traceback]
            assert frames[-1] == "fail"
            if sys.version_info >= (3, 11):
                assert "task `fail`, added at" in caught.value.__notes__[0]


def test_an_interrupt_within_a_function_ends_the_read_and_the_pool_can_be_closed() -> None:
    def interrupt(item: int) -> int:
        if item == 30:
            raise KeyboardInterrupt
        return item

    for seed in range(10):
        with Pool.simulated(seed) as pool:
            reader = pool.source(range(100)).map(interrupt)
            reader.read(10)
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012
                while True:
                    reader.read(10)


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE")


def test_functions_see_the_context_that_they_were_added_in() -> None:
    token = VARIABLE.set("added")
    try:
        with Pool.simulated(Simulation(4, workers=3)) as pool:
            reader = pool.source(range(100)).map(lambda _: VARIABLE.get())
            VARIABLE.set("read")
            assert set(reader.read_all()) == {"added"}
    finally:
        VARIABLE.reset(token)


def test_functions_may_read_themselves() -> None:
    for seed in range(30):
        with Pool.simulated(seed) as pool:
            inner = pool.source(range(1000)).map(lambda n: n + 1)
            outer = pool.source(range(1, 20)).map(lambda n: len(inner.read(n)))  # noqa: B023
            assert outer.read_all() == list(range(1, 20))


def test_pools_of_a_thread_may_be_one_simulation() -> None:
    with Pool.simulated(7) as one:
        with pytest.raises(SimulationError) as caught:
            Pool.simulated(8)
        assert str(caught.value) == (
            "beginning a simulation, and one of seed `7` runs in this thread; close its pools first, or join it with "
            "`Pool.simulated(None)`"
        )
        with Pool.simulated(None) as other:
            assert other.simulated_from == 7
            through = other.chain(one.source(range(50)).map(lambda n: n + 1)).map(lambda n: n * 2)
            assert through.read_all() == [(n + 1) * 2 for n in range(50)]
    with pytest.raises(SimulationError, match=r"^joining the simulation of this thread, which runs none; give a seed$"):
        Pool.simulated(None)


def test_what_no_simulation_can_run_is_refused() -> None:
    async def coroutine(item: int) -> int:
        return item

    with Pool.simulated(1) as pool:
        with pytest.raises(
            SimulationError, match=r"^adding a coroutine function or an async iterator to a simulated pool"
        ):
            pool.source([1]).map(coroutine)
        with pytest.raises(SimulationError, match=r"^making an executor of a simulated pool"):
            pool.as_executor()
    with pytest.raises(SimulationError, match=r"^starting a simulated thread, and this thread runs no simulation"):
        spawn(print)


def test_a_wrong_option_is_named() -> None:
    for wrong, message in (
        (lambda: Simulation(-1), "seed must be at least 0, got -1"),
        (lambda: Simulation(2**64), f"seed must be at most {sys.maxsize}, got {2**64}"),
        (lambda: Simulation(order="other"), 'order must be "drawn", "walk" or "priorities", got \'other\''),  # type: ignore[arg-type]
        (lambda: Faults(fail=2**32), f"fail must be at most {2**32 - 1}, got {2**32}"),
        (
            lambda: Pool.simulated("seed 7 workers 2 choices 12-1"),
            "parsing a schedule failed at `12-1`; one looks like `seed 7 workers 2 choices 12>1 faults 4:fail@2`",
        ),
    ):
        with pytest.raises((ValueError, OverflowError)) as caught:
            wrong()
        assert str(caught.value) == message


def test_values_are_made_in_a_simulation_too() -> None:
    with Pool.simulated(2) as pool:
        total = pool.value(sum, [pool.value(pow, n, 2) for n in range(10)])
        assert total.get() == sum(n * n for n in range(10))


def test_a_read_may_be_awaited_in_a_simulation() -> None:
    async def read(pool: Pool) -> list[int]:
        reader = pool.source(range(100)).map(lambda n: n + 1).filter(lambda n: n % 2)
        return await reader.read_async(5) + [item async for item in reader]

    for seed in range(20):
        with Pool.simulated(seed) as pool:
            assert asyncio.run(read(pool)) == list(range(1, 101, 2))


def test_an_awaited_read_lets_helpers_go_on_that_a_resize_has_left_with_items() -> None:
    for seed in range(20):
        with Pool.simulated(Simulation(seed, faults=Faults(slow=2))) as pool:
            pool.size = 2
            reader = pool.source(range(200)).map(abs)
            assert list(itertools.islice(iter(reader), 3)) == [0, 1, 2]
            pool.size = 0
            assert asyncio.run(reader.tee(2)[0].read_async()) == list(range(3, 200))


def test_threads_outside_may_write_where_patience_allows_it() -> None:
    with ThreadPoolExecutor(1) as executor, Pool.simulated(Simulation(1, patience=60.0)) as pool:
        writer, reader = pool.channel()

        def write() -> None:
            writer.write_all(range(100))
            writer.close()

        written = executor.submit(write)
        assert reader.map(lambda n: n).read_all() == list(range(100))
        written.result()


def test_a_race_shrinks_to_the_turns_that_it_needs() -> None:
    def is_out_of_order(pool: Pool) -> bool:
        seen: list[int] = []
        with pool:
            pool.source(range(100)).map(seen.append).read_all()
        return seen != sorted(seen)

    seed = next(seed for seed in range(1_000) if is_out_of_order(Pool.simulated(Simulation(seed, workers=3))))
    report = last()
    assert report is not None
    assert report.seed == seed
    shorter = shrink(report.schedule, lambda source: is_out_of_order(Pool.simulated(source)))
    assert shorter is not None
    assert 1 <= shorter.choices <= 8
    assert is_out_of_order(Pool.simulated(shorter.schedule))
    assert shrink(report.schedule, lambda source: Pool.simulated(source).close()) is None
    with pytest.raises(ZeroDivisionError):
        shrink(report.schedule, lambda source: 1 / 0)


def test_a_pool_that_nobody_has_any_more_ends_its_simulation() -> None:
    pool = Pool.simulated(Simulation(3, workers=3))
    reader = pool.source(range(1000)).map(lambda n: n)
    assert reader.read(5) == [0, 1, 2, 3, 4]
    del pool, reader
    gc.collect()
    assert current() is None


def test_the_end_of_the_program_ends_a_simulation() -> None:
    program = (
        "from millpond import Pool\nfrom millpond.testing import spawn\n"
        "pool = Pool.simulated(3)\nreader = pool.source(range(100000)).map(str)\nreader.read(300)\n"
        "_, never = pool.channel()\nthread = spawn(never.read, 1)\nreader.read(300)\nprint('end')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "end\n")
    assert "Fatal" not in done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_neither_hangs_nor_goes_on() -> None:
    with Pool.simulated(Simulation(3, workers=3)) as pool:
        reader = pool.source(range(1000)).map(lambda n: n)
        reader.read(200)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                reader.read(200)
            except PoolForkedError:
                reader.close()
                pool.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert reader.read(5) == list(range(200, 205))


def test_a_pool_says_that_it_is_simulated() -> None:
    with Pool.simulated(Simulation(9, workers=2), name="mill") as pool:
        assert repr(pool) == "<Pool 'mill', size 2, simulated from seed 9, 0 tasks>"
        assert (pool.simulated_from, Pool(0).simulated_from) == (9, None)
        assert repr(current()).startswith("<Report of seed 9: ")
