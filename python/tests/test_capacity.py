"""Branches of limited room: a full one makes the others wait, and a wait that could not end is an error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from millpond import BranchFullError, DeadlockError, Pool, PoolReader, ReadTimeoutError

SIZES = (0, 1, 2, 8)


class Counted:
    """Numbers, and how many of them were taken."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.made = 0

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            self.made += 1
            yield number


@pytest.mark.parametrize("size", SIZES)
def test_a_thread_that_reads_one_branch_alone_is_told_and_loses_nothing(size: int) -> None:
    numbers = Counted(100)
    with Pool(size) as pool:
        first, second = pool.source(numbers).map(abs).tee(capacity=7, patience=0.001)
        for _ in range(2):
            with pytest.raises(BranchFullError, match=r"^branch `1` of task `tee` is full with the `7` items of its"):
                first.read(20)
        assert numbers.made == 7
        assert second.read(5) == [0, 1, 2, 3, 4]
        with pytest.raises(DeadlockError, match=r"read from that branch, drop its reader, or raise the capacity$"):
            first.read()
        assert numbers.made == 12
        assert first.read(9) == list(range(9))
        second.close()
        assert first.read() == list(range(9, 100))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "read",
    [lambda reader: reader.read(), list, lambda reader: reader.collect(), lambda reader: reader.fold(max, 0)],
    ids=["read", "list", "collect", "fold"],
)
def test_every_form_of_read_is_told(size: int, read: Callable[[PoolReader[int]], Any]) -> None:
    with Pool(size) as pool:
        first, _second = pool.source(range(100)).tee(capacity=7, patience=0.001)
        with pytest.raises(BranchFullError):
            read(first)


@pytest.mark.parametrize("size", SIZES)
def test_divided_items_keep_to_their_capacity(size: int) -> None:
    with Pool(size) as pool:
        odd, even = pool.source(range(1000)).partition(lambda n: n % 10, capacity=5, patience=0.001)
        with pytest.raises(BranchFullError, match=r"^branch `0` of task `partition` is full with the `5` items"):
            even.read(2)
        assert odd.read(5) == [1, 2, 3, 4, 5]
        numbers, rejected = pool.source("123abcdef").try_map(int, capacity=2, patience=0.001)
        with pytest.raises(BranchFullError, match=r"^branch `1` of task `int` is full with the `2` items"):
            numbers.read()
        assert [item.item for item in rejected.read(2)] == ["a", "b"]
        assert numbers.read(3) == [1, 2, 3]


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("capacity", [1, 20])
def test_a_thread_that_reads_the_other_branch_is_waited_for(size: int, capacity: int) -> None:
    full = threading.Event()

    def tell(number: int) -> int:
        if number + 1 >= capacity:
            full.set()
        return number

    with Pool(size) as pool:
        first, second = pool.source(range(2000)).map(tell).tee(capacity=capacity, patience=3600)
        others: list[int] = []

        def read_on() -> None:
            full.wait()
            others.extend(second)

        thread = threading.Thread(target=read_on)
        thread.start()
        assert first.read() == list(range(2000))
        thread.join()
        assert others == list(range(2000))


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_read_with_a_time_out_ends_by_it(size: int) -> None:
    with Pool(size) as pool:
        first, second = pool.source(range(100)).tee(capacity=7, patience=3600)
        with pytest.raises(ReadTimeoutError):
            first.read(20, timeout=0.01)
        assert second.read(7) == list(range(7))


@pytest.mark.parametrize("size", SIZES)
def test_reads_that_await_wait_for_each_other(size: int) -> None:
    async def main() -> None:
        with Pool(size) as pool:
            first, second = pool.source(range(500)).map(abs).tee(capacity=10, patience=3600)
            one, other = await asyncio.gather(first.read_async(205), second.read_async(200))
            assert (one, other) == (list(range(205)), list(range(200)))
            with pytest.raises(ReadTimeoutError):
                await first.read_async(timeout=0.01)

    asyncio.run(main())


@pytest.mark.parametrize("size", SIZES)
def test_a_read_that_awaits_alone_is_told_and_loses_nothing(size: int) -> None:
    async def main() -> None:
        with Pool(size) as pool:
            first, second = pool.source(range(100)).map(abs).tee(capacity=7, patience=0.001)
            with pytest.raises(BranchFullError, match=r"^branch `1` of task `tee` is full with the `7` items"):
                await first.read_async(20)
            assert await second.read_async(7) == list(range(7))
            assert await first.read_async(14) == list(range(14))
            with pytest.raises(BranchFullError):
                async for _ in first:
                    pass
            second.close()
            assert [item async for item in first] == list(range(14, 100))

    asyncio.run(main())


@pytest.mark.parametrize("size", SIZES)
def test_items_that_a_coroutine_function_rejects_keep_to_their_capacity(size: int) -> None:
    async def parse(text: str) -> int:
        return int(text)

    async def main() -> None:
        with Pool(size) as pool:
            numbers, rejected = pool.source("abc1").try_map(parse, capacity=2, patience=0.001)
            with pytest.raises(BranchFullError, match=r"^branch `1` of task `parse` is full with the `2` items"):
                await numbers.read_async(1)
            assert [item.item for item in await rejected.read_async(2)] == ["a", "b"]
            assert await numbers.read_async(1) == [1]

    asyncio.run(main())


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_branch_that_is_closed_is_waited_for_no_more(size: int) -> None:
    full = threading.Event()

    def tell(number: int) -> int:
        if number == 6:
            full.set()
        return number

    with Pool(size) as pool:
        first, second = pool.source(range(100)).map(tell).tee(capacity=7, patience=3600)

        def close() -> None:
            full.wait()
            second.close()

        thread = threading.Thread(target=close)
        thread.start()
        assert first.read() == list(range(100))
        thread.join()


@pytest.mark.parametrize("size", SIZES)
def test_an_iteration_goes_on_after_it_was_told(size: int) -> None:
    with Pool(size) as pool:
        first, second = pool.source(range(20)).tee(capacity=7, patience=0.001)
        items = iter(first)
        assert [next(items) for _ in range(7)] == list(range(7))
        with pytest.raises(BranchFullError):
            next(items)
        assert second.read(7) == list(range(7))
        assert next(items) == 7


@pytest.mark.parametrize("size", SIZES)
def test_a_branch_that_only_the_waiting_read_reads_is_told(size: int) -> None:
    with Pool(size) as pool:
        first, second = pool.source(range(1000)).tee(capacity=3, patience=0.001)
        pairs = first.filter(lambda n: n % 10 == 9).zip(second)
        with pytest.raises(BranchFullError):
            pairs.read(1)
        first, second = pool.source(range(1000)).tee(capacity=3, patience=3600)
        assert first.zip(second).read(2) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_capacity_of_nothing_is_refused(capacity: int) -> None:
    reader = Pool(0).source(range(9))
    message = f"^capacity must be at least 1, got {capacity}$"
    with pytest.raises(ValueError, match=message):
        reader.tee(capacity=capacity)
    with pytest.raises(ValueError, match=message):
        reader.partition(bool, capacity=capacity)
    with pytest.raises(ValueError, match=message):
        reader.try_map(int, capacity=capacity)
    with pytest.raises(TypeError, match=r"^capacity must be an int, got '2'$"):
        reader.tee(capacity="2")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^patience must not be negative, got -1$"):
        reader.tee(capacity=2, patience=-1)
    with pytest.raises(ValueError, match=r"^patience is how long a full reader is waited for, got 2\.0 without"):
        reader.tee(patience=2)
    assert reader.read(1) == [0]
