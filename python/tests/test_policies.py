"""What becomes of failing calls by the class of their exceptions, and of the waits before further calls."""

from __future__ import annotations

import _thread
import gc
import threading
import time
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from millpond import Pool, PoolClosedError, PoolReader, Rejected, Retry

#: Longer than any test.
HOUR = 3600.0

ANY_RETRY: Any = Retry


def failing(text: str) -> int:
    """Raise what a text names, or give its length."""
    if text == "value":
        raise ValueError(text)
    if text == "key":
        raise KeyError(text)
    if text == "unicode":
        raise UnicodeError(text)
    return len(text)


async def failing_async(text: str) -> int:
    return failing(text)


@pytest.mark.parametrize("function", [failing, failing_async])
def test_errors_are_skipped_handled_and_raised_by_class(pool_size: int, function: Callable[[str], Any]) -> None:
    def handle(error: Exception, text: str) -> int:
        return -len(text)

    pool = Pool(pool_size)
    # The first class that fits counts, and a subclass fits too.
    choices: Any = {UnicodeError: handle, ValueError: "skip", LookupError: "raise"}
    reader: PoolReader[int] = pool.source(["a", "value", "unicode", "bb"]).map(function, on_error=choices)
    assert reader.read_all() == [1, -7, 2]
    reader = pool.source(["a", "value", "key", "bb"]).map(function, on_error=choices)
    with pytest.raises(KeyError):
        reader.read_all()
    reader = pool.source(["value"]).map(function, on_error={KeyError: "skip"})
    with pytest.raises(ValueError, match="value"):
        reader.read_all()


@pytest.mark.parametrize("function", [failing, failing_async])
def test_items_are_rejected_by_class(pool_size: int, function: Callable[[str], Any]) -> None:
    texts = ["a", "value", "key", "unicode", "bb"]
    choices: Any = {UnicodeError: lambda error, text: -1, ValueError: "skip"}
    reader: PoolReader[int]
    reader, rejected = Pool(pool_size).source(texts).try_map(function, on_error=choices)
    assert reader.read_all() == [1, -1, 2]
    assert [(item, type(error)) for item, error in rejected.read_all()] == [("key", KeyError)]


def test_all_kinds_of_tasks_choose_by_class() -> None:
    texts = ["a", "value", "bb"]
    choices: Any = {ValueError: "skip"}
    pool = Pool(0)
    assert pool.source(texts).filter(failing, on_error=choices).read_all() == ["a", "bb"]
    assert pool.source(texts).filter_map(failing, on_error=choices).read_all() == [1, 2]
    assert pool.source(texts).tap(failing, on_error=choices).read_all() == ["a", "bb"]
    assert pool.source(texts).flat_map(lambda text: [failing(text)], on_error=choices).read_all() == [1, 2]
    assert pool.source([(text,) for text in texts]).starmap(failing, on_error=choices).read_all() == [1, 2]
    yes, no = pool.source(texts).partition(failing, on_error=choices)
    assert (yes.read_all(), no.read_all()) == (["a", "bb"], [])


def test_values_choose_by_class() -> None:
    pool = Pool(2)
    task = pool.task(failing, on_error={ValueError: lambda error, text: -len(text), KeyError: "raise"})
    assert task("value").get() == -5
    with pytest.raises(KeyError):
        task("key").get()


class Trying:
    """A function that raises exceptions one after the other, and counts its calls."""

    def __init__(self, *errors: type[Exception]) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, item: int) -> int:
        self.calls += 1
        if self.calls <= len(self.errors):
            raise self.errors[self.calls - 1](item)
        return item


def trials(pool: Pool, function: Trying, retries: Retry) -> list[Callable[[], Any]]:
    async def later(item: int) -> int:
        return function(item)

    return [
        lambda: pool.source([7]).map(function, retries=retries).read_all(),
        lambda: next(pool.source([7]).map(function, retries=retries)),
        lambda: pool.source([7]).map(later, retries=retries).read_all(),
        lambda: pool.task(function, retries=retries)(7).get(),
    ]


@pytest.mark.parametrize("way", range(4))
def test_only_the_exceptions_of_a_retry_are_tried_again(pool_size: int, way: int) -> None:
    pool = Pool(pool_size)
    function = Trying(OSError, TimeoutError)
    trials(pool, function, Retry(5, exceptions=(OSError, KeyError)))[way]()
    assert function.calls == 3
    function = Trying(OSError, ValueError)
    with pytest.raises(ValueError, match="7"):
        trials(pool, function, Retry(5, exceptions=OSError))[way]()
    assert function.calls == 2
    function = Trying(*[OSError] * 9)
    with pytest.raises(OSError, match="7"):
        trials(pool, function, Retry(5))[way]()
    assert function.calls == 6


def waits(seed: int, retries: Retry) -> list[float]:
    """Give the seconds between the calls of a function that fails, in a simulation."""
    from millpond.testing import now

    times: list[float] = []

    def fail(item: int) -> int:
        times.append(now())
        raise OSError(item)

    with Pool.simulated(seed) as pool:
        assert pool.source([1]).map(fail, retries=retries, on_error="skip").read_all() == []
    return [round(after - before, 1) for before, after in zip(times, times[1:])]


def test_waits_double_up_to_the_longest() -> None:
    assert waits(1, Retry(5, wait=1, doubling=True, max_wait=Fraction(5))) == [1, 2, 4, 5, 5]


def test_jitter_is_drawn_from_the_seed_of_a_simulation() -> None:
    retry = Retry(20, wait=10, jitter=0.5)
    drawn = waits(3, retry)
    assert drawn == waits(3, retry)
    assert all(5 <= wait <= 10.1 for wait in drawn)
    assert len(set(drawn)) > 3
    assert drawn != waits(4, retry)


def test_a_wait_ends_when_the_reader_is_closed() -> None:
    called = threading.Semaphore(0)

    def fail(item: int) -> int:
        called.release()
        raise OSError(item)

    pool = Pool(2)
    reader = pool.source(range(9)).map(fail, retries=Retry(9, wait=HOUR), max_chunksize=1)
    # Only helpers work for a read that awaits.
    reading = reader._begin(9, False)
    assert reading.poll(lambda: None) is None
    assert called.acquire()
    reading.cancel()
    reader.close()
    del reader
    while pool.task_count:
        time.sleep(0)
    pool.close()


def test_a_wait_of_the_reading_thread_ends_by_an_interrupt(interruptible: None) -> None:
    def fail(item: int) -> int:
        threading.Timer(0, _thread.interrupt_main).start()
        raise OSError(item)

    pool = Pool(0)
    retries = Retry(9, wait=HOUR)
    reads: list[Callable[[], Any]] = [
        lambda: pool.source([7]).map(fail, retries=retries).read_all(),
        lambda: next(pool.source([7]).map(fail, retries=retries)),
        lambda: Pool(1).source([7]).map(fail, retries=retries).read_all(),
        lambda: pool.task(fail, retries=retries)(7).get(),
    ]
    for read in reads:
        with pytest.raises(KeyboardInterrupt):
            read()


def test_a_wait_ends_when_the_pool_is_closed() -> None:
    called = threading.Event()

    def fail(item: int) -> int:
        called.set()
        raise OSError(item)

    def read() -> None:
        with pytest.raises((PoolClosedError, OSError)):
            reader.read_all()

    pool = Pool(2)
    reader = pool.source([7]).map(fail, retries=Retry(9, wait=HOUR))
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    called.wait()
    pool.close()
    thread.join()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"on_error": {ValueError: "ignore"}}, ValueError, r'^on_error must be "raise", "skip" or a function of'),
        (
            {"on_error": {"ValueError": "skip"}},
            TypeError,
            r"^on_error must name classes of exceptions, got 'ValueError'$",
        ),
        (
            {"on_error": {KeyboardInterrupt: "skip"}},
            TypeError,
            r"^on_error must name classes of exceptions, got <class",
        ),
        ({"retries": ANY_RETRY(1, exceptions="x")}, TypeError, r"^the exceptions of retries must name classes of"),
        (
            {"retries": ANY_RETRY(1, jitter=2)},
            ValueError,
            r"^the jitter of retries must be a share of the wait from 0 to 1",
        ),
        ({"retries": ANY_RETRY(1, jitter="x")}, TypeError, r"^the jitter of retries must be a number"),
        ({"retries": ANY_RETRY(1, max_wait=-1)}, ValueError, r"^the longest wait of retries must not be negative"),
    ],
)
def test_policies_that_cannot_be_meant_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Pool(0).source([1]).map(str, **options)


def test_a_rejecting_task_raises_nothing_by_class() -> None:
    choices: Any = {ValueError: "raise"}
    with pytest.raises(ValueError, match=r'^on_error must be "reject", "skip" or a function'):
        Pool(0).source(["1"]).try_map(int, on_error=choices)
    reader, rejected = Pool(0).source(["x"]).try_map(int, on_error={ValueError: "reject"})
    assert reader.read_all() == []
    assert [type(item) for item in rejected.read_all()] == [Rejected]


def test_what_a_policy_refers_to_is_collected(pool_size: int) -> None:
    class Failure(Exception):
        pass

    def make() -> weakref.ref[Any]:
        reader: Any = None

        def handle(error: Exception, item: int) -> Any:
            return reader

        class Own(Failure):
            pass

        reader = Pool(pool_size).source([1]).map(str, on_error={Own: handle}, retries=Retry(1, exceptions=Own))
        return weakref.ref(reader)

    gone = make()
    gc.collect()
    assert gone() is None
