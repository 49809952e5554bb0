"""Random graphs, against a model in plain Python: order, completeness, laziness, errors after the items before them.

A graph is drawn as a tree of shapes. The model says what may come out of it: a list of items and, where a function
fails, the exception after them. Where the model leaves open which of two failures is seen, there are several such
outcomes.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from millpond import Pool, PoolReader, ReaderClosedError, Rejected

#: Each size that a pool is tested with; see conftest.py.
SIZES = st.sampled_from([0, 1, 2, 8])


class Failure(Exception):
    """What a function of a drawn graph raises, with the number of its task and the item."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failure) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


@dataclass
class Outcome:
    """What may come out of a graph: items, and then an exception or the end."""

    items: list[int]
    error: Failure | None = None


@dataclass(frozen=True)
class Shape:
    """A task of a drawn graph, with its inputs and a number or two that say what it does."""

    kind: str
    number: int
    inputs: tuple[Shape, ...] = ()
    first: int = 0
    #: The function fails on items that leave this remainder by 7; on none of them if it is negative.
    fails_on: int = -1
    items: tuple[int, ...] = ()
    #: Whether a call takes so long that other workers join in.
    is_slow: bool = False


#: Tasks whose functions may fail.
CALLING = ("map", "filter", "flat_map", "tap", "take_while")
#: Tasks that only move items.
MOVING = ("batch", "enumerate", "take", "skip")
#: Tasks with two inputs.
JOINING = ("zip", "chain")
#: Tasks that read their inputs to the end.
UNSPARING = ("map", "filter", "flat_map", "tap", "batch", "enumerate", "skip", "chain")


@st.composite
def shapes(
    draw: st.DrawFn, *, is_failing: bool = True, kinds: Iterable[str] = (*CALLING, *MOVING, *JOINING), most: int = 6
) -> Shape:
    """Draw a graph."""
    numbers = itertools.count()
    fails = st.integers(-1, 6) if is_failing else st.just(-1)

    def source() -> Shape:
        items = draw(st.lists(st.integers(0, 50), max_size=draw(st.sampled_from([3, 40]))))
        return Shape("source", next(numbers), items=tuple(items), fails_on=draw(fails))

    shape = source()
    for kind in draw(st.lists(st.sampled_from(list(kinds)), max_size=most)):
        inputs = (shape, source()) if kind in JOINING else (shape,)
        fails_on = draw(fails) if kind in CALLING else -1
        is_slow = kind in CALLING and draw(st.integers(0, 3)) == 3
        shape = Shape(kind, next(numbers), inputs, draw(st.integers(1, 12)), fails_on, is_slow=is_slow)
    return shape


class Calls:
    """The functions of a graph's tasks, and how often each was called."""

    def __init__(self, *, may_be_slow: bool = True) -> None:
        self.counts: Counter[int] = Counter()
        self._may_be_slow = may_be_slow
        self._lock = threading.Lock()

    def _count(self, shape: Shape, item: int) -> None:
        with self._lock:
            self.counts[shape.number] += 1
        if shape.is_slow and self._may_be_slow:
            time.sleep(0.00005)
        if shape.fails_on >= 0 and item % 7 == shape.fails_on:
            raise Failure(shape.number, item)

    def source(self, shape: Shape) -> Iterator[int]:
        """Give the items of a source."""
        for item in shape.items:
            self._count(shape, item)
            yield item

    def function(self, shape: Shape) -> Callable[[int], Any]:
        """Make the function of a task."""
        first = shape.first
        results: dict[str, Callable[[int], Any]] = {
            "map": lambda item: item * 3 + first,
            "filter": lambda item: item % (first + 1) != 0,
            "flat_map": lambda item: [item] * (item % (first % 4 + 1)),
            "tap": lambda item: None,
            "take_while": lambda item: item % 40 != first,
        }
        result = results[shape.kind]

        def call(item: int) -> Any:
            self._count(shape, item)
            return result(item)

        return call


def build(pool: Pool, shape: Shape, calls: Calls, other: Pool | None = None) -> PoolReader[int]:
    """Add the tasks of a graph to a pool, and the second inputs to another one if it is given."""
    if shape.kind == "source":
        return pool.source(calls.source(shape))
    reader = build(pool, shape.inputs[0], calls, other)
    others = [build(other or pool, below, calls) for below in shape.inputs[1:]]
    if shape.kind in CALLING:
        added: PoolReader[int] = getattr(reader, shape.kind)(calls.function(shape))
        return added
    if shape.kind == "batch":
        return reader.batch(shape.first).map(sum)
    if shape.kind == "enumerate":
        return reader.enumerate(shape.first).map(sum)
    if shape.kind == "zip":
        return reader.zip(*others).map(sum)
    if shape.kind == "chain":
        return reader.chain(*others)
    moved: PoolReader[int] = getattr(reader, shape.kind)(shape.first)
    return moved


def lazily(shape: Shape, calls: Calls) -> Iterator[int]:
    """Make the same of generators, which pull one by one."""
    if shape.kind == "source":
        yield from calls.source(shape)
        return
    items, *others = [lazily(below, calls) for below in shape.inputs]
    if shape.kind in CALLING:
        function = calls.function(shape)
        if shape.kind == "map":
            yield from map(function, items)
        elif shape.kind == "filter":
            yield from filter(function, items)
        elif shape.kind == "flat_map":
            yield from itertools.chain.from_iterable(map(function, items))
        elif shape.kind == "take_while":
            yield from itertools.takewhile(function, items)
        else:
            for item in items:
                function(item)
                yield item
    elif shape.kind == "batch":
        yield from map(sum, batches(items, shape.first))
    elif shape.kind == "enumerate":
        yield from map(sum, enumerate(items, shape.first))
    elif shape.kind == "zip":
        yield from map(sum, zip(items, *others))
    elif shape.kind == "chain":
        yield from itertools.chain(items, *others)
    elif shape.kind == "take":
        yield from itertools.islice(items, shape.first)
    else:
        yield from itertools.islice(items, shape.first, None)


def batches(items: Iterator[int], size: int) -> Iterator[list[int]]:
    """Group items. The items before a failure are a group of their own, as they are for the pool."""
    while True:
        batch: list[int] = []
        try:
            batch.extend(itertools.islice(items, size))
        except Failure:
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch


def collected(items: Iterator[int]) -> Outcome:
    """Take all items, and the exception."""
    result: list[int] = []
    try:
        for item in items:
            result.append(item)
    except Failure as failure:
        return Outcome(result, failure)
    return Outcome(result)


def outcomes(shape: Shape) -> list[Outcome]:
    """Tell what may come out of a graph."""
    # Where both inputs of a zip come to their end or fail after equally many items, either may be seen first.
    swapped = [collected(lazily(variant, Calls(may_be_slow=False))) for variant in variants(shape)]
    return [outcome for place, outcome in enumerate(swapped) if outcome not in swapped[:place]]


def variants(shape: Shape) -> Iterator[Shape]:
    """Exchange the inputs of zips in every way: their sums stay the same."""
    for inputs in itertools.product(*map(variants, shape.inputs)):
        yield replace(shape, inputs=inputs)
        if shape.kind == "zip":
            yield replace(shape, inputs=inputs[::-1])


def read_in_parts(reader: PoolReader[int], counts: Iterable[int | None]) -> Outcome:
    """Read so many items after another, over and over; None takes all that is left."""
    items: list[int] = []
    try:
        for count in itertools.cycle([*counts, 1]):
            part = reader.read(count)
            assert count is None or len(part) <= count
            items += part
            if count is None or len(part) < count:
                # Fewer are the end, and nothing else.
                assert reader.read(1) == []
                break
    except Failure as failure:
        items += what_is_left(reader)
        # From then on each read raises the same.
        with pytest.raises(Failure, match=re.escape(str(failure))):
            reader.read(1)
        return Outcome(items, failure)
    return Outcome(items)


def what_is_left(reader: PoolReader[int]) -> list[int]:
    """Read the items before a failure."""
    try:
        return reader.read(partial=True)
    except Failure:
        return []


COUNTS = st.lists(st.sampled_from([None, 0, 1, 2, 3, 7, 100]), min_size=1, max_size=4)


@given(shape=shapes(), size=SIZES, counts=COUNTS)
@settings(max_examples=300)
def test_reads_give_what_a_plain_program_gives(shape: Shape, size: int, counts: list[int | None]) -> None:
    with Pool(size) as pool:
        assert read_in_parts(build(pool, shape, Calls()), counts) in outcomes(shape)


@given(shape=shapes(), size=SIZES)
def test_iterating_gives_what_a_plain_program_gives(shape: Shape, size: int) -> None:
    with Pool(size) as pool:
        assert collected(iter(build(pool, shape, Calls()))) in outcomes(shape)


@given(shape=shapes(), size=SIZES, count=st.one_of(st.none(), st.integers(1, 5)))
def test_reads_that_await_give_what_a_plain_program_gives(shape: Shape, size: int, count: int | None) -> None:
    async def read(pool: Pool) -> Outcome:
        reader = build(pool, shape, Calls())
        items: list[int] = []
        try:
            while part := await reader.read_async(count):
                items += part
        except Failure as failure:
            with contextlib.suppress(Failure):
                items += await reader.read_async(partial=True)
            return Outcome(items, failure)
        return Outcome(items)

    with Pool(size) as pool:
        expected = outcomes(shape)
        assert asyncio.run(read(pool)) in expected
        assert trio.run(read, pool) in expected


@given(shape=shapes(), size=SIZES)
def test_iterations_that_await_give_what_a_plain_program_gives(shape: Shape, size: int) -> None:
    async def read(pool: Pool) -> Outcome:
        items: list[int] = []
        try:
            async for item in build(pool, shape, Calls()):
                items.append(item)
        except Failure as failure:
            return Outcome(items, failure)
        return Outcome(items)

    with Pool(size) as pool:
        assert asyncio.run(read(pool)) in outcomes(shape)


@given(shape=shapes(is_failing=False, kinds=("map", "filter", "flat_map", "tap", *MOVING, "chain")), counts=COUNTS)
@settings(max_examples=300)
def test_serial_mode_calls_what_generators_call_and_no_more(shape: Shape, counts: list[int | None]) -> None:
    plain, calls = Calls(may_be_slow=False), Calls()
    items = lazily(shape, plain)
    reader = build(Pool(0), shape, calls)
    assert not calls.counts
    for count in counts:
        assert reader.read(count) == list(itertools.islice(items, count))
        assert calls.counts == plain.counts


@given(shape=shapes(is_failing=False, kinds=UNSPARING), size=SIZES)
def test_a_read_to_the_end_makes_every_call_once(shape: Shape, size: int) -> None:
    plain, calls = Calls(may_be_slow=False), Calls()
    with Pool(size) as pool:
        assert build(pool, shape, calls).read_all() == list(lazily(shape, plain))
    assert calls.counts == plain.counts


@given(shape=shapes(is_failing=False), size=SIZES, count=st.integers(1, 10), is_closed=st.booleans())
def test_a_reader_that_is_left_drains_nothing(shape: Shape, size: int, count: int, is_closed: bool) -> None:
    plain, calls = Calls(may_be_slow=False), Calls()
    with Pool(size) as pool:
        reader: PoolReader[int] | None = build(pool, shape, calls)
        assert reader is not None
        assert reader.read(count) == list(itertools.islice(lazily(shape, plain), count))
        made = Counter(calls.counts)
        if is_closed:
            reader.close()
            with pytest.raises(ReaderClosedError):
                reader.read(1)
        del reader
        # A worker that looks for something to do may be the last one to know the tasks.
        end = time.monotonic() + 30
        while pool.task_count and time.monotonic() < end:
            time.sleep(0)
        assert pool.task_count == 0
        assert calls.counts == made


# In serial mode threads read one after the other.
@given(shape=shapes(), size=st.sampled_from([1, 2, 8]), readers=st.integers(2, 4))
def test_threads_that_share_a_reader_get_each_item_once(shape: Shape, size: int, readers: int) -> None:
    parts: list[Outcome] = []
    with Pool(size) as pool:
        reader = build(pool, shape, Calls())

        def take() -> None:
            parts.append(read_in_parts(reader, [2]))

        threads = [threading.Thread(target=take) for _ in range(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    items = sorted(item for part in parts for item in part.items)
    first, *others = [part.error for part in parts]
    assert all(other == first for other in others)
    found = Outcome(items, first)
    assert found in [Outcome(sorted(outcome.items), outcome.error) for outcome in outcomes(shape)]


@given(shape=shapes(kinds=("map", "filter", *JOINING)), size=SIZES, other_size=SIZES, counts=COUNTS)
def test_pools_of_different_sizes_work_together(
    shape: Shape, size: int, other_size: int, counts: list[int | None]
) -> None:
    def through(item: int) -> int:
        return item

    with Pool(size) as pool, Pool(other_size) as other:
        # What the first pool gives goes through the second one and back, with a function in each.
        reader = build(pool, shape, Calls(), other)
        there = other.chain(other.source(()), reader.map(through)).map(through)
        back = pool.chain(pool.source(()), there).map(through)
        assert read_in_parts(back, counts) in outcomes(shape)


@given(shape=shapes(), sizes=st.lists(SIZES, min_size=2, max_size=6), count=st.integers(1, 5))
def test_a_pool_may_be_resized_between_reads(shape: Shape, sizes: list[int], count: int) -> None:
    items: list[int] = []
    error = None
    with Pool(sizes[0]) as pool:
        reader = build(pool, shape, Calls())
        for size in itertools.cycle(sizes):
            pool.size = size
            try:
                part = reader.read(count)
            except Failure as failure:
                items += what_is_left(reader)
                error = failure
                break
            if not part:
                break
            items += part
    assert Outcome(items, error) in outcomes(shape)


@given(shape=shapes(), sizes=st.lists(st.sampled_from([1, 2, 8]), min_size=1, max_size=6))
def test_a_pool_may_be_resized_by_the_functions_of_its_tasks(shape: Shape, sizes: list[int]) -> None:
    with Pool(2) as pool:
        turns = itertools.cycle(sizes)

        def resize(item: int) -> int:
            pool.size = next(turns)
            return item

        assert read_in_parts(build(pool, shape, Calls()).map(resize, concurrency=1), [None]) in outcomes(shape)


@given(
    shape=shapes(),
    size=SIZES,
    reads=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 20)), max_size=12),
    closed=st.integers(-1, 2),
)
def test_each_branch_of_a_tee_gets_everything(
    shape: Shape, size: int, reads: list[tuple[int, int]], closed: int
) -> None:
    with Pool(size) as pool:
        branches = build(pool, shape, Calls()).tee(3)
        found: list[list[int]] = [[], [], []]
        errors: list[Failure | None] = [None] * 3
        if closed >= 0:
            branches[closed].close()
        for branch, count in [*reads, (0, None), (1, None), (2, None)]:
            if branch != closed:
                try:
                    found[branch] += branches[branch].read(count)
                except Failure as failure:
                    errors[branch] = failure
                    found[branch] += what_is_left(branches[branch])
        expected = outcomes(shape)
        got = {branch: Outcome(found[branch], errors[branch]) for branch in range(3) if branch != closed}
        assert all(outcome in expected for outcome in got.values())
        first, *others = got.values()
        assert all(other == first for other in others)


@given(shape=shapes(is_failing=False, kinds=UNSPARING), size=SIZES, count=st.one_of(st.none(), st.integers(0, 10)))
def test_the_branches_of_a_tee_share_the_calls(shape: Shape, size: int, count: int | None) -> None:
    plain, calls = Calls(may_be_slow=False), Calls()
    with Pool(size) as pool:
        for branch in build(pool, shape, calls).tee(3):
            read_in_parts(branch, [count])
    collected(lazily(shape, plain))
    assert calls.counts == plain.counts


@given(
    shape=shapes(),
    size=SIZES,
    reads=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 20)), max_size=12),
    modulus=st.integers(1, 4),
)
def test_a_partition_divides_the_items(shape: Shape, size: int, reads: list[tuple[int, int]], modulus: int) -> None:
    with Pool(size) as pool:
        sides = build(pool, shape, Calls()).partition(lambda item: item % modulus == 0)
        found: list[list[int]] = [[], []]
        errors: list[Failure | None] = [None, None]
        for side, count in [*reads, (0, None), (1, None)]:
            try:
                found[side] += sides[side].read(count)
            except Failure as failure:
                errors[side] = failure
                found[side] += what_is_left(sides[side])
    expected = [
        (
            [item for item in outcome.items if item % modulus == 0],
            [item for item in outcome.items if item % modulus != 0],
            outcome.error,
        )
        for outcome in outcomes(shape)
    ]
    assert errors[0] == errors[1]
    assert (found[0], found[1], errors[0]) in expected


def numbered(number: int, item: int) -> int:
    return item * 10 + number


@given(branches=st.lists(shapes(is_failing=False, most=3), min_size=1, max_size=4), size=SIZES, counts=COUNTS)
def test_a_merge_keeps_all_and_the_order_of_each_input(
    branches: list[Shape], size: int, counts: list[int | None]
) -> None:
    with Pool(size) as pool:
        readers = [build(pool, shape, Calls()).map(partial(numbered, number)) for number, shape in enumerate(branches)]
        merged = read_in_parts(pool.merge(*readers), counts)
    assert merged.error is None
    for number, shape in enumerate(branches):
        assert [item // 10 for item in merged.items if item % 10 == number] == list(
            lazily(shape, Calls(may_be_slow=False))
        )


@given(
    items=st.lists(st.integers(0, 99), max_size=60),
    size=SIZES,
    counts=COUNTS,
    policy=st.sampled_from(["skip", "replace", "try_map"]),
    options=st.fixed_dictionaries(
        {},
        optional={
            "concurrency": st.integers(1, 3),
            "min_count": st.integers(1, 20),
            "max_chunksize": st.integers(1, 20),
            "read_ahead": st.integers(0, 20),
            "retries": st.integers(0, 2),
        },
    ),
)
def test_what_fails_is_skipped_replaced_or_kept_apart_whatever_the_options(
    items: list[int], size: int, counts: list[int | None], policy: str, options: dict[str, Any]
) -> None:
    def call(item: int) -> int:
        if item % 3 == 0:
            raise Failure(0, item)
        return item * 2

    with Pool(size) as pool:
        source = pool.source(items)
        rejected: PoolReader[Rejected] | None = None
        if policy == "try_map":
            reader, rejected = source.try_map(call, **options)
        elif policy == "skip":
            reader = source.map(call, on_error="skip", **options)
        else:
            reader = source.map(call, on_error=lambda error, item: -item, **options)
        found = read_in_parts(reader, counts)
        if policy == "replace":
            assert found == Outcome([-item if item % 3 == 0 else item * 2 for item in items])
        else:
            assert found == Outcome([item * 2 for item in items if item % 3])
        if rejected is not None:
            kept = rejected.read_all()
            assert [entry.item for entry in kept] == [item for item in items if item % 3 == 0]
            assert all(entry.error == Failure(0, entry.item) for entry in kept)


@given(items=st.lists(st.integers(0, 99), max_size=60), size=SIZES, data=st.data())
def test_disorderly_tasks_lose_nothing(items: list[int], size: int, data: st.DataObject) -> None:
    with Pool(size) as pool:
        chunk = data.draw(st.integers(1, 8))
        reader = pool.source(items, max_chunksize=chunk).map(lambda item: item + 1, ordered=False)
        found = read_in_parts(reader, data.draw(COUNTS))
    assert sorted(found.items) == sorted(item + 1 for item in items)


@pytest.mark.parametrize("count", [10, 3000])
def test_inner_items_by_the_thousand_are_divided_while_functions_are_slow(pool_size: int, count: int) -> None:
    def is_even(item: int) -> bool:
        sum(range(100))
        return item % 2 == 0

    with Pool(pool_size) as pool:
        even, odd = pool.source([range(count)] * 4).flatten().partition(is_even)
        assert sum(1 for _ in even) == count // 2 * 4
        assert len(odd.read_all()) == count // 2 * 4
