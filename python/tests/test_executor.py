"""A pool as an executor of `concurrent.futures`."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import gc
import itertools
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from millpond import Pool, PoolClosedError
from millpond._executor import PoolExecutor

#: Seconds after which something that will not come is given up, so that a fault does not hang the
#: tests. A busy machine may leave a process alone for half a minute.
LONG = 600


@pytest.fixture
def executor(pool_size: int) -> PoolExecutor:
    """Give an executor of a pool of each size."""
    return Pool(pool_size).as_executor()


def test_submit_gives_the_result(executor: PoolExecutor) -> None:
    assert executor.submit(divmod, 7, 2).result() == (3, 1)
    assert executor.submit(int, "ff", base=16).result() == 255


def test_an_exception_is_the_original_one(executor: PoolExecutor) -> None:
    error = KeyError("which")

    def fail() -> None:
        raise error

    assert executor.submit(fail).exception() is error


def test_an_exit_in_a_function_goes_to_its_future(executor: PoolExecutor) -> None:
    try:
        future = executor.submit(sys.exit, 3)
    except SystemExit:
        # In serial mode the call is made in the thread that submits it, which is told at once.
        assert executor._pool.size == 0
    else:
        assert isinstance(future.exception(), SystemExit)
    assert executor.submit(abs, -1).result() == 1


def test_a_serial_pool_calls_in_the_caller() -> None:
    future = Pool(0).as_executor().submit(threading.get_ident)
    assert future.done()
    assert future.result() == threading.get_ident()


@pytest.mark.parametrize("size", [1, 2, 8])
def test_as_many_run_at_once_as_the_pool_has_workers(size: int) -> None:
    executor = Pool(size).as_executor()
    barrier = threading.Barrier(size)
    assert sorted(future.result() for future in [executor.submit(barrier.wait, LONG) for _ in range(size)]) == list(
        range(size)
    )


def test_no_more_run_at_once_than_the_pool_has_workers() -> None:
    executor = Pool(2).as_executor()
    lock = threading.Lock()
    running = most = 0

    def count(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        os.stat(".")
        with lock:
            running -= 1

    list(executor.map(count, range(500)))
    assert 1 <= most <= 2


def test_a_resized_pool_has_as_many_workers_as_it_says() -> None:
    pool = Pool(1)
    executor = pool.as_executor()
    assert executor.submit(abs, -1).result() == 1
    pool.size = 4
    barrier = threading.Barrier(4)
    assert {future.result() for future in [executor.submit(barrier.wait, LONG) for _ in range(4)]} == {0, 1, 2, 3}
    pool.size = 0
    assert executor.submit(threading.get_ident).result() == threading.get_ident()


def test_functions_run_in_a_copy_of_the_context(executor: PoolExecutor) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    variable.set("outside")

    def look_and_change() -> str:
        found = variable.get()
        variable.set("inside")
        return found

    assert [executor.submit(look_and_change).result() for _ in range(3)] == ["outside"] * 3
    assert variable.get() == "outside"


def test_map_gives_results_in_order(executor: PoolExecutor) -> None:
    for chunksize in (1, 3, 100):
        assert list(executor.map(pow, range(20), itertools.repeat(2), chunksize=chunksize)) == [
            n * n for n in range(20)
        ]


def test_map_gives_what_came_before_an_error_and_then_the_error(executor: PoolExecutor) -> None:
    for chunksize in (1, 2, 5):
        results = executor.map(lambda n: 12 // n, [3, 4, 6, 0, 1], chunksize=chunksize)
        assert [next(results), next(results), next(results)] == [4, 3, 2]
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert list(results) == []


def test_map_with_a_buffersize_reads_no_further_ahead(executor: PoolExecutor) -> None:
    taken = 0

    def count() -> Iterator[int]:
        nonlocal taken
        for number in itertools.count():
            taken = number + 1
            yield number

    results = executor.map(str, count(), buffersize=3)
    assert taken == 3
    assert [next(results) for _ in range(10)] == [str(number) for number in range(10)]
    assert taken == 13


def test_leaving_a_map_early_cancels_what_has_not_begun() -> None:
    executor = Pool(1).as_executor()
    begun = threading.Event()
    may_end = threading.Event()
    called = []

    def function(number: int) -> int:
        called.append(number)
        if number == 1:
            begun.set()
            assert may_end.wait(LONG)
        return number

    results = executor.map(function, range(100))
    assert next(results) == 0
    assert begun.wait(LONG)
    assert hasattr(results, "close")
    results.close()
    may_end.set()
    executor.shutdown()
    assert called == [0, 1]


@pytest.mark.parametrize("option", ["chunksize", "buffersize"])
def test_map_says_what_is_wrong_with_its_options(executor: PoolExecutor, option: str) -> None:
    with pytest.raises(ValueError, match=rf"^mapping with {option} `0`: it is at least 1$"):
        executor.map(str, [1], **{option: 0})


def test_map_gives_up_in_time() -> None:
    executor = Pool(1).as_executor()
    may_end = threading.Event()
    results = executor.map(lambda _: may_end.wait(LONG), [1], timeout=0)
    with pytest.raises(concurrent.futures.TimeoutError):
        next(results)
    may_end.set()


def test_nothing_is_taken_after_a_shutdown(executor: PoolExecutor) -> None:
    future = executor.submit(abs, -3)
    executor.shutdown()
    assert future.done()
    with pytest.raises(RuntimeError, match=r"^submitting `abs` to an executor that was shut down$"):
        executor.submit(abs, -3)
    executor.shutdown()
    assert executor._pool.as_executor().submit(abs, -3).result() == 3


def test_a_shutdown_can_cancel_what_has_not_begun() -> None:
    executor = Pool(1).as_executor()
    begun, may_end = threading.Event(), threading.Event()

    def function() -> bool:
        begun.set()
        return may_end.wait(LONG)

    first = executor.submit(function)
    rest = [executor.submit(function) for _ in range(10)]
    assert begun.wait(LONG)
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in rest)
    # Who waits for cancelled futures is told.
    assert concurrent.futures.wait(rest, timeout=LONG).not_done == set()
    assert not first.done()
    may_end.set()
    assert first.result(LONG)
    executor.shutdown()


def test_futures_work_with_wait_and_as_completed(executor: PoolExecutor) -> None:
    futures = [executor.submit(abs, -number) for number in range(20)]
    assert concurrent.futures.wait(futures, timeout=LONG).not_done == set()
    assert sorted(future.result() for future in concurrent.futures.as_completed(futures)) == list(range(20))


def test_futures_work_with_asyncio(executor: PoolExecutor) -> None:
    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        one = await asyncio.wrap_future(executor.submit(abs, -1))
        return one, await loop.run_in_executor(executor, abs, -2)

    assert asyncio.run(main()) == (1, 2)


class _Held:
    """Something that can be seen to go."""


@pytest.fixture
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _fail(held: _Held) -> None:
    raise ValueError(f"not {type(held).__name__}")


@pytest.mark.usefixtures("_without_collector")
def test_a_failure_leaves_no_cycle(executor: PoolExecutor) -> None:
    def submit() -> weakref.ref[_Held]:
        held = _Held()
        assert isinstance(executor.submit(_fail, held).exception(), ValueError)
        return weakref.ref(held)

    def submit_and_raise() -> weakref.ref[_Held]:
        held = _Held()
        with pytest.raises(ValueError, match="not _Held"):
            executor.submit(_fail, held).result()
        return weakref.ref(held)

    def map_() -> weakref.ref[_Held]:
        held = _Held()
        with pytest.raises(ValueError, match="not _Held"):
            list(executor.map(_fail, [held]))
        return weakref.ref(held)

    gone = [submit(), submit_and_raise(), map_()]
    # The threads that made the calls are done with them.
    executor.shutdown()
    assert [held() for held in gone] == [None, None, None]


@pytest.mark.parametrize("cancels", [False, True])
def test_a_callback_that_would_wait_for_itself_is_told(
    executor: PoolExecutor, caplog: pytest.LogCaptureFixture, cancels: bool
) -> None:
    told: list[str] = []

    def shut_down(_: object) -> None:
        try:
            executor.shutdown(cancel_futures=cancels)
        except RuntimeError as error:
            told.append(str(error))
            raise

    may_go_on = threading.Event()
    if executor._pool.size == 0:
        may_go_on.set()
    future = executor.submit(may_go_on.wait, LONG)
    future.add_done_callback(shut_down)
    may_go_on.set()
    assert future.result(LONG)
    with contextlib.suppress(RuntimeError):
        executor.shutdown()
    assert told == [
        "waiting for an executor in one of its own functions or callbacks, which waits for itself: use "
        "`shutdown(wait=False)`, or shut it down elsewhere"
    ] * (0 if executor._pool.size == 0 else 1)
    # The standard library's futures log what a callback raises.
    assert len(caplog.records) == len(told)
    with pytest.raises(RuntimeError, match="was shut down"):
        executor.submit(abs, 1)


def test_a_function_that_would_wait_for_itself_is_told(executor: PoolExecutor) -> None:
    with pytest.raises(RuntimeError, match=r"^waiting for an executor in one of its own functions"):
        executor.submit(executor.shutdown).result(LONG)
    with pytest.raises(RuntimeError, match="was shut down"):
        executor.submit(abs, 1)
    executor.shutdown()


def test_a_callback_of_what_is_cancelled_that_would_wait_for_itself_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    executor = Pool(1).as_executor()
    begun, may_end = threading.Event(), threading.Event()

    def function() -> bool:
        begun.set()
        return may_end.wait(LONG)

    executor.submit(function)
    assert begun.wait(LONG)
    for _ in range(3):
        executor.submit(abs, 1).add_done_callback(lambda _: executor.shutdown())
    executor.shutdown(wait=False, cancel_futures=True)
    assert [record.exc_info is not None for record in caplog.records] == [True] * 3
    may_end.set()
    executor.shutdown()


def test_callbacks_and_functions_may_submit(executor: PoolExecutor) -> None:
    done = threading.Semaphore(0)

    def again(left: int) -> None:
        if left:
            executor.submit(again, left - 1).add_done_callback(lambda _: done.release())
            executor.submit(abs, left).add_done_callback(lambda _: executor.submit(done.release))

    again(20)
    for _ in range(40):
        assert done.acquire(timeout=LONG)
    executor.shutdown()


class _StopAll(BaseException):
    pass


def test_a_callback_that_raises_what_is_no_exception_leaves_nothing_counted(
    executor: PoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    monkeypatch.setattr(sys, "unraisablehook", lambda _: told.set())
    begun, may_end = threading.Event(), threading.Event()

    def stop(_: object) -> None:
        raise _StopAll

    def begin() -> bool:
        begun.set()
        return may_end.wait(LONG)

    if executor._pool.size == 0:
        may_end.set()
    future = executor.submit(begin)
    if executor._pool.size == 0:
        with pytest.raises(_StopAll):
            future.add_done_callback(stop)
    else:
        assert begun.wait(LONG)
        future.add_done_callback(stop)
    may_end.set()
    executor.shutdown()
    assert executor._pool.size == 0 or told.wait(LONG)
    assert repr(executor).endswith(": 0 outstanding, shut down>")


@pytest.mark.parametrize("size", [1, 2, 8])
def test_a_submit_that_is_refused_is_not_counted(size: int) -> None:
    pool = Pool(size)
    executor = pool.as_executor()
    assert executor.submit(abs, -1).result() == 1
    # The result is there before the call has ended, as the callbacks of its future belong to the call.
    executor._wait()
    pool.close()
    with pytest.raises(PoolClosedError, match="was closed"):
        executor.submit(abs, -2)
    assert repr(executor).endswith(": 0 outstanding>")
    executor.shutdown()


@pytest.mark.parametrize("ends", ["close", "size 0"])
def test_submits_beside_a_close_or_a_resize_are_done_or_refused(ends: str) -> None:
    for _ in range(100):
        pool = Pool(2)
        executor = pool.as_executor()
        start = threading.Barrier(3)
        futures: list[concurrent.futures.Future[int]] = []

        def submit(
            start: threading.Barrier = start,
            executor: PoolExecutor = executor,
            futures: list[concurrent.futures.Future[int]] = futures,
        ) -> None:
            start.wait(LONG)
            with contextlib.suppress(RuntimeError):
                for number in range(20):
                    futures.append(executor.submit(abs, -number))

        threads = [threading.Thread(target=submit) for _ in range(2)]
        for thread in threads:
            thread.start()
        start.wait(LONG)
        if ends == "close":
            pool.close()
        else:
            pool.size = 0
        for thread in threads:
            thread.join(LONG)
        assert concurrent.futures.wait(futures, LONG).not_done == set()
        if ends == "size 0":
            assert len(futures) == 40
        executor.shutdown()


def test_a_larger_pool_begins_what_was_waiting() -> None:
    pool = Pool(1)
    executor = pool.as_executor()
    barrier = threading.Barrier(3)
    futures = [executor.submit(barrier.wait, LONG) for _ in range(3)]
    pool.size = 3
    assert sorted(future.result(LONG) for future in futures) == [0, 1, 2]


def test_a_smaller_pool_runs_fewer_at_once() -> None:
    pool = Pool(4)
    executor = pool.as_executor()
    barrier = threading.Barrier(5)
    begun = threading.Semaphore(0)

    def begin() -> None:
        begun.release()
        barrier.wait(LONG)

    first = [executor.submit(begin) for _ in range(4)]
    for _ in first:
        assert begun.acquire(timeout=LONG)
    lock = threading.Lock()
    running = most = 0

    def count() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        os.stat(".")
        with lock:
            running -= 1

    rest = [executor.submit(count) for _ in range(300)]
    pool.size = 1
    barrier.wait(LONG)
    assert concurrent.futures.wait(first, LONG).not_done == set()
    assert concurrent.futures.wait(rest, LONG).not_done == set()
    assert most == 1


def test_a_finished_call_lets_go_of_its_arguments_and_its_error(executor: PoolExecutor) -> None:
    class Thing:
        pass

    def fail(thing: Thing) -> None:
        raise ValueError(f"not {type(thing).__name__}")

    thing = Thing()
    gone = weakref.ref(thing)
    future = executor.submit(fail, thing)
    concurrent.futures.wait([future])
    executor.shutdown()
    del thing, future
    gc.collect()
    assert gone() is None


def test_threads_are_named_after_the_pool() -> None:
    executor = Pool(2).as_executor()
    name = executor.submit(lambda: threading.current_thread().name).result()
    assert name.startswith("millpond-")


def test_the_end_of_the_program_waits_for_what_was_submitted() -> None:
    program = r"""
import sys, threading
from millpond import Pool
executor = Pool(2).as_executor()
for number in range(4):
    executor.submit(lambda number=number: (threading.Event().wait(0.05), sys.stdout.write(f'{number}\n')))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert sorted(done.stdout.split()) == ["0", "1", "2", "3"]
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_is_told_to_make_a_pool_of_its_own() -> None:
    program = """
import os
from millpond import Pool
executor = Pool(2).as_executor()
assert executor.submit(abs, -1).result() == 1
child = os.fork()
if child == 0:
    try:
        executor.submit(abs, -1)
    except RuntimeError as error:
        print(error)
    print(Pool(2).as_executor().submit(abs, -2).result())
else:
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split("\n")[:2] == [
        "submitting to an executor that another process made: make a pool after the fork",
        "2",
    ]


def test_dask_takes_it_for_a_pool(executor: PoolExecutor) -> None:
    dask = pytest.importorskip("dask")
    with dask.config.set(pool=executor, scheduler="threads"):
        assert dask.delayed(sum)([dask.delayed(abs)(-number) for number in range(50)]).compute() == sum(range(50))


def test_repr_says_what_it_is_at() -> None:
    executor = Pool(1).as_executor()
    assert repr(executor).startswith("<PoolExecutor of ")
    assert repr(executor).endswith(": 0 outstanding>")
    executor.shutdown()
    assert repr(executor).endswith(": 0 outstanding, shut down>")
