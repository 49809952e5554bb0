"""The classic package's channels, their ends and their callbacks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from millpond.classic import channel as classic
from millpond.classic.channel import (
    CallbackChannelReader,
    CallbackChannelWriter,
    Channel,
    ChannelReader,
    ChannelWriter,
    IteratorReader,
    ReadOnly,
    SerialChannel,
    mkchannel,
)
from millpond.classic.util import AsyncQueue, DummyLock, HSCondition, SyncQueue, cpu_count


@pytest.fixture(params=[Channel, SerialChannel])
def ends(request: pytest.FixtureRequest) -> tuple[ChannelWriter, ChannelReader]:
    """Give the ends of a channel of each kind."""
    writer, reader = mkchannel(request.param)
    assert isinstance(writer, ChannelWriter)
    assert isinstance(reader, ChannelReader)
    return writer, reader


def test_the_names_are_those_of_the_ancestor() -> None:
    for name in ["Channel", "SerialChannel", "Writer", "ChannelWriter", "Reader", "ChannelReader", "mkchannel"]:
        assert hasattr(classic, name)
    for name in ["CallbackReaderMixin", "CallbackChannelReader", "CallbackWriterMixin", "CallbackChannelWriter"]:
        assert hasattr(classic, name)
    assert isinstance(Channel().queue, AsyncQueue)
    assert isinstance(SerialChannel().queue, SyncQueue)


def test_what_is_written_is_read_in_order(ends: tuple[ChannelWriter, ChannelReader]) -> None:
    writer, reader = ends
    for number in range(10):
        writer.write(number)
    assert writer.size() == 10
    assert reader.read(1) == [0]
    assert reader.read(3) == [1, 2, 3]
    assert reader.read(0, block=False) == [4, 5, 6, 7, 8, 9]
    assert reader.read(5, block=False) == []
    writer.close()
    assert reader.read() == []


def test_a_closed_channel_takes_nothing_and_still_gives_what_is_in_it(
    ends: tuple[ChannelWriter, ChannelReader],
) -> None:
    writer, reader = ends
    writer.write(1)
    writer.write(2)
    assert not writer.closed()
    writer.close()
    writer.close()
    assert writer.closed()
    with pytest.raises(ReadOnly, match=r"^putting an item into a queue that was closed$"):
        writer.write(3)
    assert writer.size() == 2
    assert list(reader) == [1, 2]
    with pytest.raises(StopIteration):
        reader.next()


def test_negative_counts_read_all_as_zero_does(ends: tuple[ChannelWriter, ChannelReader]) -> None:
    writer, reader = ends
    writer.write(1)
    writer.write(2)
    writer.close()
    assert reader.read(-1) == [1, 2]


def test_closing_wakes_all_who_wait() -> None:
    writer, reader = mkchannel()
    results: list[list[Any]] = []
    threads = [threading.Thread(target=lambda: results.append(reader.read())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(100):
        writer.write(number)
    writer.close()
    for thread in threads:
        thread.join(30)
    assert sorted(item for items in results for item in items) == list(range(100))


def test_a_timed_out_read_returns_what_it_has() -> None:
    writer, reader = mkchannel()
    writer.write(1)
    assert reader.read(2, timeout=0.001) == [1]
    assert reader.read(0, timeout=0) == []


def test_callbacks_of_readers() -> None:
    writer, reader = mkchannel(rtype=CallbackChannelReader)
    for number in range(10):
        writer.write(number)
    counts: list[int] = []

    def double(items: list[int]) -> list[int]:
        return [item * 2 for item in items]

    assert reader.set_pre_cb(counts.append) is None
    assert reader.set_post_cb(double) is None
    assert reader.read(3) == [0, 2, 4]
    assert reader.next() == 6
    assert counts == [3, 1]
    assert reader.set_post_cb() is double
    assert reader.set_pre_cb(None) == counts.append
    assert reader.read(2) == [4, 5]
    assert counts == [3, 1]


def test_a_callback_that_fails_loses_nothing() -> None:
    writer, reader = mkchannel(rtype=CallbackChannelReader)
    for number in range(6):
        writer.write(number)
    writer.close()

    def fail(_: object) -> Any:
        raise KeyError("callback")

    reader.set_pre_cb(fail)
    with pytest.raises(KeyError):
        reader.read(2)
    reader.set_pre_cb()
    reader.set_post_cb(fail)
    for _ in range(2):
        with pytest.raises(KeyError):
            reader.read(2)
    reader.set_post_cb()
    assert reader.read(1) == [0]
    assert reader.read(2) == [1, 2]
    assert reader.read() == [3, 4, 5]


def test_a_callback_of_a_writer_may_change_the_item() -> None:
    writer, reader = mkchannel(wtype=CallbackChannelWriter)
    assert writer.set_pre_cb(lambda item: item + 1) is None
    writer.write(1)
    assert writer.set_pre_cb() is not None
    writer.write(1)
    assert reader.read(2) == [2, 1]


def test_an_iterator_is_a_reader() -> None:
    reader = IteratorReader(iter(range(10)))
    assert reader.read(3) == [0, 1, 2]
    assert reader.read(-1) == [3, 4, 5, 6, 7, 8, 9]
    assert reader.read(1) == []
    with pytest.raises(ValueError, match=r"^reading from `\[1\]`, which is not an iterator"):
        IteratorReader([1])  # type: ignore[arg-type]


def test_what_an_iterator_raises_comes_after_its_items() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("gone")

    reader = IteratorReader(numbers())
    assert reader.read() == [1, 2]
    with pytest.raises(OSError, match="gone"):
        reader.read(1)
    assert reader.read() == []


def test_several_threads_share_an_iterator() -> None:
    reader = IteratorReader(iter(range(5000)))
    results: list[list[int]] = [[] for _ in range(4)]

    def read(into: list[int]) -> None:
        into.extend(reader)

    threads = [threading.Thread(target=read, args=(into,)) for into in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(item for items in results for item in items) == list(range(5000))


def test_queues_can_be_opened_again() -> None:
    for made in (AsyncQueue(), SyncQueue()):
        assert made.writable()
        assert made.set_writable(False) is True
        assert made.set_writable(False) is False
        with pytest.raises(queue.Empty):
            made.get()
        assert made.set_writable(True) is False
        made.put(1)
        assert (made.qsize(), made.empty(), made.get(), made.empty()) == (1, False, 1, True)


def test_a_full_queue_refuses_or_waits() -> None:
    made = AsyncQueue(maxsize=1)
    made.put(1)
    with pytest.raises(queue.Full):
        made.put(2, block=False)
    with pytest.raises(queue.Full):
        made.put(2, timeout=0.001)
    thread = threading.Thread(target=made.put, args=(2,))
    thread.start()
    assert [made.get(), made.get()] == [1, 2]
    thread.join(30)


def test_a_writer_that_waits_for_room_is_told_of_the_close() -> None:
    made = AsyncQueue(maxsize=1)
    made.put(1)
    results: list[BaseException] = []

    def put() -> None:
        try:
            made.put(2)
        except ReadOnly as error:
            results.append(error)

    thread = threading.Thread(target=put)
    thread.start()
    made.set_writable(False)
    thread.join(30)
    assert len(results) == 1
    assert made.get() == 1


def test_no_notification_is_lost_among_many_threads() -> None:
    made = AsyncQueue(maxsize=3)
    count, threads_each = 2000, 4
    taken: list[int] = []

    def put(first: int) -> None:
        for number in range(first, count, threads_each):
            made.put(number)

    def get() -> None:
        try:
            while True:
                taken.append(made.get())
        except queue.Empty:
            pass

    writers = [threading.Thread(target=put, args=(first,)) for first in range(threads_each)]
    readers = [threading.Thread(target=get) for _ in range(threads_each)]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join(60)
    made.set_writable(False)
    for thread in readers:
        thread.join(60)
    assert sorted(taken) == list(range(count))


def test_a_condition_wakes_who_waits() -> None:
    condition = HSCondition()
    is_set = False

    def wait() -> None:
        with condition:
            condition.wait_for(lambda: is_set, 30)

    thread = threading.Thread(target=wait)
    thread.start()
    with condition:
        is_set = True
        condition.notify_all()
    thread.join(30)
    assert not thread.is_alive()
    assert HSCondition(threading.RLock()).acquire()


def test_a_dummy_lock_locks_nothing() -> None:
    lock = DummyLock()
    with lock, lock:
        assert lock.acquire()
    lock.release()
    assert cpu_count() >= 1
