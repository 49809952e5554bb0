"""Coroutine functions as tasks, and reads that await."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Iterator

import pytest

from millpond import Pool, PoolReader, TaskTimeoutError


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_coroutine_functions_are_tasks(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        assert pool.source(range(300)).map(double).map(str).read_all() == [str(n * 2) for n in range(300)]
        assert sorted(pool.source(range(300)).map(double, ordered=False).read_all()) == [n * 2 for n in range(300)]


def test_each_kind_of_task_may_be_a_coroutine_function(pool_size: int) -> None:
    async def odd(number: int) -> bool:
        await asyncio.sleep(0)
        return number % 2 == 1

    async def twice(number: int) -> list[int]:
        return [number] * 2

    async def add(left: int, right: int) -> int:
        return left + right

    async def parse(text: str) -> int:
        return int(text)

    with Pool(pool_size) as pool:
        assert pool.source(range(6)).filter(odd).read_all() == [1, 3, 5]
        assert pool.source(range(3)).tap(odd).read_all() == [0, 1, 2]
        assert pool.source(range(3)).flat_map(twice).read_all() == [0, 0, 1, 1, 2, 2]
        assert pool.source([(1, 2), (3, 4)]).starmap(add).read_all() == [3, 7]
        numbers, rejected = pool.source(["1", "x"]).try_map(parse)
        assert numbers.read_all() == [1]
        assert [item for item, _ in rejected.read_all()] == ["x"]
        with pytest.raises(TypeError, match=r"^partitioning by a coroutine function, `odd`"):
            pool.source(range(3)).partition(odd)


def test_so_many_calls_are_under_way_and_no_more_items_pulled_than_were_asked_for(pool_size: int) -> None:
    pulled: list[int] = []
    running = 0
    most = 0

    def source() -> Iterator[int]:
        for number in range(10_000):
            pulled.append(number)
            yield number

    async def call(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1
        return number

    with Pool(pool_size) as pool:
        reader = pool.source(source()).map(call, concurrency=7)
        assert reader.read(10) == list(range(10))
        assert len(pulled) == 10
        assert reader.read(200) == list(range(10, 210))
        assert len(pulled) == 210
    assert 2 <= most <= 7


def test_errors_of_coroutines_are_those_of_functions(pool_size: int) -> None:
    async def invert(number: int) -> int:
        await asyncio.sleep(0)
        return 100 // number

    async def forever(number: int) -> int:
        await asyncio.Event().wait()
        return number

    with Pool(pool_size) as pool:
        reader = pool.source([1, 2, 0, 4]).map(invert)
        assert reader.read(9) == [100, 50]
        with pytest.raises(ZeroDivisionError):
            reader.read(9)
        assert pool.source([1, 0]).map(invert, on_error="skip").read_all() == [100]
        assert pool.source([1, 0]).map(invert, on_error=lambda error, item: item - 1).read_all() == [100, -1]
        with pytest.raises(TaskTimeoutError, match=r"^a call of task `forever` took longer than its timeout of `0.01`"):
            pool.source([1]).map(forever, timeout=0.01).read_all()
        # An upstream failure stays what it was.
        failing = pool.source([5, 0]).map(lambda n: 10 // n).map(double)
        assert failing.read(9) == [4]
        with pytest.raises(ZeroDivisionError):
            failing.read(9)


def test_closing_a_reader_cancels_what_is_under_way(pool_size: int) -> None:
    cancelled = threading.Event()

    async def wait(number: int) -> int:
        if number == 0:
            return 0
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return number

    with Pool(pool_size) as pool:
        reader = pool.source(range(2)).map(wait)
        assert next(reader) == 0
        with pytest.raises(TimeoutError):
            reader.read(1, timeout=0.05)
        reader.close()
        assert cancelled.wait(30)


def test_variables_of_the_context_are_those_of_when_the_task_was_added(pool_size: int) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    def get(_: object) -> int:
        value = variable.get()
        variable.set(value + 1)
        return value

    async def get_awaiting(_: object) -> int:
        return get(None)

    with Pool(pool_size) as pool:
        variable.set(5)
        plain = pool.source(range(20)).map(get, max_chunksize=1)
        awaiting = pool.source(range(20)).map(get_awaiting)
        variable.set(9)
        assert set(awaiting.read_all()) == {5}
        assert set(plain.read_all()) == {5}
        assert variable.get() == 9


def test_a_read_awaits_under_asyncio(pool_size: int) -> None:
    async def read(reader: PoolReader[int]) -> list[int]:
        items = await reader.read_async(3)
        async for item in reader:
            items.append(item)
            if len(items) == 10:
                break
        return items + await reader.read_async()

    with Pool(pool_size) as pool:
        assert asyncio.run(read(pool.source(range(50)).map(lambda n: n + 1))) == list(range(1, 51))
        assert asyncio.run(read(pool.source(range(50)).map(double))) == [n * 2 for n in range(50)]


def test_coroutines_run_on_the_loop_that_awaits(pool_size: int) -> None:
    async def loop(_: object) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def read() -> bool:
        return set(await reader.read_async()) == {asyncio.get_running_loop()}

    with Pool(pool_size) as pool:
        reader = pool.source(range(20)).map(loop)
        assert asyncio.run(read())


def test_other_coroutines_run_meanwhile(pool_size: int) -> None:
    async def main() -> list[str]:
        writer, reader = pool.channel()

        async def feed() -> None:
            await asyncio.sleep(0)
            writer.write("a")
            await asyncio.sleep(0)
            writer.close()

        items, _ = await asyncio.gather(reader.map(str.upper).read_async(), feed())
        return items

    with Pool(pool_size) as pool:
        assert asyncio.run(main()) == ["A"]


def test_a_read_that_is_cancelled_has_taken_nothing(pool_size: int) -> None:
    async def main() -> list[int]:
        writer, reader = pool.channel()
        writer.write_all([1, 2])
        task = asyncio.ensure_future(reader.read_async(3))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        writer.close()
        return await reader.read_async()

    with Pool(pool_size) as pool:
        assert asyncio.run(main()) == [1, 2]


def test_an_error_comes_out_of_an_awaited_read(pool_size: int) -> None:
    async def main() -> None:
        reader = pool.source([1, 0]).map(lambda n: 1 // n)
        assert await reader.read_async(1) == [1]
        with pytest.raises(ZeroDivisionError):
            await reader.read_async(1)

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_read_awaits_under_trio(pool_size: int) -> None:
    trio = pytest.importorskip("trio")

    async def read() -> list[int]:
        items: list[int] = await reader.read_async(3)
        async for item in reader:
            items.append(item)
        return items

    async def feed() -> None:
        await trio.sleep(0)
        writer.write_all([3, 4])
        writer.close()

    async def main() -> list[int]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed)
            return await read()

    with Pool(pool_size) as pool:
        writer, reader = pool.channel()
        writer.write_all([1, 2])
        assert trio.run(main) == [1, 2, 3, 4]


def test_awaiting_outside_of_an_event_loop_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trio", raising=False)
    coroutine = Pool(0).source([1]).read_async()
    with pytest.raises(RuntimeError, match=r"^awaiting a read outside of asyncio and trio"):
        coroutine.send(None)
