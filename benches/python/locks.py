"""The group `python-sync`: `millpond.sync` beside aiologic, janus, asyncio, threading and queue.

``make bench ONLY=python`` runs it after the group `python`. What each side does is the same: so many pairs of acquiring
and releasing, or of putting and getting, in one thread or one task, or items that pass from one to another.
"""

from __future__ import annotations

import asyncio
import functools
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from harness import Case, Group, Side
from rivals import found

from millpond import sync

__all__ = ["main"]

_PAIRS = 20_000
_ITEMS = 20_000


def _with(make: Callable[[], Any]) -> Callable[[], int]:
    """Enter and leave a lock, again and again, in a thread."""

    def run() -> int:
        lock = make()
        for _ in range(_PAIRS):
            with lock:
                pass
        return _PAIRS

    return run


def _async_with(make: Callable[[], Any]) -> Callable[[], int]:
    """Enter and leave a lock in a task."""

    async def main() -> int:
        lock = make()
        for _ in range(_PAIRS):
            async with lock:
                pass
        return _PAIRS

    return lambda: asyncio.run(main())


def _put_and_get(make: Callable[[], Any], put: str = "put", get: str = "get") -> Callable[[], int]:
    """Put an item in and get it out again, in a thread."""

    def run() -> int:
        made = make()
        putting, getting = getattr(made, put), getattr(made, get)
        for item in range(_ITEMS):
            putting(item)
            getting()
        return _ITEMS

    return run


def _put_and_get_async(make: Callable[[], Any], put: str, get: str) -> Callable[[], int]:
    """Put an item in and get it out again, in a task."""

    async def main() -> int:
        made = make()
        putting, getting = getattr(made, put), getattr(made, get)
        for item in range(_ITEMS):
            await putting(item)
            await getting()
        return _ITEMS

    return lambda: asyncio.run(main())


def _thread_to_thread(make: Callable[[], Any], put: str = "put", get: str = "get") -> Callable[[], int]:
    def run() -> int:
        made = make()
        putting, getting = getattr(made, put), getattr(made, get)

        def produce() -> None:
            for item in range(_ITEMS):
                putting(item)

        thread = threading.Thread(target=produce)
        thread.start()
        total = sum(1 for _ in range(_ITEMS) if getting() is not None)
        thread.join()
        return total

    return run


def _thread_to_loop(
    make: Callable[[], Any],
    put: Callable[[Any], Callable[[int], object]],
    get: Callable[[Any], Callable[[], Awaitable[Any]]],
) -> Callable[[], int]:
    async def main() -> int:
        made = make()
        putting, getting = put(made), get(made)

        def produce() -> None:
            for item in range(_ITEMS):
                putting(item)

        thread = threading.Thread(target=produce)
        thread.start()
        total = 0
        for _ in range(_ITEMS):
            await getting()
            total += 1
        thread.join()
        return total

    return lambda: asyncio.run(main())


def _two_threads(make: Callable[[], Any]) -> Callable[[], int]:
    def run() -> int:
        lock, total = make(), [0]

        def use() -> None:
            for _ in range(_PAIRS // 2):
                with lock:
                    total[0] += 1

        threads = [threading.Thread(target=use) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return total[0]

    return run


def _setter(make: Callable[[], Any], wait: Callable[[Any], Awaitable[Any]]) -> Callable[[], tuple[float, int]]:
    """Measure the time that setting an event takes whose waiters are 2,000 tasks of another thread's loop."""
    tasks = 2000

    async def main() -> tuple[float, int]:
        event = make()

        async def waiting() -> int:
            await wait(event)
            return 1

        waiters = [asyncio.create_task(waiting()) for _ in range(tasks)]
        for _ in range(50):
            await asyncio.sleep(0)
        figures: list[float] = []

        def set_it() -> None:
            begin = time.perf_counter()
            event.set()
            figures.append((time.perf_counter() - begin) * 1e9 / tasks)

        thread = threading.Thread(target=set_it)
        thread.start()
        # So that the loop does not run meanwhile.
        thread.join()
        return figures[0], sum(await asyncio.gather(*waiters))

    return lambda: asyncio.run(main())


def _of_aiologic(kind: str) -> Any:
    module = found("aiologic")
    return None if module is None else getattr(module, kind)


def _locks(case: Callable[..., None]) -> None:
    """Pairs of acquiring and releasing."""
    kinds = (
        ("lock", sync.Lock, "Lock", threading.Lock, asyncio.Lock),
        ("lock-unowned", lambda: sync.Lock(owned=False), "BinarySemaphore", threading.Lock, asyncio.Lock),
        ("rlock", sync.RLock, "RLock", threading.RLock, None),
        ("semaphore", sync.Semaphore, "Semaphore", threading.Semaphore, asyncio.Semaphore),
        ("limiter", sync.CapacityLimiter, "CapacityLimiter", None, None),
    )
    for name, ours, theirs, of_threads, of_tasks in kinds:
        rival = _of_aiologic(theirs)
        case(
            f"{name}-with",
            _PAIRS,
            _with(ours),
            ("aiologic", rival and _with(rival)),
            ("threading", of_threads and _with(of_threads)),
        )
        case(
            f"{name}-async-with",
            _PAIRS,
            _async_with(ours),
            ("aiologic", rival and _async_with(rival)),
            ("asyncio", of_tasks and _async_with(of_tasks)),
        )
    rival = _of_aiologic("Lock")
    case(
        "lock-two-threads",
        _PAIRS,
        _two_threads(sync.Lock),
        ("threading", _two_threads(threading.Lock)),
        ("aiologic", rival and _two_threads(rival)),
    )


def _queues(case: Callable[..., None]) -> None:
    """Items that are put in and got out, in one thread, in one task, and from one to another."""
    janus, rival, simple = found("janus"), _of_aiologic("Queue"), _of_aiologic("SimpleQueue")
    case(
        "queue-pair",
        _ITEMS,
        _put_and_get(sync.Queue),
        ("queue", _put_and_get(queue.Queue)),
        ("queue.Simple", _put_and_get(queue.SimpleQueue)),
        ("aiologic", rival and _put_and_get(rival, "green_put", "green_get")),
    )
    ours_async = _put_and_get_async(sync.Queue, "put_async", "get_async")
    case(
        "queue-pair-async",
        _ITEMS,
        ours_async,
        ("asyncio", _put_and_get_async(asyncio.Queue, "put", "get")),
        ("aiologic", rival and _put_and_get_async(rival, "async_put", "async_get")),
        ("janus", janus and _put_and_get_async(lambda: janus.Queue().async_q, "put", "get")),
    )
    case(
        "thread-to-thread",
        _ITEMS,
        _thread_to_thread(sync.Queue),
        ("queue", _thread_to_thread(queue.Queue)),
        ("aiologic", simple and _thread_to_thread(simple, "green_put", "green_get")),
    )

    def put(name: str) -> Callable[[Any], Callable[[int], object]]:
        return lambda made: getattr(made, name)

    def get(name: str) -> Callable[[Any], Callable[[], Awaitable[Any]]]:
        return lambda made: getattr(made, name)

    for name, bound in (("thread-to-loop", 0), ("thread-to-loop-16", 16)):
        ours = _thread_to_loop(functools.partial(sync.Queue, bound), put("put"), get("get_async"))
        theirs = janus and _thread_to_loop(
            functools.partial(janus.Queue, bound), lambda made: made.sync_q.put, lambda made: made.async_q.get
        )
        others = rival and _thread_to_loop(functools.partial(rival, bound or None), put("green_put"), get("async_get"))
        case(name, _ITEMS, ours, ("janus", theirs), ("aiologic", others))


def main() -> None:
    """Measure."""
    group = Group("python-sync")
    for rival in ("aiologic", "janus"):
        if found(rival) is None:
            group.leave_out(f"{rival}: it is not installed")

    def case(name: str, count: int, ours: Callable[[], Any], *rivals: tuple[str, Callable[[], Any] | None]) -> None:
        sides = [Side("ours", ours, count, count)]
        sides += [Side(rival, run, count, count) for rival, run in rivals if run is not None]
        group.run(Case(name, "ns", 1e9, sides))

    _locks(case)
    _queues(case)
    aiologic = found("aiologic")
    sides = [Side("ours", _setter(sync.Event, lambda event: event.wait_async()), 2000, is_figure=True)]
    if aiologic is not None:
        sides.append(Side("aiologic", _setter(aiologic.Event, lambda event: event), 2000, is_figure=True))
    group.run(Case("set-for-2000-tasks", "ns", 1e9, sides))
    group.finish()


if __name__ == "__main__":
    main()
