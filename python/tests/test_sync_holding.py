"""Limiters, locks for readers and writers, priority queues, what happens once: for each pair of kinds of waiters."""

from __future__ import annotations

import asyncio
import copy
import threading
from typing import Any, Callable

import pytest
from sides import Asyncio, Call, Side, Threads, loop_side, other, side, until

from millpond.sync import (
    BusyResourceError,
    CapacityLimiter,
    Flag,
    HookedQueue,
    Lock,
    OnceCell,
    PriorityQueue,
    QueueEmpty,
    QueueFull,
    QueueShutDown,
    RCapacityLimiter,
    ResourceGuard,
    RWLock,
    SimpleLifoQueue,
    SimpleQueue,
    SingleFlight,
    once,
    synchronized,
)

__all__ = ["loop_side", "other", "side"]


class _Held:
    """Something that is held on some side until it is released."""

    def __init__(self, where: Side, lock: Any) -> None:
        self.has_it, self._is_over = threading.Event(), threading.Event()
        is_over = self._is_over

        def blocking() -> None:
            with lock:
                self.has_it.set()
                is_over.wait(30)

        async def awaiting() -> None:
            import trio

            async with lock:
                self.has_it.set()
                while not is_over.is_set():
                    await (asyncio.sleep(0.001) if isinstance(where, Asyncio) else trio.sleep(0.001))

        self.call: Call = where.call(blocking, awaiting)

    def begun(self) -> _Held:
        """Wait until it is held."""
        assert self.has_it.wait(30)
        return self

    def release(self) -> None:
        """Release it."""
        self._is_over.set()
        self.call.result()


@pytest.mark.parametrize("make", [CapacityLimiter, RCapacityLimiter])
def test_a_token_goes_to_the_next_borrower(make: Any, side: Side, other: Side) -> None:
    limiter = make(1)
    first = _Held(side, limiter).begun()
    assert len(limiter.borrowers) == 1
    second = _Held(other, limiter)
    until(lambda: limiter.waiting == 1)
    assert not limiter.acquire(timeout=0)
    first.release()
    second.begun()
    assert (limiter.available_tokens, limiter.borrowed_tokens) == (0, 1)
    second.release()
    assert limiter.borrowers == []


def test_a_borrower_has_one_token(side: Side) -> None:
    limiter = CapacityLimiter(2)
    with limiter:
        assert limiter.borrowed()
        assert limiter.borrowers == [threading.current_thread()]
        with pytest.raises(RuntimeError, match="second token"):
            limiter.acquire()
        with pytest.raises(RuntimeError, match="second token"):
            limiter.acquire(False)
    with pytest.raises(RuntimeError, match="not borrowed"):
        limiter.release()
    borrower = object()

    async def borrow() -> bool:
        return await limiter.acquire_on_behalf_of_async(borrower)

    assert side.call(lambda: limiter.acquire_on_behalf_of(borrower), borrow).result()
    assert limiter.borrowers == [borrower]
    with pytest.raises(RuntimeError, match="second token"):
        limiter.acquire_on_behalf_of(borrower)
    limiter.release_on_behalf_of(borrower)
    assert limiter.available_tokens == 2


def test_more_tokens_let_more_in(side: Side) -> None:
    limiter = CapacityLimiter(0)
    waiter = _Held(side, limiter)
    until(lambda: limiter.waiting == 1)
    limiter.total_tokens = 1
    waiter.begun()
    limiter.total_tokens = 0
    assert limiter.available_tokens == 0
    waiter.release()
    assert not limiter.try_acquire()
    for wrong, error in ((-1, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error):
            CapacityLimiter(wrong)  # type: ignore[arg-type]
    assert copy.copy(limiter).total_tokens == 0


def test_a_reentrant_limiter_counts() -> None:
    limiter = RCapacityLimiter()

    async def main() -> None:
        async with limiter, limiter:
            assert limiter.count() == 2
            assert limiter.available_tokens == 0

    asyncio.run(main())
    assert limiter.available_tokens == 1
    assert limiter.count() == 0


def test_readers_go_together_and_writers_alone(side: Side, other: Side) -> None:
    lock = RWLock()
    readers = [_Held(where, lock.read()).begun() for where in (side, other)]
    assert lock.readers == 2
    writer = _Held(side, lock.write())
    until(lambda: lock.waiting == 1)
    late = _Held(other, lock.read())
    until(lambda: lock.waiting == 2)
    assert not lock.read().acquire(timeout=0)
    for reader in readers:
        assert not writer.has_it.is_set()
        reader.release()
    writer.begun()
    assert not late.has_it.is_set()
    writer.release()
    late.begun().release()
    assert not lock.locked()


def test_a_reader_reads_again_and_may_not_write() -> None:
    lock = RWLock()
    with lock.read():
        writer = _Held(Threads(), lock.write())
        until(lambda: lock.waiting == 1)
        with lock.read():
            assert lock.readers == 2
        with pytest.raises(RuntimeError, match="wait for itself"):
            lock.write().acquire()
    writer.begun().release()
    with pytest.raises(RuntimeError, match="acquire it first"):
        lock.read().release()


def test_an_upgradable_reader_becomes_the_writer(side: Side) -> None:
    lock = RWLock()

    async def awaiting() -> str:
        upgradable = lock.upgradable()
        async with upgradable:
            await upgradable.upgrade_async()
            is_written = not lock.read()._of._lock.take_now("read")
            lock.downgrade()
            return f"{is_written} {lock.readers}"

    def blocking() -> str:
        upgradable = lock.upgradable()
        with upgradable:
            upgradable.upgrade()
            is_written = not lock.read()._of._lock.take_now("read")
            lock.downgrade()
            return f"{is_written} {lock.readers}"

    reader = _Held(Threads(), lock.read()).begun()
    upgrading = side.call(blocking, awaiting)
    until(lambda: lock.waiting == 1)
    reader.release()
    assert upgrading.result() == "True 1"
    assert not lock.locked()


def _get(where: Side, queue: Any) -> Call:
    return where.call(queue.get, queue.get_async)


def test_the_smallest_comes_out_first(side: Side, other: Side) -> None:
    queue = PriorityQueue([3, 1, 2])
    assert [_get(side, queue).result() for _ in range(3)] == [1, 2, 3]
    getters = [_get(where, queue) for where in (side, other)]
    until(lambda: queue.getting == 2)
    queue.put(2)
    other.call(lambda: queue.put(1), lambda: queue.put_async(1)).result()
    assert sorted(getter.result() for getter in getters) == [1, 2]


def test_equal_items_come_out_in_the_order_in_which_they_came() -> None:
    class Job:
        def __init__(self, name: str) -> None:
            self.name = name

        def __lt__(self, other: object) -> bool:
            return False

    queue = PriorityQueue([Job("a"), Job("b")])
    queue.put(Job("c"))
    assert [queue.get().name for _ in range(3)] == ["a", "b", "c"]


def test_a_comparison_that_raises_leaves_the_queue_as_it_was(side: Side) -> None:
    queue: PriorityQueue[Any] = PriorityQueue([1, 2], 3)
    with pytest.raises(TypeError):
        side.call(lambda: queue.put("a"), lambda: queue.put_async("a")).result()
    assert (len(queue), queue.unfinished_tasks) == (2, 2)
    queue.put(0)
    with pytest.raises(QueueFull):
        queue.try_put(4)
    assert [queue.get() for _ in range(3)] == [0, 1, 2]


def test_a_comparison_that_uses_the_queue_is_refused() -> None:
    queue: PriorityQueue[Any] = PriorityQueue()

    class Greedy:
        def __lt__(self, other: object) -> bool:
            queue.get()
            return True

    queue.put(Greedy())
    with pytest.raises(RuntimeError, match="from within"):
        queue.put(Greedy())
    assert len(queue) == 1
    assert isinstance(queue.get(), Greedy)


def test_a_priority_queue_ends_as_others_do(side: Side) -> None:
    queue = PriorityQueue([2], 1)
    putter = side.call(lambda: queue.put(1), lambda: queue.put_async(1))
    until(lambda: queue.putting == 1)
    queue.shutdown()
    with pytest.raises(QueueShutDown):
        putter.result()
    assert (queue.try_peek(), list(queue)) == (2, [2])
    with pytest.raises(QueueShutDown):
        _get(side, queue).result()
    queue = PriorityQueue([1, 2])
    joining = side.call(queue.join, queue.join_async)
    queue.shutdown(immediate=True)
    assert joining.result() is True
    assert len(queue) == 0
    queue = PriorityQueue()
    with pytest.raises(QueueEmpty):
        side.call(lambda: queue.get(timeout=0.01), lambda: queue.get_async(timeout=0.01)).result()
    with pytest.raises(ValueError, match="more often"):
        queue.task_done()


def test_a_queue_that_is_made_smaller_and_larger(side: Side) -> None:
    queue = HookedQueue([1, 2, 3], 3)
    queue.maxsize = 2
    queue.get()
    putter = side.call(lambda: queue.put(4), lambda: queue.put_async(4))
    until(lambda: queue.putting == 1)
    assert queue.get() == 2
    putter.result()
    with pytest.raises(QueueFull):
        queue.try_put(5)
    queue.maxsize = 3
    queue.try_put(5)
    assert queue.clear() == 3
    assert queue.maxsize == 3


def test_a_subclass_decides_the_order(side: Side) -> None:
    class Longest(HookedQueue[str]):
        def _init(self, maxsize: int) -> None:
            self.queue: list[str] = []

        def _get(self) -> str:
            self.queue.sort(key=len)
            return self.queue.pop()

    queue = Longest(["ab", "a", "abc"])
    assert [_get(side, queue).result() for _ in range(3)] == ["abc", "ab", "a"]


def test_simple_queues_have_no_bound() -> None:
    assert SimpleQueue([1, 2]).get() == 1
    assert SimpleLifoQueue([1, 2]).get() == 2
    assert SimpleQueue[int]().maxsize == 0


def test_a_value_is_made_once(side: Side, other: Side) -> None:
    cell: OnceCell[int] = OnceCell()
    calls: list[int] = []
    may_go_on = threading.Event()

    def make() -> int:
        calls.append(1)
        may_go_on.wait(30)
        return 7

    async def make_async() -> int:
        return make()

    callers = [Threads().call(lambda: cell.get_or_init(make), lambda: cell.get_or_init_async(make_async))]
    until(lambda: calls)
    assert cell.get("none") == "none"
    callers += [
        w.call(lambda: cell.get_or_init(make), lambda: cell.get_or_init_async(make_async)) for w in (side, other)
    ]
    may_go_on.set()
    assert [caller.result() for caller in callers] == [7, 7, 7]
    assert calls == [1]
    assert cell.get() == 7


def test_after_an_error_the_next_one_tries() -> None:
    cell: OnceCell[int] = OnceCell()
    with pytest.raises(ZeroDivisionError):
        cell.get_or_init(lambda: 1 // 0)
    assert not cell.is_set()
    assert cell.get_or_init(lambda: 8) == 8


def test_concurrent_callers_share_a_call(side: Side) -> None:
    flight, calls = SingleFlight(), []
    may_go_on = threading.Event()

    def fetch() -> int:
        calls.append(1)
        may_go_on.wait(30)
        return len(calls)

    async def fetch_async() -> int:
        return fetch()

    first = Threads().call(lambda: flight.run("a", fetch), lambda: flight.run_async("a", fetch_async))
    until(lambda: calls)
    second = side.call(lambda: flight.run("a", fetch), lambda: flight.run_async("a", fetch_async))
    until(lambda: flight._calls["a"].callers == 2)
    may_go_on.set()
    assert (first.result(), second.result()) == (1, 1)
    assert flight.run("a", fetch) == 2
    assert flight._calls == {}


def test_if_the_caller_is_cancelled_the_next_one_calls() -> None:
    flight, calls = SingleFlight(), []

    async def fetch() -> int:
        calls.append(1)
        if len(calls) == 1:
            await asyncio.sleep(30)
        return len(calls)

    async def main() -> None:
        first = asyncio.create_task(flight.run_async("a", fetch))
        await asyncio.sleep(0)
        second = asyncio.create_task(flight.run_async("a", fetch))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 2
        assert first.cancelled()

    asyncio.run(main())


def test_a_resource_is_used_by_one(side: Side) -> None:
    guard = ResourceGuard("reading from")
    held = _Held(side, guard).begun()
    with pytest.raises(BusyResourceError, match="another task is already reading from this resource"), guard:
        pass
    held.release()
    with guard:
        assert not copy.copy(guard).locked()


def test_functions_are_synchronized_and_run_once() -> None:
    lock, calls = Lock(), []

    @synchronized(lock)
    def plain() -> bool:
        return lock.owned()

    @synchronized(lock)
    async def coroutine() -> bool:
        await asyncio.sleep(0)
        return lock.owned()

    @once
    def load() -> int:
        calls.append(1)
        return 7

    @once
    async def load_async() -> int:
        await asyncio.sleep(0)
        calls.append(2)
        return 8

    async def main() -> None:
        assert list(await asyncio.gather(load_async(), load_async())) == [8, 8]
        assert await coroutine()

    assert plain()
    asyncio.run(main())
    assert load() + load() == 14
    assert sum(calls) == 3
    assert not lock.locked()


def test_a_flag_is_set_by_the_first() -> None:
    flag: Flag[str] = Flag()
    with pytest.raises(LookupError):
        flag.get()
    assert flag.get("none") == "none"
    assert flag.get(default_factory=list) == []
    marker = "marker"
    assert flag.set(marker)
    assert flag.set(marker)
    assert not flag.set("another")
    assert (flag.copy().get(), flag.get()) == (marker, marker)
    with pytest.raises(TypeError, match="by identity"):
        copy.copy(flag)
    flag.clear()
    assert not flag.is_set()


_ALL: tuple[Callable[[], Any], ...] = (
    CapacityLimiter,
    RWLock,
    OnceCell,
    SingleFlight,
    ResourceGuard,
    Flag,
    PriorityQueue,
)


def test_they_show_how_they_are() -> None:
    shown = [repr(make()) for make in _ALL]
    assert shown == [
        "<CapacityLimiter, 1 of 1 free, 0 waiting>",
        "<RWLock, 0 reading, 0 waiting>",
        "<OnceCell, empty>",
        "<SingleFlight, 0 calls>",
        "<ResourceGuard 'using', free>",
        "<Flag, unset>",
        "<PriorityQueue, 0 in, 0 getting, 0 putting>",
    ]
