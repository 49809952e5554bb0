"""Do all that the native module does, in small: what valgrind watches."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import sys
import threading
from functools import partial

from millpond import ChannelFullError, Pool, PoolReader, ReadTimeoutError, Rejected
from millpond.testing import Faults, Simulation, spawn

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20


class Failure(Exception):
    """What functions raise."""


def fail(item: object) -> object:
    """Fail at each seventh item."""
    if isinstance(item, int) and item % 7 == 6:
        raise Failure(item)
    return [item]


def readers(pool: Pool) -> None:
    """Every operation of a reader."""
    items = [object() for _ in range(30)]
    source = pool.source(iter(items), max_chunksize=7)
    pairs = source.map(lambda item: (item, [item])).starmap(lambda item, many: many).flatten().tap(repr)
    assert pairs.filter(bool).filter_map(lambda item: item).enumerate().skip(2).take(20).batch(3).read_all()
    first, second, third = pool.source(items).flat_map(lambda item: [item, item]).tee(3)
    yes, no = first.partition(lambda item: id(item) % 2)
    assert len(yes.chain(no).read_all()) == 60
    assert len(second.zip(third).read(5)) == 5
    done, rejected = pool.source(range(20)).try_map(fail)
    assert len(done.read_all()) == 18
    assert all(isinstance(entry, Rejected) for entry in rejected)
    assert len(pool.merge(pool.source(items), pool.source(items)).read_all()) == 60
    assert pool.source(range(9)).take_while(lambda item: item < 5).fold(lambda left, right: left + right, 0) == 10
    assert pool.source(range(20)).map(fail, on_error="skip", retries=1).read_all()
    assert pool.source(range(20)).map(fail, on_error=lambda error, item: (error, item)).read_all()
    assert pool.source(range(20)).batch(3, within=0.0001).read(2)


def endings(pool: Pool) -> None:
    """Errors, drops in the middle, cycles, generators that are closed."""
    reader = pool.source(range(20)).map(fail)
    reader.read_all()
    for _ in range(2):
        with contextlib.suppress(Failure):
            reader.read(1)
    held: list[object] = []
    cycle = pool.source(held for _ in itertools.count()).map(lambda item: (item, held))
    held.append(cycle)
    cycle.read(3)
    endless = pool.source(itertools.count()).map(str)
    for item in endless:
        if item == "5":
            break
    endless.close()
    pool.source(range(1_000)).map(str).read(10)
    with contextlib.suppress(ReadTimeoutError):
        pool.channel()[1].read(1, timeout=0.0001)
    assert pool.source([1]).try_read(1) is None or True


def channels(pool: Pool) -> None:
    """Channels, with threads that write and read."""
    writer, reader = pool.channel(3)
    with contextlib.suppress(ChannelFullError):
        while True:
            writer.try_write(object())
    taken: list[object] = []
    if pool.simulated_from is not None:
        thread = spawn(write, writer)
        taken += reader.map(lambda item: item).read_all()
        thread.join()
    elif pool.size == 0:
        writer.close()
        taken += reader.map(lambda item: item).read_all()
    else:
        system = threading.Thread(target=write, args=(writer,))
        system.start()
        taken += reader.map(lambda item: item).read_all()
        system.join()
    assert len(taken) >= 3


def write(writer: object) -> None:
    """Write into a channel and close it."""
    writer.write_all(object() for _ in range(20))  # type: ignore[attr-defined]
    writer.close()  # type: ignore[attr-defined]


def values(pool: Pool) -> None:
    """Graphs of values."""
    leaves = [pool.value(lambda n: [n], n) for n in range(10)]
    total = pool.value(lambda lists: [item for items in lists for item in items], leaves)
    assert len(total.get()) == 10
    broken = pool.value(fail, 6)
    for _ in range(2):
        with contextlib.suppress(Failure):
            pool.value(repr, broken).get()


async def awaiting(pool: Pool) -> None:
    """Read in a coroutine, and have one for a task."""
    reader: PoolReader[object] = pool.source(range(30)).map(fail, on_error="skip")
    assert len(await reader.read_async(5)) == 5
    assert [item async for item in reader]
    never = pool.channel()[1]
    with contextlib.suppress(asyncio.TimeoutError, TimeoutError):
        await asyncio.wait_for(never.read_async(1), 0.0001)
    if pool.simulated_from is None:
        assert len(await pool.source(range(10)).map(later).read_async()) == 10


async def later(item: int) -> list[int]:
    """Give an item after others had their turn."""
    await asyncio.sleep(0)
    return [item]


def calls(pool: Pool) -> None:
    """Make the pool an executor."""
    with pool.as_executor() as executor:
        futures = [executor.submit(fail, number) for number in range(10)]
        assert sum(future.exception() is not None for future in futures) == 1


def everything(make: object) -> None:
    """All of it with one pool."""
    with make() as pool:  # type: ignore[operator]
        readers(pool)
        endings(pool)
        channels(pool)
        values(pool)
        asyncio.run(awaiting(pool))
        if pool.simulated_from is None and pool.size > 0:
            pool.size = 3
            pool.size = 2
    gc.collect()


for number in range(ROUNDS):
    everything(lambda: Pool(0))
    everything(lambda: Pool(2))
    with Pool(2) as of_threads:
        calls(of_threads)
    simulation = Simulation(number, faults=Faults(slow=10, resize=2, visit=1))
    everything(partial(Pool.simulated, simulation))
print(f"{ROUNDS} rounds of everything")
