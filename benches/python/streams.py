"""Streams: reading and iterating over maps of trivial functions, and single items."""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from harness import Case, Group, Side
from rivals import DISORDERLY, mapping

from millpond import Pool

__all__ = ["run"]

_ITEMS = 1_000_000
_READS = 100_000

#: On how many items a slow rival runs, with one stage; with four it is a quarter.
_FEWER = {
    "executor-map": 20_000,
    "executor-window": 400_000,
    "imap": 400_000,
    "pypeln": 20_000,
    "pyper": 20_000,
    "streamable": 10_000,
    "joblib": 10_000,
    "dask-threaded": 400_000,
}


def increment(number: int) -> int:
    """Do next to nothing."""
    return number + 1


def _pulled(pool: Pool, items: Iterable[Any], functions: Sequence[Callable[[Any], Any]]) -> list[Any]:
    reader = pool.source(items)
    for function in functions:
        reader = reader.map(function)
    return reader.read_all()


def _sides(
    group: Group,
    ours: Callable[[], Any],
    names: Sequence[str],
    items: Sequence[Any],
    functions: Sequence[Callable[[Any], Any]],
    workers: int,
    *,
    fewer: dict[str, int] | None = None,
    is_slow: bool = False,
    count: int | None = None,
) -> list[Side]:
    """Ours, and the rivals that are installed."""
    expected = list(items)
    for function in functions:
        expected = list(map(function, expected))
    sides = [Side("ours", ours, expected, count or len(items))]
    for name in names:
        way = mapping(name, is_slow=is_slow)
        if way is None:
            group.leave_out(f"{name}: it is not installed")
            continue
        number = min(len(items), (fewer or {}).get(name, len(items)) // len(functions))
        part = items[:number]

        def run(way: Any = way, part: Sequence[Any] = part, is_sorted: bool = name in DISORDERLY) -> list[Any]:
            results: list[Any] = way(part, functions, workers)
            return sorted(results) if is_sorted else results

        sides.append(Side(name, run, expected[:number], count or number))
    return sides


def _reading(group: Group, pools: dict[int, Pool]) -> None:
    rivals = ["map", *_FEWER]
    for workers, mode in ((0, "serial"), (2, "2-workers")):
        for stages, shape in ((1, "1-stage"), (4, "4-stages")):
            case = f"read-all-{shape}-{mode}"
            if group.selects(case):
                functions = [increment] * stages
                items = range(_ITEMS)
                names = rivals if workers else ["map"]
                ours = partial(_pulled, pools[workers], items, functions)
                sides = _sides(group, ours, names, items, functions, workers, fewer=_FEWER)
                group.run(Case(case, "ns/item", 1e9, sides))


def _last(items: Iterable[Any]) -> Any:
    item = None
    for item in items:  # noqa: B007
        pass
    return item


def _iterating(group: Group, pools: dict[int, Pool]) -> None:
    for workers, mode in ((0, "serial"), (2, "2-workers")):
        sides = [
            Side("ours", lambda pool=pools[workers]: _last(pool.source(range(_ITEMS)).map(increment)), _ITEMS, _ITEMS),
            Side("map", lambda: _last(map(increment, range(_ITEMS))), _ITEMS, _ITEMS),
        ]
        group.run(Case(f"iterate-{mode}", "ns/item", 1e9, sides))


def _read_ones(pool: Pool) -> Any:
    read = pool.source(itertools.count()).map(increment).read
    for _ in range(_READS - 1):
        read(1)
    return read(1)


def _take_ones() -> Any:
    numbers = map(increment, itertools.count())
    for _ in range(_READS - 1):
        list(itertools.islice(numbers, 1))
    return list(itertools.islice(numbers, 1))


def _reading_ones(group: Group, pools: dict[int, Pool]) -> None:
    for workers, mode in ((0, "serial"), (2, "2-workers")):
        sides = [
            Side("ours", lambda pool=pools[workers]: _read_ones(pool), [_READS], _READS),
            Side("map", _take_ones, [_READS], _READS),
        ]
        if workers:
            sides.append(Side("serial", lambda: _read_ones(pools[0]), [_READS], _READS))
        group.run(Case(f"read-one-{mode}", "ns/call", 1e9, sides))


def _firsts(pool: Pool) -> Any:
    for _ in range(999):
        pool.source(itertools.count()).map(increment).read(1)
    return pool.source(itertools.count()).map(increment).read(1)


def _first_of_map() -> Any:
    for _ in range(999):
        next(map(increment, itertools.count()))
    return [next(map(increment, itertools.count()))]


def _pulls(pool: Pool) -> tuple[float, Any]:
    pulled = 0

    def numbers() -> Iterator[int]:
        nonlocal pulled
        for number in itertools.count():
            pulled += 1
            yield number

    result = pool.source(numbers()).map(increment).read(10)
    return float(pulled), result


def _first(group: Group, pools: dict[int, Pool]) -> None:
    for workers, case in ((2, "first-item"), (0, "first-item-serial")):
        sides = [
            Side("ours", lambda pool=pools[workers]: _firsts(pool), [1], 1000),
            Side("map", _first_of_map, [1], 1000),
        ]
        group.run(Case(case, "µs/item", 1e6, sides))
    pulls = Side("ours", lambda: _pulls(pools[2]), list(range(1, 11)), is_figure=True)
    group.run(Case("items-pulled-for-read-10", "items", 1.0, [pulls]))


def _blocks() -> list[bytes]:
    """Eight different blocks of 1 MiB, of words, over and over up to 400."""
    draw = random.Random(5)
    words = [bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz", k=draw.randint(1, 9))) for _ in range(2000)]
    blocks = [b" ".join(draw.choices(words, k=220_000))[: 1 << 20] for _ in range(8)]
    return [blocks[number % 8] for number in range(400)]


def pack(block: bytes) -> bytes:
    """Compress without the interpreter's lock; level 1, so that the case does not take minutes."""
    return zlib.compress(block, 1)


def _packing(group: Group, pools: dict[int, Pool]) -> None:
    if not group.selects("zlib-2-workers"):
        return
    blocks = _blocks()
    names = ["executor-map", "executor-window", "imap", "pypeln", "pyper", "streamable", "joblib", "dask-threaded"]
    sides = _sides(group, lambda: _pulled(pools[2], blocks, [pack]), names, blocks, [pack], 2, is_slow=True)
    for side in sides:
        if side.name in DISORDERLY:
            side.expected = sorted(side.expected)
    sides.insert(1, Side("serial", lambda: list(map(pack, blocks)), sides[0].expected, len(blocks)))
    group.run(Case("zlib-2-workers", "ms/MiB", 1e3, sides))


def _spin(microseconds: int) -> Callable[[int], int]:
    """Make a function in pure Python that takes about so long."""

    def spin(number: int) -> int:
        for _ in range(rounds):
            pass
        return number

    rounds = 100_000
    begin = time.perf_counter()
    spin(0)
    rounds = max(1, int(rounds * microseconds / ((time.perf_counter() - begin) * 1e6)))
    return spin


def _without_the_lock(group: Group, pools: dict[int, Pool]) -> None:
    """Functions that hold the interpreter's lock gain by workers only where there is none."""
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        return
    for microseconds, number in ((1, 200_000), (100, 10_000)):
        spin = _spin(microseconds)
        expected = list(range(number))
        sides = [
            Side("ours", lambda n=number, f=spin: _pulled(pools[2], range(n), [f]), expected, number),
            Side("serial", lambda n=number, f=spin: _pulled(pools[0], range(n), [f]), expected, number),
            Side("map", lambda n=number, f=spin: list(map(f, range(n))), expected, number),
        ]
        group.run(Case(f"body-{microseconds}us-2-workers", "ns/item", 1e9, sides))


def run(group: Group) -> None:
    """Measure all of it."""
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) < 2:
        print("fewer than 2 processors for this process: rows with 2 workers say little", file=sys.stderr)
    with Pool(0) as serial, Pool(2) as pair:
        pools = {0: serial, 2: pair}
        _reading(group, pools)
        _iterating(group, pools)
        _reading_ones(group, pools)
        _first(group, pools)
        _packing(group, pools)
        _without_the_lock(group, pools)
