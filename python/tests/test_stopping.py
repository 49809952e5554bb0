"""Ctrl-C, `sys.exit` and other exceptions that are no `Exception` come out of the read, which can be read on."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from millpond import Pool, PoolReader, TaskError
from millpond.classic.pool import ThreadPool
from millpond.classic.task import ChannelThreadTask, IteratorThreadTask


class Stop(BaseException):
    """An exception that is no `Exception`."""


INTERRUPTS = [KeyboardInterrupt, SystemExit, Stop]


class Interrupted:
    """A function that is interrupted when it is called for the first time with `at`."""

    def __init__(self, interrupt: type[BaseException], at: int = 7) -> None:
        self.interrupt = interrupt
        self.at = at
        self.calls: list[int] = []
        self.was_interrupted = False

    def __call__(self, item: int) -> int:
        self.calls.append(item)
        if item == self.at and not self.was_interrupted:
            self.was_interrupted = True
            raise self.interrupt
        return item


TASKS: dict[str, Callable[[PoolReader[int], Callable[[int], Any]], PoolReader[int]]] = {
    "map": lambda reader, function: reader.map(function),
    "filter": lambda reader, function: reader.filter(lambda item: function(item) is not None),
    "filter_map": lambda reader, function: reader.filter_map(function),
    "tap": lambda reader, function: reader.tap(function),
    "flat_map": lambda reader, function: reader.flat_map(lambda item: [function(item)]),
    "starmap": lambda reader, function: reader.map(lambda item: (item,)).starmap(function),
    "take_while": lambda reader, function: reader.take_while(lambda item: function(item) is not None),
    "partition": lambda reader, function: reader.partition(lambda item: function(item) is not None)[0],
    "try_map": lambda reader, function: reader.try_map(function)[0],
    "skipping": lambda reader, function: reader.map(function, on_error="skip", retries=3, timeout=60),
    "handling": lambda reader, function: reader.map(function, on_error=lambda error, item: -1),
    "between": lambda reader, function: reader.map(abs).map(function).map(abs).filter(None).map(abs),
    "batches": lambda reader, function: reader.map(function).batch(1).map(lambda batch: batch[0]),
    "unordered": lambda reader, function: reader.map(function, concurrency=1, ordered=False),
}


async def a_turn() -> None:
    """Let others have a turn, under asyncio or trio."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        await trio.sleep(0)
    else:
        await asyncio.sleep(0)


def awaiting(function: Callable[[int], Any], waits: bool = True) -> Callable[[int], Any]:
    """Have a coroutine function call a function, at once or after others had their turn."""

    async def call(item: int) -> Any:
        if waits:
            await a_turn()
        return function(item)

    return call


TASKS.update(
    {
        "coroutines": lambda reader, function: reader.map(awaiting(function)),
        "coroutines at once": lambda reader, function: reader.map(awaiting(function, False), concurrency=3),
        "a filter's coroutines": lambda reader, function: reader.filter(
            awaiting(lambda item: function(item) is not None), concurrency=20
        ),
        "coroutines with a policy": lambda reader, function: reader.map(
            awaiting(function), on_error="skip", retries=3, timeout=60
        ),
        "coroutines out of order": lambda reader, function: reader.map(
            awaiting(function), concurrency=1, ordered=False
        ),
        "coroutines in between": lambda reader, function: (
            reader.map(abs).map(awaiting(function)).map(abs).batch(1).flatten()
        ),
    }
)


def one_by_one(reader: PoolReader[int], into: list[int]) -> None:
    while items := reader.read(1):
        into += items


def iterated(reader: PoolReader[int], into: list[int]) -> None:
    into.extend(reader)


def all_at_once(reader: PoolReader[int], into: list[int]) -> None:
    into += reader.read_all()


def by_fives(reader: PoolReader[int], into: list[int]) -> None:
    while items := reader.read(5):
        into += items


def in_time(reader: PoolReader[int], into: list[int]) -> None:
    while items := reader.read(5, timeout=60):
        into += items


def awaited(reader: PoolReader[int], into: list[int]) -> None:
    async def read() -> None:
        while items := await reader.read_async(5):
            into.extend(items)

    asyncio.run(read())


def iterated_awaiting(reader: PoolReader[int], into: list[int]) -> None:
    async def read() -> None:
        async for item in reader:
            into.append(item)

    asyncio.run(read())


def awaited_in_trio(reader: PoolReader[int], into: list[int]) -> None:
    trio = pytest.importorskip("trio")

    async def read() -> None:
        while items := await reader.read_async(5):
            into.extend(items)

    trio.run(read)


READS = [one_by_one, iterated, all_at_once, by_fives, in_time, awaited, iterated_awaiting, awaited_in_trio]


@pytest.mark.parametrize("add", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("interrupt", INTERRUPTS)
def test_an_interrupt_comes_out_of_the_read_and_loses_nothing(
    pool_size: int,
    add: Callable[[PoolReader[int], Callable[[int], Any]], PoolReader[int]],
    read: Callable[[PoolReader[int], list[int]], None],
    interrupt: type[BaseException],
) -> None:
    function = Interrupted(interrupt)
    items: list[int] = []
    with Pool(pool_size) as pool:
        reader = add(pool.source(range(1, 41)), function)
        with pytest.raises(interrupt):
            read(reader, items)
        read(reader, items)
    assert items == list(range(1, 41))
    # Once more for the one that was interrupted.
    assert sorted(function.calls) == sorted([*range(1, 41), 7])


@pytest.mark.parametrize("interrupt", INTERRUPTS)
def test_an_interrupt_of_a_task_of_a_coroutine_leaves_the_pools_loop_running(
    pool_size: int, interrupt: type[BaseException]
) -> None:
    function = Interrupted(interrupt)

    async def call(item: int) -> int:
        return await asyncio.ensure_future(awaiting(function)(item))  # type: ignore[no-any-return]

    with Pool(pool_size) as pool:
        reader = pool.source(range(1, 41)).map(call)
        with pytest.raises(interrupt):
            reader.read_all()
        assert reader.read_all() == list(range(1, 41))
    assert sorted(function.calls) == sorted([*range(1, 41), 7])


@pytest.mark.parametrize("interrupt", INTERRUPTS)
def test_an_interrupt_in_another_thread_comes_out_of_the_read_that_waits_for_it(
    interrupt: type[BaseException],
) -> None:
    here = threading.get_ident()
    function = Interrupted(interrupt)

    def call(item: int) -> int:
        assert threading.get_ident() != here
        return function(item)

    with Pool(2) as pool:
        reader = pool.source(range(100)).map(call, concurrency=1)
        # A read that awaits leaves the work to others.
        with pytest.raises(interrupt):
            asyncio.run(reader.read_async(100))
        assert asyncio.run(reader.read_async(100)) == list(range(100))
    assert sorted(function.calls) == sorted([*range(100), 7])


def test_a_source_that_was_interrupted_has_failed(pool_size: int) -> None:
    def numbers() -> Iterator[int]:
        yield from range(3)
        raise KeyboardInterrupt

    with Pool(pool_size) as pool:
        reader = pool.source(numbers())
        assert reader.read(3) == [0, 1, 2]
        with pytest.raises(KeyboardInterrupt):
            reader.read_all()
        with pytest.raises(TaskError, match="was interrupted at item 3"):
            reader.read(1)


@pytest.fixture
def alarm() -> Iterator[Callable[..., None]]:
    """Have a signal's handler raise an exception soon."""

    def start(error: type[BaseException], soon: bool = True) -> None:
        def handle(*_: object) -> None:
            raise error

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.05 if soon else 0)

    before = signal.getsignal(signal.SIGALRM)
    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("error", [*INTERRUPTS, TimeoutError])
def test_a_reader_that_was_only_waiting_goes_on(
    pool_size: int, error: type[BaseException], alarm: Callable[..., None]
) -> None:
    with Pool(pool_size) as pool:
        writer, items = pool.channel()
        reader = items.map(str)
        writer.write_all("ab")

        def read() -> None:
            alarm(error)
            reader.read(3)

        with pytest.raises(error):
            read()
        writer.write("c")
        writer.close()
        assert reader.read_all() == ["a", "b", "c"]


@pytest.mark.parametrize("error", INTERRUPTS)
@pytest.mark.parametrize("policy", [{}, {"on_error": "skip"}, {"retries": 5}], ids=str)
def test_an_interrupt_of_a_signal_is_no_failure_of_a_call(
    pool_size: int, error: type[BaseException], policy: dict[str, Any], alarm: Callable[..., None]
) -> None:
    is_struck = threading.Event()

    def call(item: int) -> int:
        if threading.current_thread() is threading.main_thread() and not is_struck.is_set():
            is_struck.set()
            signal.raise_signal(signal.SIGALRM)
        return item

    with Pool(pool_size) as pool:
        reader = pool.source(range(50)).map(call, **policy)
        alarm(error, False)
        with pytest.raises(error):
            reader.read_all()
        assert reader.read_all() == list(range(50))


def test_an_executor_without_threads_is_interrupted_at_once() -> None:
    calls: list[int] = []

    def call(item: int) -> None:
        calls.append(item)
        raise KeyboardInterrupt

    executor = Pool(0).as_executor()
    with pytest.raises(KeyboardInterrupt):
        executor.map(call, itertools.count())
    with pytest.raises(KeyboardInterrupt):
        executor.submit(call, 1)
    assert calls == [0, 1]
    executor.shutdown()


@pytest.mark.parametrize("interrupt", INTERRUPTS)
@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize("timeout", [None, 60])
def test_a_classic_reader_is_read_on(
    pool_size: int, interrupt: type[BaseException], count: int, timeout: float | None
) -> None:
    function = Interrupted(interrupt)
    pool = ThreadPool(pool_size)
    numbers = pool.add_task(IteratorThreadTask(iter(range(1, 21)), "numbers", None))
    task = ChannelThreadTask(numbers, "task", function)
    reader = pool.add_task(task)
    items: list[int] = []

    def read() -> None:
        while more := reader.read(count, timeout=timeout):
            items.extend(more)

    with pytest.raises(interrupt):
        read()
    assert task.error() is None
    read()
    assert items == list(range(1, 21))
