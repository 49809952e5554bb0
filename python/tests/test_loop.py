"""The event loop that a pool has of its own."""

from __future__ import annotations

import asyncio
import select
import selectors
import socket
import sys
import threading
from typing import Any

import pytest

from millpond import Pool, _loop

pytestmark = pytest.mark.skipif(
    selectors.DefaultSelector is not getattr(selectors, "EpollSelector", None), reason="timers are exact elsewhere"
)


class Spy:
    """Counts the waits of `select` and how long they were to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timeouts: list[float] = []
        self.select = select.select
        monkeypatch.setattr(select, "select", self)

    def __call__(self, readable: Any, writable: Any, exceptional: Any, timeout: float) -> Any:
        self.timeouts.append(timeout)
        return self.select(readable, writable, exceptional, timeout)


def test_short_waits_are_as_long_as_they_are_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    with _loop._PreciseSelector() as selector:
        assert selector.select(0.0003) == []
        assert selector.select(0) == []
        assert selector.select(-1) == []
    assert spy.timeouts == [0.0003]


def test_what_is_ready_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    here, there = socket.socketpair()
    with here, there, _loop._PreciseSelector() as selector:
        key = selector.register(here, selectors.EVENT_READ, "mine")
        there.send(b"!")
        for timeout in (0.05, 0, 60, None):
            assert selector.select(timeout) == [(key, selectors.EVENT_READ)]
    assert spy.timeouts == [0.05]


def test_selectors_with_high_numbers_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    with _loop._PreciseSelector() as selector:
        number = selector.fileno()
        monkeypatch.setattr(selector, "fileno", lambda: 4000 + number)
        assert selector.select(0.0003) == []
    assert spy.timeouts == []


def test_coroutines_on_the_pools_loop_wait_so(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)

    async def nap(number: int) -> int:
        await asyncio.sleep(0.01)
        return number

    with Pool(2) as pool:
        # Some after the others: on a busy machine the time for one may be up before the loop comes to wait for it.
        assert pool.source(range(20)).map(nap, concurrency=2).read_all() == list(range(20))
    assert spy.timeouts
    assert all(0 < timeout < 0.1 for timeout in spy.timeouts)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the timers of Linux")
def test_threads_of_the_pool_wake_on_time() -> None:
    def slack(_: object = None) -> int:
        with open(f"/proc/{threading.get_native_id()}/timerslack_ns", encoding="ascii") as file:
            return int(file.read())

    async def slack_of_loop(_: object) -> int:
        return slack()

    before = slack()
    with Pool(2) as pool, pool.as_executor() as executor:
        # Threads with a real-time priority have none at all.
        assert executor.submit(slack).result() in (0, 1000)
        assert pool.source([1]).map(slack_of_loop).read(1)[0] in (0, 1000)
        assert pool.source([1]).map(slack).read(1) == [before], "the reader's own thread is left as it is"


def test_a_loop_of_another_kind_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(asyncio.SelectorEventLoop):
        pass

    monkeypatch.setattr(asyncio, "new_event_loop", Other)
    kinds = []

    async def kind(number: int) -> int:
        kinds.append(type(asyncio.get_running_loop()))
        return threading.get_ident()

    with Pool(2) as pool:
        assert pool.source([1]).map(kind).read(1) != [threading.get_ident()]
    assert kinds == [Other]
