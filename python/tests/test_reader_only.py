"""Sources that only the thread that reads may iterate over."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from millpond import Pool, PoolReader

END = 500


def rows() -> Iterator[int]:
    """Give numbers of a database, whose connection belongs to the thread that calls this."""
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (x integer)")
    connection.executemany("insert into t values (?)", ((number,) for number in range(END)))

    def numbers() -> Iterator[int]:
        with contextlib.closing(connection):
            for (number,) in connection.execute("select x from t order by x"):
                yield number

    return numbers()


async def awaited(number: int) -> int:
    return number


TASKS: dict[str, Callable[[Pool, PoolReader[int]], PoolReader[int]]] = {
    "itself": lambda pool, reader: reader,
    "map": lambda pool, reader: reader.map(abs),
    "filter": lambda pool, reader: reader.map(abs).filter(lambda number: number is not None, concurrency=2),
    "batch": lambda pool, reader: reader.batch(3).flatten(),
    "tee": lambda pool, reader: reader.tee(2)[0].map(abs),
    "zip": lambda pool, reader: reader.zip(pool.source(itertools.count())).map(lambda pair: pair[0]),
    "chain": lambda pool, reader: pool.chain(pool.source([]), reader),
    "merge": lambda pool, reader: pool.merge(reader),
    "read_ahead": lambda pool, reader: reader.map(abs, read_ahead=20).map(abs),
    "coroutines": lambda pool, reader: reader.map(awaited).map(abs),
    "flat_map": lambda pool, reader: reader.flat_map(lambda number: [number]),
}


def all_at_once(reader: PoolReader[int]) -> list[int]:
    return reader.read_all()


def one_by_one(reader: PoolReader[int]) -> list[int]:
    return [item for items in iter(lambda: reader.read(1), []) for item in items]


def iterated(reader: PoolReader[int]) -> list[int]:
    return list(reader)


def in_time(reader: PoolReader[int]) -> list[int]:
    return [item for items in iter(lambda: reader.read(7, timeout=60), []) for item in items]


def awaiting(reader: PoolReader[int]) -> list[int]:
    return asyncio.run(reader.read_async())


def awaiting_each(reader: PoolReader[int]) -> list[int]:
    async def read() -> list[int]:
        return [item async for item in reader]

    return asyncio.run(read())


def in_trio(reader: PoolReader[int]) -> list[int]:
    import trio

    return trio.run(reader.read_async)


READS = [all_at_once, one_by_one, iterated, in_time, awaiting, awaiting_each, in_trio]


@pytest.mark.parametrize("add", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("read", READS)
def test_only_the_thread_that_reads_iterates(
    pool_size: int,
    add: Callable[[Pool, PoolReader[int]], PoolReader[int]],
    read: Callable[[PoolReader[int]], list[int]],
) -> None:
    if read is in_trio:
        # Before there is a connection that nobody would close.
        pytest.importorskip("trio")
    with Pool(pool_size) as pool:
        assert read(add(pool, pool.source(rows(), reader_only=True))) == list(range(END))


def test_another_thread_that_reads_iterates_as_well(pool_size: int) -> None:
    seen: list[int] = []
    with Pool(pool_size) as pool:

        def numbers() -> Iterator[int]:
            for number in range(100):
                seen.append(threading.get_ident())
                yield number

        reader = pool.source(numbers(), reader_only=True).map(abs)
        here = reader.read(50)
        there: list[int] = []
        thread = threading.Thread(target=lambda: there.extend(reader.read_all()))
        thread.start()
        thread.join()
        assert here + there == list(range(100))
        assert set(seen) <= {threading.get_ident(), thread.ident}


def test_a_function_that_reads_is_the_reader(pool_size: int) -> None:
    with Pool(pool_size) as pool:

        def total(_: int) -> int:
            return sum(pool.source(rows(), reader_only=True).map(abs))

        assert pool.source(range(20)).map(total).read_all() == [sum(range(END))] * 20


@pytest.mark.parametrize("size", [2, 8])
def test_helpers_take_part_in_what_comes_after(size: int) -> None:
    is_helped = threading.Event()
    here = threading.get_ident()

    def call(number: int) -> int:
        if threading.get_ident() != here:
            is_helped.set()
        elif number == 8:
            # By now functions are known to be slow, and more of them are there.
            is_helped.wait()
        else:
            threading.Event().wait(0.001)
        return number

    with Pool(size) as pool:
        assert pool.source(range(100), reader_only=True).map(call).read_all() == list(range(100))


class Owned(Iterator[int]):
    """Numbers that only the thread that made them may have."""

    def __init__(self) -> None:
        self.owner = threading.get_ident()
        self.is_asked_elsewhere = threading.Event()

    def __next__(self) -> int:
        if threading.get_ident() != self.owner:
            raise RuntimeError("made in another thread")
        return 1


def test_a_source_that_another_thread_may_not_use_says_the_way_out() -> None:
    with Pool(2) as pool:
        reader: PoolReader[Any] = pool.source(Owned(), name="owned")
        # A read that awaits leaves the work to others.
        with pytest.raises(RuntimeError, match="made in another thread") as caught:
            asyncio.run(reader.read_async(3))
        if sys.version_info >= (3, 11):
            assert caught.value.__notes__[0] == (
                "it was iterated over by another thread than the one that added it; with "
                "`pool.source(…, reader_only=True)` the thread that reads does it"
            )
            assert len(caught.value.__notes__) == 2
        assert asyncio.run(pool.source(Owned(), reader_only=True).read_async(3)) == [1, 1, 1]


def test_what_is_no_other_threads_business_is_not_noted() -> None:
    def numbers() -> Iterator[int]:
        raise ValueError("5")
        yield

    with Pool(2) as pool:
        with pytest.raises(ValueError, match="5") as caught:
            asyncio.run(pool.source(numbers()).read_async(3))
        assert len(getattr(caught.value, "__notes__", "1")) == 1


def test_an_async_iterable_is_not_for_the_reader() -> None:
    async def numbers() -> Any:
        yield 1

    with pytest.raises(TypeError, match="reader_only=True of an async iterable"):
        Pool(0).source(numbers(), reader_only=True)
