"""Calls that make values: what a failure waits for, in which context they run, and values that need themselves."""

from __future__ import annotations

import asyncio
import contextvars
import operator
import threading
import time
from typing import Any, Callable

import pytest
import trio

from millpond import Pool, Value


@pytest.fixture
def pool(pool_size: int) -> Pool:
    """Give a pool of each size."""
    return Pool(pool_size)


def _get_all(pool: Pool, values: list[Value[Any]]) -> Any:
    return pool.get(*values)


def _get_one(pool: Pool, values: list[Value[Any]]) -> Any:
    return pool.value(list, values).get()


def _await_one(pool: Pool, values: list[Value[Any]]) -> Any:
    async def main() -> Any:
        return await pool.value(list, values)

    return asyncio.run(main())


def _await_one_under_trio(pool: Pool, values: list[Value[Any]]) -> Any:
    async def main() -> Any:
        return await pool.value(list, values)

    return trio.run(main)


GETS = [_get_all, _get_one, _await_one, _await_one_under_trio]


# ---- failures


@pytest.mark.parametrize("get", GETS)
@pytest.mark.parametrize("size", [2, 8])
def test_a_failure_is_told_while_other_threads_are_in_calls(size: int, get: Callable[[Pool, list[Any]], Any]) -> None:
    pool = Pool(size)
    begun, may_end = threading.Event(), threading.Event()
    calls: list[str] = []

    def slow() -> str:
        calls.append("slow")
        begun.set()
        assert may_end.wait(30)
        return "made once"

    def failing() -> None:
        assert begun.wait(30)
        raise OSError("at once")

    other = pool.value(slow)
    for _ in range(3):
        with pytest.raises(OSError, match="at once"):
            get(pool, [other, pool.value(failing)])
        assert not other.done
    # What is under way goes on, and is not called again.
    may_end.set()
    assert other.get() == "made once"
    assert calls == ["slow"]


def test_a_failure_has_no_other_call_begun() -> None:
    pool = Pool(2)
    begun, may_end = threading.Event(), threading.Event()
    calls: list[int] = []

    def slow() -> None:
        begun.set()
        assert may_end.wait(30)

    def failing() -> None:
        assert begun.wait(30)
        raise OSError("at once")

    # The last are begun first.
    values = [pool.value(calls.append, number) for number in range(20)]
    with pytest.raises(OSError, match="at once"):
        pool.get(*values, pool.value(slow), pool.value(failing))
    may_end.set()
    assert calls == []


@pytest.mark.parametrize("get", GETS)
@pytest.mark.parametrize("raised", [StopIteration, StopAsyncIteration])
def test_the_end_of_an_iterator_is_a_failure(
    pool: Pool, get: Callable[[Pool, list[Any]], Any], raised: type[Exception]
) -> None:
    def stop() -> None:
        raise raised("no more")

    with pytest.raises(RuntimeError, match=rf"^the function of task `stop` raised {raised.__name__}\b") as caught:
        get(pool, [pool.value(stop), pool.value(abs, -1)])
    assert isinstance(caught.value.__cause__, raised)


# ---- contexts


@pytest.mark.parametrize("outside", [None, "outside"])
def test_each_call_has_a_context_of_its_own(pool: Pool, outside: str | None) -> None:
    variable: contextvars.ContextVar[str | None] = contextvars.ContextVar("variable", default=None)
    if outside is not None:
        variable.set(outside)

    def change(number: int) -> str | None:
        before = variable.get()
        variable.set(f"of call {number}")
        return before

    task = pool.task(change)
    assert set(pool.get(*(task(number) for number in range(100)))) == {outside}
    assert set(pool.get(*(task(number) for number in range(100)))) == {outside}
    assert variable.get() == outside


# ---- values that are taken for what they will be


def sorted_with_itself(value: Any) -> object:
    return sorted([value, value])


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (bool, "testing the truth of"),
        (lambda value: 1 if value else 2, "testing the truth of"),
        (list, "iterating over"),
        (lambda value: [*value], "iterating over"),
        *(
            (lambda value, use=use: use(value, 1), what)
            for use, what in (
                (operator.add, "adding"),
                (operator.sub, "subtracting"),
                (operator.mul, "multiplying"),
                (operator.matmul, "multiplying"),
                (operator.truediv, "dividing"),
                (operator.floordiv, "dividing"),
                (operator.mod, "dividing"),
                (operator.pow, "raising"),
                (operator.lshift, "shifting"),
                (operator.rshift, "shifting"),
                (operator.and_, "combining"),
                (operator.or_, "combining"),
                (operator.xor, "combining"),
                (divmod, "dividing"),
                (operator.lt, "comparing"),
                (operator.le, "comparing"),
                (operator.gt, "comparing"),
                (operator.ge, "comparing"),
                (operator.getitem, "taking an item of"),
                (operator.contains, "looking for an item in"),
                (round, "rounding"),
            )
        ),
        (lambda value: 1 + value, "adding"),
        (lambda value: 2**value, "raising"),
        (lambda value: pow(value, 2, 3), "raising"),
        (lambda value: value > 1, "comparing"),
        (lambda value: divmod(1, value), "dividing"),
        (lambda value: "ab"[value], "indexing by"),
        (lambda value: f"{value:>9}", "formatting"),
        (sorted_with_itself, "comparing"),
        (round, "rounding"),
        (len, "taking the length of"),
        (int, "making a number of"),
        (float, "making a number of"),
        (complex, "making a number of"),
        (range, "indexing by"),
        (operator.neg, "negating"),
        (operator.invert, "inverting"),
        (abs, "taking the absolute value of"),
    ],
)
def test_a_value_that_is_taken_for_its_result_says_how_that_is_had(use: Callable[[Any], Any], what: str) -> None:
    value = Pool(0).value(abs, -1)
    with pytest.raises(TypeError) as caught:
        use(value)
    assert str(caught.value) == f"{what} the value `abs`, which is made when it is asked for: call `get()` on it"
    assert {value: 1}[value] == 1
    assert value in [value]
    assert value != -1
    assert value != Pool(0).value(abs, -1)
    assert f"{value}" == str(value) == repr(value) == "<Value `abs`: not made yet>"


# ---- values that need themselves


def _by_itself(pool: Pool, ask: Callable[[], Any]) -> Any:
    return ask()


def _by_values(pool: Pool, ask: Callable[[], Any]) -> Any:
    return pool.get(*(pool.value(ask) for _ in range(4)))


def _by_a_stream(pool: Pool, ask: Callable[[], Any]) -> Any:
    return pool.source(range(4)).map(lambda _: ask(), max_chunksize=1).read_all()


def _by_coroutines(pool: Pool, ask: Callable[[], Any]) -> Any:
    async def one(_: int) -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool.as_executor(), ask)

    return pool.source(range(4)).map(one).read_all()


def _by_an_executor(pool: Pool, ask: Callable[[], Any]) -> Any:
    return pool.as_executor().submit(ask).result()


def _by_an_executors_map(pool: Pool, ask: Callable[[], Any]) -> Any:
    return list(pool.as_executor().map(lambda _: ask(), range(4)))


def _by_an_executor_within_a_stream(pool: Pool, ask: Callable[[], Any]) -> Any:
    return pool.source(range(2)).map(lambda _: _by_an_executor(pool, ask)).read_all()


WAYS = [
    _by_itself,
    _by_values,
    _by_a_stream,
    _by_coroutines,
    _by_an_executor,
    _by_an_executors_map,
    _by_an_executor_within_a_stream,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_value_that_needs_itself_is_told(pool: Pool, way: Callable[[Pool, Callable[[], Any]], Any]) -> None:
    values: list[Value[Any]] = []
    calls: list[str] = []

    def function() -> Any:
        calls.append("called")
        # What is still under way when this has failed calls it again.
        return way(pool, values[0].get) if len(calls) == 1 else "called again"

    values.append(pool.value(function))
    with pytest.raises(RuntimeError, match="while it is being made: its function asks for its own value"):
        values[0].get()


@pytest.mark.parametrize("way", [_by_itself, _by_values])
def test_a_value_that_awaits_itself_is_told(pool: Pool, way: Callable[[Pool, Callable[[], Any]], Any]) -> None:
    values: list[Value[Any]] = []
    calls: list[str] = []

    async def ask() -> Any:
        return await values[0]

    def function() -> Any:
        calls.append("called")
        return way(pool, lambda: asyncio.run(ask())) if len(calls) == 1 else "called again"

    values.append(pool.value(function))
    with pytest.raises(RuntimeError, match="while it is being made: its function asks for its own value"):
        values[0].get()


# A function of an executor has to be begun before it can be seen what it waits for.
@pytest.mark.parametrize(
    ("way", "size"), [*((way, 2) for way in (_by_itself, _by_values, _by_a_stream)), *((way, 8) for way in WAYS)]
)
def test_values_that_need_each_other_are_told(size: int, way: Callable[[Pool, Callable[[], Any]], Any]) -> None:
    pool = Pool(size)
    values: list[Value[Any]] = []
    both = threading.Barrier(2)
    asked: list[int] = []

    def need(other: int) -> Any:
        asked.append(other)
        # One of the two is told, and is called again by the other.
        if len(asked) > 2:
            return "called again"
        both.wait(30)
        return way(pool, values[other].get)

    values += [pool.value(need, 1), pool.value(need, 0)]
    with pytest.raises(RuntimeError, match="its function asks for its own value"):
        pool.get(*values)


@pytest.mark.parametrize("is_deep", [False, True])
def test_a_value_that_reads_what_asks_for_it_is_told(pool: Pool, is_deep: bool) -> None:
    values: list[Value[Any]] = []
    calls: list[str] = []

    def ask(number: int) -> Any:
        if number < 20:
            # So slow that helpers come.
            time.sleep(0.001)
            return None
        return values[0].get()

    reader = pool.source(range(40)).map(ask, max_chunksize=1)
    assert len(reader.read(20)) == 20

    def function() -> Any:
        calls.append("called")
        if len(calls) > 1:
            return "called again"
        return pool.value(reader.read_all).get() if is_deep else reader.read_all()

    values.append(pool.value(function))
    with pytest.raises(RuntimeError, match="while it is being made: its function asks for its own value"):
        values[0].get()


def test_a_reader_made_by_a_function_may_ask_for_its_value_later(pool: Pool) -> None:
    values: list[Value[Any]] = []
    values.append(pool.value(lambda: pool.source(range(100)).map(lambda n: (n, values[0].done))))
    reader = values[0].get()
    assert reader.read_all() == [(n, True) for n in range(100)]

    values[0] = pool.value(lambda: (7, pool.source(range(100)).map(lambda n: n + values[0].get()[0])))
    assert values[0].get()[1].read_all() == list(range(7, 107))
