"""Sources that other threads write to."""

from __future__ import annotations

import threading
import time

import pytest

from millpond import ChannelClosedError, ChannelFullError, Pool, ReadTimeoutError


def test_what_is_written_is_read_in_order(pool_size: int) -> None:
    writer, reader = Pool(pool_size).channel()
    numbers = reader.map(lambda n: n + 1)

    def feed() -> None:
        with writer:
            writer.write_all(range(2000))
            writer.write(2000)

    thread = threading.Thread(target=feed)
    thread.start()
    assert numbers.read_all() == list(range(1, 2002))
    thread.join()
    assert writer.closed


def test_a_bounded_channel_holds_its_writer_up(pool_size: int) -> None:
    writer, reader = Pool(pool_size).channel(2)
    assert writer.capacity == 2
    writer.write("a")
    writer.try_write("b")
    assert len(writer) == 2
    with pytest.raises(ChannelFullError, match=r"^writing to a full channel without waiting"):
        writer.try_write("c")
    with pytest.raises(ReadTimeoutError, match=r"^writing to a full channel timed out after `\d+\.\d+` seconds$"):
        writer.write("c", timeout=0.01)

    def feed() -> None:
        with writer:
            writer.write("c")

    thread = threading.Thread(target=feed)
    thread.start()
    assert reader.read_all() == ["a", "b", "c"]
    thread.join()


def test_nobody_reads_any_more(pool_size: int) -> None:
    writer, reader = Pool(pool_size).channel()
    reader.close()
    with pytest.raises(
        ChannelClosedError, match=r"^writing to a channel that was closed, or that nobody can read from"
    ):
        writer.write(1)
    writer.close()
    with pytest.raises(ChannelClosedError):
        writer.try_write(1)
    assert "closed" in repr(writer)


def test_a_writer_that_is_lost_ends_its_reader(pool_size: int) -> None:
    writer, reader = Pool(pool_size).channel()
    writer.write(1)
    del writer
    assert reader.read_all() == [1]


def test_waiting_for_data_takes_no_processor_time(pool_size: int) -> None:
    writer, reader = Pool(pool_size).channel()
    threading.Timer(0.5, writer.close).start()
    before = time.process_time()
    assert reader.map(str).read_all() == []
    assert time.process_time() - before < 0.2
