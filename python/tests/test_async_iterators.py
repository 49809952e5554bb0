"""Async generators and async iterators, as sources and as results of functions."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from millpond import DeadlockError, Pool, PoolReader


class Numbers:
    """An async generator's life: what was pulled, on which loop, and how it ended."""

    def __init__(self, end: int | None = None, fails_at: int | None = None) -> None:
        self.end = end
        self.fails_at = fails_at
        self.pulled: list[int] = []
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.tasks: list[asyncio.Task[Any] | None] = []
        self.ended: list[type[BaseException] | None] = []
        self.is_closed = threading.Event()

    async def __call__(self, first: int = 0) -> AsyncIterator[int]:
        error: type[BaseException] | None = None
        self.note()
        try:
            for number in itertools.count(first) if self.end is None else range(first, self.end):
                if number == self.fails_at:
                    raise OSError(number)
                await asyncio.sleep(0)
                self.pulled.append(number)
                yield number
        except BaseException as raised:
            error = type(raised)
            raise
        finally:
            # Closing may take its time.
            await asyncio.sleep(0)
            self.note()
            self.ended.append(error)
            self.is_closed.set()

    def note(self) -> None:
        self.loops.append(asyncio.get_running_loop())
        self.tasks.append(asyncio.current_task())


class Counting:
    """An async iterator that is no generator."""

    def __init__(self, end: int) -> None:
        self.numbers = iter(range(end))
        self.is_closed = False

    def __aiter__(self) -> Counting:
        return self

    async def __anext__(self) -> int:
        for number in self.numbers:
            await asyncio.sleep(0)
            return number
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.is_closed = True


def all_at_once(reader: PoolReader[int]) -> list[int]:
    return reader.read_all()


def one_by_one(reader: PoolReader[int]) -> list[int]:
    items: list[int] = []
    while more := reader.read(1):
        items += more
    return items


def iterated(reader: PoolReader[int]) -> list[int]:
    return list(reader)


def awaited(reader: PoolReader[int]) -> list[int]:
    return asyncio.run(reader.read_async())


def iterated_awaiting(reader: PoolReader[int]) -> list[int]:
    async def read() -> list[int]:
        return [item async for item in reader]

    return asyncio.run(read())


READS = pytest.mark.parametrize("read", [all_at_once, one_by_one, iterated, awaited, iterated_awaiting])


@READS
def test_an_async_generator_is_a_source(pool_size: int, read: Callable[[PoolReader[int]], list[int]]) -> None:
    numbers = Numbers(600)
    with Pool(pool_size) as pool:
        assert read(pool.source(numbers()).map(lambda number: number + 1)) == list(range(1, 601))
        assert numbers.is_closed.wait(60)
    assert numbers.ended == [None]
    # One task, from the beginning to the end.
    assert len(set(numbers.tasks)) == 1


@READS
def test_an_async_iterator_is_a_source(pool_size: int, read: Callable[[PoolReader[int]], list[int]]) -> None:
    with Pool(pool_size) as pool:
        counting = Counting(300)
        assert read(pool.source(counting)) == list(range(300))
        # Only generators are closed.
        assert not counting.is_closed
        assert read(pool.source(Counting(0))) == []


@READS
def test_async_generators_are_results_of_flat_map(pool_size: int, read: Callable[[PoolReader[int]], list[int]]) -> None:
    expected = [number for first in range(5) for number in range(first, 7)]
    numbers = Numbers(7)

    async def count(first: int) -> Counting:
        await asyncio.sleep(0)
        return Counting(first)

    async def listed(first: int) -> list[int]:
        return list(range(first))

    counted = [number for first in range(5) for number in range(first)]
    with Pool(pool_size) as pool:
        assert read(pool.source(range(5)).flat_map(numbers)) == expected
        assert numbers.ended == [None] * 5
        # What a plain function returns turns out to be one when it is called.
        assert read(pool.source(range(5)).flat_map(lambda first: numbers(first))) == expected
        assert read(pool.source(range(5)).flat_map(functools.partial(numbers))) == expected
        assert read(pool.source([numbers(first) for first in range(5)]).flatten()) == expected
        assert read(pool.source(range(5)).flat_map(count)) == counted
        assert read(pool.source(range(5)).flat_map(listed)) == counted
        assert read(pool.source(range(5)).flat_map(numbers, retries=1)) == expected


def test_only_what_is_read_is_pulled(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        numbers = Numbers()
        reader = pool.source(numbers()).map(lambda number: number)
        assert numbers.loops == []
        assert reader.read(3) == [0, 1, 2]
        assert numbers.pulled == [0, 1, 2]
        assert reader.read(300) == list(range(3, 303))
        assert numbers.pulled == list(range(303))

        inner = Numbers()
        flat = pool.source(range(10, 20)).flat_map(inner)
        assert inner.loops == []
        assert flat.read(2) == [10, 11]
        assert inner.pulled == [10, 11]
        assert flat.read(2) == [12, 13]


def test_an_iteration_pulls_no_more_than_a_window(pool_size: int) -> None:
    async def main() -> None:
        async for number in pool.source(numbers(), max_chunksize=3):
            if number == 9:
                return

    with Pool(pool_size) as pool:
        numbers = Numbers()
        asyncio.run(main())
        assert 10 <= len(numbers.pulled) <= 10 + 3 * 3 * max(pool_size, 1)


def test_so_many_come_at_once_as_was_said(pool_size: int) -> None:
    sizes: list[int] = []

    with Pool(pool_size) as pool:
        reader = pool.source(Numbers(10)(), min_count=4)
        assert reader.read(1) == [0]
        while items := reader.try_read():
            sizes.append(len(items))
        assert sizes == [3]
        assert reader.read_all() == list(range(4, 10))


def test_a_failure_comes_after_the_items_before_it(pool_size: int) -> None:
    adding: list[Callable[[Numbers], PoolReader[int]]] = [
        lambda numbers: pool.source(numbers()),
        lambda numbers: pool.source([0]).flat_map(numbers),
        lambda numbers: pool.source([0]).flat_map(lambda first: numbers(first)),
    ]
    with Pool(pool_size) as pool:
        for add in adding:
            numbers = Numbers(fails_at=3)
            reader = add(numbers)
            assert reader.read(3) == [0, 1, 2]
            with pytest.raises(OSError, match=r"^3"):
                reader.read(1)
            assert numbers.ended == [OSError]

        calls: list[int] = []

        async def fails_once(first: int) -> AsyncIterator[int]:
            calls.append(first)
            yield first
            if len(calls) == 1:
                raise OSError
            yield first + 1

        assert pool.source([5, 7]).flat_map(fails_once, retries=1).read_all() == [5, 6, 7, 8]
        assert calls == [5, 5, 7]
        skipping = pool.source(range(2)).flat_map(Numbers(5, fails_at=3), on_error="skip")
        assert skipping.read_all() == []


def test_what_is_no_iterable_is_a_failure(pool_size: int) -> None:
    async def five(_: int) -> int:
        return 5

    with Pool(pool_size) as pool, pytest.raises(TypeError, match=r"^'int' object is not iterable"):
        pool.source([1]).flat_map(five).read_all()  # type: ignore[arg-type]


@pytest.mark.parametrize("add", ["source", "flat_map", "flatten"])
@pytest.mark.parametrize("end", ["close", "drop", "failure", "pool"])
@pytest.mark.parametrize("awaits", [False, True])
def test_what_nobody_reads_any_more_is_closed_where_it_ran(pool_size: int, add: str, end: str, awaits: bool) -> None:
    def fail(number: int) -> int:
        if number == 3:
            raise LookupError
        return number

    def make(pool: Pool) -> PoolReader[int]:
        if add == "source":
            reader = pool.source(numbers())
        elif add == "flat_map":
            reader = pool.source([0]).flat_map(numbers)
        else:
            reader = pool.source([numbers()]).flatten()
        return reader.map(fail) if end == "failure" else reader

    async def main() -> None:
        pool = Pool(pool_size)
        reader = make(pool)
        assert (await reader.read_async(2) if awaits else reader.read(2)) == [0, 1]
        if end == "close":
            reader.close()
        elif end == "drop":
            del reader
            gc.collect()
        elif end == "failure" and awaits:
            with pytest.raises(LookupError):
                await reader.read_async(5)
        elif end == "failure":
            with pytest.raises(LookupError):
                reader.read(5)
        else:
            pool.close()
        while not numbers.is_closed.is_set():
            await asyncio.sleep(0)
        here = asyncio.get_running_loop()
        assert len(set(numbers.loops)) == 1
        # What turns out to be an async iterable in a plain task is the pool's own loop's.
        assert (numbers.loops[0] is here) == (awaits and add != "flatten")
        pool.close()

    numbers = Numbers()
    asyncio.run(main())
    assert len(numbers.ended) == 1


def test_a_generator_that_waits_is_cancelled(pool_size: int) -> None:
    is_waiting, is_cancelled = threading.Event(), threading.Event()

    async def wait() -> AsyncIterator[int]:
        yield 0
        try:
            is_waiting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            is_cancelled.set()
            raise
        yield 1

    with Pool(pool_size) as pool:
        reader = pool.source(wait())
        assert reader.read(1) == [0]
        with pytest.raises(TimeoutError):
            reader.read(1, timeout=0.01)
        assert is_waiting.wait(60)
        reader.close()
        assert is_cancelled.wait(60)


def test_it_is_closed_before_its_loop_ends(pool_size: int) -> None:
    numbers = Numbers()

    async def main() -> PoolReader[int]:
        reader = pool.source(numbers())
        assert await reader.read_async(2) == [0, 1]
        return reader

    with Pool(pool_size) as pool:
        reader = asyncio.run(main())
        assert len(numbers.ended) == 1
        assert len(set(numbers.loops)) == 1
        with pytest.raises(RuntimeError, match=r"^the async iterator of task `source` has not come to its end"):
            reader.read_all()
        with pytest.raises(RuntimeError, match="has not come to its end"):
            asyncio.run(reader.read_async())


@pytest.mark.parametrize("turns", range(6))
def test_the_end_of_the_loop_waits_for_what_is_being_closed(pool_size: int, turns: int) -> None:
    steps: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                yield number
        finally:
            for step in range(20):
                await asyncio.sleep(0)
                steps.append(step)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.001)
            steps.append(-1)

    async def main() -> None:
        reader = pool.source(numbers())
        assert await reader.read_async(2) == [0, 1]
        reader.close()
        for _ in range(turns):
            await asyncio.sleep(0)

    with Pool(pool_size) as pool:
        asyncio.run(main())
    assert steps == [*range(20), -1]


def test_a_cancelled_read_pulls_nothing_more_and_loses_nothing(pool_size: int) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        pulled: list[int] = []

        async def numbers() -> AsyncIterator[int]:
            for number in itertools.count():
                if number == 2:
                    await gate.wait()
                pulled.append(number)
                yield number

        reader = pool.source(numbers())
        reading = asyncio.ensure_future(reader.read_async(5))
        while len(pulled) < 2:
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        gate.set()
        for _ in range(50):
            await asyncio.sleep(0)
        # The item that it waited for, and no other.
        assert pulled == [0, 1, 2]
        assert await reader.read_async(4) == [0, 1, 2, 3]
        assert pulled == [0, 1, 2, 3]

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_read_that_would_wait_for_its_own_loop_says_so(pool_size: int) -> None:
    async def main() -> None:
        reader = pool.source(Numbers()())
        assert await reader.read_async(1) == [0]
        with pytest.raises(DeadlockError, match=r"which runs on the event loop of the thread that waits; await"):
            reader.read(1)
        assert await reader.read_async(1) == [1]

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_loop_that_does_not_run_is_an_error(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        reader = pool.source(Numbers()())
        loop = asyncio.new_event_loop()
        try:
            assert loop.run_until_complete(reader.read_async(1)) == [0]
            with pytest.raises(DeadlockError, match=r"whose event loop does not run at the moment; await"):
                reader.read(1)
            with pytest.raises(DeadlockError, match=r"whose event loop does not run at the moment; await"):
                asyncio.run(reader.read_async(1))
            assert loop.run_until_complete(reader.read_async(2)) == [1, 2]
        finally:
            # Without a word to what runs on it.
            loop.close()
        with pytest.raises(RuntimeError, match="has not come to its end"):
            reader.read(1)
        del reader
        gc.collect()


def test_threads_read_what_a_loop_gives(pool_size: int) -> None:
    async def main() -> None:
        numbers = Numbers()
        reader = pool.source(numbers())
        assert await reader.read_async(1) == [0]
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, reader.read, 3) == [1, 2, 3]
        assert set(numbers.loops) == {loop}

    # In serial mode one thread reads at a time, which here is one after the other.
    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_generator_that_somebody_else_closes_is_a_failure(pool_size: int) -> None:
    async def main() -> None:
        generator = Numbers()()
        reader = pool.source(generator)
        assert await reader.read_async(1) == [0]
        await generator.aclose()  # type: ignore[attr-defined]
        with pytest.raises(RuntimeError, match=r"^the async generator of task `source` was closed by somebody else"):
            await reader.read_async(1)

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_what_closing_raises_is_reported(pool_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[Any] = []
    is_reported = threading.Event()

    def report(unraisable: Any) -> None:
        reports.append(unraisable.exc_value)
        is_reported.set()

    monkeypatch.setattr("sys.unraisablehook", report)

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            raise LookupError("closing")

    with Pool(pool_size) as pool:
        reader = pool.source(numbers())
        assert reader.read(1) == [1]
        reader.close()
        assert is_reported.wait(60)
    assert list(map(str, reports)) == ["closing"]


def test_many_are_pulled_at_once_with_coroutines(pool_size: int) -> None:
    async def call(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    async def main() -> None:
        reader = pool.source(Numbers(500)()).map(call, concurrency=20).flat_map(few)
        assert await reader.read_async() == [n for number in range(500) for n in range(number * 2 % 7)]

    async def few(number: int) -> AsyncIterator[int]:
        for n in range(number % 7):
            yield n

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_others_have_a_turn_while_items_are_there(pool_size: int) -> None:
    async def busy() -> AsyncIterator[int]:
        for number in itertools.count():
            yield number

    async def main() -> None:
        is_there = asyncio.Event()
        reading = asyncio.ensure_future(reader.read_async())
        for _ in range(20):
            await asyncio.sleep(0)
        is_there.set()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with Pool(pool_size) as pool:
        reader = pool.source(busy()).filter(lambda number: False)
        asyncio.run(main())


def test_under_trio_it_is_pulled_in_trio(pool_size: int) -> None:
    trio = pytest.importorskip("trio")
    ended: list[tuple[str, bool]] = []

    async def numbers(first: int = 0, name: str = "inner") -> AsyncIterator[int]:
        # What is opened here must be closed by the same task.
        try:
            with trio.CancelScope():
                for number in itertools.count(first) if first == 0 else range(first, 5):
                    await trio.sleep(0)
                    yield number
        finally:
            ended.append((name, trio.lowlevel.in_trio_task()))

    async def main() -> None:
        reader = pool.source(numbers(name="closed"))
        assert await reader.read_async(3) == [0, 1, 2]
        items = []
        async for item in reader:
            items.append(item)
            if item == 7:
                break
        assert items == [3, 4, 5, 6, 7]
        assert await pool.source(range(1, 5)).flat_map(numbers).read_async() == [1, 2, 3, 4, 2, 3, 4, 3, 4, 4]
        reader.close()
        while ("closed", True) not in ended:
            await trio.sleep(0)
        assert await left.read_async(1) == [0]

    with Pool(pool_size) as pool:
        # The run ends before it does.
        left = pool.source(numbers(name="left"))
        trio.run(main)
        assert ended.count(("inner", True)) == 4
        assert ("left", True) in ended
        with pytest.raises(RuntimeError, match="has not come to its end"):
            left.read(1)


def test_cycles_through_a_generator_are_collected(pool_size: int) -> None:
    class Marker:
        pass

    def make() -> Any:
        import weakref

        marker = Marker()

        async def numbers() -> AsyncIterator[int]:
            yield 1
            yield len(str((marker, reader)))

        pool = Pool(pool_size)
        reader = pool.source(numbers())
        assert reader.read(1) == [1]
        return weakref.ref(marker), pool

    marker, pool = make()
    for _ in range(100):
        gc.collect()
        if marker() is None:
            break
        threading.Event().wait(0.01)
    assert marker() is None
    pool.close()
