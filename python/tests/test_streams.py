"""What tasks give, in every size of pool."""

from __future__ import annotations

import itertools
import operator
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from millpond import DeadlockError, Pool, PoolReader, ReaderClosedError, ReadTimeoutError, Rejected


@pytest.fixture
def pool(pool_size: int) -> Iterator[Pool]:
    with Pool(pool_size) as pool:
        yield pool


def double(number: int) -> int:
    return number * 2


def test_a_map_gives_what_the_builtin_gives(pool: Pool) -> None:
    assert pool.source(range(1000)).map(double).map(str).read_all() == [str(n * 2) for n in range(1000)]


def test_reads_go_on_where_the_last_one_ended(pool: Pool) -> None:
    reader = pool.source(range(10)).map(double)
    assert reader.read(3) == [0, 2, 4]
    assert next(reader) == 6
    assert reader.read(1) == [8]
    assert list(itertools.islice(reader, 2)) == [10, 12]
    assert reader.read_all() == [14, 16, 18]
    assert reader.read(1) == []
    assert list(reader) == []


def test_only_what_is_read_is_made(pool: Pool) -> None:
    pulled: list[int] = []
    called: list[int] = []

    def source() -> Iterator[int]:
        for number in itertools.count():
            pulled.append(number)
            yield number

    def call(number: int) -> int:
        called.append(number)
        return number

    reader = pool.source(source()).map(call).map(double)
    assert pulled == []
    assert reader.read(10) == [n * 2 for n in range(10)]
    assert pulled == called == list(range(10))
    assert reader.read(1) == [20]
    assert len(pulled) == 11


def test_each_kind_of_task(pool: Pool) -> None:
    numbers = range(50)
    seen: list[int] = []
    assert pool.source(numbers).filter(lambda n: n % 3).read_all() == [n for n in numbers if n % 3]
    assert pool.source(numbers).filter(None).read_all() == list(numbers)[1:]
    assert pool.source(numbers).filter_map(lambda n: n or None).read_all() == list(numbers)[1:]
    assert pool.source([(7, 2), (9, 3)]).starmap(pow).read_all() == [49, 729]
    assert pool.source(["a b", "", "c"]).flat_map(str.split).read_all() == ["a", "b", "c"]
    assert pool.source([[1], (), {2: 3}]).flatten().read_all() == [1, 2]
    assert pool.source("ab").enumerate(5).read_all() == [(5, "a"), (6, "b")]
    assert pool.source(numbers).batch(20).read_all() == [list(numbers)[:20], list(numbers)[20:40], list(numbers)[40:]]
    assert pool.source(numbers).take(3).read_all() == [0, 1, 2]
    assert pool.source(numbers).take(0).read_all() == []
    assert pool.source(numbers).skip(48).read_all() == [48, 49]
    assert pool.source([1, 5, 2]).take_while(lambda n: n < 4).read_all() == [1]
    assert pool.source(numbers).tap(seen.append).read_all() == list(numbers)
    assert sorted(seen) == list(numbers)


def test_a_batch_that_waited_long_enough_is_given_as_it_is(pool: Pool) -> None:
    writer, reader = pool.channel()
    batches = reader.map(double).batch(3, within=0.02)
    writer.write_all(range(4))
    assert batches.read(2) == [[0, 2, 4], [6]]
    writer.write(9)
    writer.close()
    assert batches.read_all() == [[18]]
    assert pool.source(range(5)).batch(2, within=60).read_all() == [[0, 1], [2, 3], [4]]
    failing = pool.source([5, 2, 0]).map(lambda n: 10 // n).batch(2, within=60)
    assert failing.read(1) == [[2, 5]]
    with pytest.raises(ZeroDivisionError):
        failing.read(1)


def test_tasks_with_several_inputs(pool: Pool) -> None:
    assert pool.source("abc").zip(pool.source([1, 2])).read_all() == [("a", 1), ("b", 2)]
    assert pool.source("ab").zip(pool.source("cd"), pool.source("ef")).read_all() == [("a", "c", "e"), ("b", "d", "f")]
    assert pool.source("ab").chain(pool.source("cd"), pool.source("e")).read_all() == list("abcde")
    assert sorted(pool.source("ab").merge(pool.source("cd"), pool.source("e")).read_all()) == list("abcde")
    assert pool.chain().read_all() == pool.merge().read_all() == []


def test_tasks_with_several_outputs(pool: Pool) -> None:
    first, second, third = pool.source(range(100)).tee(3)
    assert first.read(5) == [0, 1, 2, 3, 4]
    assert second.map(double).read_all() == [n * 2 for n in range(100)]
    third.close()
    assert first.read_all() == list(range(5, 100))
    odd, even = pool.source(range(100)).partition(lambda n: n % 2)
    assert even.read(3) == [0, 2, 4]
    assert odd.read_all() == list(range(1, 100, 2))
    assert even.read_all() == list(range(6, 100, 2))
    numbers, rejected = pool.source(["1", "x", "3"]).try_map(int)
    assert numbers.read_all() == [1, 3]
    (only,) = rejected.read_all()
    assert isinstance(only, Rejected)
    assert only.item == "x"
    assert isinstance(only.error, ValueError)


def test_reading_to_the_end(pool: Pool) -> None:
    assert pool.source(range(100)).fold(lambda total, n: total + n, 1) == 4951
    assert pool.source([3, 1, 2]).reduce(max) == 3
    assert pool.source("abca").collect(set) == {"a", "b", "c"}
    assert pool.source("ab").collect() == ["a", "b"]
    seen: list[str] = []
    pool.source("ab").for_each(seen.append)
    assert seen == ["a", "b"]
    empty: PoolReader[int] = pool.source(())
    with pytest.raises(ValueError, match=r"^reducing no items; use `fold` with a start, which is then the result$"):
        empty.reduce(max)


def test_options_change_how_but_not_what(pool: Pool) -> None:
    numbers = list(range(500))
    reader = pool.source(numbers, min_count=7, read_ahead=3).map(
        double, concurrency=1, min_count=5, max_chunksize=9, read_ahead=20
    )
    assert reader.read_all() == [n * 2 for n in numbers]
    assert sorted(pool.source(numbers).map(double, ordered=False).read_all()) == [n * 2 for n in numbers]


def test_a_task_of_concurrency_1_never_runs_twice_at_once(pool: Pool) -> None:
    busy = threading.Lock()

    def alone(number: int) -> int:
        assert busy.acquire(blocking=False)
        busy.release()
        return number

    assert pool.source(range(2000)).map(alone, concurrency=1).read_all() == list(range(2000))


def test_try_read_takes_what_is_there(pool: Pool) -> None:
    reader = pool.source("abcd", min_count=3)
    assert reader.try_read() is None
    assert reader.read(1) == ["a"]
    assert reader.try_read(1) == ["b"]
    assert reader.try_read() == ["c"]
    assert reader.read_all() == ["d"]
    assert reader.try_read() == []


def test_a_read_that_times_out_loses_nothing(pool: Pool) -> None:
    writer, reader = pool.channel()
    writer.write_all([1, 2])
    with pytest.raises(ReadTimeoutError, match=r"^reading `3` items timed out after `0\.0\d+` seconds") as caught:
        reader.read(3, timeout=0.01)
    assert isinstance(caught.value, TimeoutError)
    with pytest.raises(ReadTimeoutError, match=r"^reading all items timed out"):
        reader.read_all(timeout=0.0)
    writer.close()
    assert reader.read_all() == [1, 2]


def test_length_hints_where_the_length_is_known(pool: Pool) -> None:
    def hint(reader: PoolReader[object]) -> int:
        return reader.__length_hint__()

    reader = pool.source(range(10)).map(double).tap(print, on_error="skip")
    assert hint(pool.source(range(10)).map(double)) == 10
    assert hint(pool.source(range(10)).batch(4)) == 3
    assert hint(pool.source(range(10)).skip(4).take(9).enumerate()) == 6
    assert hint(pool.source("ab").zip(pool.source("abc"))) == 2
    assert hint(pool.source("ab").chain(pool.source("abc"))) == 5
    assert operator.length_hint(reader, -1) == -1
    counted = pool.source(range(10))
    counted.read(3)
    next(counted)
    assert hint(counted) == 6


def test_several_threads_share_the_items_of_a_reader(pool_size: int) -> None:
    if pool_size == 0:
        pytest.skip("one thread at a time reads from a serial pool")
    reader = Pool(pool_size).source(range(20_000)).map(double)
    shares: list[list[int]] = [[] for _ in range(4)]

    def read(share: list[int]) -> None:
        for item in reader:
            share.append(item)
            share.extend(reader.read(3))

    threads = [threading.Thread(target=read, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item for share in shares for item in share) == [n * 2 for n in range(20_000)]


def test_the_first_reads_of_a_reader_may_come_at_the_same_moment() -> None:
    with Pool(1) as pool, ThreadPoolExecutor(4) as executor:
        readers = [pool.source(range(8)) for _ in range(6000)]

        def read(_: object) -> list[list[int]]:
            # Whoever is first at a reader has more to do, so the others catch up.
            return [reader.read(2) for reader in readers]

        for shares in zip(*executor.map(read, range(4))):
            assert sorted(item for share in shares for item in share) == list(range(8))


def test_a_task_may_read_from_another_reader(pool: Pool) -> None:
    inner = pool.source(itertools.count()).map(double)
    reader = pool.source(range(20)).map(lambda n: (n, inner.read(1)[0]))
    numbers, others = zip(*reader.read_all())
    assert numbers == tuple(range(20))
    assert sorted(others) == [n * 2 for n in range(20)]


def test_a_task_that_reads_its_own_output_is_told_so(pool: Pool) -> None:
    readers: list[PoolReader[object]] = []
    readers.append(pool.source(range(3)).map(lambda _: readers[0].read(1)))
    with pytest.raises(
        DeadlockError, match=r"^a task's function reads from task `map`, which waits for that very function"
    ):
        readers[0].read(1)


def test_a_reader_that_went_into_a_task_says_so(pool: Pool) -> None:
    source = pool.source("ab", name="letters")
    upper = source.map(str.upper)
    message = "^reading from the reader of task `letters`, which another task reads from; read from that one"
    with pytest.raises(ReaderClosedError, match=message):
        source.read(1)
    with pytest.raises(ReaderClosedError, match=message):
        source.map(str.lower)
    assert "used up by another task" in repr(source)
    assert upper.read_all() == ["A", "B"]
    upper.close()
    assert upper.closed
    with pytest.raises(ReaderClosedError, match=r"^reading from the reader of task `upper`, which was closed$"):
        upper.read(1)
    with pool.source("ab") as reader:
        assert reader.read(1) == ["a"]
    assert reader.closed


def test_readers_of_other_pools_can_be_joined(pool: Pool) -> None:
    with Pool(2) as other:
        joined = pool.source(range(50)).zip(other.source(range(50)).map(double))
        assert joined.read_all() == [(n, n * 2) for n in range(50)]
        chained = pool.chain(other.source("ab"), pool.source("cd"))
        assert chained.read_all() == list("abcd")


def test_a_pool_can_be_resized_while_it_is_read_from() -> None:
    pool = Pool(0)
    reader = pool.source(range(10_000)).map(double)
    items = []
    for size in (0, 3, 1, 0, 8, 0, 2):
        pool.size = size
        assert pool.size == size
        items += reader.read(1000)
    assert items + reader.read_all() == [n * 2 for n in range(10_000)]


def test_a_long_chain_of_tasks_works(pool: Pool) -> None:
    reader: PoolReader[int] = pool.source(range(3))
    for _ in range(2000):
        reader = reader.map(lambda n: n + 1)
    assert reader.read_all() == [2000, 2001, 2002]
    # Each of these begins a lane of its own.
    skipping: PoolReader[int] = pool.source(range(3000))
    for _ in range(1000):
        skipping = skipping.skip(1)
    assert skipping.read(2) == [1000, 1001]


def test_a_serial_pool_starts_no_thread() -> None:
    before = threading.active_count()
    assert Pool(0).source(range(100_000)).map(double).filter(None).read_all()[-1] == 199_998
    assert threading.active_count() <= before


def test_threads_are_called_after_their_pool() -> None:
    barrier = threading.Barrier(3)

    def name(number: int) -> str:
        if number == 0:
            # Slow enough to be worth helping with.
            assert sum(range(200_000)) > 0
        else:
            barrier.wait(30)
        return threading.current_thread().name

    with Pool(3, name="mill") as pool:
        names = set(pool.source(range(4)).map(name, max_chunksize=1).read_all())
    names.remove(threading.current_thread().name)
    assert len(names) == 2
    assert names < {"mill-1", "mill-2", "mill-3"}


def test_what_things_are_is_shown() -> None:
    pool = Pool(2, name="p")
    reader = pool.source("ab", name="letters")
    assert repr(pool) == "<Pool 'p', size 2, 1 task>"
    assert repr(reader).startswith("<PoolReader of task 'letters', added at ")
    assert repr(reader).split(":")[-1][:-1].isdigit()
    assert repr(Pool(0, name="q")) == "<Pool 'q', serial, 0 tasks>"
    pool.close()
    assert repr(pool) == "<Pool 'p', closed>"
