"""One limit, one queue and one lock for a thread and two event loops.

    python shared_lock.py

A thread makes addresses. Two event loops, each in a thread of its own, "fetch" them: never more than three at a time
over both loops, and each address once where several want it. What they count is guarded by a lock that the thread uses
too.

The same objects serve all of them. With `asyncio.Lock` the second loop would fail ("is bound to a different event
loop"), and `threading.Lock` would block the loops.
"""

from __future__ import annotations

import asyncio
import functools
import threading

from millpond.sync import Lock, Queue, Semaphore, SingleFlight

ADDRESSES = [f"page {number % 10}" for number in range(40)]

queue: Queue[str] = Queue(maxsize=4)
limit = Semaphore(3)
lock = Lock(name="the counts")
flight = SingleFlight()

asked = fetched = at_once = most = 0


async def fetch(address: str) -> str:
    """Take a while, as a server would; three of them at a time."""
    global fetched, at_once, most
    async with limit:
        async with lock:
            fetched += 1
            at_once += 1
            most = max(most, at_once)
        await asyncio.sleep(0.001)
        async with lock:
            at_once -= 1
    return address.upper()


async def work() -> int:
    """Fetch what comes, in several tasks, until the queue is shut down and empty."""

    async def consume() -> int:
        count = 0
        async for address in queue:
            assert await flight.run_async(address, functools.partial(fetch, address)) == address.upper()
            count += 1
        return count

    return sum(await asyncio.gather(*(consume() for _ in range(4))))


def main() -> None:
    """Run the thread and the two loops."""
    counts: list[int] = []
    loops = [threading.Thread(target=lambda: counts.append(asyncio.run(work()))) for _ in range(2)]
    for loop in loops:
        loop.start()
    global asked
    with queue:
        for address in ADDRESSES:
            queue.put(address)
            with lock:
                asked += 1
    for loop in loops:
        loop.join()
    assert fetched <= asked == sum(counts)
    assert most <= 3
    print(f"{asked} addresses were asked for on 2 event loops, at most 3 fetched at a time")


if __name__ == "__main__":
    main()
