"""The modules of `millpond.sync.compat` take and give what those do whose names they have."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import pickle
import queue
import threading
from typing import Any

import pytest
from sides import Threads, until

from millpond.sync.compat import asyncio as for_tasks
from millpond.sync.compat import janus
from millpond.sync.compat import queue as for_queues
from millpond.sync.compat import threading as for_threads


def test_they_have_the_same_names() -> None:
    for name in ("threading", "asyncio", "queue"):
        standard, ours = importlib.import_module(name), importlib.import_module(f"millpond.sync.compat.{name}")
        for exported in ours.__all__:
            # Some came with later versions of Python.
            theirs = getattr(standard, exported, None)
            if inspect.isclass(theirs) and issubclass(theirs, Exception):
                assert issubclass(getattr(ours, exported), theirs)


def test_threads_take_minus_one_for_ever() -> None:
    for lock in (for_threads.Lock(), for_threads.RLock()):
        assert lock.acquire(True, -1)
        lock.release()
        with pytest.raises(ValueError, match="non-blocking"):
            lock.acquire(False, 1)
        with pytest.raises(ValueError, match="non-negative"):
            lock.acquire(timeout=-2)
        with pytest.raises(OverflowError):
            lock.acquire(timeout=1e100)
        with pytest.raises(TypeError, match="cannot pickle"):
            pickle.dumps(lock)


def test_anybody_releases_a_lock_of_threads() -> None:
    lock = for_threads.Lock()
    lock.acquire()
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    assert not lock.locked()


def test_a_condition_takes_the_private_hooks_of_locks() -> None:
    lock: Any = for_threads.RLock()
    for made in (for_threads.Condition(), threading.Condition(lock)):
        with made, made:
            waiter = Threads().call(functools.partial(_notify, made), _never)
            assert made.wait(30)
        waiter.result()
        assert not made._is_owned()  # type: ignore[union-attr]


def _notify(condition: Any) -> None:
    with condition:
        condition.notify()


async def _never() -> None:
    raise NotImplementedError


def test_semaphores_raise_what_those_of_threading_do() -> None:
    with pytest.raises(ValueError, match="must be >= 0"):
        for_threads.Semaphore(-1)
    with pytest.raises(ValueError, match="too many times"):
        for_threads.BoundedSemaphore(1).release()
    with pytest.raises(ValueError, match="one or more"):
        for_threads.Semaphore(1).release(0)
    assert for_threads.Semaphore(0).acquire(timeout=-1) is False


def test_subclasses_of_queues_decide_the_order() -> None:
    class Newest(for_queues.Queue[int]):
        def _get(self) -> int:
            item: int = self.queue.pop()
            return item

    made = Newest(2)
    made.put(1)
    made.put(2)
    assert made.full()
    with pytest.raises(queue.Full):
        made.put_nowait(3)
    assert (made.get(), made.get_nowait()) == (2, 1)
    assert made.empty()
    with pytest.raises(queue.Empty):
        made.get(False, 1)
    with pytest.raises(ValueError, match="negative"):
        made.get(timeout=-1)
    smallest: for_queues.PriorityQueue[int] = for_queues.PriorityQueue()
    for item in (3, 1, 2):
        smallest.put(item)
    assert [smallest.get() for _ in range(3)] == [1, 2, 3]


def test_tasks_and_threads_share_what_asyncio_names() -> None:
    lock, items = for_tasks.Lock(), for_tasks.Queue[int](1)

    async def main() -> list[int]:
        async with lock:
            thread = threading.Thread(target=lambda: items.shared.put(int(lock.shared.acquire())))
            thread.start()
            while not lock.shared.waiting:
                await asyncio.sleep(0)
        got = [await items.get()]
        thread.join()
        assert lock.locked()
        lock.release()
        return got

    assert asyncio.run(main()) == [1]
    assert asyncio.run(for_tasks.Semaphore(1).acquire())
    with pytest.raises(ValueError, match="too many times"):
        for_tasks.BoundedSemaphore(1).release()


def test_tasks_wait_for_conditions_events_and_barriers() -> None:
    condition, event, barrier = for_tasks.Condition(), for_tasks.Event(), for_tasks.Barrier(2)

    async def waiter() -> int:
        async with condition:
            await condition.wait()
        await event.wait()
        return await barrier.wait()

    async def main() -> None:
        waiting = asyncio.create_task(waiter())
        while not condition.shared.waiting:
            await asyncio.sleep(0)
        async with condition:
            condition.notify_all()
            assert await condition.wait_for(lambda: 3) == 3
        event.set()
        assert sorted([await barrier.wait(), await waiting]) == [0, 1]

    asyncio.run(main())


def test_a_queue_of_janus_has_two_faces() -> None:
    for make in (janus.Queue, janus.LifoQueue, janus.PriorityQueue):
        # Made outside of a loop, used by several.
        made: Any = make(1)
        for _ in range(2):
            asyncio.run(_pass(made))
        made.close()
        asyncio.run(made.wait_closed())
        with pytest.raises(janus.SyncQueueShutDown):
            made.sync_q.put(1)


async def _pass(made: Any) -> None:
    await made.async_q.put(1)
    with pytest.raises(janus.AsyncQueueFull):
        made.async_q.put_nowait(2)
    getting = Threads().call(made.sync_q.get, _never)
    assert await asyncio.wrap_future(getting.future) == 1
    made.sync_q.task_done()
    await made.async_q.join()
    assert made.sync_q.empty()
    assert not made.closed


def test_closing_a_queue_of_janus_wakes_putters() -> None:
    made: janus.Queue[int] = janus.Queue(1)
    made.sync_q.put(1)
    putting = Threads().call(lambda: made.sync_q.put(2), _never)
    until(lambda: made.shared.putting == 1)
    made.close()
    with pytest.raises(janus.SyncQueueShutDown):
        putting.result()
