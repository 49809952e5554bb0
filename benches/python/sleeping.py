"""Work that is all waiting: functions that sleep, and coroutines that do."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness import Case, Group, Side
from rivals import DISORDERLY, found, mapping

from millpond import Pool

__all__ = ["run"]

_ITEMS = 2000
_SECONDS = 0.005
_WORKERS = 16
_COROUTINES = 100
_RIVALS = ("executor-map", "executor-window", "imap", "pypeln", "pyper", "streamable", "joblib", "dask-threaded")


def doze(number: int) -> int:
    """Sleep in a thread."""
    time.sleep(_SECONDS)
    return number


async def nap(number: int) -> int:
    """Sleep in an event loop."""
    await asyncio.sleep(_SECONDS)
    return number


def _ideal(workers: int) -> Side:
    milliseconds = _ITEMS * _SECONDS / workers * 1e3
    return Side("ideal", lambda: (milliseconds, None), is_figure=True)


def _threads(group: Group) -> None:
    if not group.selects("sleep-5ms-16"):
        return
    numbers = range(_ITEMS)
    expected = list(numbers)
    with Pool(_WORKERS) as pool:
        sides = [Side("ours", lambda: pool.source(numbers).map(doze).read_all(), expected), _ideal(_WORKERS)]
        for name in _RIVALS:
            way = mapping(name, is_slow=True)
            if way is None:
                group.leave_out(f"{name}: it is not installed")
                continue

            def run(way: Any = way, is_sorted: bool = name in DISORDERLY) -> list[int]:
                results: list[int] = way(numbers, [doze], _WORKERS)
                return sorted(results) if is_sorted else results

            sides.append(Side(name, run, expected))
        group.run(Case("sleep-5ms-16", "ms", 1e3, sides))


async def _behind_a_semaphore() -> list[int]:
    semaphore = asyncio.Semaphore(_COROUTINES)

    async def one(number: int) -> int:
        async with semaphore:
            return await nap(number)

    return await asyncio.gather(*map(one, range(_ITEMS)))


async def _workers() -> list[int]:
    # The least that asyncio can do it with: so many tasks, each of which takes the next number.
    numbers = iter(range(_ITEMS))
    results = [-1] * _ITEMS

    async def work() -> None:
        for number in numbers:
            results[number] = await nap(number)

    await asyncio.gather(*(work() for _ in range(_COROUTINES)))
    return results


async def _pyper() -> list[int]:
    task = found("pyper").task
    pipeline = task(lambda: range(_ITEMS), branch=True) | task(nap, workers=_COROUTINES)
    return sorted([number async for number in pipeline()])


async def _streamable() -> list[int]:
    stream = found("streamable").stream(range(_ITEMS)).map(nap, concurrency=_COROUTINES)
    return [number async for number in stream]


async def _pypeln() -> list[int]:
    stage = found("pypeln").task.map(nap, range(_ITEMS), workers=_COROUTINES, maxsize=_COROUTINES)
    return sorted([number async for number in stage])


def _coroutines(group: Group) -> None:
    if not group.selects("asyncio-sleep"):
        return
    expected = list(range(_ITEMS))

    async def ours(pool: Pool) -> list[int]:
        return await pool.source(range(_ITEMS)).map(nap, concurrency=_COROUTINES).read_async()

    rivals = [("asyncio-semaphore", "asyncio", _behind_a_semaphore), ("asyncio-workers", "asyncio", _workers)]
    rivals += [("pyper", "pyper", _pyper), ("streamable", "streamable", _streamable), ("pypeln", "pypeln", _pypeln)]
    with Pool(2) as pool:
        sides = [
            Side("ours", lambda: pool.source(range(_ITEMS)).map(nap, concurrency=_COROUTINES).read_all(), expected),
            _ideal(_COROUTINES),
            Side("awaited", lambda: asyncio.run(ours(pool)), expected),
        ]
        for name, module, way in rivals:
            if found(module) is None:
                group.leave_out(f"{name}: it is not installed")
            else:
                sides.append(Side(name, lambda way=way: asyncio.run(way()), expected))
        group.run(Case("asyncio-sleep", "ms", 1e3, sides))


_FEW = 100
_FEW_AT_ONCE = 20
_PLAIN = 60
_PLAIN_WORKERS = 8
_LONG_SECONDS = 0.02


async def _long_nap(number: int) -> int:
    await asyncio.sleep(_LONG_SECONDS)
    return number


def _long_doze(number: int) -> int:
    time.sleep(_LONG_SECONDS)
    return number


async def _iterated(items: Any) -> list[int]:
    return [item async for item in items]


async def _napping_by_asyncio() -> list[int]:
    semaphore = asyncio.Semaphore(_FEW_AT_ONCE)

    async def one(number: int) -> int:
        async with semaphore:
            return await _long_nap(number)

    return [await task for task in [asyncio.ensure_future(one(number)) for number in range(_FEW)]]


async def _napping_by_aiostream() -> list[int]:
    stream = found("aiostream").stream
    naps = stream.map(stream.range(_FEW), _long_nap, ordered=True, task_limit=_FEW_AT_ONCE)
    async with naps.stream() as streamer:
        return await _iterated(streamer)


async def _napping_by_streamable() -> list[int]:
    return await _iterated(found("streamable").stream(range(_FEW)).map(_long_nap, concurrency=_FEW_AT_ONCE))


async def _dozing_by_asyncio() -> list[int]:
    with ThreadPoolExecutor(_PLAIN_WORKERS) as executor:
        loop = asyncio.get_running_loop()
        return [await call for call in [loop.run_in_executor(executor, _long_doze, n) for n in range(_PLAIN)]]


async def _dozing_by_aiostream() -> list[int]:
    stream = found("aiostream").stream
    with ThreadPoolExecutor(_PLAIN_WORKERS) as executor:
        loop = asyncio.get_running_loop()

        async def call(number: int) -> int:
            return await loop.run_in_executor(executor, _long_doze, number)

        dozes = stream.map(stream.range(_PLAIN), call, ordered=True, task_limit=_PLAIN_WORKERS)
        async with dozes.stream() as streamer:
            return await _iterated(streamer)


async def _dozing_by_streamable() -> list[int]:
    return await _iterated(found("streamable").stream(range(_PLAIN)).map(_long_doze, concurrency=_PLAIN_WORKERS))


def _async_for(group: Group) -> None:
    rivals = {
        "async-for-coroutines": [
            ("asyncio", "asyncio", _napping_by_asyncio),
            ("aiostream", "aiostream", _napping_by_aiostream),
            ("streamable", "streamable", _napping_by_streamable),
        ],
        "async-for-plain": [
            ("asyncio", "asyncio", _dozing_by_asyncio),
            ("aiostream", "aiostream", _dozing_by_aiostream),
            ("streamable", "streamable", _dozing_by_streamable),
        ],
    }

    async def naps(pool: Pool) -> list[int]:
        return await _iterated(pool.source(range(_FEW)).map(_long_nap, concurrency=_FEW_AT_ONCE))

    async def dozes(pool: Pool) -> list[int]:
        return await _iterated(pool.source(range(_PLAIN)).map(_long_doze))

    with Pool(2) as small, Pool(_PLAIN_WORKERS) as large:
        ours = {
            "async-for-coroutines": (lambda: asyncio.run(naps(small)), _FEW),
            "async-for-plain": (lambda: asyncio.run(dozes(large)), _PLAIN),
        }
        for name, (way, count) in ours.items():
            if not group.selects(name):
                continue
            expected = list(range(count))
            sides = [Side("ours", way, expected)]
            for rival, module, other in rivals[name]:
                if found(module) is None:
                    group.leave_out(f"{rival}: it is not installed")
                else:
                    sides.append(Side(rival, lambda other=other: asyncio.run(other()), expected))
            group.run(Case(name, "ms", 1e3, sides))


def run(group: Group) -> None:
    """Measure all of it."""
    _threads(group)
    _coroutines(group)
    _async_for(group)
