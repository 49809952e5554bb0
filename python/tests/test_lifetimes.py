"""What happens to what nobody needs any more."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import operator
import sys
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from millpond import Pool, PoolReader, ReaderClosedError, ReadTimeoutError


class Thing:
    """Something that can be watched going away."""


def test_leaving_a_loop_early_leaves_the_source_alone(pool_size: int) -> None:
    pulled: list[int] = []

    def source() -> Iterator[int]:
        for number in itertools.count():
            pulled.append(number)
            yield number

    with Pool(pool_size) as pool:
        reader = pool.source(source()).map(lambda n: n)
        for number in reader:
            if number == 3:
                break
        reader.close()
        count = len(pulled)
        assert 4 <= count < 100_000
        assert pool.task_count == 0


def test_a_reader_is_let_go_of_that_is_closed_while_another_thread_reads() -> None:
    def read(reader: PoolReader[int]) -> None:
        with contextlib.suppress(ReaderClosedError):
            while True:
                reader.read(1)

    with Pool(1) as pool, ThreadPoolExecutor(1) as executor:
        for _ in range(300):
            reader = pool.source(range(1_000_000))
            reading = executor.submit(read, reader)
            while operator.length_hint(reader) == 1_000_000:
                time.sleep(0)
            reader.close()
            reading.result(60)
            assert pool.task_count == 0


@pytest.mark.parametrize("how", ["close", "lose", "leave", "pool"])
def test_a_generator_is_closed_with_its_reader(pool_size: int, how: str) -> None:
    closed: list[bool] = []

    def source() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.append(True)

    pool = Pool(pool_size)
    generator = source()
    reader: PoolReader[str] | None = pool.source(generator).map(str)
    assert reader is not None
    assert reader.read(2) == ["0", "1"]
    assert not closed
    if how == "close":
        reader.close()
    elif how == "lose":
        reader = None
    elif how == "leave":
        with reader:
            pass
    else:
        pool.close()
    assert closed


def test_functions_and_items_go_with_their_reader(pool_size: int) -> None:
    thing, item = Thing(), Thing()
    watched = [weakref.ref(thing), weakref.ref(item)]

    def keep(x: object, thing: Thing = thing) -> object:
        return x

    reader = Pool(pool_size).source([item, 1, 2]).map(keep)
    del thing, item, keep
    assert isinstance(reader.read(1)[0], Thing)
    assert watched[0]() is not None
    del reader
    gc.collect()
    assert [ref() for ref in watched] == [None, None]


@pytest.mark.parametrize("kind", ["map", "source", "flat_map", "handler", "try_map", "coroutine"])
def test_cycles_through_a_reader_are_collected(pool_size: int, kind: str) -> None:
    def make() -> list[weakref.ref[object]]:
        pool, thing = Pool(pool_size), Thing()
        holder: list[object] = [thing, pool]

        def function(item: object, *_: object) -> object:
            assert holder
            return item

        async def coroutine(item: object) -> object:
            return function(item)

        reader: PoolReader[object] = pool.source(range(10_000))
        if kind == "map":
            reader = reader.map(function).filter(function)
        elif kind == "source":
            reader = pool.source(function(number) for number in range(10_000))
        elif kind == "flat_map":
            reader = reader.flat_map(lambda item: [function(item)])
        elif kind == "handler":
            reader = reader.map(lambda item: item, on_error=function)
        elif kind == "try_map":
            reader = reader.try_map(function)[0]
        else:
            reader = reader.map(coroutine)
        holder.append(reader)
        reader.read(3)
        return [weakref.ref(thing), weakref.ref(pool), weakref.ref(reader)]

    watched = make()
    for _ in range(5):
        gc.collect()
    assert [ref() for ref in watched] == [None, None, None]


async def first_of(reader: PoolReader[object]) -> None:
    async for _ in reader:
        break


class Linked(Thing):
    """Something that refers to what it is an item of."""

    reader: object = None


@pytest.mark.parametrize(
    "kind",
    [
        "tee",
        "partition",
        "try_map",
        "rejected",
        "flat_map",
        "batch",
        "chain",
        "iteration",
        "read_ahead",
        "channel",
        "channel behind",
        "zip",
        "partial batch",
        "async iteration",
    ],
)
def test_cycles_through_an_item_that_waits_are_collected(pool_size: int, kind: str) -> None:
    def linked(item: object = None, *, fails: bool = False) -> Linked:
        link = Linked()
        links.append(link)
        if fails:
            raise KeyError(link)
        return link

    def make() -> list[weakref.ref[object]]:
        pool = Pool(pool_size)
        source = pool.source(range(40), max_chunksize=8)
        reader: PoolReader[object]
        if kind == "tee":
            first, second = source.map(linked).tee(2)
            first.read(9)
            reader = second
        elif kind == "partition":
            first, second = source.map(linked).partition(lambda _: len(links) % 2)
            first.read(9)
            reader = second
        elif kind == "try_map":
            done, failed = source.try_map(lambda item: linked(fails=item % 2 == 1))
            failed.read(9)
            reader = done
        elif kind == "rejected":
            done, failed = source.try_map(lambda item: linked(fails=item % 2 == 1))
            done.read(9)
            reader = failed.map(lambda rejected: rejected)
        elif kind == "flat_map":
            reader = source.flat_map(lambda _: [linked() for _ in range(9)])
            reader.read(3)
        elif kind == "batch":
            first, second = source.map(linked).tee(2)
            first.read(9)
            reader = second.batch(3)
        elif kind == "chain":
            first, second = source.map(linked).tee(2)
            first.read(9)
            reader = pool.chain(pool.source(range(9)), second)
            reader.read(3)
        elif kind == "iteration":
            reader = source.map(linked)
            for _ in reader:
                break
        elif kind == "async iteration":
            reader = source.map(linked)
            asyncio.run(first_of(reader))
        elif kind in ("channel", "channel behind"):
            writer, reader = pool.channel()
            writer.write_all(linked() for _ in range(5))
            if kind == "channel behind":
                reader = reader.map(lambda item: item)
            reader.read(1)
        elif kind == "zip":
            writer, left = pool.channel()
            _silent, right = pool.channel()
            writer.write_all(linked() for _ in range(5))
            reader = left.zip(right)
            with pytest.raises(ReadTimeoutError):
                reader.read(1, timeout=0)
        elif kind == "partial batch":
            writer, items = pool.channel()
            writer.write_all(linked() for _ in range(2))
            reader = items.batch(3)
            with pytest.raises(ReadTimeoutError):
                reader.read(1, timeout=0)
        else:
            reader = pool.source(range(40), max_chunksize=8).map(linked, read_ahead=20)
            reader.read(3)
        for link in links:
            link.reader = reader
        return [weakref.ref(pool), weakref.ref(reader)]

    links: list[Linked] = []
    watched = make()
    # What no reader holds, the list does no longer either.
    links.clear()
    for _ in range(100):
        # A helper may be on its way out.
        gc.collect()
        if all(ref() is None for ref in watched):
            break
        time.sleep(0)
    assert [ref() for ref in watched] == [None, None]


@pytest.mark.parametrize("kind", ["map", "source", "try_map", "coroutine"])
def test_a_reader_whose_function_raised_is_collected_with_the_frame_that_read_it(pool_size: int, kind: str) -> None:
    def fail(item: int) -> int:
        if item == 3:
            raise (KeyboardInterrupt if kind == "try_map" else KeyError)(item)
        return item

    async def coroutine(item: int) -> int:
        return fail(item)

    def read() -> weakref.ref[object]:
        # The exception has the frame of the function, which has this one, which has the reader.
        reader: PoolReader[int] = Pool(pool_size).source(range(100))
        if kind == "map":
            reader = reader.map(fail)
        elif kind == "source":
            reader = Pool(pool_size).source(fail(item) for item in range(100))
        elif kind == "try_map":
            reader = reader.try_map(fail)[0]
        else:
            reader = reader.map(coroutine)
        if kind == "try_map":
            # An interrupt comes out of the read in which it struck; what was made stays.
            with pytest.raises(KeyboardInterrupt):
                reader.read(50, partial=True)
            assert reader.read(3) == [0, 1, 2]
        else:
            assert reader.read(50, partial=True) == [0, 1, 2]
        return weakref.ref(reader)

    watched = read()
    for _ in range(5):
        gc.collect()
    assert watched() is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says how large a process is")
def test_tasks_that_come_and_go_leave_nothing_behind(pool_size: int) -> None:
    def resident() -> int:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def come_and_go(count: int) -> None:
        for _ in range(count):
            pool.source((1, 2)).map(str).read(1)
            pool.source(()).map(str)

    with Pool(pool_size) as pool:
        come_and_go(5_000)
        before = resident()
        come_and_go(20_000)
        assert resident() - before < 2_000, "kilobytes"
        assert pool.task_count == 0


def begun(pool: Pool) -> PoolReader[int]:
    """Make a reader of a generator that is in the middle of its items."""

    def numbers() -> Iterator[int]:
        try:
            yield from range(9)
        finally:
            sum(range(3))

    reader = pool.source(numbers())
    assert reader.read(1) == [0]
    return reader


def test_an_error_on_its_way_is_not_lost_where_a_reader_goes_away(pool_size: int) -> None:
    pool = Pool(pool_size)
    for _ in range(50):
        with pytest.raises(ZeroDivisionError):
            operator.eq(begun(pool), 1 // 0)


def test_a_coroutine_returns_what_it_says_where_its_reader_goes_away(pool_size: int) -> None:
    async def last(pool: Pool) -> str:
        reader = begun(pool)
        assert await reader.read_async(1) == [1]
        return "said"

    pool = Pool(pool_size)
    for _ in range(20):
        assert asyncio.run(last(pool)) == "said"
