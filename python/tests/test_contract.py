"""What a read promises: it gives what was asked for, or raises and takes nothing."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

import pytest

from millpond import Pool, PoolReader, ReadTimeoutError
from millpond.classic.pool import ThreadPool
from millpond.classic.task import IteratorThreadTask

_T = TypeVar("_T")

TEXTS = ["1", "2", "x", "4"]

#: Reads of more items than there are before the failure.
READS: list[Callable[[PoolReader[Any]], object]] = [
    lambda reader: reader.read(),
    lambda reader: reader.read(3),
    lambda reader: reader.read(9, timeout=600),
    lambda reader: reader.read_all(),
    lambda reader: reader.read_all(timeout=600),
    lambda reader: asyncio.run(reader.read_async()),
    lambda reader: asyncio.run(reader.read_async(3)),
    lambda reader: asyncio.run(reader.read_async(3, timeout=600)),
    lambda reader: reader.collect(),
]


def in_asyncio(awaits: Callable[[], Awaitable[_T]]) -> _T:
    async def main() -> _T:
        return await awaits()

    return asyncio.run(main())


def in_trio(awaits: Callable[[], Awaitable[_T]]) -> _T:
    result: _T = pytest.importorskip("trio").run(awaits)
    return result


@pytest.mark.parametrize("read", READS)
def test_a_read_that_a_failure_cuts_short_raises_and_takes_nothing(
    pool_size: int, read: Callable[[PoolReader[Any]], object]
) -> None:
    with Pool(pool_size) as pool:
        reader = pool.source(TEXTS).map(int)
        for _ in range(3):
            with pytest.raises(ValueError, match="'x'"):
                read(reader)
        assert reader.read(1) == [1]
        with pytest.raises(ValueError, match="'x'"):
            read(reader)
        assert next(reader) == 2
        for _ in range(2):
            with pytest.raises(ValueError, match="'x'"):
                reader.read(1)


@pytest.mark.parametrize("read", READS)
def test_behind_every_kind_of_task(pool_size: int, read: Callable[[PoolReader[Any]], object]) -> None:
    with Pool(pool_size) as pool:

        def bad() -> PoolReader[int]:
            return pool.source(TEXTS).map(int)

        tee, other = bad().tee(2)
        odd, even = bad().partition(lambda n: n % 2 == 1)
        for reader in [
            bad().map(str),
            bad().filter(bool),
            bad().batch(2),
            bad().batch(2, within=600),
            bad().zip(pool.source(range(9))),
            pool.source(range(9)).zip(bad()),
            bad().chain(pool.source(range(9))),
            bad().merge(pool.source([])),
            bad().take(3),
            bad().skip(1),
            bad().map(str, ordered=False),
            tee,
            other,
            odd,
            even,
        ]:
            with pytest.raises(ValueError, match="'x'"):
                read(reader)


@pytest.mark.parametrize("read", [sum, set, lambda reader: reader.fold(max, 0), lambda reader: reader.reduce(max)])
def test_what_takes_the_items_itself_raises_too(pool_size: int, read: Callable[[PoolReader[int]], object]) -> None:
    with Pool(pool_size) as pool:
        with pytest.raises(ValueError, match="'x'"):
            read(pool.source(TEXTS).map(int))
        with pytest.raises(ValueError, match="'x'"):
            pool.source(TEXTS).map(int).collect(set)
        with pytest.raises(ValueError, match="'x'"):
            pool.source(TEXTS).map(int).for_each(str)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes before Python 3.11")
def test_the_note_says_how_many_items_can_be_read(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        reader = pool.source(TEXTS).map(int)
        line = sys._getframe().f_lineno - 1
        place = f"in task `int`, added at {__file__}:{line}, at item 2"
        for count, note in [(2, "; 2 items before it can still be read"), (1, "; 1 item before it can still be read")]:
            for _ in range(2):
                with pytest.raises(ValueError, match="'x'") as caught:
                    reader.read_all()
                assert caught.value.__notes__ == [place + note]  # type: ignore[attr-defined, unused-ignore]
            assert reader.read(1) == [3 - count]
        with pytest.raises(ValueError, match="'x'") as caught:
            reader.read_all()
        assert caught.value.__notes__ == [place]  # type: ignore[attr-defined, unused-ignore]


def test_nothing_is_read_where_nothing_is_asked_for(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        seen: list[int] = []
        reader = pool.source(range(9)).tap(seen.append)
        assert reader.read(0) == reader.read(0, timeout=1) == reader.try_read(0) == []
        assert in_asyncio(lambda: reader.read_async(0)) == []
        assert seen == []
        assert next(reader) == 0
        assert reader.read(0) == []
        assert reader.read(2) == [1, 2]
        assert reader.read() == list(range(3, 9))


def test_each_iteration_over_a_reader_that_has_failed_raises(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        reader = pool.source(TEXTS).map(int)
        seen: list[int] = []
        for _ in range(2):
            with pytest.raises(ValueError, match="'x'"):
                put_all(reader, seen)
            with pytest.raises(ValueError, match="'x'"):
                list(reader)
        assert seen == [1, 2]
        iteration = iter(reader)
        for iterator in (iteration, reader):
            with pytest.raises(ValueError, match="'x'"):
                next(iterator)
            for _ in range(2):
                with pytest.raises(StopIteration):
                    next(iterator)
        assert iter(iteration) is iteration


@pytest.mark.parametrize("run", [in_asyncio, in_trio])
def test_each_iteration_that_awaits_raises(pool_size: int, run: Callable[[Any], Any]) -> None:
    async def main() -> None:
        for expected in ([1, 2], []):
            seen: list[int] = []
            iteration = aiter_of(reader)
            with pytest.raises(ValueError, match="'x'"):
                await put_all_async(iteration, seen)
            assert seen == expected
            with pytest.raises(StopAsyncIteration):
                await iteration.__anext__()

    with Pool(pool_size) as pool:
        reader = pool.source(TEXTS).map(int)
        run(main)


def put_all(items: Iterable[_T], into: list[_T]) -> None:
    for item in items:
        into.append(item)


async def put_all_async(items: AsyncIterator[_T], into: list[_T]) -> None:
    while True:
        into.append(await items.__anext__())


def aiter_of(reader: PoolReader[_T]) -> Any:
    return reader.__aiter__()


def test_threads_that_iterate_over_one_reader_are_all_told(pool_size: int) -> None:
    if pool_size == 0:
        return
    with Pool(pool_size) as pool:
        reader = pool.source(range(200)).map(lambda n: n if n < 100 else [][n])
        seen: list[int] = []
        told: list[Exception] = []

        def iterate() -> None:
            try:
                put_all(reader, seen)
            except IndexError as error:
                told.append(error)

        threads = [threading.Thread(target=iterate) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(seen) == list(range(100))
        assert len(told) == 3


def test_as_many_items_as_come_in_time(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        writer, reader = pool.channel()
        writer.write_all(range(5))
        assert reader.read(3, timeout=600, partial=True) == [0, 1, 2]
        assert reader.read(3, timeout=0.001, partial=True) == [3, 4]
        with pytest.raises(ReadTimeoutError, match=r"^reading `3` items timed out after `0\.\d+` seconds"):
            reader.read(3, timeout=0.001, partial=True)
        writer.write(5)
        assert reader.read(timeout=0.001, partial=True) == [5]
        writer.close()
        assert reader.read(3, timeout=600, partial=True) == []
        failing = pool.source(TEXTS).map(int)
        assert failing.read(3, partial=True) == [1, 2]
        with pytest.raises(ValueError, match="'x'"):
            failing.read(3, partial=True)


@pytest.mark.parametrize("run", [in_asyncio, in_trio])
def test_an_awaited_read_may_be_bounded_in_time(pool_size: int, run: Callable[[Any], Any]) -> None:
    async def main() -> None:
        writer, reader = pool.channel()
        writer.write_all(range(5))
        assert await reader.read_async(3, timeout=600, partial=True) == [0, 1, 2]
        with pytest.raises(ReadTimeoutError, match=r"^reading `3` items timed out after `0\.\d+` seconds"):
            await reader.read_async(3, timeout=0.001)
        with pytest.raises(ReadTimeoutError, match=r"^reading all items timed out after `0\.\d+` seconds"):
            await reader.read_async(timeout=0.001)
        while (items := await reader.read_async(3, timeout=0.001, partial=True)) != [3, 4]:
            assert items == [3]
        with pytest.raises(ReadTimeoutError):
            await reader.read_async(3, timeout=0.001, partial=True)
        writer.close()
        assert await reader.read_async(3, timeout=600, partial=True) == []
        failing = pool.source(TEXTS).map(int)
        assert await failing.read_async(3, partial=True) == [1, 2]
        with pytest.raises(ValueError, match="'x'"):
            await failing.read_async(3, partial=True)

    with Pool(pool_size) as pool:
        run(main)


def test_a_group_that_a_failure_leaves_short_comes_before_it(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        for within in (None, 600):
            reader = pool.source(["1", "2", "3", "x"]).map(int).batch(2, within=within)
            assert reader.read(2) == [[1, 2], [3]]
            with pytest.raises(ValueError, match="'x'"):
                reader.read(1)


def test_the_classic_interface_keeps_its_ways(pool_size: int) -> None:
    pool = ThreadPool(pool_size)
    reader = pool.add_task(IteratorThreadTask(iter(TEXTS), "int", int))
    assert reader.read() == [1, 2]
    with pytest.raises(ValueError, match="'x'"):
        reader.read()
    reader = pool.add_task(IteratorThreadTask(iter("abc"), "upper", str.upper))
    assert reader.read(0) == ["A", "B", "C"]
