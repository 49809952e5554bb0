"""Pools under gevent's monkey patching: what the arguments name, on a pool of so many workers.

python greenlets.py SIZE NAME ...
"""

import gevent.monkey

gevent.monkey.patch_all()

import asyncio  # noqa: E402
import faulthandler  # noqa: E402
import io  # noqa: E402
import logging  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import AsyncIterator, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402

import gevent  # noqa: E402

from millpond import ChannelWriter, Pool, ReadTimeoutError  # noqa: E402
from millpond.sync import Lock, RLock  # noqa: E402

NUMBERS = list(range(50))
start_thread = gevent.monkey.get_original("_thread", "start_new_thread")


async def double(number: int) -> int:
    """Wait a moment."""
    await asyncio.sleep(0.001)
    return number * 2


async def count() -> AsyncIterator[int]:
    """Give numbers."""
    for number in NUMBERS:
        await asyncio.sleep(0)
        yield number


class Ticks:
    """Counts the turns of a greenlet that does nothing else."""

    count = 0

    def tick(self) -> None:
        """Count, for ever."""
        while True:
            self.count += 1
            gevent.sleep(0)

    @contextmanager
    def go_on(self) -> Iterator[None]:
        """See to it that there are turns within."""
        greenlet = gevent.spawn(self.tick)
        gevent.sleep(0)
        before = self.count
        yield
        assert self.count > before, "the other greenlets were held up"
        greenlet.kill()


def coroutines(pool: Pool) -> None:
    """Coroutine functions are called, on a thread of the system's."""
    expected = [number * 2 for number in NUMBERS]
    assert pool.source(NUMBERS).map(double).read_all() == expected
    assert list(pool.source(NUMBERS).map(double)) == expected
    assert pool.source(count()).map(double).read_all() == expected

    async def where(_: int) -> bool:
        return gevent.get_hub() is not here

    here = gevent.get_hub()
    assert all(pool.source(NUMBERS).map(where).read_all())

    async def blocking(number: int) -> int:
        return await asyncio.get_running_loop().run_in_executor(None, lambda: number + 1)

    # CPython has changed under gevent how such an answer wakes the loop, which a timer of the loop's makes up for.
    assert pool.source([1, 2]).map(blocking).read_all() == [2, 3]


def channels(pool: Pool) -> None:
    """A greenlet that writes and one that reads take turns."""

    def feed(writer: ChannelWriter[int]) -> None:
        with writer:
            writer.write_all(NUMBERS)

    for capacity in (1, 3):
        writer, reader = pool.channel(capacity)
        feeding = gevent.spawn(feed, writer)
        assert reader.read_all() == NUMBERS
        feeding.get()
        writer, reader = pool.channel(capacity)
        reading = gevent.spawn(reader.map(str).read_all)
        gevent.sleep(0)
        feed(writer)
        assert reading.get() == list(map(str, NUMBERS))
        writer, reader = pool.channel(capacity)
        iterating = gevent.spawn(list, reader)
        gevent.sleep(0)
        feed(writer)
        assert iterating.get() == NUMBERS
        writer, reader = pool.channel(capacity)
        start_thread(feed, (writer,))
        assert reader.read_all() == NUMBERS


def waits(pool: Pool) -> None:
    """A greenlet that waits holds up no other one."""
    ticks = Ticks()
    writer, reader = pool.channel(2)
    with ticks.go_on():
        try:
            reader.read(1, timeout=0.05)
            raise AssertionError("it was to be late")
        except ReadTimeoutError:
            pass
    writer.write_all([1, 2])
    with ticks.go_on():
        try:
            writer.write(3, timeout=0.05)
            raise AssertionError("it was to be late")
        except ReadTimeoutError:
            pass
    assert reader.read(2, timeout=60) == [1, 2]
    killed = gevent.spawn(reader.read, 1)
    gevent.sleep(0.01)
    killed.kill()
    writer.write(4)
    assert next(reader) == 4
    with ticks.go_on():
        reader = pool.source(NUMBERS).map(double, concurrency=1)
        assert [next(reader), *reader.read(2), *reader] == [number * 2 for number in NUMBERS]


def locks(pool: Pool) -> None:
    """Locks are what they should be on threads of the pool: patched ones on one thread, the package's on several."""
    # Between threads a patched lock may lose a wake-up, without any pool too.
    lock = threading.Lock() if pool.size < 2 else Lock()

    def call(number: int) -> int:
        with lock:
            time.sleep(0.001)
            return number

    assert pool.source(NUMBERS).map(call, max_chunksize=1).read_all() == NUMBERS
    assert list(pool.source(NUMBERS).map(call)) == NUMBERS
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    if pool.size >= 2:
        handler.lock = RLock()  # type: ignore[assignment]
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    # Asked once, it takes no lock of the module's any more.
    assert logging.getLogger().isEnabledFor(logging.INFO)
    pool.source(NUMBERS).map(lambda number: logging.info("%d", number), max_chunksize=1).read_all()
    assert len(log.getvalue().splitlines()) == len(NUMBERS)


def failures(pool: Pool) -> None:
    """Failures come out of reads as elsewhere."""

    def invert(number: int) -> float:
        return 1 / number

    reader = pool.source([1, 0, 2]).map(invert)
    assert next(reader) == 1
    for _ in range(2):
        try:
            reader.read_all()
            raise AssertionError("it was to fail")
        except ZeroDivisionError:
            pass
    try:
        list(reader)
        raise AssertionError("it was to fail")
    except ZeroDivisionError:
        pass
    assert list(iter(pool.source([1, 2]).map(invert, on_error="skip"))) == [1, 0.5]


def end(pool: Pool) -> None:
    """The program ends with all kinds of things suspended."""
    reader = pool.source(count())
    assert reader.read(2) == [0, 1]
    left.append(reader)
    left.append(gevent.spawn(pool.channel()[1].read, 1))
    gevent.sleep(0)


left: list[object] = []

if __name__ == "__main__":
    faulthandler.dump_traceback_later(50, exit=True)
    the_pool = Pool(int(sys.argv[1]))
    for name in sys.argv[2:]:
        globals()[name](the_pool)
        print(name)
