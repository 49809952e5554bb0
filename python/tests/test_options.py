"""Which options a task has, and what each does where it has it."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from millpond import Pool, PoolReader, Rejected, Retry, TaskTimeoutError

MANNER = {"name", "concurrency", "ordered", "min_count", "max_chunksize", "read_ahead"}
BOUNDS = {"name", "max_chunksize", "read_ahead"}
CHUNKS = BOUNDS | {"min_count"}
FAILING = {"on_error", "retries", "timeout"}
BRANCHES = {"capacity", "patience"}

#: All methods that add a task, and their options.
OPTIONS = {
    "map": MANNER | FAILING,
    "starmap": MANNER | FAILING,
    "try_map": MANNER | FAILING | BRANCHES,
    "filter": MANNER | FAILING,
    "filter_map": MANNER | FAILING,
    "flat_map": MANNER | FAILING,
    "tap": MANNER | FAILING,
    "partition": MANNER | FAILING | BRANCHES,
    "flatten": MANNER | {"on_error", "timeout"},
    "take_while": CHUNKS | FAILING,
    "batch": BOUNDS | {"within"},
    "enumerate": CHUNKS,
    "take": CHUNKS,
    "skip": CHUNKS,
    "zip": CHUNKS,
    "chain": BOUNDS,
    "merge": BOUNDS,
    "tee": {"name"} | BRANCHES,
}

#: Those whose options can be seen by what they take of their source.
ONE_TO_ONE: dict[str, Callable[..., PoolReader[Any]]] = {
    "map": lambda source, **options: source.map(abs, **options),
    "filter": lambda source, **options: source.filter(lambda item: True, **options),
    "tap": lambda source, **options: source.tap(abs, **options),
    "try_map": lambda source, **options: source.try_map(abs, **options)[0],
    "partition": lambda source, **options: source.partition(lambda item: True, **options)[0],
    "enumerate": lambda source, **options: source.enumerate(**options),
    "take": lambda source, **options: source.take(1000, **options),
    "take_while": lambda source, **options: source.take_while(lambda item: True, **options),
    "skip": lambda source, **options: source.skip(0, **options),
    "batch": lambda source, **options: source.batch(1, **options),
    "zip": lambda source, **options: source.zip(source.pool.source(itertools.count()), **options),
    "chain": lambda source, **options: source.chain(source.pool.source("z"), **options),
    "merge": lambda source, **options: source.merge(source.pool.source([]), **options),
    "flatten": lambda source, **options: source.map(lambda item: [item]).flatten(**options),
}


def counted(pulled: list[int]) -> Iterator[int]:
    for number in range(100):
        pulled.append(number)
        yield number


def test_the_methods_that_add_tasks_have_these_options() -> None:
    for method, options in OPTIONS.items():
        parameters = inspect.signature(getattr(PoolReader, method)).parameters.values()
        found = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
        assert found == options, method


def test_an_option_that_can_mean_nothing_is_refused() -> None:
    reader: Any = Pool(0).source([])
    with pytest.raises(TypeError, match=r"take\(\) got an unexpected keyword argument 'retries'"):
        reader.take(1, retries=1)


def test_errors_of_calls_name_the_class_that_people_know() -> None:
    reader: Any = Pool(0).source([])
    with pytest.raises(TypeError, match=r"map\(\) missing 1 required positional argument: 'function'") as caught:
        reader.map()
    assert "With" not in str(caught.value)
    assert PoolReader.map.__qualname__ == "PoolReader.map"
    assert PoolReader.batch.__qualname__ == "PoolReader.batch"


@pytest.mark.parametrize("method", [method for method in ONE_TO_ONE if "min_count" in OPTIONS[method]])
def test_min_count_is_how_many_are_taken_at_least(method: str) -> None:
    pulled: list[int] = []
    source = Pool(0).source(counted(pulled))
    assert len(ONE_TO_ONE[method](source, min_count=5).read(1)) == 1
    assert len(pulled) == 5


@pytest.mark.parametrize("method", ONE_TO_ONE)
def test_max_chunksize_changes_no_result(method: str, pool_size: int) -> None:
    plain = ONE_TO_ONE[method](Pool(pool_size).source(range(100))).read_all()
    assert ONE_TO_ONE[method](Pool(pool_size).source(range(100)), max_chunksize=3).read_all() == plain


@pytest.mark.parametrize("method", ONE_TO_ONE)
def test_read_ahead_is_how_many_are_made_beyond_what_is_read(method: str, pool_size: int) -> None:
    pulled: list[int] = []
    reader = ONE_TO_ONE[method](Pool(pool_size).source(counted(pulled)), read_ahead=20)
    for read in range(1, 30):
        assert len(reader.read(1)) == 1
        assert len(pulled) <= read + (20 if pool_size else 0)


def invert(number: int) -> float:
    return 100 / number


async def invert_later(number: int) -> float:
    return 100 / number


@pytest.mark.parametrize("function", [invert, invert_later])
def test_try_map_rejects_raises_skips_or_asks(function: Callable[[int], Any], pool_size: int) -> None:
    def tried(**options: Any) -> tuple[PoolReader[Any], PoolReader[Rejected]]:
        return Pool(pool_size).source([1, 0, 2]).try_map(function, **options)

    results, rejected = tried(on_error="reject")
    assert results.read_all() == [100, 50]
    assert [(item, type(error)) for item, error in rejected] == [(0, ZeroDivisionError)]

    results, rejected = tried(on_error="raise")
    assert results.read(2, partial=True) == [100]
    with pytest.raises(ZeroDivisionError):
        results.read(1)

    results, rejected = tried(on_error="skip")
    assert (results.read_all(), rejected.read_all()) == ([100, 50], [])

    results, rejected = tried(on_error=lambda error, item: (type(error), item))
    assert (results.read_all(), rejected.read_all()) == ([100, (ZeroDivisionError, 0), 50], [])

    def refuse(error: Exception, item: int) -> None:
        raise LookupError(f"no use for {item}")

    results, rejected = tried(on_error=refuse)
    assert results.read_all() == [100, 50]
    assert [(item, repr(error)) for item, error in rejected] == [(0, "LookupError('no use for 0')")]


def test_try_map_says_what_on_error_may_be() -> None:
    reader: Any = Pool(0).source([])
    with pytest.raises(ValueError, match="on_error") as caught:
        reader.try_map(abs, on_error="ignore")
    assert str(caught.value) == (
        'on_error must be "reject", "raise", "skip" or a function of the error and the item, got \'ignore\''
    )


def is_large(number: int) -> bool:
    return 100 / number < 60


def test_partition_raises_skips_or_asks(pool_size: int) -> None:
    def divided(**options: Any) -> tuple[PoolReader[int], PoolReader[int]]:
        return Pool(pool_size).source([1, 0, 2]).partition(is_large, **options)

    large, small = divided()
    assert small.read(2, partial=True) == [1]
    with pytest.raises(ZeroDivisionError):
        small.read(1)

    large, small = divided(on_error="skip")
    assert (large.read_all(), small.read_all()) == ([2], [1])

    large, small = divided(on_error=lambda error, item: True)
    assert (large.read_all(), small.read_all()) == ([0, 2], [1])

    large, small = divided(on_error=lambda error, item: [])
    assert (large.read_all(), small.read_all()) == ([2], [1, 0])


def test_take_while_raises_skips_or_asks(pool_size: int) -> None:
    def taken(**options: Any) -> PoolReader[int]:
        return Pool(pool_size).source([3, 0, 4, 1, 9]).take_while(is_large, **options)

    reader = taken()
    assert reader.read(2, partial=True) == [3]
    with pytest.raises(ZeroDivisionError):
        reader.read(1)
    assert taken(on_error="skip").read_all() == [3, 4]
    assert taken(on_error=lambda error, item: True).read_all() == [3, 0, 4]
    assert taken(on_error=lambda error, item: False).read_all() == [3]


def failing_twice() -> Callable[[int], bool]:
    calls = itertools.count()

    def fail(number: int) -> bool:
        if next(calls) < 2:
            raise OSError("busy")
        return True

    return fail


def test_partition_and_take_while_retry(pool_size: int) -> None:
    yes, no = Pool(pool_size).source([7]).partition(failing_twice(), retries=2)
    assert (yes.read_all(), no.read_all()) == ([7], [])
    assert Pool(pool_size).source([7]).take_while(failing_twice(), retries=Retry(2, wait=0.0001)).read_all() == [7]
    yes, no = Pool(pool_size).source([7]).partition(failing_twice(), retries=1)
    with pytest.raises(OSError, match="busy"):
        yes.read_all()


def test_partition_and_take_while_time_their_calls(pool_size: int) -> None:
    # Every call takes longer than no time at all.
    yes, _ = Pool(pool_size).source([7]).partition(is_large, timeout=0)
    with pytest.raises(TaskTimeoutError) as caught:
        yes.read_all()
    assert str(caught.value) == "a call of task `is_large` took longer than its timeout of `0` seconds"
    yes, no = Pool(pool_size).source([7]).partition(is_large, timeout=0, on_error="skip")
    assert (yes.read_all(), no.read_all()) == ([], [])
    with pytest.raises(TaskTimeoutError):
        Pool(pool_size).source([7]).take_while(is_large, timeout=0).read_all()


class Moody:
    """Something that cannot say whether it is true, the first so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __bool__(self) -> bool:
        self.times -= 1
        if self.times >= 0:
            raise ValueError("who knows")
        return True


def test_whether_a_result_is_true_is_a_part_of_the_call(pool_size: int) -> None:
    def moods(times: int) -> list[Moody]:
        return [Moody(0), Moody(times)]

    pool = Pool(pool_size)
    with pytest.raises(ValueError, match="who knows"):
        pool.source(moods(1)[1:]).filter(lambda mood: mood).read_all()
    assert len(pool.source(moods(1)).filter(lambda mood: mood, on_error="skip").read_all()) == 1
    assert len(pool.source(moods(2)).filter(lambda mood: mood, retries=2).read_all()) == 2
    yes, no = pool.source(moods(1)).partition(lambda mood: mood, on_error="skip")
    assert (len(yes.read_all()), len(no.read_all())) == (1, 0)
    assert len(pool.source(moods(2)).take_while(lambda mood: mood, retries=2).read_all()) == 2


def test_what_a_generator_raises_is_a_failure_of_the_call(pool_size: int) -> None:
    tries = itertools.count()

    def parts(number: int) -> Iterator[float]:
        yield 1.0
        yield 100 / number

    def parts_at_last(number: int) -> Iterator[float]:
        yield 1.0
        if next(tries) < 2:
            raise OSError("busy")
        yield 2.0

    pool = Pool(pool_size)
    with pytest.raises(ZeroDivisionError):
        pool.source([0]).flat_map(parts).read_all()
    assert pool.source([2, 0, 4]).flat_map(parts, on_error="skip").read_all() == [1, 50, 1, 25]
    assert pool.source([0, 4]).flat_map(parts, on_error=lambda error, item: "x").read_all() == ["x", 1, 25]
    assert pool.source([0]).flat_map(parts_at_last, retries=2).read_all() == [1, 2]


def test_flatten_skips_asks_and_has_a_time(pool_size: int) -> None:
    def parts(number: int) -> Iterator[float]:
        yield 1.0
        yield 100 / number

    def source() -> PoolReader[Iterator[float]]:
        return Pool(pool_size).source([2, 0, 4]).map(parts)

    reader = source().flatten()
    # What an inner iterable has given before it fails comes first.
    assert reader.read(partial=True) == [1, 50, 1]
    with pytest.raises(ZeroDivisionError):
        reader.read_all()
    assert source().flatten(on_error="skip").read_all() == [1, 50, 1, 25]
    assert source().flatten(on_error=lambda error, item: [-1]).read_all() == [1, 50, -1, 1, 25]
    with pytest.raises(TaskTimeoutError):
        source().flatten(timeout=0).read_all()
    assert source().flatten(timeout=0, on_error="skip").read_all() == []
