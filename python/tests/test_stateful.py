"""Whatever is done with a pool, in whatever order: what comes out is what a model of lists says.

Hypothesis draws programs: tasks are added, read from, iterated, awaited, shared between threads, branched, closed
and dropped, channels are written to and closed, waits time out or are cancelled, the pool is resized; on threads, in
serial mode and in simulations. A program that fails is shortened. `MILLPOND_EXAMPLES` says how many programs there
are, each of up to forty steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, precondition, rule

from millpond import ChannelWriter, Pool, PoolReader, ReaderClosedError, ReadTimeoutError
from millpond.testing import Faults, Simulation, spawn

_ITEMS = st.lists(st.integers(0, 99), max_size=60)
_COUNTS = st.integers(0, 40)


class Failure(Exception):
    """What the functions of a program raise."""


@dataclass
class Given:
    """What a channel was given, and whether more may come."""

    items: list[Any] = field(default_factory=list)
    is_closed: bool = False


@dataclass
class Stream:
    """A reader, and what the model says of it."""

    reader: PoolReader[Any] | None
    #: All that it gives, as far as that is known.
    outputs: Callable[[], list[Any]]
    #: Whether nothing comes after that but, where it fails, the failure.
    is_complete: Callable[[], bool]
    fails: Callable[[], bool]
    taken: int = 0

    @property
    def left(self) -> list[Any]:
        """What it will give next."""
        return self.outputs()[self.taken :]

    def take(self) -> PoolReader[Any]:
        """Give the reader to a task: this stream is no more."""
        reader, self.reader = self.reader, None
        assert reader is not None
        return reader

    def then(self, reader: PoolReader[Any], change: Callable[[list[Any]], list[Any]]) -> Stream:
        """Make the stream of a task that reads from here on."""
        taken = self.taken
        return Stream(reader, lambda: change(self.outputs()[taken:]), self.is_complete, self.fails)


def until_failure(items: list[int]) -> tuple[list[int], bool]:
    """Cut a list at the first item that fails."""
    for place, item in enumerate(items):
        if item % 17 == 3:
            return items[:place], True
    return items, False


def fail(item: int) -> int:
    """Fail as :func:`until_failure` says."""
    if item % 17 == 3:
        raise Failure(item)
    return item


class Programs(RuleBasedStateMachine):
    """Programs; see the module's documentation."""

    streams = Bundle("streams")
    writers = Bundle("writers")

    @initialize(
        mode=st.one_of(
            st.sampled_from([0, 1, 2, 8]),
            st.builds(
                lambda seed, faults: Simulation(seed, faults=faults),
                st.integers(0, 2**32),
                st.sampled_from([Faults(), Faults(slow=5, cancel=3)]),
            ),
        )
    )
    def begin(self, mode: int | Simulation) -> None:
        self.pool = Pool.simulated(mode) if isinstance(mode, Simulation) else Pool(mode)
        self.all: list[Stream] = []
        self.has_failed = False

    def is_simulated(self) -> bool:
        return self.pool.simulated_from is not None

    def add(self, stream: Stream) -> Stream:
        self.all.append(stream)
        return stream

    # ---- tasks

    @rule(target=streams, items=_ITEMS, chunk=st.one_of(st.none(), st.integers(1, 9)))
    def source(self, items: list[int], chunk: int | None) -> Stream:
        reader = self.pool.source(iter(items), max_chunksize=chunk)
        return self.add(Stream(reader, lambda: items, lambda: True, lambda: False))

    @rule(target=streams)
    def endless(self) -> Stream:
        reader = self.pool.source(itertools.count())
        return self.add(Stream(reader.take(500), lambda: list(range(500)), lambda: True, lambda: False))

    @rule(target=writers)
    def channel(self) -> tuple[ChannelWriter[Any], Given, Stream]:
        writer, reader = self.pool.channel()
        given = Given()
        stream = self.add(Stream(reader, lambda: given.items, lambda: given.is_closed, lambda: False))
        return writer, given, stream

    @rule(target=streams, writer=writers)
    def stream_of_channel(self, writer: tuple[ChannelWriter[Any], Given, Stream]) -> Stream:
        return writer[2]

    @rule(writer=writers, items=_ITEMS, is_last=st.booleans())
    def write(self, writer: tuple[ChannelWriter[Any], Given, Stream], items: list[int], is_last: bool) -> None:
        end, given, _ = writer
        if given.is_closed or end.closed:
            return
        for item in items:
            end.write(item)
            given.items.append(item)
        if is_last:
            end.close()
            given.is_closed = True

    @rule(
        target=streams,
        stream=consumes(streams),
        kind=st.sampled_from(["map", "filter", "flat_map", "tap", "skip", "enumerate", "unordered"]),
        number=st.integers(0, 9),
    )
    def task(self, stream: Stream, kind: str, number: int) -> Stream:
        if stream.reader is None:
            return stream
        reader = stream.take()
        if kind == "map":
            return self.add(
                stream.then(
                    reader.map(lambda n: hash(n) % 100 + number), lambda items: [hash(n) % 100 + number for n in items]
                )
            )
        if kind == "filter":
            return self.add(
                stream.then(
                    reader.filter(lambda n: hash(n) % 10 != number),
                    lambda items: [n for n in items if hash(n) % 10 != number],
                )
            )
        if kind == "flat_map":
            many = number % 3
            return self.add(
                stream.then(
                    reader.flat_map(lambda n: [n] * many), lambda items: [n for n in items for _ in range(many)]
                )
            )
        if kind == "tap":
            return self.add(stream.then(reader.tap(lambda n: None), lambda items: items))
        if kind == "skip":
            return self.add(stream.then(reader.skip(number), lambda items: items[number:]))
        if kind == "unordered":
            return self.add(
                stream.then(reader.map(lambda n: n, ordered=True, concurrency=number + 1), lambda items: items)
            )
        return self.add(stream.then(reader.enumerate(number), lambda items: list(enumerate(items, number))))

    @rule(target=streams, stream=consumes(streams))
    def failing(self, stream: Stream) -> Stream:
        if stream.reader is None or stream.fails() or any(not isinstance(item, int) for item in stream.left):
            return stream
        taken = stream.taken

        def given() -> tuple[list[int], bool]:
            return until_failure([item if isinstance(item, int) else 0 for item in stream.outputs()[taken:]])

        if not stream.is_complete():
            return stream
        self.has_failed = True
        reader = stream.take().map(fail)
        return self.add(Stream(reader, lambda: given()[0], lambda: True, lambda: given()[1]))

    @rule(target=streams, stream=consumes(streams), size=st.integers(1, 7))
    def batch(self, stream: Stream, size: int) -> Stream:
        if stream.reader is None or not stream.is_complete() or stream.fails():
            return stream
        batches = lambda items: [tuple(items[at : at + size]) for at in range(0, len(items), size)]  # noqa: E731
        return self.add(stream.then(stream.take().batch(size).map(tuple), batches))

    @rule(target=streams, stream=consumes(streams), count=st.integers(0, 20))
    def take(self, stream: Stream, count: int) -> Stream:
        if stream.reader is None or not stream.is_complete() or stream.fails():
            return stream
        return self.add(stream.then(stream.take().take(count), lambda items: items[:count]))

    @rule(target=streams, left=consumes(streams), right=consumes(streams), kind=st.sampled_from(["zip", "chain"]))
    def join(self, left: Stream, right: Stream, kind: str) -> Any:
        streams = (left, right)
        if left is right or any(one.reader is None or not one.is_complete() or one.fails() for one in streams):
            return multiple(*{id(one): one for one in streams}.values())
        taken = [one.taken for one in streams]
        first, second = (one.take() for one in streams)
        joined = first.zip(second) if kind == "zip" else first.chain(second)

        def outputs() -> list[Any]:
            lists = [one.outputs()[at:] for one, at in zip(streams, taken)]
            return list(zip(*lists)) if kind == "zip" else lists[0] + lists[1]

        return self.add(Stream(joined, outputs, lambda: True, lambda: False))

    @rule(target=streams, stream=consumes(streams), branches=st.integers(1, 3))
    def tee(self, stream: Stream, branches: int) -> Any:
        if stream.reader is None:
            return stream
        readers = stream.take().tee(branches)
        return multiple(*(self.add(stream.then(reader, lambda items: items)) for reader in readers))

    @rule(target=streams, stream=consumes(streams), modulus=st.integers(1, 5))
    def partition(self, stream: Stream, modulus: int) -> Any:
        if stream.reader is None:
            return stream
        yes, no = stream.take().partition(lambda n: hash(n) % modulus == 0)
        return multiple(
            self.add(stream.then(yes, lambda items: [n for n in items if hash(n) % modulus == 0])),
            self.add(stream.then(no, lambda items: [n for n in items if hash(n) % modulus != 0])),
        )

    # ---- reading

    def expect(self, stream: Stream, count: int | None, items: list[Any]) -> None:
        """Compare what a read of so many gave, None for all."""
        assert items == stream.left[:count]
        stream.taken += len(items)

    def may_wait(self, stream: Stream, count: int | None) -> bool:
        """Tell whether a read of so many would wait for a channel."""
        return not stream.is_complete() and (count is None or len(stream.left) < count)

    def reads(
        self, stream: Stream, count: int | None, read: Callable[[PoolReader[Any], int | None], list[Any]]
    ) -> None:
        reader = stream.reader
        if reader is None:
            return
        if self.may_wait(stream, count):
            count = len(stream.left)
        if stream.fails() and (count is None or count > len(stream.left)):
            # It takes nothing: what there is stays.
            with pytest.raises(Failure) as caught:
                read(reader, count)
            if sys.version_info >= (3, 11) and stream.left:
                assert f"; {len(stream.left)} item" in caught.value.__notes__[-1]
            return
        self.expect(stream, count, read(reader, count))

    @rule(stream=streams, count=_COUNTS)
    def read(self, stream: Stream, count: int) -> None:
        self.reads(stream, count, lambda reader, count: reader.read(count))

    @rule(stream=streams)
    def read_all(self, stream: Stream) -> None:
        self.reads(stream, None, lambda reader, count: reader.read(count))

    @rule(stream=streams, count=_COUNTS)
    def iterate(self, stream: Stream, count: int) -> None:
        if stream.reader is None:
            return
        if self.may_wait(stream, count):
            count = len(stream.left)
        items: list[Any] = []
        iteration = iter(stream.reader)
        if stream.fails() and count > len(stream.left):
            with pytest.raises(Failure):
                items.extend(iteration)  # type: ignore[arg-type, unused-ignore]
            with pytest.raises(StopIteration):
                next(iteration)
            count = len(stream.left)
        else:
            items = list(itertools.islice(iteration, count))
        self.expect(stream, count, items)

    @rule(stream=streams, count=_COUNTS, timeout=st.sampled_from([None, 60.0]))
    def read_what_there_is(self, stream: Stream, count: int, timeout: float | None) -> None:
        if stream.reader is None or self.may_wait(stream, count):
            return
        if self.is_simulated():
            # The faults of a simulation cut waits short that have an end.
            timeout = None
        if stream.fails() and not stream.left:
            with pytest.raises(Failure):
                stream.reader.read(count, timeout=timeout, partial=True)
            return
        self.expect(stream, count, stream.reader.read(count, timeout=timeout, partial=True))

    @rule(stream=streams, count=_COUNTS)
    def read_async(self, stream: Stream, count: int) -> None:
        self.reads(stream, count, lambda reader, count: asyncio.run(reader.read_async(count)))

    @rule(stream=streams, count=_COUNTS)
    def try_read(self, stream: Stream, count: int) -> None:
        if stream.reader is None:
            return
        with contextlib.suppress(Failure):
            items = stream.reader.try_read(count) or []
            assert items == stream.left[: len(items)]
            assert len(items) <= count
            stream.taken += len(items)

    @rule(stream=streams, count=_COUNTS, timeout=st.sampled_from([0.0, 0.001]))
    def read_in_vain(self, stream: Stream, count: int, timeout: float) -> None:
        if stream.reader is None or stream.fails() or not self.may_wait(stream, count):
            return
        with pytest.raises(ReadTimeoutError):
            stream.reader.read(count, timeout=timeout)

    @precondition(lambda self: not self.is_simulated())
    @rule(stream=streams, count=_COUNTS)
    def await_in_vain(self, stream: Stream, count: int) -> None:
        reader = stream.reader
        if reader is None or stream.fails() or not self.may_wait(stream, count):
            return

        async def read() -> None:
            with pytest.raises((asyncio.TimeoutError, TimeoutError)):
                await asyncio.wait_for(reader.read_async(count), 0.001)

        asyncio.run(read())

    @rule(stream=streams, count=st.integers(1, 9), threads=st.integers(2, 3))
    def share(self, stream: Stream, count: int, threads: int) -> None:
        reader = stream.reader
        # In serial mode threads read one after the other.
        if reader is None or stream.fails() or self.may_wait(stream, count * threads) or self.pool.size == 0:
            return
        parts: list[list[Any]] = []

        def read() -> None:
            parts.append(reader.read(count))

        if self.is_simulated():
            for simulated in [spawn(read) for _ in range(threads)]:
                simulated.join()
        else:
            started = [threading.Thread(target=read) for _ in range(threads)]
            for thread in started:
                thread.start()
            for thread in started:
                thread.join()
        assert len(parts) == threads
        items = [item for part in parts for item in part]
        expected = stream.left[: count * threads]
        assert sorted(map(repr, items)) == sorted(map(repr, expected))
        stream.taken += len(items)

    # ---- the end of things

    @rule(stream=consumes(streams))
    def close(self, stream: Stream) -> None:
        if stream.reader is None:
            return
        stream.reader.close()
        with pytest.raises(ReaderClosedError):
            stream.reader.read(1)
        stream.reader = None

    @rule(stream=consumes(streams))
    def drop(self, stream: Stream) -> None:
        stream.reader = None

    @rule(size=st.sampled_from([0, 1, 2, 8]))
    def resize(self, size: int) -> None:
        self.pool.size = size

    def teardown(self) -> None:
        if not hasattr(self, "pool"):
            return
        try:
            for stream in self.all:
                # What is left is complete, and in order.
                if stream.reader is not None and stream.is_complete() and not stream.fails():
                    self.expect(stream, None, stream.reader.read_all())
                stream.reader = None
            if self.is_simulated() or self.has_failed:
                # An exception that a task keeps has the frames that it came through, and these may have the reader.
                return
            end = time.monotonic() + 30
            while self.pool.task_count and time.monotonic() < end:
                time.sleep(0)
            assert self.pool.task_count == 0
        finally:
            self.pool.close()


TestPrograms = pytest.mark.filterwarnings("ignore:.*event loop:DeprecationWarning")(Programs.TestCase)
TestPrograms.settings = settings(
    max_examples=int(os.environ.get("MILLPOND_EXAMPLES", "150")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
