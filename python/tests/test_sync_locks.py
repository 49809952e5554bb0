"""Locks and semaphores: one body for each pair of kinds of waiters."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import pickle
import threading
import weakref
from typing import Any, Callable, Union

import pytest
import trio
from sides import Asyncio, Call, Side, Threads, loop_side, other, side, until

from millpond.sync import (
    BoundedSemaphore,
    ClosedError,
    DeadlockError,
    Lock,
    PoisonedError,
    RLock,
    Semaphore,
    checkpoints,
)

__all__ = ["loop_side", "other", "side"]

_Any = Union[Lock, RLock, Semaphore]

_MAKERS: dict[str, Callable[[], _Any]] = {
    "lock": Lock,
    "handoff": lambda: Lock(policy="handoff"),
    "barging": lambda: Lock(policy="barging"),
    "unowned": lambda: Lock(owned=False),
    "rlock": RLock,
    "semaphore": Semaphore,
    "bounded": lambda: BoundedSemaphore(1),
}


@pytest.fixture(params=list(_MAKERS))
def lock(request: pytest.FixtureRequest) -> _Any:
    """Each kind of lock, and semaphores of one permit."""
    return _MAKERS[request.param]()


def _has(lock: _Any, waiting: int) -> bool:
    return lock.waiting == waiting


def _acquire(where: Side, lock: _Any, timeout: float | None = None) -> Call:
    """Acquire a lock and release it."""

    def blocking() -> bool:
        is_acquired = lock.acquire(timeout=timeout)
        if is_acquired:
            lock.release()
        return is_acquired

    async def awaiting() -> bool:
        is_acquired = await lock.acquire_async(timeout=timeout)
        if is_acquired:
            lock.release()
        return is_acquired

    return where.call(blocking, awaiting)


def _hold(where: Side, lock: _Any) -> tuple[Call, Callable[[], object]]:
    """Have a lock held until the function that is returned is called."""
    has_it, may_release = threading.Event(), threading.Event()

    def blocking() -> None:
        with lock:
            has_it.set()
            may_release.wait(30)

    async def awaiting() -> None:
        async with lock:
            has_it.set()
            while not may_release.is_set():
                await (asyncio.sleep(0.001) if isinstance(where, Asyncio) else trio.sleep(0.001))

    call = where.call(blocking, awaiting)
    assert has_it.wait(30)
    return call, may_release.set


def test_a_waiter_gets_it_when_it_is_released(side: Side, other: Side, lock: _Any) -> None:
    holder, release = _hold(side, lock)
    waiter = _acquire(other, lock)
    until(lambda: lock.waiting == 1)
    release()
    assert waiter.result() is True
    holder.result()
    assert not lock.locked()


def test_one_that_times_out_has_not_acquired_it(side: Side, other: Side, lock: _Any) -> None:
    holder, release = _hold(side, lock)
    assert _acquire(other, lock, timeout=0.01).result() is False
    assert _acquire(other, lock, timeout=0).result() is False
    assert lock.waiting == 0
    release()
    holder.result()
    assert lock.acquire(blocking=False)
    lock.release()


def test_one_that_is_cancelled_is_passed_over(loop_side: Side, other: Side, lock: _Any) -> None:
    holder, release = _hold(other, lock)
    first = _acquire(loop_side, lock)
    until(lambda: lock.waiting == 1)
    second = _acquire(other, lock)
    until(lambda: lock.waiting == 2)
    first.cancel()
    until(lambda: lock.waiting == 1)
    with pytest.raises(asyncio.CancelledError):
        first.result()
    release()
    assert second.result() is True
    holder.result()
    assert not lock.locked()


def test_all_get_it_one_at_a_time(side: Side, other: Side, lock: _Any) -> None:
    inside, most, total = 0, 0, 0

    def within() -> None:
        nonlocal inside, most, total
        inside += 1
        most = max(most, inside)
        total += 1
        inside -= 1

    def blocking() -> None:
        for _ in range(50):
            with lock:
                within()

    async def awaiting() -> None:
        for _ in range(50):
            async with lock:
                within()

    calls = [where.call(blocking, awaiting) for _ in range(4) for where in (side, other)]
    for call in calls:
        call.result()
    assert (most, total) == (1, 400)
    assert not lock.locked()


def test_what_a_closed_loop_was_granted_goes_to_the_next(lock: _Any) -> None:
    loop = asyncio.new_event_loop()
    threads = Threads()
    holder, release = _hold(threads, lock)
    waiting = loop.create_task(lock.acquire_async())
    loop.run_until_complete(asyncio.sleep(0))
    assert lock.waiting == 1
    waiter = _acquire(threads, lock)
    until(lambda: lock.waiting == 2)
    # It is granted the lock, and the loop is told, but does not run.
    release()
    holder.result()
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    assert waiter.result() is True
    assert not lock.locked()


def test_a_loop_that_is_closed_before_leaves_when_it_is_granted(lock: _Any) -> None:
    loop = asyncio.new_event_loop()
    threads = Threads()
    holder, release = _hold(threads, lock)
    waiting = loop.create_task(lock.acquire_async())
    loop.run_until_complete(asyncio.sleep(0))
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    waiter = _acquire(threads, lock)
    until(lambda: lock.waiting >= 1)
    release()
    assert waiter.result() is True
    holder.result()
    assert not lock.locked()


def test_no_permit_is_lost_with_waits_that_are_cut_short() -> None:
    semaphore = Semaphore(0)

    async def main() -> int:
        got = 0

        async def take() -> None:
            nonlocal got
            try:
                await asyncio.wait_for(semaphore.acquire_async(), 0.0005)
                got += 1
            except asyncio.TimeoutError:
                pass

        thread = threading.Thread(target=lambda: semaphore.release(500))
        thread.start()
        await asyncio.gather(*(take() for _ in range(500)))
        thread.join()
        return got

    got = asyncio.run(main())
    assert got + semaphore.value == 500
    assert semaphore.waiting == 0


@pytest.mark.parametrize("make", list(_MAKERS.values()), ids=list(_MAKERS))
def test_time_outs_are_checked_first(make: Callable[[], _Any]) -> None:
    lock = make()
    bad: list[tuple[Any, type[Exception]]] = [
        (-1, ValueError),
        (float("nan"), ValueError),
        ("1", TypeError),
        (True, TypeError),
    ]
    for timeout, error in bad:
        with pytest.raises(error):
            lock.acquire(timeout=timeout)
        with pytest.raises(error):
            asyncio.run(lock.acquire_async(timeout=timeout))
    with pytest.raises(ValueError, match="timeout has no use with blocking=False"):
        lock.acquire(blocking=False, timeout=1)
    assert not lock.locked()
    assert lock.acquire(timeout=float("inf"))
    lock.release()


def test_only_the_owner_releases() -> None:
    for lock in (Lock(), RLock()):
        with pytest.raises(RuntimeError, match="nobody holds"):
            lock.release()
        holder, release = _hold(Threads(), lock)
        assert lock.locked()
        assert not lock.owned()
        with pytest.raises(RuntimeError, match="somebody else holds"):
            lock.release()
        assert lock.locked()
        release()
        holder.result()


def test_a_lock_cannot_be_acquired_again() -> None:
    lock = Lock()
    with lock:
        with pytest.raises(RuntimeError, match="use an RLock"):
            lock.acquire()
        with pytest.raises(RuntimeError, match="use an RLock"):
            asyncio.run(_twice(lock))
    assert not lock.locked()


async def _twice(lock: Lock) -> None:
    # Another unit, which a deadline lets give up.
    assert not await lock.acquire_async(timeout=0)
    raise RuntimeError("use an RLock: only its owner is refused")


def test_anybody_releases_a_lock_without_owner() -> None:
    lock = Lock(owned=False)
    assert lock.acquire()
    assert not lock.acquire(blocking=False)
    threading.Thread(target=lock.release).start()
    assert lock.acquire()
    assert lock.owner is None
    assert not lock.owned()
    lock.release()
    with pytest.raises(RuntimeError, match="nobody holds"):
        lock.release()


def test_the_owner_of_an_rlock_is_the_task() -> None:
    lock = RLock()
    inside: list[str] = []

    def plain() -> None:
        with lock:
            inside.append(f"plain {lock.count()}")

    async def one() -> None:
        with lock:
            await asyncio.sleep(0.001)
            plain()
            assert lock.owner is asyncio.current_task()
            inside.append("one")

    async def other() -> None:
        async with lock:
            inside.append("other")

    async def main() -> None:
        await asyncio.gather(one(), other())

    asyncio.run(main())
    assert inside == ["plain 2", "one", "other"]
    assert not lock.locked()


def test_an_rlock_is_acquired_and_released_by_counts() -> None:
    lock = RLock()
    assert lock.acquire(count=3)
    assert lock.count() == 3
    with pytest.raises(RuntimeError, match="acquired 3 times"):
        lock.release(4)
    lock.release(2)
    assert lock.acquire(count=2)
    assert lock.count() == 3
    lock.release(3)
    assert not lock.locked()
    for count in (0, -1):
        with pytest.raises(ValueError, match="1 or more"):
            lock.acquire(count=count)
        with pytest.raises(ValueError, match="1 or more"):
            lock.release(count)


def test_a_request_for_several_permits_is_not_passed(side: Side) -> None:
    semaphore = Semaphore(1)

    def take(count: int) -> Call:
        return side.call(
            lambda: semaphore.acquire(count=count),
            lambda: semaphore.acquire_async(count=count),
        )

    large = take(3)
    until(lambda: semaphore.waiting == 1)
    small = take(1)
    until(lambda: semaphore.waiting == 2)
    assert not semaphore.acquire(timeout=0)
    semaphore.release(2)
    assert large.result() is True
    assert not small.done()
    semaphore.release()
    assert small.result() is True
    assert semaphore.value == 0


def test_closing_a_semaphore_ends_all_waits(side: Side) -> None:
    semaphore = Semaphore(0)
    waiter = _acquire(side, semaphore)
    until(lambda: semaphore.waiting == 1)
    assert semaphore.close()
    with pytest.raises(ClosedError):
        waiter.result()
    with pytest.raises(ClosedError):
        _acquire(side, semaphore).result()
    assert semaphore.closed
    assert not semaphore.close()


def test_a_bounded_semaphore_refuses_what_was_not_taken() -> None:
    semaphore = Semaphore(1, 3)
    assert type(semaphore) is BoundedSemaphore
    semaphore.release(2)
    assert semaphore.value == 3
    with pytest.raises(RuntimeError, match="at most 3"):
        semaphore.release()
    assert semaphore.acquire(count=3)
    with pytest.raises(RuntimeError, match="at most 3"):
        semaphore.release(4)
    assert semaphore.value == 0
    semaphore.release(3)
    with pytest.raises(ValueError, match="never there"):
        semaphore.acquire(count=4)
    assert semaphore.forget(1) == 1
    assert (semaphore.value, semaphore.max_value) == (2, 2)
    semaphore.add(2)
    assert (semaphore.value, semaphore.max_value) == (4, 4)
    for wrong, error in ((-1, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error):
            semaphore.release(wrong)  # type: ignore[arg-type]
        with pytest.raises(error):
            Semaphore(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at most max_value"):
        Semaphore(4, 3)


def test_two_threads_that_wait_for_each_other_are_told() -> None:
    one, other = Lock(name="one"), Lock(name="other")
    meet = threading.Barrier(2)
    errors: list[DeadlockError] = []

    def take(first: Lock, second: Lock) -> None:
        with first:
            meet.wait()
            try:
                with second:
                    pass
            except DeadlockError as error:
                errors.append(error)

    threads = [threading.Thread(target=take, args=locks) for locks in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 1
    assert "`one`" in str(errors[0])
    assert "`other`" in str(errors[0])
    assert "take the locks in one order" in str(errors[0])


def test_tasks_of_one_loop_that_wait_for_each_other_are_told() -> None:
    one, other = Lock(), Lock()

    async def take(first: Lock, second: Lock) -> None:
        async with first:
            await asyncio.sleep(0.001)
            async with second:
                pass

    async def main() -> None:
        done = await asyncio.gather(take(one, other), take(other, one), return_exceptions=True)
        assert sorted(type(error).__name__ for error in done) == ["DeadlockError", "NoneType"]

    asyncio.run(main())


def test_a_holder_that_has_ended_is_told_of() -> None:
    lock = Lock()

    async def keep() -> None:
        await lock.acquire_async()

    asyncio.run(keep())
    with pytest.raises(DeadlockError, match="has ended without releasing it"):
        lock.acquire()
    lock = Lock()
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    thread.join()
    until(lambda: lock.owner is None)
    with pytest.raises(DeadlockError, match="thread that has ended"):
        lock.acquire()


def test_blocking_the_loop_that_the_holder_needs_is_told() -> None:
    lock = Lock()

    async def hold(is_held: asyncio.Event) -> None:
        async with lock:
            is_held.set()
            await asyncio.sleep(30)

    async def main() -> None:
        is_held = asyncio.Event()
        holder = asyncio.create_task(hold(is_held))
        await is_held.wait()
        for timeout in (None, 1):
            with pytest.raises(DeadlockError, match="needs the event loop that this call would block"):
                lock.acquire(timeout=timeout)
        holder.cancel()

    asyncio.run(main())
    with lock:
        pass


def test_a_holder_on_a_paused_loop_is_told_of() -> None:
    lock = Lock(name="paused")
    loop = asyncio.new_event_loop()

    async def hold() -> None:
        async with lock:
            await asyncio.sleep(30)

    holder = loop.create_task(hold())
    loop.run_until_complete(asyncio.sleep(0))
    with pytest.raises(DeadlockError, match=r"`paused`.*is paused and runs in this thread"):
        lock.acquire(timeout=1)
    holder.cancel()
    loop.run_until_complete(asyncio.gather(holder, return_exceptions=True))
    loop.close()
    assert lock.acquire()


def test_poison_is_raised_until_it_is_cleared(side: Side) -> None:
    lock = Lock(poison=True)
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert lock.poisoned
    with pytest.raises(PoisonedError):
        _acquire(side, lock).result()
    lock.clear_poison()
    assert _acquire(side, lock).result() is True


def test_a_handler_that_raises_ends_a_wait_with_nothing_taken(run_program: Callable[..., str]) -> None:
    printed = run_program(
        """
        import os, signal, threading
        from millpond.sync import Event, Lock, Queue, QueueEmpty, RLock, Semaphore

        signal.signal(signal.SIGINT, signal.default_int_handler)

        def interrupted(wait, waiting):
            def kill():
                while not waiting():
                    pass
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=kill).start()
            try:
                wait()
            except KeyboardInterrupt:
                return True

        for lock in Lock(), Lock(owned=False), RLock(), Semaphore(1):
            held, over = threading.Event(), threading.Event()
            def hold():
                with lock:
                    held.set()
                    over.wait()
            thread = threading.Thread(target=hold)
            thread.start()
            held.wait()
            assert interrupted(lock.acquire, lambda: lock.waiting)
            assert lock.waiting == 0
            over.set()
            thread.join()
            assert lock.acquire(blocking=False)
        queue = Queue()
        assert interrupted(queue.get, lambda: queue.getting)
        queue.put(1)
        assert queue.get() == 1
        event = Event()
        assert interrupted(event.wait, lambda: event.waiting)
        print("fine")
        """
    )
    assert printed == "fine\n"


def test_a_copy_is_a_fresh_one() -> None:
    made: Any
    locks: tuple[Any, ...] = (Lock(name="a", policy="handoff"), RLock(name="b"), Semaphore(3), BoundedSemaphore(1, 2))
    for lock in locks:
        with lock:
            for made in (copy.copy(lock), copy.deepcopy(lock), pickle.loads(pickle.dumps(lock))):
                assert type(made) is type(lock)
                assert made is not lock
        assert repr(made) == repr(lock)


def test_locks_are_garbage_with_their_owners() -> None:
    class Watched(Lock):
        pass

    class WatchedSemaphore(Semaphore):
        pass

    async def main(lock: Lock, semaphore: Semaphore) -> None:
        await lock.acquire_async()
        asyncio.current_task().lock = lock  # type: ignore[union-attr]
        waiting = asyncio.create_task(semaphore.acquire_async())
        await asyncio.sleep(0)
        waiting._log_destroy_pending = False  # type: ignore[attr-defined]
        waiting.semaphore = semaphore  # type: ignore[attr-defined]

    lock, semaphore = Watched(), WatchedSemaphore(0)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main(lock, semaphore))
    loop.close()
    watched: list[weakref.ref[Any]] = [weakref.ref(lock), weakref.ref(semaphore)]
    del lock, semaphore, loop
    gc.collect()
    assert [reference() for reference in watched] == [None, None]


def test_awaits_that_need_not_wait_let_others_have_a_turn(lock: _Any) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main() -> None:
        counting = asyncio.create_task(count())
        await asyncio.sleep(0)
        before = turns
        for _ in range(1000):
            async with lock:
                pass
        assert turns - before >= 3
        counting.cancel()

    assert checkpoints(every=256) == 256
    asyncio.run(main())
    with pytest.raises(ValueError, match="0 or more"):
        checkpoints(every=-1)


def test_a_fork_frees_what_threads_had(run_program: Callable[..., str]) -> None:
    printed = run_program(
        """
        import os, sys, threading, warnings
        from millpond.sync import Lock, RLock

        warnings.simplefilter("ignore", DeprecationWarning)
        for lock in Lock(), RLock():
            held, over = threading.Event(), threading.Event()
            def hold():
                with lock:
                    held.set()
                    over.wait()
            wait = threading.Thread(target=lambda: lock.acquire() and lock.release())
            threads = [threading.Thread(target=hold), wait]
            threads[0].start()
            held.wait()
            threads[1].start()
            while not lock.waiting:
                pass
            child = os.fork()
            if child == 0:
                is_free = lock.waiting == 0 and lock.acquire(timeout=1)
                lock.release()
                os._exit(not (is_free and lock.acquire(timeout=0)))
            assert os.waitpid(child, 0)[1] == 0
            over.set()
            for thread in threads:
                thread.join()
        print("fine")
        """
    )
    assert printed == "fine\n"


def test_a_thread_keeps_its_locks_when_it_first_waits_as_greenlets_do(run_program: Callable[..., str]) -> None:
    pytest.importorskip("gevent")
    printed = run_program(
        """
        import threading
        import gevent
        from millpond.sync import CapacityLimiter, Lock, RLock, RWLock

        def use():
            for lock in Lock(), RLock(), RWLock().write(), CapacityLimiter(1):
                with lock:
                    gevent.sleep(0)
            # Who waits for a greenlet of the same thread lets it go on.
            lock = Lock()
            def hold():
                with lock:
                    gevent.sleep(0.001)
            holds = gevent.spawn(hold)
            gevent.sleep(0)
            with lock:
                assert holds.ready() or lock.waiting == 0
            print("fine")

        # Each lock once where the thread has no hub yet.
        for make in Lock, RLock, lambda: RWLock().write(), lambda: CapacityLimiter(1):
            def first(lock):
                with lock:
                    gevent.sleep(0)
                print("first")
            thread = threading.Thread(target=first, args=(make(),))
            thread.start()
            thread.join()
        use()
        """
    )
    assert printed == "first\n" * 4 + "fine\n"


def test_greenlets_of_one_thread_share_a_lock(run_program: Callable[..., str]) -> None:
    pytest.importorskip("gevent")
    printed = run_program(
        """
        import threading
        import gevent
        from millpond.sync import Event, Lock, Queue, Semaphore

        lock, order = Lock(), []
        def use(name):
            with lock:
                order.append(name)
                gevent.sleep(0.001)
                order.append(name)
        gevent.joinall([gevent.spawn(use, name) for name in "abc"], raise_error=True)
        assert order == list("aabbcc"), order

        semaphore = Semaphore(0)
        threading.Timer(0.01, semaphore.release).start()
        ticks = gevent.spawn(lambda: [gevent.sleep(0.001) for _ in range(3)])
        assert semaphore.acquire(timeout=30)
        assert not semaphore.acquire(timeout=0.01)
        ticks.join()

        waiting = gevent.spawn(semaphore.acquire)
        gevent.sleep(0)
        assert semaphore.waiting == 1
        waiting.kill()
        assert semaphore.waiting == 0

        queue = Queue(1)
        def produce():
            for number in range(5):
                queue.put(number)
            queue.shutdown()
        gevent.spawn(produce)
        assert list(queue) == list(range(5))
        event = Event()
        gevent.spawn_later(0.001, event.set)
        assert event.wait()
        print("fine")
        """
    )
    assert printed == "fine\n"


def test_locks_show_how_they_are() -> None:
    lock = Lock(name="files")
    assert repr(lock) == "<Lock 'files', free, 0 waiting>"
    with lock:
        assert repr(lock).startswith("<Lock 'files', owned by <_MainThread")
    assert repr(Semaphore(2)) == "<Semaphore, 2 free, 0 waiting>"
    assert repr(BoundedSemaphore(2)) == "<BoundedSemaphore, 2 of at most 2 free, 0 waiting>"
    with pytest.raises(ValueError, match="policy must be"):
        Lock(policy="fair")  # type: ignore[arg-type]


def test_the_view_for_asyncio_has_its_names(lock: _Any) -> None:
    async def main() -> None:
        view = lock.aio
        assert await view.acquire() is True
        assert view.locked()
        view.release()
        async with view:
            assert view.locked()
        assert not view.locked()

    asyncio.run(main())


def test_waits_end_in_the_order_in_which_they_began(side: Side, other: Side) -> None:
    semaphore = Semaphore(0)
    order: list[int] = []
    calls = []
    for number in range(6):
        where = (side, other)[number % 2]

        def blocking(number: int = number) -> None:
            semaphore.acquire()
            order.append(number)

        async def awaiting(number: int = number) -> None:
            await semaphore.acquire_async()
            order.append(number)

        calls.append(where.call(blocking, awaiting))
        until(functools.partial(_has, semaphore, number + 1))
    for number, call in enumerate(calls):
        semaphore.release()
        call.result()
        assert order == list(range(number + 1))


def test_a_lock_costs_little_to_cancel_among_many() -> None:
    semaphore = Semaphore(0)

    async def main() -> None:
        tasks = [asyncio.create_task(semaphore.acquire_async()) for _ in range(2000)]
        while semaphore.waiting < 2000:
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks[::2], return_exceptions=True)
        assert semaphore.waiting == 1000
        semaphore.release(1000)
        assert all(await asyncio.gather(*tasks[1::2]))

    asyncio.run(main())
    assert semaphore.value == 0
