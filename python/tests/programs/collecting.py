"""Leave garbage that the engine holds, while workers still use it and the collector comes all the time.

Usage: collecting.py SCENARIO SIZE SECONDS; without arguments it names the scenarios. Ends with a line that says how
often it has done so. What it is about is that it ends at all: a worker that calls what the collector has cleared ends
the interpreter.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import faulthandler
import gc
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from millpond import Pool, PoolReader
from millpond.classic.pool import ThreadPool
from millpond.classic.task import ChannelThreadTask, IteratorThreadTask

variable = contextvars.ContextVar("variable", default=0)


class Failure(Exception):
    """What functions raise."""


def call(item: int) -> int:
    """Let others have the interpreter, and fail once."""
    time.sleep(0.00005)
    if item == 20:
        raise Failure(item)
    return item


async def await_call(item: int) -> int:
    """Likewise on a loop."""
    await asyncio.sleep(0)
    return call(item)


def is_odd(item: int) -> bool:
    """Say yes to every other item."""
    return call(item) % 2 == 1


def twice(item: int) -> Iterator[int]:
    """Give a generator that has something to do at its end."""
    try:
        yield call(item)
        yield item
    finally:
        time.sleep(0)


def numbers() -> Iterator[int]:
    """Fail in the middle."""
    for item in itertools.count():
        yield call(item)


def fail_reading(reader: PoolReader[object], held: object = None) -> BaseException | None:
    """Read until it fails, and leave a cycle: exception, traceback, this frame, reader, what the engine holds."""
    try:
        for _ in range(3):
            reader.read_all()
    except Failure as error:
        return error
    return None


def maps(pool: Pool) -> object:
    """Three functions that fail."""
    return fail_reading(pool.source(range(60)).map(call).map(call).map(call))


def filters(pool: Pool) -> object:
    """Functions that say yes or no."""
    return fail_reading(pool.source(range(60)).filter(is_odd).filter_map(call).tap(call).take_while(is_odd))


def tees(pool: Pool) -> object:
    """Branches, one of which is read from."""
    first, second = pool.source(range(60)).map(call).tee(2)
    yes, no = second.map(call).partition(is_odd)
    rejected = first.try_map(call)[1]
    return fail_reading(no, (yes, rejected))


def zips(pool: Pool) -> object:
    """Several inputs."""
    left, right, more = (pool.source(range(60)).map(call) for _ in range(3))
    return fail_reading(pool.chain(left.zip(right).map(lambda pair: call(pair[0])), more))


def flat_maps(pool: Pool) -> object:
    """Functions whose results are iterated."""
    return fail_reading(pool.source(range(60)).flat_map(twice).flat_map(twice))


def coroutines(pool: Pool) -> object:
    """Functions that run on the pool's loop."""
    return fail_reading(pool.source(range(60)).map(await_call).map(call).map(await_call))


def sources(pool: Pool) -> object:
    """Generators, in a context of their own."""
    variable.set(variable.get() + 1)
    return fail_reading(pool.merge(pool.source(numbers()).map(call), pool.source(numbers())))


def handlers(pool: Pool) -> object:
    """Functions that are asked what to do about an exception."""

    def handle(error: Exception, item: int) -> int:
        call(item + 1 if item < 20 else 20)
        return item

    return fail_reading(pool.source(range(60)).map(call, on_error=handle).map(call, retries=2))


def cycles(pool: Pool) -> object:
    """Readers that are in a cycle with their function's closure, and are left in the middle of their items."""

    def function(item: int) -> int:
        assert holder
        return call(item % 7)

    reader = pool.source(itertools.count(), read_ahead=5).map(function).map(function, read_ahead=9).map(function)
    holder = [reader, function]
    reader.read(20)
    for item in reader:
        if item:
            break
    return None


def pools(pool: Pool) -> object:
    """A reader of another pool."""
    with Pool(pool.size) as other:
        return fail_reading(pool.source(range(60)).map(call).zip(other.source(range(60)).map(call)).map(str))


def last_words(pool: Pool) -> object:
    """Readers that are read from, or come back, when they are garbage."""

    class Last:
        def __init__(self) -> None:
            self.reader = pool.source(itertools.count(), read_ahead=5).map(self.function).map(self.function)
            self.reader.read(5)

        def function(self, item: int) -> int:
            return call(item % 7)

        def __del__(self) -> None:
            saved.append(self.reader)
            assert len(self.reader.read(5)) == 5

    saved: list[PoolReader[int]] = []
    Last()
    # Returns at once while another thread collects.
    while not saved:
        gc.collect()
    for reader in saved:
        assert len(reader.read(20)) == 20
    return None


def closing(pool: Pool) -> object:
    """Readers that another thread closes, or goes on from, while they are read from."""
    first, second = pool.source(range(60)).map(call).tee(2)
    reader = first.map(call).map(call)
    closer = threading.Thread(target=reader.close)
    closer.start()
    with contextlib.suppress(Exception):
        fail_reading(reader, second)
    closer.join()
    return fail_reading(second.map(call))


def awaiting(pool: Pool) -> object:
    """Reads that await, one of which is given up."""

    async def read() -> BaseException | None:
        reader = pool.source(range(60)).map(call).map(await_call).map(call)
        with contextlib.suppress(asyncio.TimeoutError, Failure):
            await asyncio.wait_for(reader.read_async(), 0.0005)
        try:
            await reader.read_async()
        except Failure as error:
            return error
        return None

    return asyncio.run(read())


def values(pool: Pool) -> object:
    """Values, which refer to each other and to a function that fails."""
    leaves = [pool.value(call, number) for number in range(12)]
    middle = [pool.value(lambda *items: sum(items), *leaves[start::3]) for start in range(3)]
    wrong = pool.value(call, 20)
    holder: list[object] = [leaves, middle, wrong]
    with contextlib.suppress(Failure):
        pool.value(lambda *_: holder, *middle, wrong).get()
    return None


def executors(pool: Pool) -> object:
    """Calls whose futures refer to what is called."""
    executor = pool.as_executor()
    holder: list[object] = []

    def function(item: int) -> object:
        call(item)
        return holder

    futures: list[Future[object]] = [executor.submit(function, 15 + item) for item in range(10)]
    holder.extend([futures, executor])
    for future in futures:
        with contextlib.suppress(Failure):
            future.result()
    return None


def classic(pool: Pool) -> object:
    """The interface of the package `async`."""
    graph = ThreadPool(pool.size)
    holder: list[object] = [graph]

    def function(item: int) -> int:
        assert holder
        return call(item)

    first = graph.add_task(IteratorThreadTask(iter(range(60)), "first", function))
    second = graph.add_task(ChannelThreadTask(first, "second", function))
    holder.append(second)
    for _ in range(2):
        with contextlib.suppress(Failure):
            second.read()
    return None


SCENARIOS: dict[str, Callable[[Pool], object]] = {
    scenario.__name__: scenario
    for scenario in (
        maps,
        filters,
        tees,
        zips,
        flat_maps,
        coroutines,
        sources,
        handlers,
        cycles,
        pools,
        last_words,
        closing,
        awaiting,
        values,
        executors,
        classic,
    )
}


def repeat(scenario: Callable[[Pool], object], size: int, seconds: float) -> int:
    """Leave garbage for so long; says how often."""
    until = time.monotonic() + seconds
    times = 0
    while time.monotonic() < until:
        with Pool(size) as pool:
            scenario(pool)
        times += 1
    return times


def main(name: str, size: int, seconds: float) -> None:
    """Leave garbage with the collector as it comes, at every turn, and in a thread of its own."""
    faulthandler.enable()
    # A hang is a failure too, and says where.
    faulthandler.dump_traceback_later(seconds + 60, exit=True)
    scenario, interval = SCENARIOS[name], sys.getswitchinterval()
    times = repeat(scenario, size, seconds / 3)
    gc.set_threshold(1)
    times += repeat(scenario, size, seconds / 3)
    is_over = threading.Event()

    def collect() -> None:
        while not is_over.is_set():
            gc.collect()

    collector = threading.Thread(target=collect)
    collector.start()
    sys.setswitchinterval(1e-6)
    times += repeat(scenario, size, seconds / 3)
    is_over.set()
    sys.setswitchinterval(interval)
    collector.join()
    print(f"{name} on {size} workers, {times} times")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    else:
        print(*SCENARIOS)
