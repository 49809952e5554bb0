"""`async for` over a reader: workers work ahead, and every item goes to whoever asks for it."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
from collections.abc import Iterator

import pytest

from millpond import Pool, PoolReader

#: Pools whose iterations work ahead.
SHARED_SIZES = [1, 2, 8]


class Calls:
    """Coroutine calls each of which ends only when so many are under way at once, or all items are."""

    def __init__(self, at_once: int, items: int) -> None:
        self.at_once = at_once
        self.left = items
        self.running = 0
        self.peak = 0
        self.changed = asyncio.Event()

    async def __call__(self, number: int) -> int:
        self.running += 1
        self.left -= 1
        self.peak = max(self.peak, self.running)
        if self.running >= self.at_once or self.left == 0:
            self.changed.set()
            self.changed = asyncio.Event()
        else:
            await self.changed.wait()
        self.running -= 1
        return number


async def listed(reader: PoolReader[int]) -> list[int]:
    return [item async for item in reader]


@pytest.mark.parametrize("size", SHARED_SIZES)
@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
def test_as_many_coroutines_are_under_way_as_may_be(size: int, ordered: bool) -> None:
    async def main() -> None:
        calls = Calls(5, 60)
        items = await listed(pool.source(range(60)).map(calls, concurrency=5, ordered=ordered))
        assert sorted(items) == list(range(60))
        assert calls.peak == 5

    with Pool(size) as pool:
        asyncio.run(main())


def test_plain_functions_are_called_side_by_side() -> None:
    is_second = threading.Event()
    callers: set[int] = set()

    def call(number: int) -> int:
        callers.add(threading.get_ident())
        if len(callers) > 1:
            is_second.set()
        assert is_second.wait(60), "one call at a time"
        return number

    with Pool(4) as pool:
        assert asyncio.run(listed(pool.source(range(60)).map(call))) == list(range(60))


def test_an_iteration_pulls_no_more_than_a_window(pool_size: int) -> None:
    pulled = 0

    def source() -> Iterator[int]:
        nonlocal pulled
        for number in itertools.count():
            pulled += 1
            yield number

    async def main() -> None:
        async for item in pool.source(source(), max_chunksize=3):
            if item == 9:
                return

    with Pool(pool_size) as pool:
        asyncio.run(main())
        # Two chunks for each worker, and those that are being made.
        assert 10 <= pulled <= 10 + 3 * 3 * pool_size


def test_items_stay_with_the_reader_until_they_are_asked_for(pool_size: int) -> None:
    async def main() -> list[int]:
        items: list[int] = []
        async for item in reader:
            items.append(item)
            items += reader.read(1)
            items += await reader.read_async(1)
            if len(items) > 20:
                break
        return items + reader.read_all()

    with Pool(pool_size) as pool:
        reader = pool.source(range(100)).map(lambda number: number + 1)
        assert asyncio.run(main()) == list(range(1, 101))


def test_iterations_share_the_items(pool_size: int) -> None:
    async def main() -> list[list[int]]:
        return await asyncio.gather(*(listed(reader) for _ in range(3)))

    with Pool(pool_size) as pool:
        reader = pool.source(range(500)).map(lambda number: number)
        parts = asyncio.run(main())
    assert sorted(itertools.chain(*parts)) == list(range(500))
    assert all(part == sorted(part) for part in parts)


def test_others_have_a_turn_while_items_are_there() -> None:
    async def main() -> bool:
        is_there = asyncio.Event()
        asyncio.get_running_loop().call_soon(is_there.set)
        async for _ in reader:
            if is_there.is_set():
                return True
        return False

    with Pool(0) as pool:
        reader = pool.source(itertools.repeat(0, 1000), min_count=1000)
        assert asyncio.run(main())


def test_leaving_an_iteration_starts_nothing_more() -> None:
    async def main() -> None:
        calls: list[int] = []
        gate = asyncio.Event()

        async def call(number: int) -> int:
            calls.append(number)
            if number > 0:
                await gate.wait()
            return number

        reader = pool.source(itertools.count()).map(call, concurrency=3)
        async for item in reader:
            assert item == 0
            break
        gc.collect()
        begun = len(calls)
        gate.set()
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(calls) == begun <= 4
        assert await reader.read_async(5) == [1, 2, 3, 4, 5]
        assert sorted(calls) == sorted(set(calls))

    with Pool(2) as pool:
        asyncio.run(main())


def test_an_iteration_moves_from_loop_to_loop(pool_size: int) -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    with Pool(pool_size) as pool:
        items = pool.source(range(6)).map(double).__aiter__()

        async def following() -> int:
            return await items.__anext__()

        assert [asyncio.run(following()) for _ in range(6)] == [0, 2, 4, 6, 8, 10]
        with pytest.raises(StopAsyncIteration):
            asyncio.run(following())
