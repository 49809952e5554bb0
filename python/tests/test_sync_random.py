"""Random programs over locks, semaphores and queues, on threads and two event loops: nothing is lost or invented."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Awaitable
from typing import Any, Callable

import pytest
from sides import Asyncio, Threads

from millpond.sync import LifoQueue, Lock, PriorityQueue, Queue, QueueEmpty, QueueFull, Semaphore

_SEEDS = range(6)
_STEPS = 60
_TIMEOUTS = (0, 0.0005, 0.002, 0.05)


async def _cut_short(wait: Awaitable[Any], draw: random.Random) -> Any:
    """Await something, or cancel it soon."""
    task = asyncio.ensure_future(wait)
    if draw.random() < 0.4:
        for _ in range(draw.randrange(3)):
            await asyncio.sleep(0)
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None


def _run(
    blocking: Callable[[random.Random], None], awaiting: Callable[[random.Random], Awaitable[None]], seed: int
) -> None:
    """Have it done by three threads, and by three tasks of each of two loops."""
    sides = [Threads(), Asyncio(), Asyncio()]
    calls = []
    for number, side in enumerate(sides):
        for task in range(3):
            draw = random.Random(f"{seed} {number} {task}")
            calls.append(side.call(lambda draw=draw: blocking(draw), lambda draw=draw: awaiting(draw)))  # type: ignore[misc]
    for call in calls:
        call.result()
    for side in sides:
        side.end()


@pytest.mark.parametrize("seed", _SEEDS)
def test_no_permit_is_lost_or_invented(seed: int) -> None:
    semaphore, guard = Semaphore(3), threading.Lock()
    held = 0

    def count(permits: int) -> None:
        nonlocal held
        with guard:
            held += permits
            assert 0 <= held <= 3

    def blocking(draw: random.Random) -> None:
        for _ in range(_STEPS):
            permits = draw.randint(1, 3)
            if semaphore.acquire(timeout=draw.choice(_TIMEOUTS), count=permits):
                count(permits)
                count(-permits)
                semaphore.release(permits)

    async def awaiting(draw: random.Random) -> None:
        for _ in range(_STEPS):
            permits = draw.randint(1, 3)
            wait = semaphore.acquire_async(timeout=draw.choice(_TIMEOUTS), count=permits)
            if await _cut_short(wait, draw):
                count(permits)
                if draw.random() < 0.5:
                    await asyncio.sleep(0)
                count(-permits)
                semaphore.release(permits)

    _run(blocking, awaiting, seed)
    assert (held, semaphore.value, semaphore.waiting) == (0, 3, 0)


@pytest.mark.parametrize("policy", ["eventual", "handoff", "barging"])
@pytest.mark.parametrize("seed", _SEEDS)
def test_a_lock_has_one_holder(seed: int, policy: Any) -> None:
    lock = Lock(owned=False, policy=policy)
    inside = 0

    def enter() -> None:
        nonlocal inside
        inside += 1
        assert inside == 1

    def leave() -> None:
        nonlocal inside
        inside -= 1
        lock.release()

    def blocking(draw: random.Random) -> None:
        for _ in range(_STEPS):
            if lock.acquire(timeout=draw.choice(_TIMEOUTS)):
                enter()
                leave()

    async def awaiting(draw: random.Random) -> None:
        for _ in range(_STEPS):
            if await _cut_short(lock.acquire_async(timeout=draw.choice(_TIMEOUTS)), draw):
                enter()
                if draw.random() < 0.5:
                    await asyncio.sleep(0)
                leave()

    _run(blocking, awaiting, seed)
    assert inside == 0
    assert not lock.locked()
    assert lock.waiting == 0


@pytest.mark.parametrize("make", [Queue, LifoQueue, PriorityQueue])
@pytest.mark.parametrize("seed", _SEEDS)
def test_every_item_comes_out_once(seed: int, make: Any) -> None:
    queue = make(4)
    numbers = iter(range(1_000_000))
    put: list[int] = []
    got: list[int] = []

    def blocking(draw: random.Random) -> None:
        for _ in range(_STEPS):
            timeout = draw.choice(_TIMEOUTS)
            if draw.random() < 0.5:
                item = next(numbers)
                with contextlib.suppress(QueueFull):
                    queue.put(item, timeout=timeout)
                    put.append(item)
            else:
                with contextlib.suppress(QueueEmpty):
                    got.append(queue.get(timeout=timeout))

    async def insert(item: int, timeout: float) -> None:
        await queue.put_async(item, timeout=timeout)
        put.append(item)

    async def awaiting(draw: random.Random) -> None:
        for _ in range(_STEPS):
            timeout = draw.choice(_TIMEOUTS)
            with contextlib.suppress(QueueFull, QueueEmpty):
                if draw.random() < 0.5:
                    await _cut_short(insert(next(numbers), timeout), draw)
                else:
                    item = await _cut_short(queue.get_async(timeout=timeout), draw)
                    if item is not None:
                        got.append(item)

    _run(blocking, awaiting, seed)
    assert queue.waiting == 0
    while len(queue):
        got.append(queue.try_get())
    # An item whose put was cancelled when it had been given room is in all the same.
    assert len(set(got)) == len(got)
    assert set(put) <= set(got)
    assert set(got) <= set(range(next(numbers)))
