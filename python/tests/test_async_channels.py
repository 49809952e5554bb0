"""Writes that await: a full channel never blocks the event loop."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
from collections.abc import AsyncIterator

import pytest

from millpond import ChannelClosedError, Pool, PoolClosedError, ReadTimeoutError


class Ticks:
    """Counts the turns that others have on an event loop."""

    def __init__(self) -> None:
        self.count = 0

    async def tick(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)

    async def __aenter__(self) -> Ticks:
        self.task = asyncio.ensure_future(self.tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()

    async def more(self, count: int = 20) -> None:
        """Wait until others have had some turns."""
        wanted = self.count + count
        while self.count < wanted:
            await asyncio.sleep(0)


def test_a_write_waits_for_room_and_the_loop_goes_on(pool_size: int) -> None:
    async def main() -> None:
        writer, reader = pool.channel(2)
        async with Ticks() as ticks:
            await writer.write_async(1)
            await writer.write_async(2)
            writing = asyncio.ensure_future(writer.write_async(3))
            await ticks.more()
            assert not writing.done()
            assert len(writer) == 2
            # A reader in another thread makes room as well as one on the loop.
            assert await asyncio.get_running_loop().run_in_executor(None, reader.read, 1) == [1]
            await writing
            writing = asyncio.ensure_future(writer.write_async(4))
            await ticks.more()
            assert not writing.done()
            assert await reader.read_async(2) == [2, 3]
            await writing
            writer.close()
            assert await reader.read_async() == [4]

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_read_of_an_empty_channel_lets_the_loop_go_on(pool_size: int) -> None:
    async def main() -> None:
        writer, reader = pool.channel()
        async with Ticks() as ticks:
            for read in (reader.read_async(1), reader.__aiter__().__anext__()):
                reading = asyncio.ensure_future(read)
                await ticks.more()
                assert not reading.done()
                await writer.write_async(5)
                assert await reading in (5, [5])

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_all_is_written_in_order(pool_size: int) -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(100):
            await asyncio.sleep(0)
            yield number

    async def feed() -> None:
        async with writer:
            await writer.write_all_async(numbers())
            await writer.write_all_async(range(100, 500))

    async def main() -> None:
        items, _ = await asyncio.gather(reader.map(str).read_async(), feed())
        assert items == [str(number) for number in range(500)]

    with Pool(pool_size) as pool:
        writer, reader = pool.channel(3)
        asyncio.run(main())
        with pytest.raises(TypeError, match=r"^items must be an iterable, got 5$"):
            asyncio.run(writer.write_all_async(5))  # type: ignore[arg-type]


def test_writes_that_never_wait_let_others_have_a_turn() -> None:
    async def main() -> None:
        writer, _reader = Pool(0).channel()
        async with Ticks() as ticks:
            writing = asyncio.ensure_future(writer.write_all_async(itertools.count()))
            await ticks.more()
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            assert len(writer) > 0

    asyncio.run(main())


def test_a_cancelled_write_has_written_nothing(pool_size: int) -> None:
    async def main() -> None:
        writer, reader = pool.channel(1)
        async with Ticks() as ticks:
            await writer.write_async("a")
            first, second = (asyncio.ensure_future(writer.write_async(item)) for item in "bc")
            await ticks.more()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert await reader.read_async(2) == ["a", "c"]
            await second
            with pytest.raises(
                ReadTimeoutError, match=r"^writing to a full channel timed out after `\d+\.\d+` seconds$"
            ):
                await asyncio.gather(writer.write_async("d"), writer.write_async("e", timeout=0.01))
            assert await reader.read_async(1) == ["d"]

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_write_to_nobody_says_so(pool_size: int) -> None:
    async def main() -> None:
        for end in ("writer", "reader"):
            writer, reader = pool.channel(1)
            async with Ticks() as ticks:
                await writer.write_async(1)
                writing = asyncio.ensure_future(writer.write_async(2))
                await ticks.more()
                (writer if end == "writer" else reader).close()
                with pytest.raises(ChannelClosedError, match=r"^writing to a channel that was closed"):
                    await writing
                with pytest.raises(ChannelClosedError):
                    await writer.write_async(3)

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_write_under_way_outlives_its_writer(pool_size: int) -> None:
    async def main() -> None:
        writer, reader = pool.channel(1)
        await writer.write_async(1)
        writing = asyncio.ensure_future(writer.write_async(2))
        del writer
        gc.collect()
        assert await reader.read_async() == [1, 2]
        await writing

    with Pool(pool_size) as pool:
        asyncio.run(main())


def test_a_write_awaits_under_trio(pool_size: int) -> None:
    trio = pytest.importorskip("trio")

    async def feed() -> None:
        async with writer:
            await writer.write_all_async(range(10))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed)
            assert await reader.read_async() == list(range(10))
        full, _reader = pool.channel(1)
        await full.write_async(1)
        with trio.move_on_after(0.01) as scope:
            await full.write_async(2)
        assert scope.cancelled_caught
        assert len(full) == 1
        with pytest.raises(ReadTimeoutError):
            await full.write_async(2, timeout=0.01)

    with Pool(pool_size) as pool:
        writer, reader = pool.channel(2)
        trio.run(main)


def test_awaiting_a_write_outside_of_an_event_loop_says_so() -> None:
    writer, _reader = Pool(0).channel()
    coroutine = writer.write_async(1)
    with pytest.raises(RuntimeError, match=r"^awaiting a write outside of asyncio and trio: use `write` instead"):
        coroutine.send(None)


def test_a_pool_is_closed_without_blocking_and_waits_for_what_it_ran(pool_size: int) -> None:
    ended: list[str] = []
    begun: set[str] = set()

    async def wait(name: str) -> None:
        begun.add(name)
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            ended.append(name)

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                yield number
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            ended.append(name)

    async def main() -> None:
        async with Ticks() as ticks:
            async with Pool(pool_size) as pool:
                here, there = pool.source(numbers("here")), pool.source(numbers("there"))
                calls, calls_there = (pool.source([name]).map(wait) for name in ("call", "call there"))
                assert await here.read_async(2) == [0, 1]
                assert await asyncio.get_running_loop().run_in_executor(None, there.read, 2) == [0, 1]
                reading = asyncio.ensure_future(calls.read_async(1))
                while "call" not in begun:
                    await asyncio.sleep(0)
                with pytest.raises(ReadTimeoutError):
                    await asyncio.get_running_loop().run_in_executor(None, lambda: calls_there.read(1, timeout=0.01))
                while len(begun) < 2:
                    await asyncio.sleep(0)
                before = ticks.count
            assert ticks.count > before
            assert sorted(ended) == ["call", "call there", "here", "there"]
            assert pool.closed
            with pytest.raises(PoolClosedError):
                await reading

    asyncio.run(main())


def test_leaving_a_reader_waits_for_its_iterator(pool_size: int) -> None:
    ended: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                yield number
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            ended.append(0)

    async def main() -> None:
        with Pool(pool_size) as pool:
            async with pool.source(numbers()).map(abs) as reader:
                assert await reader.read_async(2) == [0, 1]
            assert ended == [0]
            assert reader.closed
            async with pool.source([1]) as plain:
                assert await plain.read_async() == [1]

    asyncio.run(main())


def test_pools_are_left_under_trio(pool_size: int) -> None:
    trio = pytest.importorskip("trio")
    is_begun = threading.Event()
    ended: list[int] = []

    async def wait(number: int) -> int:
        is_begun.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.append(number)
        return number

    async def main() -> None:
        async with Pool(pool_size) as pool:
            with pytest.raises(ReadTimeoutError):
                await pool.source([1]).map(wait).read_async(timeout=0.01)
        assert len(ended) == is_begun.is_set()

    trio.run(main)
