"""References are given back: after any number of operations there are as many objects as before."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import Callable

import pytest

from millpond import Pool, ReadTimeoutError
from millpond.testing import Simulation, spawn

#: How often each operation is made, in all.
TIMES = 100_000


class Failure(Exception):
    """What functions raise."""


def fail(item: object) -> object:
    """Fail always."""
    raise Failure


def settled() -> int:
    """Count the blocks of memory, without garbage."""
    # Without a lock a collection leaves some for the next one.
    gc.collect()
    gc.collect()
    return sys.getallocatedblocks()


def grown(operation: Callable[[int], object], times: int, allowed: int) -> int:
    """Tell by how many blocks of memory the interpreter grows with so many of an operation, tried until it is less.

    Without a lock it counts blocks that another thread freed until the thread that allocated them has seen that, which
    may be thousands at first and goes up and down from then on; what is left by an operation is left each time.
    """
    operation(times // 10)
    growth = allowed
    for _ in range(10):
        before = settled()
        operation(times)
        growth = settled() - before
        if growth < allowed:
            break
    return growth


def read(pool: Pool, times: int) -> None:
    reader = pool.source(object() for _ in range(times)).map(lambda item: (item,)).filter(bool)
    while reader.read(7):
        pass


def iterate(pool: Pool, times: int) -> None:
    for _ in pool.source(object() for _ in range(times)).flat_map(lambda item: [item]).enumerate():
        pass


def branch(pool: Pool, times: int) -> None:
    first, second = pool.source(object() for _ in range(times)).tee(2)
    yes, no = first.partition(lambda item: id(item) % 64 < 32)
    for reader in (second.batch(5), yes, no):
        reader.read_all()


def add_and_drop(pool: Pool, times: int) -> None:
    for _ in range(times // 20):
        pool.source([1, 2]).map(str).zip(pool.source("ab")).read(1)


def raise_and_skip(pool: Pool, times: int) -> None:
    assert pool.source(range(times)).map(fail, on_error="skip").read_all() == []
    done, rejected = pool.source(range(times // 10)).try_map(fail)
    assert (done.read_all(), len(rejected.read_all())) == ([], times // 10)
    for _ in range(times // 100):
        with contextlib.suppress(Failure):
            pool.source([1]).map(fail).read(1)


def write_and_time_out(pool: Pool, times: int) -> None:
    writer, reader = pool.channel()
    for _ in range(times // 10):
        writer.write_all([object()] * 3)
        assert len(reader.read(3)) == 3
    for _ in range(times // 1000):
        with contextlib.suppress(ReadTimeoutError):
            reader.read(1, timeout=0.0)


def compute(pool: Pool, times: int) -> None:
    for _ in range(times // 1000):
        leaves = [pool.value(lambda n: [n], n) for n in range(50)]
        pool.value(len, leaves).get()


def wait(pool: Pool, times: int) -> None:
    async def read() -> None:
        reader = pool.source(object() for _ in range(times // 10)).map(lambda item: [item])
        while await reader.read_async(11):
            pass

    asyncio.run(read())


OPERATIONS = [read, iterate, branch, add_and_drop, raise_and_skip, write_and_time_out, compute, wait]


@pytest.mark.skipif(not hasattr(sys, "getallocatedblocks"), reason="this interpreter does not count its blocks")
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("size", [0, 2])
def test_as_many_objects_are_left_as_before(size: int, operation: Callable[[Pool, int], None]) -> None:
    with Pool(size) as pool:
        # A reference that is left per operation would be thousands.
        assert grown(lambda times: operation(pool, times), TIMES, 500) < 500


def test_simulations_leave_no_objects_behind() -> None:
    def simulate(times: int) -> None:
        for seed in range(times):
            with Pool.simulated(Simulation(seed, workers=3)) as pool:
                reader = pool.source(object() for _ in range(50)).map(lambda item: [item])
                thread = spawn(reader.read, 5)
                reader.read_all()
                thread.join()

    assert grown(simulate, 500, 250) < 250


def test_the_references_to_one_object_are_counted_right() -> None:
    thing = object()

    def itself(_: object) -> object:
        return thing

    with Pool(2) as pool:
        before = sys.getrefcount(thing)
        for _ in range(10):
            items = pool.source([thing] * 1_000).map(itself).tap(itself).read_all()
            assert sys.getrefcount(thing) == before + 1_000
            del items
            reader = pool.source([thing] * 1_000).map(itself)
            reader.read(300)
            reader.close()
            del reader
        assert sys.getrefcount(thing) == before
