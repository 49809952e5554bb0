"""A `StopIteration` that a function raises is a failure of the function, and no end of anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from millpond import Pool, PoolReader, Retry
from millpond.classic.pool import ThreadPool
from millpond.classic.task import ChannelThreadTask, IteratorThreadTask

ITEMS = [[1], [2], [], [3]]


def first(item: Any) -> Any:
    """Give the first of some things; raises `StopIteration` where there is none."""
    return next(iter(item))


class Doubtful:
    """What cannot say whether it is true, and says so by `StopIteration`."""

    def __bool__(self) -> bool:
        raise StopIteration


class Unwilling:
    """What cannot be iterated over, and says so by `StopIteration`."""

    def __iter__(self) -> Iterator[int]:
        raise StopIteration


def refuse(error: Exception, item: object) -> None:
    raise StopIteration


KINDS: dict[str, Callable[[PoolReader[Any]], PoolReader[Any]]] = {
    "map": lambda reader: reader.map(first),
    "filter": lambda reader: reader.filter(first),
    "a filter's answer": lambda reader: reader.filter(lambda item: item or Doubtful()),
    "filter_map": lambda reader: reader.filter_map(first),
    "tap": lambda reader: reader.tap(first),
    "take_while": lambda reader: reader.take_while(first),
    "flat_map": lambda reader: reader.flat_map(lambda item: [first(item)]),
    "what flat_map returns": lambda reader: reader.flat_map(lambda item: item or Unwilling()),
    "flatten": lambda reader: reader.map(lambda item: item or Unwilling()).flatten(),
    "starmap": lambda reader: reader.map(lambda item: (item,)).starmap(first),
    "partition": lambda reader: reader.partition(first)[0],
    "try_map": lambda reader: reader.try_map(first, on_error="raise")[0],
    "a handler": lambda reader: reader.map(lambda item: 1 // len(item), on_error=refuse),
    "retries": lambda reader: reader.map(first, retries=Retry(2)),
    "two tasks": lambda reader: reader.map(first).map(str),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Callable[[PoolReader[Any]], PoolReader[Any]]:
    """Each place where a function is called."""
    return KINDS[request.param]


def was_stop_iteration(error: BaseException) -> bool:
    return isinstance(error.__cause__, StopIteration)


def test_a_stop_iteration_is_a_failure(pool_size: int, kind: Callable[[PoolReader[Any]], PoolReader[Any]]) -> None:
    reads: list[Callable[[PoolReader[Any]], object]] = [
        list,
        PoolReader.read_all,
        lambda reader: [reader.read(1) for _ in ITEMS],
        lambda reader: asyncio.run(reader.read_async(9)) and asyncio.run(reader.read_async(9)),
        lambda reader: asyncio.run(iterated(reader)),
    ]
    for read in reads:
        with Pool(pool_size) as pool:
            reader = kind(pool.source(ITEMS))

            def both(read: Callable[[PoolReader[Any]], object] = read, reader: PoolReader[Any] = reader) -> None:
                # A read may give what came before the failure; then the next one fails.
                read(reader)
                reader.read_all()

            with pytest.raises(RuntimeError, match=r"^the function of task `.*` raised StopIteration") as caught:
                both()
        assert was_stop_iteration(caught.value)


async def iterated(reader: PoolReader[Any]) -> list[Any]:
    return [item async for item in reader]


def test_a_policy_gets_the_failure(pool_size: int) -> None:
    seen: list[BaseException] = []
    with Pool(pool_size) as pool:
        assert pool.source(ITEMS).map(first, on_error="skip").read_all() == [1, 2, 3]
        assert pool.source(ITEMS).map(first, on_error=lambda error, item: seen.append(error)).read_all() == [
            1,
            2,
            None,
            3,
        ]
        results, rejected = pool.source(ITEMS).try_map(first)
        assert results.read_all() == [1, 2, 3]
        seen += [error for _, error in rejected.read_all()]
    assert len(seen) == 2
    assert all(type(error) is RuntimeError and was_stop_iteration(error) for error in seen)


def test_an_executor_hands_the_failure_on(pool_size: int) -> None:
    with ThreadPoolExecutor(2) as executor, Pool(pool_size, executor=executor) as pool:
        with pytest.raises(RuntimeError, match=r"^the function of task `first` raised StopIteration"):
            list(pool.source(ITEMS).map(first))
        assert pool.source(ITEMS).map(first, on_error="skip").read_all() == [1, 2, 3]


def test_a_coroutine_function_may_raise_it_too(pool_size: int) -> None:
    async def call(item: list[int]) -> int:
        return next(iter(item))

    with Pool(pool_size) as pool, pytest.raises(RuntimeError):
        list(pool.source(ITEMS).map(call))


def test_an_iterator_ends_by_it_and_nothing_else_does(pool_size: int) -> None:
    class Two:
        def __init__(self) -> None:
            self.left = 2

        def __iter__(self) -> Two:
            return self

        def __next__(self) -> int:
            if self.left == 0:
                raise StopIteration
            self.left -= 1
            return self.left

    def generator() -> Iterator[int]:
        yield 5
        next(iter(()))

    with Pool(pool_size) as pool:
        assert pool.chain(pool.source(Two()), pool.source([7])).read_all() == [1, 0, 7]
        assert pool.source([1, 2]).flat_map(lambda _: Two()).read_all() == [1, 0, 1, 0]
        with pytest.raises(RuntimeError, match=r"^generator raised StopIteration"):
            list(pool.source(generator()))


@pytest.mark.parametrize("apply_single", [True, False], ids=["items", "lists"])
def test_a_task_of_the_classic_package_fails_by_it(pool_size: int, apply_single: bool) -> None:
    pool = ThreadPool(pool_size)
    function = first if apply_single else lambda items: [first(item) for item in items]
    numbers = IteratorThreadTask(iter(ITEMS), "numbers", None)
    task = ChannelThreadTask(pool.add_task(numbers), "firsts", function, apply_single, max_chunksize=1)
    with pytest.raises(RuntimeError) as caught:
        list(pool.add_task(task))
    assert was_stop_iteration(caught.value)
    assert type(task.error()) is RuntimeError
    assert numbers.error() is None
