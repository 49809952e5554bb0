"""Coroutine functions where only plain ones can be called, and plain functions that return what is to be awaited."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from millpond import Pool, PoolReader, Value


async def answer(item: Any = None, *more: Any) -> bool:
    return bool(item)


class Later:
    """What is to be awaited and is no coroutine."""

    def __await__(self) -> Any:
        return iter(())


#: Plain functions that return what is to be awaited.
PLAIN: dict[str, Callable[..., Any]] = {
    "lambda": lambda *items: answer(*items),
    "object": lambda *items: Later(),
    "partial": functools.partial(lambda *items: answer(*items), 1),
}

TASKS: dict[str, Callable[[PoolReader[Any], Callable[..., Any]], PoolReader[Any]]] = {
    "map": lambda reader, function: reader.map(function),
    "filter": lambda reader, function: reader.filter(function),
    "filter_map": lambda reader, function: reader.filter_map(function),
    "tap": lambda reader, function: reader.tap(function),
    "flat_map": lambda reader, function: reader.flat_map(function),
    "starmap": lambda reader, function: reader.map(lambda item: (item,)).starmap(function),
    "take_while": lambda reader, function: reader.take_while(function),
    "partition": lambda reader, function: reader.partition(function)[0],
    "try_map": lambda reader, function: reader.try_map(function)[0],
    "skipping": lambda reader, function: reader.map(function, on_error="skip", retries=2, timeout=60),
    "handler": lambda reader, function: reader.map(lambda item: 1 // 0, on_error=function),
    "starmap with a timeout": lambda reader, function: reader.enumerate().starmap(function, timeout=60),
}

READS: dict[str, Callable[[PoolReader[Any], Callable[..., Any]], Any]] = {
    "for_each": lambda reader, function: reader.for_each(function),
    "fold": lambda reader, function: reader.take(1).fold(function, None),
    "reduce": lambda reader, function: reader.take(2).reduce(function),
    "collect": lambda reader, function: reader.collect(function),
}


@pytest.mark.parametrize("function", PLAIN.values(), ids=PLAIN)
@pytest.mark.parametrize("add", TASKS.values(), ids=TASKS)
def test_an_awaitable_is_no_item(
    pool_size: int, add: Callable[[PoolReader[Any], Callable[..., Any]], PoolReader[Any]], function: Callable[..., Any]
) -> None:
    with Pool(pool_size) as pool:
        for read in (list, PoolReader.read_all):
            with pytest.raises(TypeError, match=r"is a plain one and returned an awaitable .* `async def`"):
                read(add(pool.source(range(5)), function))


@pytest.mark.parametrize("function", PLAIN.values(), ids=PLAIN)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_read_to_the_end_takes_no_awaitable(
    read: Callable[[PoolReader[Any], Callable[..., Any]], Any], function: Callable[..., Any]
) -> None:
    with pytest.raises(TypeError, match=r"is a plain one and returned an awaitable"):
        read(Pool(0).source(range(5)), function)


@pytest.mark.parametrize(
    ("name", "add"),
    [(name, TASKS[name]) for name in ("take_while", "partition")] + list(READS.items()),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_calls_plain_functions_says_so_when_it_is_declared(
    name: str, add: Callable[[PoolReader[Any], Callable[..., Any]], Any]
) -> None:
    with pytest.raises(
        TypeError, match=rf"^`{name}` calls plain functions, and .* is a coroutine function, `answer`; "
    ):
        add(Pool(0).source(range(5)), answer)


@pytest.mark.parametrize(
    "add",
    [
        lambda reader: reader.map(str, on_error=answer),
        lambda reader: reader.flat_map(str, on_error=answer),
        lambda reader: reader.flatten(on_error=answer),
        lambda reader: reader.take_while(bool, on_error=answer),
        lambda reader: reader.partition(bool, on_error=answer),
        lambda reader: reader.try_map(str, on_error=answer),
    ],
)
def test_the_handler_of_a_plain_function_is_plain(add: Callable[[PoolReader[Any]], Any]) -> None:
    with pytest.raises(
        TypeError, match=r"^a task with a plain function calls plain functions, and on_error is a coroutine"
    ):
        add(Pool(0).source([1]))


def test_the_handler_of_a_coroutine_function_may_be_one(pool_size: int) -> None:
    async def fail(item: int) -> int:
        raise OSError(item)

    async def handle(error: Exception, item: int) -> int:
        await asyncio.sleep(0)
        if item == 2:
            raise LookupError
        return -item

    with Pool(pool_size) as pool:
        assert pool.source([1, 3]).map(fail, on_error=handle).read_all() == [-1, -3]
        assert pool.source([1]).map(fail, on_error=lambda error, item: handle(error, item)).read_all() == [-1]
        results, rejected = pool.source([1, 2]).try_map(fail, on_error=handle)
        assert results.read_all() == [-1]
        assert [type(error) for _, error in rejected.read_all()] == [LookupError]


def test_a_filter_awaits_its_answers(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        assert pool.source(range(4)).filter(answer).read_all() == [1, 2, 3]
        assert pool.source(range(4)).filter(functools.partial(answer)).read_all() == [1, 2, 3]


def test_a_value_may_be_an_item(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        values = pool.source([-1, 2]).map(lambda item: pool.value(abs, item)).read_all()
        assert [type(value) for value in values] == [Value, Value]
        assert pool.get(*values) == (1, 2)
