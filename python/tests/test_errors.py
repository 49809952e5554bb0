"""What comes out of a task whose function raises, and what is said of wrong arguments."""

from __future__ import annotations

import asyncio
import pickle
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import millpond
from millpond import Pool, PoolBusyError, PoolClosedError, PoolReader, Retry, TaskError, TaskTimeoutError

#: Without its types, which forbid what is tested.
ANY_POOL: Any = Pool


def invert(number: int) -> int:
    return 100 // number


def test_items_before_a_failure_come_first_then_the_exception_itself(pool_size: int) -> None:
    mistake = LookupError("no such thing")

    def fail(number: int) -> int:
        if number == 70:
            raise mistake
        return number

    reader = Pool(pool_size).source(range(100)).map(fail)
    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            reader.read_all()
        assert caught.value is mistake
    assert reader.read(70) == list(range(70))
    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            reader.read(1)
        assert caught.value is mistake
    names = [frame.name for frame in traceback.extract_tb(mistake.__traceback__)]
    assert names[-1] == "fail"
    with pytest.raises(LookupError):
        next(Pool(pool_size).source([70]).map(fail))


def test_a_traceback_does_not_grow_however_many_readers_raise_its_exception(pool_size: int) -> None:
    def lengths(reader: PoolReader[int]) -> set[int]:
        found = set()
        for _ in range(10):
            with pytest.raises(ZeroDivisionError) as caught:
                reader.read(1)
            found.add(len(traceback.extract_tb(caught.value.__traceback__)))
        return found

    branches = Pool(pool_size).source([0]).map(invert).tee(5)
    assert {length for branch in branches for length in lengths(branch)} == lengths(branches[0])
    assert len(lengths(branches[0])) == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes before Python 3.11")
def test_one_exception_has_one_note_for_each_task_that_raised_it(pool_size: int) -> None:
    mistake = LookupError("no such thing")

    def fail(number: int) -> int:
        raise mistake

    pool = Pool(pool_size)
    line = sys._getframe().f_lineno + 2
    for name in ["first", "second"] * 3:
        reader = pool.source([1]).map(fail, name=name)
        for _ in range(3):
            with pytest.raises(LookupError):
                reader.read(1)
    notes = mistake.__notes__  # type: ignore[attr-defined, unused-ignore]
    assert notes == [f"in task `{name}`, added at {__file__}:{line}, at item 0" for name in ("first", "second")]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes before Python 3.11")
def test_a_note_says_which_task_it_was_and_where_it_was_added(pool_size: int) -> None:
    line = sys._getframe().f_lineno + 1
    reader = Pool(pool_size).source([5, 2, 0]).map(invert, name="invert").map(str)
    assert reader.read(2) == ["20", "50"]
    with pytest.raises(ZeroDivisionError) as caught:
        reader.read(9)
    with pytest.raises(ZeroDivisionError):
        reader.read(9)
    notes = caught.value.__notes__  # type: ignore[attr-defined, unused-ignore]
    assert notes == [f"in task `invert`, added at {__file__}:{line}, at item 2"]


def test_an_iteration_raises_once_and_ends(pool_size: int) -> None:
    reader = Pool(pool_size).source([4, 0, 3]).map(invert)
    assert next(reader) == 25
    with pytest.raises(ZeroDivisionError):
        next(reader)
    with pytest.raises(StopIteration):
        next(reader)
    with pytest.raises(ZeroDivisionError):
        list(reader)


def test_a_source_that_raises_is_a_task_that_fails(pool_size: int) -> None:
    def source() -> Iterator[int]:
        yield from range(10)
        raise ConnectionError("gone")

    reader = Pool(pool_size).source(source()).map(str)
    with pytest.raises(ConnectionError, match=r"^gone"):
        reader.read_all()
    assert reader.read(10) == [str(n) for n in range(10)]


def test_every_kind_of_task_says_what_its_function_raises(pool_size: int) -> None:
    pool = Pool(pool_size)

    def source() -> millpond.PoolReader[int]:
        return pool.source([0])

    kinds: list[Callable[[], millpond.PoolReader[object]]] = [
        lambda: source().filter(invert),
        lambda: source().filter_map(invert),
        lambda: source().flat_map(lambda n: [invert(n)]),
        lambda: source().flat_map(lambda n: (invert(m) for m in [1, n])),
        lambda: source().tap(invert),
        lambda: source().take_while(invert),
        lambda: source().partition(invert)[0],
        lambda: pool.source([(0,)]).starmap(invert),
    ]
    for kind in kinds:
        with pytest.raises(ZeroDivisionError):
            kind().read_all()
    with pytest.raises(TypeError):
        pool.source([3]).flatten().read_all()  # type: ignore[misc]


def test_items_with_errors_are_skipped_or_replaced(pool_size: int) -> None:
    pool = Pool(pool_size)
    assert pool.source([1, 0, 2]).map(invert, on_error="skip").read_all() == [100, 50]
    seen: list[tuple[str, int]] = []

    def handle(error: Exception, item: int) -> int:
        seen.append((type(error).__name__, item))
        return -1

    assert pool.source([1, 0, 2]).map(invert, on_error=handle).read_all() == [100, -1, 50]
    assert seen == [("ZeroDivisionError", 0)]

    def refuse(error: Exception, item: int) -> int:
        raise KeyError(item) from error

    with pytest.raises(KeyError) as caught:
        pool.source([0]).map(invert, on_error=refuse).read_all()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert pool.source([1, 0]).filter(invert, on_error="skip").read_all() == [1]
    assert pool.source([1, 0]).flat_map(lambda n: [invert(n)], on_error="skip").read_all() == [100]


def test_calls_are_made_again_as_often_as_was_said(pool_size: int) -> None:
    pool = Pool(pool_size)
    calls: list[int] = []

    def fail(number: int) -> int:
        calls.append(number)
        if len(calls) < 3:
            raise OSError("busy")
        return number

    assert pool.source([7]).map(fail, retries=2).read_all() == [7]
    assert calls == [7, 7, 7]
    calls.clear()
    with pytest.raises(OSError, match=r"^busy"):
        pool.source([7]).map(fail, retries=Retry(1, wait=0.0, doubling=True)).read_all()
    assert calls == [7, 7]


def test_what_is_no_exception_is_neither_repeated_nor_skipped(pool_size: int) -> None:
    calls: list[int] = []

    def leave(number: int) -> int:
        calls.append(number)
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        Pool(pool_size).source([1]).map(leave, retries=5, on_error="skip").read_all()
    assert calls == [1]


def test_a_call_that_takes_too_long_counts_as_failed(pool_size: int) -> None:
    reader = Pool(pool_size).source([1]).map(lambda n: sum(range(100_000)), timeout=0.0)
    with pytest.raises(TaskTimeoutError, match=r"^a call of task `map` took longer than its timeout of `0` seconds"):
        reader.read_all()
    assert Pool(pool_size).source([1]).map(invert, timeout=60).read_all() == [100]


def test_a_closed_pool_says_so(pool_size: int) -> None:
    with Pool(pool_size, name="p") as pool:
        reader = pool.source(range(10), name="numbers").map(str)
        assert reader.read(2) == ["0", "1"]
    assert pool.closed
    with pytest.raises(
        PoolClosedError, match=r"^reading from task `str` of a pool that was closed; read before the pool"
    ):
        reader.read(1)
    with pytest.raises(PoolClosedError, match=r"^pool `p` was closed; make another one, or close it later$"):
        pool.source([1])
    with pytest.raises(PoolClosedError):
        reader.map(str)
    pool.close()


def test_a_closed_pool_is_no_end_of_an_iteration(pool_size: int) -> None:
    pool = Pool(pool_size)
    reader = pool.source(range(10)).map(str)

    async def following(items: AsyncIterator[str]) -> str:
        return await items.__anext__()

    iterator, items = iter(reader), reader.__aiter__()
    pool.close()
    # Threads that share an iteration are all told, not the first one only.
    for _ in range(2):
        with pytest.raises(PoolClosedError):
            next(reader)
        with pytest.raises(PoolClosedError):
            next(iterator)
        with pytest.raises(PoolClosedError):
            asyncio.run(following(items))


def test_a_busy_pool_is_no_end_of_an_iteration() -> None:
    told: list[Exception] = []

    def of_another_thread(item: int) -> int:
        def read() -> None:
            try:
                next(iterator)
            except PoolBusyError as error:
                told.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        return item

    iterator = iter(Pool(0).source(range(3)).map(of_another_thread, max_chunksize=1))
    assert list(iterator) == [0, 1, 2]
    assert len(told) == 3


def test_exceptions_have_the_parents_that_people_catch() -> None:
    import queue

    for name in millpond.__all__:
        value = getattr(millpond, name)
        if isinstance(value, type) and issubclass(value, Exception):
            assert issubclass(value, millpond.MillpondError)
            assert value.__doc__
            assert value.__module__ == "millpond"
            assert isinstance(pickle.loads(pickle.dumps(value("why"))), value)
    assert issubclass(millpond.ReadTimeoutError, TimeoutError)
    assert issubclass(millpond.TaskTimeoutError, TimeoutError)
    assert issubclass(millpond.NotReadyError, queue.Empty)
    assert issubclass(millpond.ChannelFullError, queue.Full)
    assert issubclass(millpond.ReaderClosedError, ValueError)
    assert issubclass(TaskError, RuntimeError)


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (lambda: ANY_POOL(-1), ValueError, "size must be at least 0, got -1"),
        (lambda: ANY_POOL(2.5), TypeError, "size must be an int, got 2.5"),
        (lambda: ANY_POOL(1, name=3), TypeError, "name must be a str, got 3"),
        (lambda: ANY_POOL(0).source(5), TypeError, "items must be an iterable, got 5"),
        (lambda: ANY_POOL(0).source([]).map(5), TypeError, "function must be something that can be called, got 5"),
        (
            lambda: ANY_POOL(0).source([]).map(str, concurrency=0),
            ValueError,
            "concurrency must be at least 1, got 0",
        ),
        (
            lambda: ANY_POOL(0).source([]).map(str, max_chunksize=True),
            TypeError,
            "max_chunksize must be an int, got True",
        ),
        (lambda: ANY_POOL(0).source([]).map(str, min_count="7"), TypeError, "min_count must be an int, got '7'"),
        (
            lambda: ANY_POOL(0).source([]).map(str, read_ahead=-1),
            ValueError,
            "read_ahead must be at least 0, got -1",
        ),
        (lambda: ANY_POOL(0).source([]).map(str, retries=-1), ValueError, "retries must be at least 0, got -1"),
        (lambda: ANY_POOL(0).source([]).map(str, timeout=-1), ValueError, "timeout must not be negative, got -1"),
        (
            lambda: ANY_POOL(0).source([]).map(str, timeout="1"),
            TypeError,
            "timeout must be a number of seconds or None, got '1'",
        ),
        (
            lambda: ANY_POOL(0).source([]).map(str, on_error="ignore"),
            ValueError,
            'on_error must be "raise", "skip" or a function of the error and the item, got \'ignore\'',
        ),
        (lambda: ANY_POOL(0).source([]).map(str, name=b"x"), TypeError, "naming a task: name must be a str, got b'x'"),
        (lambda: ANY_POOL(0).source([]).batch(0), ValueError, "size must be at least 1, got 0"),
        (lambda: ANY_POOL(0).source([]).take(-1), ValueError, "count must be at least 0, got -1"),
        (lambda: ANY_POOL(0).source([]).tee(0), ValueError, "count must be at least 1, got 0"),
        (lambda: ANY_POOL(0).source([]).read(-1), ValueError, "count must be at least 0, got -1"),
        (lambda: ANY_POOL(0).source([]).read("2"), TypeError, "count must be an int, got '2'"),
        (
            lambda: ANY_POOL(0).source([]).read(2**70),
            OverflowError,
            f"count must be at most {sys.maxsize}, got {2**70}",
        ),
        (lambda: ANY_POOL(0).channel(0), ValueError, "capacity must be at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_named_with_their_value(
    wrong: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        wrong()
    assert str(caught.value) == message


def test_pickling_says_what_to_do_instead() -> None:
    pool = Pool(0)
    with pytest.raises(TypeError, match=r"^a pool cannot be pickled: .* make one in each process$"):
        pickle.dumps(pool)
    with pytest.raises(
        TypeError, match=r"^a reader \(of task 'source'\) cannot be pickled: .* read the items and send"
    ):
        pickle.dumps(pool.source([]))
    with pytest.raises(TypeError, match=r"^a channel cannot be pickled: .* use a queue of `multiprocessing`$"):
        pickle.dumps(pool.channel()[0])
