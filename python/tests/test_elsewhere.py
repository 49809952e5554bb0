"""Pools whose functions an executor calls, in other processes say."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from millpond import Pool, PoolReader

_posix = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by a signal")


def processes(workers: int = 2) -> ProcessPoolExecutor:
    """Make processes that start afresh, since the tests have threads."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessPoolExecutor]:
    """Give two processes."""
    with processes() as executor:
        yield executor


def square(number: int) -> int:
    return number * number


def is_odd(number: int) -> bool:
    return number % 2 == 1


def half(number: int) -> int | None:
    return None if number % 2 else number // 2


def add(left: int, right: int) -> int:
    return left + right


def divide(number: int) -> float:
    return 12 / number


def twice(number: int) -> Iterator[int]:
    yield number
    yield number


def process(_: object) -> int:
    return os.getpid()


def die_once(arguments: tuple[int, str]) -> int:
    """Kill the process that calls this, the first time that item 20 comes."""
    number, marker = arguments
    if number == 20:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def drain(reader: PoolReader[Any]) -> None:
    """Read to the end, or to what stops it."""
    while reader.read(7):
        pass


@pytest.mark.parametrize("size", [0, 1, 2, 8])
def test_functions_run_in_the_executor_and_the_pool_keeps_order_and_bounds(
    executor: ProcessPoolExecutor, size: int
) -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    pool = Pool(size, executor=executor)
    reader = pool.source(source()).map(square).filter(is_odd)
    assert reader.read(5) == [1, 9, 25, 49, 81]
    assert taken == list(range(10))
    assert os.getpid() not in pool.source(range(6)).map(process).read_all()


def test_every_kind_of_function_runs_there(executor: ProcessPoolExecutor) -> None:
    pool = Pool(2, executor=executor)
    assert pool.source([(1, 2), (3, 4)]).starmap(add).read_all() == [3, 7]
    assert pool.source(range(5)).filter_map(half).read_all() == [0, 1, 2]
    assert pool.source(range(2)).flat_map(twice).read_all() == [0, 0, 1, 1]
    good, bad = pool.source([4, 0, 3]).try_map(divide)
    assert good.read_all() == [3.0, 4.0]
    assert isinstance(bad.read(1)[0].error, ZeroDivisionError)
    assert pool.value(add, pool.value(square, 3), 1).get() == 10
    here: list[int] = []
    assert pool.source(range(3)).tap(here.append).read_all() == here == [0, 1, 2]


def test_an_error_is_what_the_function_raised(executor: ProcessPoolExecutor) -> None:
    reader = Pool(2, executor=executor).source([1, 2, 0, 3]).map(divide)
    assert reader.read(2) == [12.0, 6.0]
    with pytest.raises(ZeroDivisionError) as caught:
        reader.read(1)
    if sys.version_info >= (3, 11):
        assert "in task `divide`" in caught.value.__notes__[-1]


def test_as_many_calls_are_under_way_as_the_pool_has_workers() -> None:
    with ThreadPoolExecutor(8) as threads:
        assert Pool(executor=threads).size == 8
        lock = threading.Lock()
        running = most = 0

        def count(number: int) -> int:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.002)
            with lock:
                running -= 1
            return number

        assert Pool(3, executor=threads).source(range(200)).map(count).read_all() == list(range(200))
        assert 2 <= most <= 3


@_posix
def test_a_dead_process_is_a_clear_error(tmp_path: Path) -> None:
    items = [(number, str(tmp_path / "marker")) for number in range(40)]
    with processes() as executor, Pool(executor=executor) as pool:
        reader = pool.source(items).map(die_once)
        got: list[int] = []

        def read_on() -> None:
            while True:
                got.extend(reader.read(7))

        with pytest.raises(BrokenExecutor, match="terminated abruptly"):
            read_on()
        # All before the item that was lost, in order; it was 20 or one that was under way beside it.
        assert got == list(range(len(got)))
        assert len(got) <= 20


@_posix
@pytest.mark.parametrize("size", [0, 1, 2])
@pytest.mark.parametrize("policy", [{"on_error": "skip"}, {"on_error": lambda *_: None}, {"retries": 3}], ids=str)
def test_no_policy_skips_what_a_broken_executor_does_not_do(tmp_path: Path, size: int, policy: dict[str, Any]) -> None:
    items = [(number, str(tmp_path / "marker")) for number in range(40)]
    with processes() as executor, Pool(size, executor=executor) as pool:
        reader = pool.source(items).map(die_once, **policy)
        with pytest.raises(BrokenExecutor, match="terminated abruptly"):
            drain(reader)
        accepted, rejected = pool.source(items).try_map(die_once)
        with pytest.raises(BrokenExecutor):
            drain(accepted)
        with pytest.raises(BrokenExecutor):
            drain(rejected)
        with pytest.raises(BrokenExecutor):
            pool.task(die_once, **_of_values(policy))(items[0]).get()


def _of_values(policy: dict[str, Any]) -> dict[str, Any]:
    return {} if policy.get("on_error") == "skip" else policy


@pytest.mark.parametrize("policy", [{"on_error": "skip"}, {"retries": 3}], ids=str)
def test_no_policy_skips_what_an_executor_that_was_shut_down_does_not_do(policy: dict[str, Any]) -> None:
    executor = ThreadPoolExecutor(1)
    with Pool(2, executor=executor) as pool:
        reader = pool.source(range(40)).map(square, **policy)
        assert reader.read(1) == [0]
        executor.shutdown()
        # What was made before is given first.
        with pytest.raises(RuntimeError, match="after shutdown"):
            drain(reader)


def test_no_policy_skips_what_a_function_that_makes_no_executor_would_do() -> None:
    def make() -> Executor:
        raise OSError("no processes left")

    with Pool(2, executor=make) as pool:
        with pytest.raises(OSError, match="no processes left"):
            pool.source(range(40)).map(square, on_error="skip").read_all()


@_posix
def test_what_a_dead_process_lost_is_called_once_more_on_a_new_executor(tmp_path: Path) -> None:
    items = [(number, str(tmp_path / "marker")) for number in range(60)]
    made: list[Executor] = []

    def make() -> Executor:
        made.append(processes())
        return made[-1]

    with Pool(executor=make) as pool:
        assert pool.source(items).map(die_once, on_error="skip").read_all() == list(range(60))
    assert len(made) == 2


def die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@_posix
def test_an_item_that_kills_each_process_ends_the_read() -> None:
    made: list[Executor] = []

    def make() -> Executor:
        made.append(processes(1))
        return made[-1]

    with Pool(1, executor=make) as pool:
        with pytest.raises(BrokenExecutor, match="terminated abruptly"):
            pool.source(range(40)).map(die, on_error="skip", retries=5).read_all()
        # Nothing more is made for a pool that is closed.
        assert len(made) == 2


@_posix
def test_a_dead_process_is_made_again_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    items = [(number, str(tmp_path / "marker")) for number in range(60)]
    made: list[Executor] = []

    def make() -> Executor:
        made.append(processes())
        return made[-1]

    with Pool(executor=make) as pool:
        assert pool.size == 2
        assert pool.source(items).map(die_once, retries=3).read_all() == list(range(60))
    assert len(made) == 2


def test_what_was_made_for_the_pool_is_shut_down_with_it() -> None:
    made: list[ThreadPoolExecutor] = []

    def make() -> ThreadPoolExecutor:
        made.append(ThreadPoolExecutor(2))
        return made[-1]

    with Pool(executor=make) as pool:
        assert pool.source([-1]).map(abs).read_all() == [1]
    with pytest.raises(RuntimeError, match="shutdown"):
        made[0].submit(abs, 1)
    with ThreadPoolExecutor(2) as given:
        Pool(executor=given).close()
        assert given.submit(abs, -1).result() == 1


def test_an_executor_of_loky_works(tmp_path: Path) -> None:
    loky = pytest.importorskip("loky")
    items = [(number, str(tmp_path / "marker")) for number in range(60)]

    def make() -> Any:
        return loky.get_reusable_executor(max_workers=2)

    pool = Pool(executor=make)
    assert pool.source(items).map(die_once, retries=3).read_all() == list(range(60))
    pool.close()


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^executor must be a concurrent.futures.Executor, or a function .*, got 7$"):
        Pool(executor=7)  # type: ignore[arg-type]
