"""What tests of `millpond.sync` share: who waits.

A thread, and tasks of event loops of asyncio and of trio, each loop in a thread of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
import trio

_T = TypeVar("_T")

#: Who waits: `name` is also the one of a fixture's parameter.
KINDS = ("thread", "asyncio", "trio")


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, which something that is under way brings about."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.001)


class Call:
    """A call that is under way, on some side."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        self.future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.cancel = cancel

    def result(self) -> Any:
        """Give what it gave or raised."""
        return self.future.result(30)

    def done(self) -> bool:
        """Find out whether it has ended."""
        return self.future.done()


class Side:
    """Where calls are made: a thread for each, or the tasks of one loop."""

    is_async = True

    def call(self, blocking: Callable[[], _T], awaiting: Callable[[], Awaitable[_T]]) -> Call:
        """Make a call, of the one function or the other."""
        raise NotImplementedError

    def end(self) -> None:
        """End the loop."""


class Threads(Side):
    """Each call in a thread of its own."""

    is_async = False

    def call(self, blocking: Callable[[], _T], awaiting: Callable[[], Awaitable[_T]]) -> Call:
        call = Call(lambda: None)

        def run() -> None:
            try:
                call.future.set_result(blocking())
            except BaseException as error:
                call.future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return call


class Asyncio(Side):
    """Each call in a task of one loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, blocking: Callable[[], _T], awaiting: Callable[[], Awaitable[_T]]) -> Call:
        tasks: list[asyncio.Task[None]] = []
        call = Call(lambda: self.loop.call_soon_threadsafe(lambda: tasks[0].cancel()))

        async def run() -> None:
            try:
                call.future.set_result(await awaiting())
            except BaseException as error:
                call.future.set_exception(error)

        self.loop.call_soon_threadsafe(lambda: tasks.append(self.loop.create_task(run())))
        return call

    def end(self) -> None:
        """End the loop, whose tasks stay as they are."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(30)
        for task in asyncio.all_tasks(self.loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.loop.close()


class Trio(Side):
    """Each call in a task of one run of trio."""

    def __init__(self) -> None:
        self._token: trio.lowlevel.TrioToken
        is_ready = threading.Event()

        async def main() -> None:
            self._token = trio.lowlevel.current_trio_token()
            async with trio.open_nursery() as self._nursery:
                self._end = self._nursery.cancel_scope.cancel
                is_ready.set()
                await trio.sleep_forever()

        self._thread = threading.Thread(target=trio.run, args=(main,), daemon=True)
        self._thread.start()
        is_ready.wait(30)

    def call(self, blocking: Callable[[], _T], awaiting: Callable[[], Awaitable[_T]]) -> Call:
        scope = trio.CancelScope()
        call = Call(lambda: self._token.run_sync_soon(scope.cancel))

        async def run() -> None:
            with scope:
                try:
                    call.future.set_result(await awaiting())
                except trio.Cancelled:
                    call.future.set_exception(asyncio.CancelledError())
                    raise
                except BaseException as error:
                    call.future.set_exception(error)

        self._token.run_sync_soon(lambda: self._nursery.start_soon(run))
        return call

    def end(self) -> None:
        """End the run, which cancels its tasks."""
        self._token.run_sync_soon(self._end)
        self._thread.join(30)


_SIDES: dict[str, Callable[[], Side]] = {"thread": Threads, "asyncio": Asyncio, "trio": Trio}


def make(kind: str) -> Side:
    """Make a side of this kind."""
    return _SIDES[kind]()


@pytest.fixture(params=KINDS)
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Each kind of side."""
    made = make(request.param)
    yield made
    made.end()


@pytest.fixture(params=KINDS)
def other(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Each kind of side, once more: two of one kind are two loops."""
    made = make(request.param)
    yield made
    made.end()


@pytest.fixture(params=KINDS[1:])
def loop_side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Each kind of side whose calls can be cancelled."""
    made = make(request.param)
    yield made
    made.end()
