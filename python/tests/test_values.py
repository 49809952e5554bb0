"""Graphs of values: functions that are each called once, with the values of others."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import inspect
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterable
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from millpond import Pool, Value, ValueTask


@pytest.fixture
def pool(pool_size: int) -> Pool:
    """Give a pool of each size."""
    return Pool(pool_size)


def _double(number: int) -> int:
    return number * 2


def test_calling_a_task_calls_nothing(pool: Pool) -> None:
    def never() -> None:
        raise AssertionError("called")

    value = pool.task(never)()
    assert isinstance(value, Value)
    assert not value.done


def test_a_get_calls_what_is_needed_and_each_once(pool: Pool) -> None:
    calls: list[str] = []

    @pool.task
    def step(name: str, *inputs: int) -> int:
        calls.append(name)
        return 1 + sum(inputs)

    first = step("first")
    left, right = step("left", first), step("right", first)
    unwanted = step("unwanted", first)
    both = step("both", left, right, right)
    assert calls == []
    assert both.get() == 1 + 2 + 2 + 2
    assert sorted(calls) == ["both", "first", "left", "right"]
    assert both.get() == 7
    assert pool.get(left, both) == (2, 7)
    assert len(calls) == 4
    assert not unwanted.done


@given(data=st.data(), size=st.sampled_from([0, 1, 2, 8]))
def test_random_graphs_have_the_values_that_a_loop_computes(data: st.DataObject, size: int) -> None:
    pool = Pool(size)
    calls: list[int] = []
    count = data.draw(st.integers(1, 40))
    values: list[Value[int]] = []
    expected: list[int] = []
    needs: list[set[int]] = []

    def combine(number: int, inputs: Iterable[int], more: dict[str, list[int]]) -> int:
        calls.append(number)
        return number + sum(inputs) + sum(more["inputs"])

    task = pool.task(combine)
    for number in range(count):
        inputs = data.draw(st.lists(st.integers(0, number - 1), max_size=4)) if number else []
        split = data.draw(st.integers(0, len(inputs)))
        direct, nested = inputs[:split], inputs[split:]
        kind = data.draw(st.sampled_from([list, tuple]))
        values.append(task(number, kind(values[at] for at in direct), more={"inputs": [values[at] for at in nested]}))
        expected.append(number + sum(expected[at] for at in inputs))
        needs.append({number}.union(*(needs[at] for at in inputs)))
    targets = data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=4))
    assert pool.get(*(values[at] for at in targets)) == tuple(expected[at] for at in targets)
    assert sorted(calls) == sorted(set().union(*(needs[at] for at in targets)))
    assert [value.done for value in values] == [at in calls for at in range(count)]


def test_containers_are_followed_and_others_passed_as_they_are(pool: Pool) -> None:
    one, two = pool.value(int, "1"), pool.value(int, "2")

    def look(*arguments: Any, **named: Any) -> Any:
        return arguments, named

    class Kind(list):  # type: ignore[type-arg]
        pass

    plain = [1, [2]]
    other = Kind([one])
    arguments, named = pool.value(
        look, [one, (two, {"key": one})], plain, other, word={"one": [one], "none": None}
    ).get()
    assert arguments[0] == [1, (2, {"key": 1})]
    assert arguments[1] is plain
    assert (type(arguments[2]), arguments[2]) == (Kind, [1])
    assert other[0] is one
    assert named == {"word": {"one": [1], "none": None}}


def test_several_values_are_made_at_once() -> None:
    pool = Pool(4)
    barrier = threading.Barrier(4)
    arrive = pool.task(lambda number: barrier.wait(30))
    assert sorted(pool.get(*(arrive(number) for number in range(4)))) == [0, 1, 2, 3]


def test_no_more_values_are_made_at_once_than_the_pool_has_workers() -> None:
    pool = Pool(2)
    lock = threading.Lock()
    running: list[int] = []
    most = 0

    @pool.task
    def count(number: int) -> None:
        nonlocal most
        with lock:
            running.append(number)
            most = max(most, len(running))
        time.sleep(0)
        with lock:
            running.remove(number)

    pool.get(*(count(number) for number in range(300)))
    assert most <= 2


def test_a_serial_pool_calls_all_in_the_caller() -> None:
    pool = Pool(0)
    threads = {pool.value(threading.get_ident) for _ in range(20)}
    assert {value.get() for value in threads} == {threading.get_ident()}


def test_an_error_is_the_original_one_with_the_way_that_it_took(pool: Pool) -> None:
    error = KeyError("which")

    @pool.task
    def load(name: str) -> str:
        raise error

    @pool.task(name="count words")
    def count(text: str) -> int:
        raise AssertionError("called")

    total = pool.value(sum, [count(load("a"))])
    for _ in range(3):
        with pytest.raises(KeyError) as caught:
            total.get()
        assert caught.value is error
    if sys.version_info >= (3, 11):
        # Once, however often it is raised.
        assert error.__notes__ == ["in value `load`, needed by `count words` -> `sum`"]
    assert not total.done


def test_a_failed_value_is_tried_again_and_what_was_made_is_kept(pool: Pool) -> None:
    calls: list[str] = []

    @pool.task
    def first() -> int:
        calls.append("first")
        return 1

    @pool.task
    def second(number: int) -> int:
        calls.append("second")
        if len(calls) < 3:
            raise OSError("not yet")
        return number + 1

    value = second(first())
    with pytest.raises(OSError, match="not yet"):
        value.get()
    assert value.get() == 2
    assert calls == ["first", "second", "second"]


def test_values_that_do_not_need_what_failed_can_still_be_got(pool: Pool) -> None:
    bad = pool.value(int, "x")
    good = pool.value(int, "5")
    with pytest.raises(ValueError, match="invalid literal"):
        pool.get(bad, good)
    assert good.get() == 5


def test_an_exit_in_a_function_comes_out(pool: Pool) -> None:
    with pytest.raises(SystemExit):
        pool.value(abs, pool.value(sys.exit, 3)).get()


def test_gets_of_several_threads_share_what_they_need(pool_size: int) -> None:
    pool = Pool(max(pool_size, 1))
    calls: list[int] = []

    @pool.task
    def step(number: int, *inputs: int) -> int:
        calls.append(number)
        return sum(inputs, number)

    shared = [step(0)]
    for number in range(1, 200):
        shared.append(step(number, shared[-1], shared[number // 2]))
    targets = [pool.value(sum, [shared[-1], number]) for number in range(8)]
    results: list[int] = []
    threads = [threading.Thread(target=lambda target=target: results.append(target.get())) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [shared[-1].get() + number for number in range(8)]
    assert sorted(calls) == list(range(200))


def test_a_get_waits_for_the_thread_that_is_making_the_value() -> None:
    pool = Pool(2)
    begun, may_end = threading.Event(), threading.Event()

    @pool.task
    def slow() -> str:
        begun.set()
        assert may_end.wait(30)
        return "made once"

    value = slow()
    other = threading.Thread(target=value.get)
    other.start()
    assert begun.wait(30)
    results: list[str] = []
    waiter = threading.Thread(target=lambda: results.append(value.get()))
    waiter.start()
    may_end.set()
    waiter.join(30)
    other.join(30)
    assert results == ["made once"]


def test_a_function_may_get_other_values(pool: Pool) -> None:
    inner = pool.task(lambda number: number * 2)

    @pool.task
    def outer(number: int) -> int:
        return sum(pool.get(*(inner(at) for at in range(number))))

    assert pool.get(outer(3), outer(10)) == (6, 90)


def test_a_function_that_asks_for_its_own_value_is_told(pool: Pool) -> None:
    values: list[Value[int]] = []
    values.append(pool.value(lambda: values[0].get()))
    with pytest.raises(
        RuntimeError, match=r"^getting `<lambda>` while it is being made: its function asks for its own value"
    ):
        values[0].get()


def test_two_functions_that_ask_for_each_other_are_told() -> None:
    pool = Pool(2)
    values: list[Value[int]] = []
    both = threading.Barrier(2)
    asked: list[int] = []

    def ask(other: int) -> int:
        asked.append(other)
        # One of the two is told, and is called again by the other.
        if len(asked) <= 2:
            both.wait(30)
        return values[other].get()

    values += [pool.value(ask, 1), pool.value(ask, 0)]
    with pytest.raises(RuntimeError, match="its function asks for its own value"):
        pool.get(*values)


def test_values_that_need_themselves_are_found(pool: Pool) -> None:
    inputs: list[Any] = []
    value = pool.value(sum, inputs)
    inputs.append(pool.value(abs, value))
    with pytest.raises(RuntimeError, match=r"^getting values that need themselves, by a list .*: `sum`, `abs`"):
        value.get()


def test_arguments_that_are_too_deep_are_refused(pool: Pool) -> None:
    deep: list[Any] = []
    deep.append(deep)
    with pytest.raises(RecursionError, match=r"nested deeper than `200`: pass it as a value"):
        pool.value(len, deep).get()


def test_a_long_chain_is_built_got_and_dropped(pool: Pool) -> None:
    increment = pool.task(lambda number: number + 1)
    value = pool.value(int, 0)
    for _ in range(100_000):
        value = increment(value)
    unread = value
    for _ in range(100_000):
        unread = increment(unread)
    assert value.get() == 100_000
    del value, unread


def test_what_is_between_goes_when_it_has_been_used(pool: Pool) -> None:
    class Thing:
        pass

    alive: list[int] = []
    things: weakref.WeakSet[Thing] = weakref.WeakSet()

    @pool.task
    def make(before: Thing | None) -> Thing:
        thing = Thing()
        things.add(thing)
        alive.append(len(things))
        return thing

    value: Any = None
    for _ in range(50):
        value = make(value)
    last = value.get()
    gc.collect()
    assert list(things) == [last]
    # The one before is an argument while the next is made.
    assert max(alive) <= 3


def test_a_cycle_through_a_value_is_collected(pool: Pool) -> None:
    class Thing:
        value: Any

    thing = Thing()
    gone = weakref.ref(thing)
    thing.value = pool.value(lambda thing: thing, thing)
    del thing
    gc.collect()
    assert gone() is None
    thing = Thing()
    gone = weakref.ref(thing)
    thing.value = pool.value(lambda thing: thing, thing)
    assert thing.value.get() is thing
    del thing
    gc.collect()
    assert gone() is None


def test_functions_run_in_a_copy_of_the_context(pool: Pool) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    variable.set("outside")

    def look(_: int) -> str:
        time.sleep(0)
        return variable.get()

    task = pool.task(look)
    assert set(pool.get(*(task(number) for number in range(50)))) == {"outside"}
    pool.value(variable.set, "inside").get()
    assert variable.get() == "outside"


def test_values_can_be_awaited_under_asyncio(pool: Pool) -> None:
    double = pool.task(_double)

    async def main() -> list[int]:
        return [await double(double(4)), *await asyncio.gather(*(_await(double(number)) for number in range(10)))]

    async def _await(value: Value[int]) -> int:
        return await value

    assert asyncio.run(main()) == [16, *range(0, 20, 2)]


def test_values_can_be_awaited_under_trio(pool: Pool) -> None:
    double = pool.task(_double)
    results: list[int] = []

    async def one(number: int) -> None:
        results.append(await double(number))

    async def main() -> int:
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(one, number)
        return await double(double(4))

    assert trio.run(main) == 16
    assert sorted(results) == list(range(0, 20, 2))


def test_an_awaited_value_raises_what_its_function_raised(pool: Pool) -> None:
    async def main() -> None:
        await pool.value(int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        asyncio.run(main())
    with pytest.raises(ValueError, match="invalid literal"):
        trio.run(main)


def test_a_cancelled_wait_under_trio_leaves_nothing_behind() -> None:
    pool = Pool(1)
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert may_end.wait(30)
        return "made"

    value = pool.value(slow)

    async def main() -> None:
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                await value

            nursery.start_soon(wait)
            await trio.to_thread.run_sync(begun.wait)
            nursery.cancel_scope.cancel()
        may_end.set()

    trio.run(main)
    assert value.get() == "made"


@pytest.mark.skipif(sys.platform == "win32", reason="a signal is sent to one process")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("size", [0, 2])
def test_an_interrupt_ends_a_get_at_once(size: int) -> None:
    program = f"""
import sys, threading, time
from millpond import Pool
pool = Pool({size})
barrier = threading.Barrier(max(pool.size, 1))

def sleep():
    if barrier.wait(30) == 0:
        print("ready", flush=True)
    time.sleep(30 if threading.current_thread() is not threading.main_thread() or pool.size == 0 else 0)

values = [pool.value(sleep) for _ in range(max(pool.size, 1))]
try:
    pool.get(*values)
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), pool.value(abs, -7).get(), flush=True)
    import os
    os._exit(0)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        word, when, value = process.stdout.readline().split()
        assert (word, value) == ("interrupted", "7")
        # The clock is one for all processes of the machine. Other work on it may take some time.
        assert float(when) - sent < 2


def test_a_task_looks_like_its_function(pool: Pool) -> None:
    @pool.task
    def add(left: int, right: int = 1) -> int:
        """Add two numbers."""
        return left + right

    assert isinstance(add, ValueTask)
    assert add.__doc__ == "Add two numbers."
    assert add.name == "add"
    assert add.function(2) == 3
    assert list(inspect.signature(add).parameters) == ["left", "right"]
    assert repr(add) == "<ValueTask `add`>"
    assert repr(add(1)) == "<Value `add`: not made yet>"


def test_the_collector_may_come_while_a_task_is_made(pool: Pool) -> None:
    thresholds = gc.get_threshold()
    values: list[Value[list[int]]] = []
    try:
        # So that it comes at each step of making one, sooner or later.
        for threshold in range(50, 750, 50):
            gc.set_threshold(threshold)
            for _ in range(60):
                values = [pool.value(lambda number: [number], number) for number in range(50)]
    finally:
        gc.set_threshold(*thresholds)
    assert [value.get() for value in values] == [[number] for number in range(50)]


def test_what_cannot_be_a_task_is_refused(pool: Pool) -> None:
    async def coroutine() -> None: ...

    with pytest.raises(TypeError, match=r"^function must be something that can be called, got 7$"):
        pool.task(7)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"^making values by `coroutine`, which is a coroutine function"):
        pool.task(coroutine)
    with pytest.raises(TypeError, match=r"^getting `7`, which is not a value: make one with `pool.value`"):
        pool.get(7)  # type: ignore[call-overload]


def test_values_are_not_copied(pool: Pool) -> None:
    value = pool.value(abs, -1)
    with pytest.raises(TypeError):
        copy.copy(value)
