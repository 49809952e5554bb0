"""Coroutine functions as tasks, and reads that await."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator

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
        with pytest.raises(
            TypeError, match=r"^`partition` calls plain functions, and function is a coroutine function, `odd`"
        ):
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
        assert reader.read(9, partial=True) == [100, 50]
        with pytest.raises(ZeroDivisionError):
            reader.read(9)
        assert pool.source([1, 0]).map(invert, on_error="skip").read_all() == [100]
        assert pool.source([1, 0]).map(invert, on_error=lambda error, item: item - 1).read_all() == [100, -1]
        with pytest.raises(TaskTimeoutError, match=r"^a call of task `forever` took longer than its timeout of `0.01`"):
            pool.source([1]).map(forever, timeout=0.01).read_all()
        # An upstream failure stays what it was.
        failing = pool.source([5, 0]).map(lambda n: 10 // n).map(double)
        assert failing.read(9, partial=True) == [4]
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


async def cancel_itself(number: int) -> int:
    if number % 2 == 0:
        return number
    task = asyncio.ensure_future(asyncio.sleep(60))
    task.cancel()
    await task
    return number


async def cancel_its_task(number: int) -> int:
    if number % 2 == 0:
        return number
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)
    return number


CANCELLING = pytest.mark.parametrize("function", [cancel_itself, cancel_its_task])


@CANCELLING
def test_a_coroutine_that_is_cancelled_by_itself_fails_its_item_once(
    pool_size: int, function: Callable[[int], Awaitable[int]]
) -> None:
    calls: list[int] = []

    async def call(number: int) -> int:
        calls.append(number)
        return await function(number)

    with Pool(pool_size) as pool:
        with pytest.raises(asyncio.CancelledError):
            pool.source([1]).map(call).read_all()
        assert calls == [1]
        calls.clear()
        reader = pool.source(range(5)).map(call, on_error="skip", concurrency=1)
        assert reader.read_all() == [0, 2, 4]
        assert calls == [0, 1, 2, 3, 4]
        handled = pool.source(range(3)).map(function, on_error=lambda error, item: type(error))
        assert handled.read_all() == [0, asyncio.CancelledError, 2]


def test_a_call_that_is_cancelled_by_itself_is_made_again_as_often_as_was_said(pool_size: int) -> None:
    calls: list[int] = []

    async def call(number: int) -> int:
        calls.append(number)
        return await cancel_itself(number if len(calls) < 3 else 0)

    with Pool(pool_size) as pool:
        assert pool.source([1]).map(call, retries=2).read_all() == [0]
    assert calls == [1, 1, 1]


@CANCELLING
def test_such_a_failure_comes_out_of_a_read_that_awaits(
    pool_size: int, function: Callable[[int], Awaitable[int]]
) -> None:
    async def main() -> list[int]:
        with pytest.raises(asyncio.CancelledError):
            await pool.source([1]).map(function).read_async()
        return await pool.source(range(4)).map(function, on_error="skip").read_async()

    with Pool(pool_size) as pool:
        assert asyncio.run(main()) == [0, 2]


def test_a_call_whose_loop_ends_is_made_again(pool_size: int) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def call(number: int) -> int:
        loops.append(asyncio.get_running_loop())
        if len(loops) == 1:
            is_begun.set()
            await asyncio.Event().wait()
        return number

    async def main() -> None:
        task = asyncio.ensure_future(reader.read_async(1))
        await asyncio.get_running_loop().run_in_executor(None, is_begun.wait)
        task.cancel()

    with Pool(pool_size) as pool:
        is_begun = threading.Event()
        reader = pool.source([7]).map(call)
        if pool_size == 0:
            # The reader does the work, and there is nobody else to wait for the call.
            is_begun.set()
        asyncio.run(main())
        assert reader.read_all() == [7]
    assert len(set(loops)) == len(loops)


def test_after_a_cancelled_read_no_call_is_begun(pool_size: int) -> None:
    calls: list[int] = []

    async def main() -> None:
        is_begun, may_end, has_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def call(number: int) -> int:
            calls.append(number)
            is_begun.set()
            await may_end.wait()
            has_ended.set()
            return number

        reader = pool.source(range(10)).map(call, concurrency=1)
        reading = asyncio.ensure_future(reader.read_async(5))
        await is_begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        may_end.set()
        await has_ended.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert calls == [0]
        assert await reader.read_async(3) == [0, 1, 2]
        assert calls == [0, 1, 2]

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_cancelled_read_holds_up_no_other_one(pool_size: int) -> None:
    async def main() -> list[int]:
        may_end = asyncio.Event()

        async def call(number: int) -> int:
            await may_end.wait()
            return number

        reader = pool.source(range(10)).map(call, concurrency=1)
        cancelled, other = (asyncio.ensure_future(reader.read_async(4)) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        may_end.set()
        return await other

    with Pool(pool_size) as pool:
        assert asyncio.run(main()) == [0, 1, 2, 3]


def test_calls_stay_on_the_loop_as_long_as_one_read_awaits_there(pool_size: int) -> None:
    async def main() -> None:
        here = asyncio.get_running_loop()

        async def call(number: int) -> bool:
            await asyncio.sleep(0)
            return asyncio.get_running_loop() is here

        reader = pool.source(range(60)).map(call, concurrency=2)
        first, second = await asyncio.gather(reader.read_async(5), reader.read_async(50))
        assert set(first + second) == {True}

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_after_a_failure_no_call_is_begun(pool_size: int) -> None:
    calls: list[int] = []

    async def call(number: int) -> int:
        calls.append(number)
        if number == 2:
            raise OSError(number)
        return number

    with Pool(pool_size) as pool:
        with pytest.raises(OSError, match=r"^2"):
            list(pool.source(range(100)).map(call, concurrency=1))
        assert calls == [0, 1, 2]


def test_two_loops_together_have_no_more_calls_under_way(pool_size: int) -> None:
    lock = threading.Lock()
    running = most = 0

    async def call(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            for _ in range(3):
                await asyncio.sleep(0)
        finally:
            # Also when the loop ends.
            with lock:
                running -= 1
        return number

    async def read() -> list[int]:
        return await reader.read_async(100)

    with Pool(max(1, pool_size)) as pool:
        reader = pool.source(range(200)).map(call, concurrency=3)
        parts: list[list[int]] = []
        threads = [threading.Thread(target=lambda: parts.append(asyncio.run(read()))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(parts[0] + parts[1]) == list(range(200))
    assert most <= 3


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout is there from Python 3.11 on")
def test_a_timeout_within_a_coroutine_is_its_own(pool_size: int) -> None:
    async def call(number: int) -> int:
        if number % 2:
            async with asyncio.timeout(0):
                await asyncio.sleep(60)
        return number

    with Pool(pool_size) as pool:
        assert pool.source(range(6)).map(call, on_error="skip", concurrency=1).read_all() == [0, 2, 4]
        with pytest.raises(TimeoutError):
            pool.source([1]).map(call).read_all()


def test_under_trio_coroutine_functions_run_in_trio(pool_size: int) -> None:
    trio = pytest.importorskip("trio")

    async def call(number: int) -> int:
        await trio.sleep(0)
        assert trio.lowlevel.in_trio_task()
        return number * 2

    async def forever(number: int) -> int:
        await trio.sleep_forever()
        return number

    async def main() -> None:
        assert await pool.source(range(20)).map(call).read_async() == [n * 2 for n in range(20)]
        assert [item async for item in pool.source(range(20)).map(call, concurrency=3)] == [n * 2 for n in range(20)]
        with pytest.raises(TaskTimeoutError):
            await pool.source([1]).map(forever, timeout=0.01).read_async()
        with trio.move_on_after(0.01) as scope:
            await hanging.read_async()
        assert scope.cancelled_caught

    with Pool(pool_size) as pool:
        # The run ends while a call is under way.
        hanging = pool.source([1]).map(forever)
        trio.run(main)
