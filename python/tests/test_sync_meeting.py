"""Conditions, countdowns, latches and barriers of `millpond.sync`, for each pair of kinds of waiters."""

from __future__ import annotations

import asyncio
import copy
import functools
import threading
from typing import Any

import pytest
from sides import Call, Side, Threads, loop_side, other, side, until

from millpond.sync import Barrier, BrokenBarrierError, Condition, CountdownEvent, Latch, Lock, RLock

__all__ = ["loop_side", "other", "side"]


def _wait(where: Side, condition: Condition[Any], timeout: float | None = None) -> Call:
    def blocking() -> bool:
        with condition:
            return condition.wait(timeout)

    async def awaiting() -> bool:
        async with condition:
            return await condition.wait_async(timeout)

    return where.call(blocking, awaiting)


@pytest.mark.parametrize("make", [RLock, Lock], ids=["rlock", "lock"])
def test_a_notification_hits_who_came_first(side: Side, other: Side, make: Any) -> None:
    condition: Condition[Any] = Condition(make())
    first = _wait(side, condition)
    until(lambda: condition.waiting == 1)
    second = _wait(other, condition)
    until(lambda: condition.waiting == 2)
    with condition:
        assert condition.notify() == 1
        assert not first.done()
    assert first.result() is True
    assert not second.done()
    with condition:
        assert condition.notify_all() == 1
        assert condition.notify(3) == 0
    assert second.result() is True
    assert not condition.locked()


def test_a_notification_of_one_that_goes_away_is_passed_on(loop_side: Side, other: Side) -> None:
    condition: Condition[Any] = Condition()
    first = _wait(loop_side, condition)
    until(lambda: condition.waiting == 1)
    second = _wait(other, condition)
    until(lambda: condition.waiting == 2)
    with condition:
        # It is notified, cannot have the lock yet, and is cancelled.
        condition.notify()
        first.cancel()
    try:
        first.result()
    except asyncio.CancelledError:
        pass
    else:
        # It had the lock again before it was cancelled, and so has passed nothing on.
        with condition:
            condition.notify()
    assert second.result() is True
    assert condition.waiting == 0
    assert not condition.locked()


def test_waiting_for_a_notification_times_out(side: Side) -> None:
    condition: Condition[Any] = Condition()
    for timeout in (0, 0.01):
        assert _wait(side, condition, timeout).result() is False
    assert condition.waiting == 0


def test_a_predicate_is_evaluated_by_the_notifier(side: Side, other: Side) -> None:
    condition: Condition[Any] = Condition()
    items: list[int] = []
    callers: list[int] = []

    def is_there(count: int) -> int:
        callers.append(threading.get_ident())
        return len(items) if len(items) >= count else 0

    def begin(where: Side, count: int, delegate: bool = True) -> Call:
        predicate = functools.partial(is_there, count)

        def blocking() -> int:
            with condition:
                return int(condition.wait_for(predicate, delegate=delegate))

        async def awaiting() -> int:
            async with condition:
                return int(await condition.wait_for_async(predicate, delegate=delegate))

        return where.call(blocking, awaiting)

    one, two, plain = begin(side, 1), begin(other, 2), begin(side, 2, False)
    until(lambda: condition.waiting == 3)
    callers.clear()
    with condition:
        items.append(1)
        assert condition.notify_all() == 2
        assert set(callers) == {threading.get_ident()}
    assert one.result() == 1
    until(lambda: condition.waiting == 2)
    assert not two.done()
    assert not plain.done()
    with condition:
        items.append(2)
        condition.notify_all()
    assert (two.result(), plain.result()) == (2, 2)


def test_a_predicate_that_raises_raises_in_its_waiter(side: Side) -> None:
    condition: Condition[Any] = Condition()
    is_bad = False

    def predicate() -> bool:
        if is_bad:
            raise KeyError("bad")
        return False

    def blocking() -> bool:
        with condition:
            return bool(condition.wait_for(predicate))

    async def awaiting() -> bool:
        async with condition:
            return bool(await condition.wait_for_async(predicate))

    waiter = side.call(blocking, awaiting)
    until(lambda: condition.waiting == 1)
    with condition:
        is_bad = True
        condition.notify()
    with pytest.raises(KeyError):
        waiter.result()
    assert not condition.locked()


def test_waiting_and_notifying_need_the_lock() -> None:
    condition: Condition[Any] = Condition()
    for lock in (RLock(), Lock(), threading.Lock(), threading.RLock()):
        condition = Condition(lock)
        for call in (condition.wait, condition.notify, condition.notify_all):
            with pytest.raises(RuntimeError, match="acquire it first"):
                call()
        with condition:
            assert condition.notify() == 0
            assert condition.wait(0) is False
    assert Condition(None).notify() == 0
    with condition:
        for count, error in ((-1, ValueError), (True, TypeError), ("1", TypeError)):
            with pytest.raises(error):
                condition.notify(count)  # type: ignore[arg-type]


def test_a_condition_gives_an_rlock_up_wholly(side: Side) -> None:
    lock = RLock()
    condition: Condition[Any] = Condition(lock)

    def blocking() -> int:
        with lock, lock:
            condition.wait()
            return lock.count()

    async def awaiting() -> int:
        async with lock, lock:
            await condition.wait_async()
            return lock.count()

    waiter = side.call(blocking, awaiting)
    until(lambda: condition.waiting == 1)
    with condition:
        condition.notify()
    assert waiter.result() == 2
    assert not lock.locked()


def test_a_countdown_wakes_all_at_zero(side: Side, other: Side) -> None:
    jobs = CountdownEvent(1)
    jobs.up(2)
    waiters = [where.call(jobs.wait, jobs.wait_async) for where in (side, other)]
    until(lambda: jobs.waiting == 2)
    jobs.down(2)
    assert jobs.value == 1
    assert not any(waiter.done() for waiter in waiters)
    jobs.down()
    assert [waiter.result() for waiter in waiters] == [True, True]
    assert jobs.is_set()
    with pytest.raises(RuntimeError, match="fewer ups"):
        jobs.down()
    for count in (0, -1):
        with pytest.raises(ValueError, match="1 or more"):
            jobs.up(count)
    jobs.up()
    assert side.call(lambda: jobs.wait(0.01), lambda: jobs.wait_async(0.01)).result() is False
    jobs.clear()
    assert jobs.wait(0)
    assert copy.copy(CountdownEvent(3)).value == 3


def test_a_barrier_lets_go_on_when_all_have_come(side: Side, other: Side) -> None:
    meetings: list[int] = []
    barrier = Barrier(3, action=lambda: meetings.append(len(meetings)))
    for number in range(3):
        calls = [where.call(barrier.wait, barrier.wait_async) for where in (side, other, side)]
        assert sorted(call.result() for call in calls) == [0, 1, 2]
        assert len(meetings) == number + 1
    assert barrier.waiting == 0


@pytest.mark.parametrize("make", [Barrier, Latch])
def test_one_that_goes_away_breaks_it_for_all(make: Any, loop_side: Side, other: Side) -> None:
    barrier = make(3)
    first = loop_side.call(barrier.wait, barrier.wait_async)
    until(lambda: barrier.waiting == 1)
    second = other.call(barrier.wait, barrier.wait_async)
    until(lambda: barrier.waiting == 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        first.result()
    with pytest.raises(BrokenBarrierError):
        second.result()
    assert barrier.broken
    with pytest.raises(BrokenBarrierError):
        barrier.wait()
    barrier.reset()
    assert not barrier.broken
    with pytest.raises(BrokenBarrierError):
        barrier.wait(timeout=0)
    assert barrier.broken


def test_an_action_that_raises_breaks_a_barrier(side: Side) -> None:
    def fail() -> None:
        raise KeyError("action")

    barrier = Barrier(2, fail)
    first = side.call(barrier.wait, barrier.wait_async)
    until(lambda: barrier.waiting == 1)
    with pytest.raises(KeyError):
        side.call(barrier.wait, barrier.wait_async).result()
    with pytest.raises(BrokenBarrierError):
        first.result()
    assert barrier.broken


def test_aborting_and_resetting_wake_who_waits(side: Side) -> None:
    barrier = Barrier(2)
    for end in (barrier.abort, barrier.reset):
        waiter = side.call(barrier.wait, barrier.wait_async)
        until(lambda: barrier.waiting == 1)
        end()
        with pytest.raises(BrokenBarrierError):
            waiter.result()
        barrier.reset()
    call = Threads().call(barrier.wait, barrier.wait_async)
    with pytest.raises(KeyError), barrier:
        raise KeyError
    call.result()
    assert barrier.broken


def test_a_latch_stays_open(side: Side, other: Side) -> None:
    latch = Latch(2)
    waiter = side.call(latch.wait, latch.wait_async)
    until(lambda: latch.waiting == 1)
    other.call(latch.wait, latch.wait_async).result()
    waiter.result()
    other.call(latch.wait, latch.wait_async).result()


def test_parties_are_checked() -> None:
    for make in (Barrier, Latch):
        for parties, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)):
            with pytest.raises(error):
                make(parties)  # type: ignore[arg-type]
    assert issubclass(BrokenBarrierError, threading.BrokenBarrierError)
    assert repr(Barrier(2)) == "<Barrier of 2, 0 waiting>"
    assert copy.copy(Barrier(2)).parties == 2
