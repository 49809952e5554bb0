"""The classic package's tasks and pools, and what was wrong with them once."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.classic.channel import CallbackChannelWriter, Channel, ChannelWriter, IteratorReader, mkchannel
from millpond.classic.pool import Pool, PoolReader, ThreadPool
from millpond.classic.task import ChannelThreadTask, IteratorTaskBase, IteratorThreadTask, Task, ThreadTaskBase


@pytest.fixture
def pool(pool_size: int) -> ThreadPool:
    """Give a pool of each size."""
    return ThreadPool(pool_size)


def numbers(pool: Pool, items: Iterable[Any], fun: Callable[[Any], Any] | None = None, **options: Any) -> PoolReader:
    """Add a task over an iterator."""
    return pool.add_task(IteratorThreadTask(iter(items), "numbers", fun, **options))


def after(reader: PoolReader, fun: Callable[[Any], Any] | None, **options: Any) -> PoolReader:
    """Add a task after another one."""
    return reader.pool().add_task(ChannelThreadTask(reader, "after", fun, **options))


class Counted:
    """A function that counts its calls."""

    def __init__(self, fun: Callable[[Any], Any]) -> None:
        self.fun = fun
        self.lock = threading.Lock()
        self.calls: list[Any] = []

    def __call__(self, item: Any) -> Any:
        with self.lock:
            self.calls.append(item)
        return self.fun(item)


def most(made: Callable[[], int]) -> int:
    """Give how many items one read has made, at the most of several tries.

    A chunk that has lasted for milliseconds is cut, and its rest is left to later reads. That is the case for any
    chunk of a thread which a busy machine has not let run.
    """
    return max(made() for _ in range(20))


def double(number: int) -> int:
    return number * 2


def test_tasks_are_what_they_were() -> None:
    task = IteratorThreadTask(iter("ab"), "name", None, True, 2, 3)
    assert isinstance(task, (IteratorTaskBase, ThreadTaskBase))
    assert (task.id, task.fun, task.apply_single, task.min_count, task.max_chunksize) == ("name", None, True, 2, 3)
    assert (task.is_done(), task.error(), task.writer(), task.is_closed()) == (False, None, None, False)
    pool = ThreadPool()
    reader = pool.add_task(task)
    assert (reader.task(), reader.pool(), reader.task_ref()(), reader.pool_ref()()) == (task, pool, task, pool)
    assert pool.size() == 0
    follower = ChannelThreadTask(reader, "follower", double)
    assert (follower.reader(), follower.pool()) == (reader, None)
    held = pool.add_task(follower)
    assert follower.pool() is pool
    assert held.task() is follower


def test_reads(pool: ThreadPool) -> None:
    reader = numbers(pool, range(10), double)
    assert reader.read(1) == [0]
    assert reader.read(3) == [2, 4, 6]
    assert next(reader) == 8
    assert reader.next() == 10
    assert reader.read() == [12, 14, 16, 18]
    assert reader.read(1) == []
    assert reader.task().is_done()
    assert reader.task().is_closed()


def test_iterating_and_negative_counts(pool: ThreadPool) -> None:
    assert list(numbers(pool, range(100), double)) == list(range(0, 200, 2))
    assert numbers(pool, range(100), double).read(-1) == list(range(0, 200, 2))


@given(
    size=st.sampled_from([0, 1, 2, 8]),
    count=st.integers(0, 200),
    reads=st.lists(st.integers(1, 60), max_size=8),
    options=st.fixed_dictionaries({"min_count": st.integers(1, 20), "max_chunksize": st.integers(0, 20)}),
    ending=st.sampled_from([0, -1]),
)
def test_any_reads_of_a_chain_are_complete_and_in_order(
    size: int, count: int, reads: list[int], options: dict[str, int], ending: int
) -> None:
    calls = Counted(double)
    reader = after(after(numbers(ThreadPool(size), range(count), calls, **options), None), str)
    expected = [str(number * 2) for number in range(count)]
    items: list[str] = []
    for number in reads:
        got = reader.read(number)
        assert len(got) == min(number, count - len(items))
        items += got
    assert items + reader.read(ending) == expected
    assert sorted(calls.calls) == list(range(count))
    assert reader.read() == []


# ---- what was wrong once


def test_fault_1_tasks_that_filter_batch_or_flatten_are_complete(pool: ThreadPool) -> None:
    def odd(items: list[int]) -> list[int]:
        return [item for item in items if item % 2]

    def twice(items: list[int]) -> list[int]:
        return [item for item in items for _ in range(2)]

    def pairs(items: list[int]) -> list[list[int]]:
        return [items]

    filtered = after(numbers(pool, range(1000)), odd, apply_single=False)
    assert filtered.read(3) == [1, 3, 5]
    assert filtered.read() == list(range(7, 1000, 2))
    flattened = after(numbers(pool, range(100)), twice, apply_single=False)
    assert flattened.read(3) == [0, 0, 1]
    assert len(flattened.read()) == 197
    batched = after(numbers(pool, range(10)), pairs, apply_single=False, min_count=4)
    assert batched.read() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    nothing = after(numbers(pool, range(100)), lambda items: (), apply_single=False)
    assert nothing.read(1) == []


def test_fault_2_a_short_read_upstream_is_not_the_end(pool: ThreadPool) -> None:
    reads = iter([[1, 2], [3], [4, 5], []])
    source = numbers(pool, ())
    task = ChannelThreadTask(source, "short", double)
    task.set_read(lambda count: next(reads))
    assert pool.add_task(task).read(9) == [2, 4, 6, 8, 10]
    # And without a pool.
    reads = iter([[1, 2], [3], [4, 5], []])
    writer, reader = mkchannel()
    task = ChannelThreadTask(source, "short", double, writer=writer)
    task.set_read(lambda count: next(reads))
    task.process(4)
    assert not task.is_done()
    task.process(9)
    assert task.is_done()
    assert reader.read() == [2, 4, 6, 8, 10]


def test_fault_3_what_is_made_for_later_reads_is_kept_for_them(pool: ThreadPool) -> None:
    def made() -> int:
        calls = Counted(double)
        reader = numbers(pool, range(10_000), calls, min_count=100)
        assert [reader.read(1) for _ in range(5)] == [[0], [2], [4], [6], [8]]
        count = len(calls.calls)
        # No call was made in vain.
        assert reader.read(95) == [number * 2 for number in range(5, 100)]
        assert len(calls.calls) == 100
        return count

    assert most(made) == 100


@pytest.mark.parametrize("count", [1, 249, 250, 251, 499, 500, 502, 1000])
def test_fault_4_chunks_do_not_change_how_much_is_read(pool: ThreadPool, count: int) -> None:
    reader = numbers(pool, range(2000), double, max_chunksize=250)
    assert reader.read(count) == [number * 2 for number in range(count)]


def test_fault_5_errors_are_seen_once_after_the_items_before(pool: ThreadPool) -> None:
    error = ValueError("seven")

    def fail(number: int) -> int:
        if number == 7:
            raise error
        return number

    first = numbers(pool, range(100), fail)
    reader = after(first, double)
    assert reader.read(5) == [0, 2, 4, 6, 8]
    assert reader.read(50) == [10, 12]
    assert reader.task().error() is error
    assert first.task().error() is error
    with pytest.raises(ValueError, match="seven") as caught:
        reader.read(1)
    assert caught.value is error
    assert reader.read(1) == []
    assert reader.read() == []
    assert reader.task().is_done()
    assert first.task().is_closed()


def test_fault_5_an_error_at_once_is_raised_by_that_read(pool: ThreadPool) -> None:
    reader = numbers(pool, [0], lambda number: 1 // number)
    with pytest.raises(ZeroDivisionError):
        reader.read()
    assert reader.read() == []
    assert isinstance(reader.task().error(), ZeroDivisionError)


def test_fault_5_a_source_that_fails_and_a_function_that_exits_hang_nobody(pool: ThreadPool) -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    reader = after(numbers(pool, source()), double)
    assert reader.read() == [2]
    with pytest.raises(OSError, match="gone"):
        reader.read()
    reader = numbers(pool, [1], sys.exit)
    # An exit is no failure: whoever reads on has the function called again.
    for _ in range(2):
        with pytest.raises(SystemExit):
            reader.read(1)
    assert reader.task().error() is None


def test_fault_6_options_of_the_constructor_are_honoured(pool: ThreadPool) -> None:
    sizes: list[int] = []

    def note(items: list[int]) -> list[int]:
        sizes.append(len(items))
        return items

    reader = after(numbers(pool, range(50)), note, apply_single=False, min_count=12, max_chunksize=5)
    reader.read()
    assert sizes == [5] * 10

    def made() -> int:
        calls = Counted(double)
        first = numbers(pool, range(1000), calls)
        first.task().min_count = 20
        first.read(1)
        return len(calls.calls)

    assert most(made) == 20


def test_fault_6_results_go_through_the_writer_that_was_given(pool: ThreadPool) -> None:
    writer = CallbackChannelWriter(Channel())
    writer.set_pre_cb(lambda item: f"<{item}>")
    reader = numbers(pool, range(5), double, writer=writer)
    assert reader.task().writer() is writer
    assert reader.read(2) == ["<0>", "<2>"]
    assert reader.read() == ["<4>", "<6>", "<8>"]
    assert writer.closed()


def test_the_largest_min_count_of_a_chain_holds_for_all_of_it(pool: ThreadPool) -> None:
    first: Counted
    second: Counted

    def made() -> int:
        nonlocal first, second
        first, second = Counted(double), Counted(double)
        reader = after(numbers(pool, range(1000), first, min_count=30), second, min_count=10)
        reader.read(1)
        return min(len(first.calls), len(second.calls))

    assert most(made) == 30
    assert len(first.calls) <= 30
    assert len(second.calls) <= 30


def test_fault_7_pools_can_be_resized_at_any_time() -> None:
    pool = ThreadPool(0)
    reader = numbers(pool, range(1000), double)
    items = reader.read(10)
    for size in (2, 8, 1, 0, 3):
        assert pool.set_size(size) is pool
        assert pool.size() == size
        items += reader.read(50)
    assert items + reader.read() == [number * 2 for number in range(1000)]
    with pytest.raises(ValueError, match=r"^a pool of size `-1`: 0 for the reader alone, or more$"):
        pool.set_size(-1)
    with pytest.raises(ValueError, match=r"^a pool of size `-2`"):
        ThreadPool(-2)


def test_fault_8_only_what_nobody_reads_goes(pool: ThreadPool) -> None:
    first = numbers(pool, range(100))
    second = after(first, double)
    assert pool.num_tasks() == 2
    assert second.read(1) == [0]
    del second
    gc.collect()
    assert pool.num_tasks() == 1
    assert first.read(2) == [1, 2]
    third = after(first, double)
    del first
    gc.collect()
    assert pool.num_tasks() == 2
    assert third.read(1) == [6]
    del third
    gc.collect()
    assert pool.num_tasks() == 0


def test_fault_8_what_was_made_before_a_removal_can_be_read(pool: ThreadPool) -> None:
    def made() -> int:
        reader = numbers(pool, range(100), double, min_count=10)
        assert reader.read(1) == [0]
        assert pool.remove_task(reader.task()) is pool
        assert pool.num_tasks() == 0
        items = reader.read()
        assert items == [number * 2 for number in range(1, 1 + len(items))]
        assert reader.read(1) == []
        assert reader.task().is_done()
        pool.remove_task(reader.task())
        return 1 + len(items)

    assert most(made) == 10


def test_removing_a_task_removes_what_only_it_reads_from(pool: ThreadPool) -> None:
    task = ChannelThreadTask(numbers(pool, range(10)), "second", double)
    reader = pool.add_task(task)
    assert pool.num_tasks() == 2
    pool.remove_task(task)
    gc.collect()
    assert pool.num_tasks() == 0
    assert reader.read() == []
    assert task.reader() is None


def test_fault_9_one_large_read_is_shared_by_all_workers() -> None:
    lock = threading.Lock()
    running = most = 0

    def slow(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return number

    assert numbers(ThreadPool(8), range(200), slow).read(200) == list(range(200))
    assert 6 <= most <= 8


@pytest.mark.parametrize("size", [2, 8])
def test_fault_10_order_is_kept_by_several_workers(size: int) -> None:
    def uneven(number: int) -> int:
        time.sleep(0.001 if number % 7 == 0 else 0)
        return number

    reader = after(numbers(ThreadPool(size), range(300), uneven), uneven)
    assert reader.read() == list(range(300))


def test_fault_11_readers_of_one_task_share_its_items(pool: ThreadPool) -> None:
    source = numbers(pool, range(100))
    left, right = after(source, None), after(source, None)
    items: list[int] = []
    for _ in range(10):
        items += left.read(3) + right.read(2) + source.read(1)
    items += left.read() + right.read() + source.read()
    assert sorted(items) == list(range(100))


def test_several_threads_share_a_reader(pool_size: int) -> None:
    pool = ThreadPool(max(pool_size, 1))
    reader = numbers(pool, range(2000), double)
    results: list[list[int]] = [[] for _ in range(4)]

    def read(into: list[int]) -> None:
        while True:
            items = reader.read(7)
            if not items:
                break
            into.extend(items)

    threads = [threading.Thread(target=read, args=(into,)) for into in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(item for items in results for item in items) == list(range(0, 4000, 2))


# ---- more of what it can do


def test_a_task_of_another_pool_is_refused(pool: ThreadPool) -> None:
    reader = numbers(pool, range(3))
    with pytest.raises(ValueError, match=r"^adding task `numbers`, which is in another pool$"):
        ThreadPool().add_task(reader.task())
    assert pool.add_task(reader.task()).read(1) == [0]
    assert pool.num_tasks() == 1


def test_a_task_may_read_from_another_pool_or_a_channel(pool: ThreadPool) -> None:
    other = numbers(ThreadPool(2), range(10), double)
    assert pool.add_task(ChannelThreadTask(other, "across", double)).read() == list(range(0, 40, 4))
    writer, reader = mkchannel()
    for number in range(3):
        writer.write(number)
    task = pool.add_task(ChannelThreadTask(reader, "channel", double))
    assert task.read(2) == [0, 2]
    writer.close()
    assert task.read() == [4]
    source = IteratorReader(iter("abc"))
    assert pool.add_task(ChannelThreadTask(source, "iterator", str.upper)).read() == ["A", "B", "C"]


def test_reading_takes_no_more_than_is_asked_for(pool: ThreadPool) -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1_000_000):
            taken.append(number)
            yield number

    reader = after(after(numbers(pool, source()), double), double)
    assert reader.read(10) == list(range(0, 40, 4))
    assert len(taken) == 10


def test_callbacks_between_stages(pool: ThreadPool) -> None:
    counts: list[int] = []
    first = numbers(pool, range(6))
    first.set_pre_cb(counts.append)
    first.set_post_cb(lambda items: [f"{item}" for item in items])
    second = after(first, lambda text: text * 2)
    second.set_post_cb(lambda items: [int(item) for item in items])
    assert second.read(2) == [0, 11]
    assert counts == [1, 1]
    assert second.read() == [22, 33, 44, 55]


def test_a_read_that_does_not_wait_gets_there_in_the_end(pool: ThreadPool) -> None:
    reader = numbers(pool, range(5), double)
    items: list[int] = []
    deadline = time.monotonic() + 30
    while not reader.task().is_done() and time.monotonic() < deadline:
        items += reader.read(2, block=False)
    assert items + reader.read() == [0, 2, 4, 6, 8]


def test_a_timed_out_read_returns_what_it_has_and_loses_nothing() -> None:
    pool = ThreadPool(2)
    may_go = threading.Event()

    def slow(number: int) -> int:
        if number == 3:
            assert may_go.wait(30)
        return number

    reader = numbers(pool, range(6), slow)
    assert reader.read(3) == [0, 1, 2]
    # Not from the thread that reads, which cannot leave a function that it is in.
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.extend(reader.read(9, timeout=0.05)))
    thread.start()
    may_go.set()
    thread.join(30)
    assert sorted(got + reader.read()) == [3, 4, 5]


class Summing(ChannelThreadTask):
    """A task that overrides how it works: it writes the sums of what it reads."""

    total = 0

    def process(self, count: int = 0) -> None:
        assert self._read is not None
        items = self._read(count)
        writer = self.writer()
        assert writer is not None
        for item in items:
            self.total += item
            writer.write(self.total)
        if len(items) < max(count, 1):
            self.set_done()


def test_process_may_be_overridden(pool: ThreadPool) -> None:
    source = numbers(pool, range(1, 6), double)
    reader = pool.add_task(Summing(source, "sums", None))
    assert reader.read(2) == [2, 6]
    assert after(reader, str).read() == ["12", "20", "30"]


def test_process_may_be_extended_and_wrapped(pool: ThreadPool) -> None:
    counts: Counter[str] = Counter()

    class Counting(IteratorThreadTask):
        def process(self, count: int = 0) -> None:
            counts["class"] += 1
            super().process(count)

    reader = pool.add_task(Counting(iter(range(10)), "counting", double, min_count=4))
    assert reader.read() == list(range(0, 20, 2))
    assert counts["class"] >= 3
    task = IteratorThreadTask(iter(range(3)), "wrapped", double)
    process = task.process

    def wrapped(count: int = 0) -> None:
        counts["instance"] += 1
        process(count)

    task.process = wrapped  # type: ignore[method-assign]
    assert pool.add_task(task).read() == [0, 2, 4]
    assert counts["instance"] == 4


def test_a_process_that_fails_is_an_error_of_the_task(pool: ThreadPool) -> None:
    class Failing(IteratorThreadTask):
        def process(self, count: int = 0) -> None:
            raise RuntimeError("process")

    reader = pool.add_task(Failing(iter("ab"), "failing", None))
    with pytest.raises(RuntimeError, match="process"):
        reader.read()
    assert isinstance(reader.task().error(), RuntimeError)

    reader = after(numbers(pool, range(5)), lambda items: [12 // (2 - items[0])], apply_single=False)
    assert reader.read() == [6, 12]
    with pytest.raises(ZeroDivisionError):
        reader.read()
    assert reader.read() == []


def test_a_task_can_be_used_without_a_pool() -> None:
    writer, reader = mkchannel()
    task = IteratorThreadTask(iter(range(5)), "alone", double, max_chunksize=2, writer=writer)
    task.process(3)
    assert reader.read(0, block=False) == [0, 2, 4]
    assert not task.is_done()
    task.process()
    assert task.is_done()
    assert task.is_closed()
    assert reader.read() == [6, 8]
    failing = IteratorThreadTask(iter("x"), "failing", int, writer=ChannelWriter(Channel()))
    failing.process()
    assert isinstance(failing.error(), ValueError)
    assert failing.is_closed()


def test_an_iterator_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"^reading from `\[1\]`, which is not an iterator: use `iter` on it$"):
        IteratorThreadTask([1], "list", None)  # type: ignore[arg-type]


def test_a_long_chain_works(pool: ThreadPool) -> None:
    reader = numbers(pool, range(20), lambda number: number + 1)
    for _ in range(200):
        reader = after(reader, lambda number: number + 1)
    assert reader.read(3) == [201, 202, 203]
    assert pool.num_tasks() == 201


def test_task_is_a_node() -> None:
    assert str(Task("name", None)) == "name"
