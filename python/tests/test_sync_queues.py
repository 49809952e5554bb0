"""Events and queues of `millpond.sync`: one body for each pair of kinds of waiters."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import pickle
import queue as standard
import threading
import weakref
from typing import Any, Callable

import pytest
from sides import Call, Side, Threads, loop_side, other, side, until

import millpond
from millpond.sync import Event, LifoQueue, Queue, QueueEmpty, QueueFull, QueueShutDown

__all__ = ["loop_side", "other", "side"]


def _get(where: Side, queue: Queue[Any], timeout: float | None = None) -> Call:
    return where.call(lambda: queue.get(timeout=timeout), lambda: queue.get_async(timeout=timeout))


def _put(where: Side, queue: Queue[Any], item: object, timeout: float | None = None) -> Call:
    return where.call(lambda: queue.put(item, timeout=timeout), lambda: queue.put_async(item, timeout=timeout))


def test_an_item_goes_to_who_waits_for_it(side: Side, other: Side) -> None:
    queue: Queue[int] = Queue()
    getter = _get(side, queue)
    until(lambda: queue.getting == 1)
    _put(other, queue, 1).result()
    assert getter.result() == 1
    assert (len(queue), queue.getting) == (0, 0)


def test_room_goes_to_who_waits_for_it(side: Side, other: Side) -> None:
    queue = Queue([1], 1)
    putter = _put(side, queue, 2)
    until(lambda: queue.putting == 1)
    assert _get(other, queue).result() == 1
    putter.result()
    assert _get(other, queue).result() == 2


def test_what_times_out_has_taken_nothing(side: Side) -> None:
    queue: Queue[int] = Queue(1)
    for timeout in (0, 0.01):
        with pytest.raises(QueueEmpty):
            _get(side, queue, timeout).result()
    queue.put(1)
    for timeout in (0, 0.01):
        with pytest.raises(QueueFull):
            _put(side, queue, 2, timeout).result()
    assert (queue.get(), queue.waiting) == (1, 0)


def test_what_is_cancelled_has_taken_nothing(loop_side: Side, other: Side) -> None:
    queue: Queue[int] = Queue(1)
    first = _get(loop_side, queue)
    until(lambda: queue.getting == 1)
    second = _get(other, queue)
    until(lambda: queue.getting == 2)
    first.cancel()
    until(lambda: queue.getting == 1)
    queue.put(1)
    assert second.result() == 1
    queue.put(2)
    first = _put(loop_side, queue, 3)
    until(lambda: queue.putting == 1)
    second = _put(other, queue, 4)
    until(lambda: queue.putting == 2)
    first.cancel()
    until(lambda: queue.putting == 1)
    assert queue.get() == 2
    second.result()
    assert queue.get() == 4


def test_each_item_goes_to_exactly_one(side: Side, other: Side) -> None:
    queue: Queue[int] = Queue(3)
    got: list[int] = []

    def produce(first: int) -> Callable[[], None]:
        return lambda: queue.put_many(range(first, first + 100))

    def produce_async(first: int) -> Callable[[], Any]:
        async def run() -> None:
            for item in range(first, first + 100):
                await queue.put_async(item)

        return run

    async def consume_async() -> None:
        async for item in queue:
            got.append(item)

    producers = [side.call(produce(first), produce_async(first)) for first in (0, 100)]
    producers += [other.call(produce(200), produce_async(200))]
    consumers = [where.call(lambda: got.extend(queue), consume_async) for where in (side, other, other)]
    for call in producers:
        call.result()
    queue.close()
    for call in consumers:
        call.result()
    assert sorted(got) == list(range(300))


def test_shutting_down_wakes_all(side: Side) -> None:
    queue: Queue[int] = Queue()
    getter = _get(side, queue)
    until(lambda: queue.getting == 1)
    queue.shutdown()
    with pytest.raises(QueueShutDown):
        getter.result()
    queue = Queue([1], 1)
    putter = _put(side, queue, 2)
    until(lambda: queue.putting == 1)
    queue.shutdown()
    with pytest.raises(QueueShutDown):
        putter.result()
    with pytest.raises(QueueShutDown):
        queue.try_put(3)
    assert queue.is_shutdown
    assert queue.get() == 1
    with pytest.raises(QueueShutDown):
        queue.get()


def test_shutting_down_at_once_drops_what_is_in(side: Side) -> None:
    queue = Queue([1, 2])
    joining = side.call(queue.join, queue.join_async)
    queue.shutdown(immediate=True)
    assert joining.result() is True
    assert (len(queue), queue.unfinished_tasks) == (0, 0)
    with pytest.raises(QueueShutDown):
        queue.try_get()


def test_joining_waits_for_all_to_be_done(side: Side) -> None:
    queue = Queue([1, 2])
    assert queue.join(timeout=0) is False
    joining = side.call(queue.join, queue.join_async)
    for _ in range(2):
        assert not joining.done()
        queue.get()
        queue.task_done()
    assert joining.result() is True
    with pytest.raises(ValueError, match="more often"):
        queue.task_done()


def test_peeking_leaves_the_item_in(side: Side) -> None:
    queue: Queue[int] = Queue()
    with pytest.raises(QueueEmpty):
        queue.try_peek()
    peeking = side.call(queue.peek, queue.peek_async)
    until(lambda: queue.getting == 1)
    queue.put(1)
    assert peeking.result() == 1
    assert (queue.try_peek(), queue.get()) == (1, 1)


def test_several_items_are_got_and_put_at_once(side: Side) -> None:
    queue: Queue[int] = Queue()
    getting = side.call(lambda: queue.get_many(3), lambda: queue.get_many_async(3))
    until(lambda: queue.getting == 1)
    queue.put(1)
    assert getting.result() == [1]
    putting = side.call(lambda: queue.put_many(range(5)), lambda: queue.put_many_async(range(5)))
    putting.result()
    assert queue.get_many(3) == [0, 1, 2]
    assert queue.get_many(3) == [3, 4]
    queue = Queue(2)
    putting = side.call(
        lambda: queue.put_many(range(5), timeout=0.01), lambda: queue.put_many_async(range(5), timeout=0.01)
    )
    with pytest.raises(QueueFull) as raised:
        putting.result()
    assert raised.value.remaining == [2, 3, 4]
    with pytest.raises(ValueError, match="1 or more"):
        queue.get_many(0)


def test_weights_bound_a_queue(side: Side) -> None:
    queue: Queue[str] = Queue(5, size=len)
    queue.put("abc")
    with pytest.raises(QueueFull):
        queue.try_put("def")
    putting = _put(side, queue, "def")
    until(lambda: queue.putting == 1)
    assert queue.get() == "abc"
    putting.result()
    assert queue.get() == "def"
    queue.put("longer than five")
    assert queue.get() == "longer than five"
    wrong: Queue[int] = Queue(5, size=lambda item: item)
    for item, error in ((-1, ValueError), (True, TypeError)):
        with pytest.raises(error):
            wrong.put(item)
    assert len(wrong) == 0


def test_a_larger_queue_lets_putters_in(side: Side) -> None:
    queue = Queue([1], 1)
    putting = _put(side, queue, 2)
    until(lambda: queue.putting == 1)
    queue.maxsize = 2
    putting.result()
    assert (len(queue), queue.maxsize) == (2, 2)
    queue.maxsize = None
    assert queue.maxsize == 0
    bad: tuple[Any, ...] = (True, "1", 1.0)
    for wrong in bad:
        with pytest.raises(TypeError, match="maxsize must be"):
            queue.maxsize = wrong


def test_the_last_comes_out_first() -> None:
    queue = LifoQueue([1, 2])
    queue.put(3)
    assert [queue.get() for _ in range(3)] == [3, 2, 1]


def test_an_item_that_a_closed_loop_was_given_goes_to_the_next() -> None:
    queue: Queue[int] = Queue()
    loop = asyncio.new_event_loop()
    getting = loop.create_task(queue.get_async())
    loop.run_until_complete(asyncio.sleep(0))
    assert queue.getting == 1
    getter = _get(Threads(), queue)
    until(lambda: queue.getting == 2)
    putting = threading.Thread(target=queue.put, args=(1,))
    putting.start()
    putting.join()
    getting._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    assert getter.result() == 1


def test_an_item_that_a_cancelled_getter_was_given_keeps_its_place() -> None:
    queue: Queue[int] = Queue()

    async def main() -> None:
        getting = asyncio.create_task(queue.get_async())
        while not queue.getting:
            await asyncio.sleep(0)
        queue.put_many([1, 2])
        getting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await getting

    asyncio.run(main())
    assert queue.get_many(3) == [1, 2]


def test_a_queue_can_be_used_by_one_loop_after_the_other() -> None:
    queue: Queue[int] = Queue(1)
    event = Event()

    async def main() -> None:
        getting = asyncio.create_task(queue.get_async())
        waiting = asyncio.create_task(event.wait_async())
        while not (queue.getting and event.waiting):
            await asyncio.sleep(0)
        await queue.put_async(1)
        event.set()
        assert await getting == 1
        assert await waiting is True
        event.clear()

    for _ in range(3):
        asyncio.run(main())


def test_exceptions_are_those_of_both_worlds() -> None:
    for ours, theirs in ((QueueEmpty, standard.Empty), (QueueFull, standard.Full)):
        assert issubclass(ours, millpond.MillpondError)
        assert issubclass(ours, theirs)
    assert issubclass(QueueEmpty, asyncio.QueueEmpty)
    assert issubclass(QueueFull, asyncio.QueueFull)
    if hasattr(asyncio, "QueueShutDown"):
        assert issubclass(QueueShutDown, asyncio.QueueShutDown)


def test_importing_it_does_not_import_asyncio(run_program: Callable[..., str]) -> None:
    printed = run_program(
        """
        import sys
        import millpond.sync
        before = "asyncio" in sys.modules
        with millpond.sync.Lock(), millpond.sync.Semaphore():
            pass
        queue = millpond.sync.Queue([1])
        print(before, "asyncio" in sys.modules, queue.get())
        """
    )
    assert printed == "False False 1\n"


def test_a_queue_is_neither_copied_nor_pickled() -> None:
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            attempt(Queue())
    assert copy.copy(Event(once=True)).once


def test_queues_and_their_items_are_garbage_together() -> None:
    class Watched(Queue[Any]):
        pass

    queue = Watched()
    queue.put([queue])
    watched = weakref.ref(queue)
    del queue
    gc.collect()
    assert watched() is None


def test_queues_show_how_they_are() -> None:
    queue = Queue([1], 2)
    assert repr(queue) == "<Queue, 1 of at most 2 in, 0 getting, 0 putting>"
    assert bool(Queue())
    assert Queue[int](3).maxsize == 3
    with pytest.raises(TypeError, match="said twice"):
        Queue(1, 2)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="size must be a function"):
        Queue(1, size=3)  # type: ignore[call-overload]


def test_the_view_for_asyncio_has_its_names() -> None:
    async def main() -> None:
        view = Queue[int](1).aio
        await view.put(1)
        assert (view.full(), view.empty(), view.qsize(), view.maxsize) == (True, False, 1, 1)
        assert await view.get() == 1
        view.task_done()
        await view.join()
        view.put_nowait(2)
        assert view.get_nowait() == 2
        view.shutdown()
        event = Event()
        event.aio.set()
        assert await event.aio.wait()
        assert event.aio.is_set()
        event.aio.clear()
        assert not event.is_set()

    asyncio.run(main())


def test_all_who_wait_for_an_event_go_on(side: Side, other: Side) -> None:
    event = Event()
    waiters = [where.call(event.wait, event.wait_async) for where in (side, other) for _ in range(5)]
    until(lambda: event.waiting == 10)
    assert event.set()
    event.clear()
    assert [waiter.result() for waiter in waiters] == [True] * 10
    assert event.wait(timeout=0) is False


def test_waiting_for_an_event_times_out(side: Side) -> None:
    event = Event()
    for timeout in (0, 0.01):
        waiter = side.call(functools.partial(event.wait, timeout), functools.partial(event.wait_async, timeout))
        assert waiter.result() is False
    assert event.waiting == 0
    event.set()
    assert side.call(event.wait, event.wait_async).result() is True
    assert not event.set()


def test_setting_wakes_a_loop_once() -> None:
    event = Event()

    async def main() -> int:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(event.wait_async()) for _ in range(500)]
        while event.waiting < 500:
            await asyncio.sleep(0)
        calls = 0
        threadsafe = loop.call_soon_threadsafe

        def count(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            return threadsafe(*arguments, **options)

        loop.call_soon_threadsafe = count  # type: ignore[assignment, method-assign]
        is_set = threading.Event()

        def set_it() -> None:
            event.set()
            is_set.set()

        threading.Thread(target=set_it).start()
        # The loop does not run meanwhile.
        is_set.wait(30)
        assert all(await asyncio.gather(*tasks))
        return calls

    assert asyncio.run(main()) == 1


def test_an_event_that_happens_once_stays_set() -> None:
    event = Event(once=True)
    event.set()
    with pytest.raises(RuntimeError, match="happens once"):
        event.clear()
    assert event.is_set()


def test_awaits_are_cancelled_by_throwing_and_closing() -> None:
    queue: Queue[int] = Queue()

    async def main() -> None:
        waiting = queue.get_async()
        waiting.send(None)
        assert queue.getting == 1
        waiting.close()
        assert queue.getting == 0
        lost = queue.get_async()
        lost.send(None)
        assert queue.getting == 1
        del lost
        gc.collect()
        assert queue.getting == 0

    asyncio.run(main())


def test_awaiting_without_a_loop_is_refused() -> None:
    waiting = Queue[int]().get_async()
    with pytest.raises(RuntimeError, match="outside of asyncio and trio"):
        waiting.send(None)
