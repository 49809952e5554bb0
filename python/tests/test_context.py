"""Context variables: every call finds them as they were when its task was added, whatever the other calls do."""

from __future__ import annotations

import contextvars
import decimal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from millpond import Pool, PoolReader

variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)


def count(_: object = None) -> int:
    """Give the variable, and make it one more."""
    value = variable.get()
    variable.set(value + 1)
    return value


def fail(item: int) -> int:
    count()
    raise OSError(item)


TASKS: dict[str, Callable[[PoolReader[Any]], PoolReader[Any]]] = {
    "map": lambda reader: reader.map(count),
    "starmap": lambda reader: reader.map(lambda item: (item,)).starmap(count),
    "filter_map": lambda reader: reader.filter_map(count),
    "filter": lambda reader: reader.filter(lambda item: not count()).map(lambda item: variable.get()),
    "tap": lambda reader: reader.tap(count).map(lambda item: variable.get()),
    "flat_map": lambda reader: reader.flat_map(lambda item: [count()]),
    "take_while": lambda reader: reader.take_while(lambda item: not count()).map(lambda item: variable.get()),
    "partition": lambda reader: reader.partition(lambda item: count() in (0, 5))[0].map(lambda item: variable.get()),
    "try_map": lambda reader: reader.try_map(count)[0],
    "handler": lambda reader: reader.map(fail, on_error=lambda error, item: variable.get()),
    "two tasks": lambda reader: reader.map(count).map(lambda value: max(value, count())),
    "chunks": lambda reader: reader.map(count, min_count=7, max_chunksize=7),
}
# What the failing call has set is there for its own handler: they are one call.
EXPECTED = {"handler": 1}

READS: dict[str, Callable[[PoolReader[Any]], list[Any]]] = {
    "list": list,
    "read_all": PoolReader.read_all,
    "one by one": lambda reader: [reader.read(1)[0] for _ in range(30)],
    "by tens": lambda reader: reader.read(10) + reader.read(10) + reader.read(10),
}


@pytest.mark.parametrize("add", TASKS)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("outside", [0, 5], ids=["unset", "set"])
def test_no_call_finds_what_another_one_has_set(
    pool_size: int, add: str, read: Callable[[PoolReader[Any]], list[Any]], outside: int
) -> None:
    def body() -> None:
        if outside:
            variable.set(outside)
        with Pool(pool_size) as pool:
            reader = TASKS[add](pool.source(range(1, 31)))
            variable.set(99)
            if outside and add in ("filter", "take_while"):
                assert reader.read_all() == []
                return
            assert set(read(reader)) == {outside + EXPECTED.get(add, 0)}
        assert variable.get() == 99

    contextvars.Context().run(body)


def test_a_function_written_in_c_sets_none_for_others(pool_size: int) -> None:
    def set_precision(number: int) -> int:
        before = decimal.getcontext().prec
        decimal.setcontext(decimal.Context(prec=number))
        return before

    def body() -> None:
        with Pool(pool_size) as pool:
            assert set(pool.source(range(2, 40)).map(set_precision)) == {28}
        assert decimal.getcontext().prec == 28

    contextvars.Context().run(body)


def test_a_source_keeps_what_it_sets_for_itself(pool_size: int) -> None:
    def numbers() -> Iterator[int]:
        while True:
            yield count()

    def body() -> None:
        with Pool(pool_size) as pool:
            reader = pool.source(numbers())
            found = reader.map(lambda number: (number, variable.get()))
            assert found.read(3) == [(0, 0), (1, 0), (2, 0)]
            assert next(found) == (3, 0)
            assert found.read(20) == [(number, 0) for number in range(4, 24)]
        assert variable.get() == 0

    contextvars.Context().run(body)


def test_a_function_that_calls_nothing_leaves_no_trace(pool_size: int) -> None:
    def body() -> None:
        with Pool(pool_size) as pool:
            assert list(pool.source(range(5)).map(lambda number: number + 1).map(abs)) == [1, 2, 3, 4, 5]
        assert list(contextvars.copy_context()) == []

    contextvars.Context().run(body)
