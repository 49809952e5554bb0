"""A pool as an executor of `concurrent.futures`."""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from millpond import _options
from millpond._native import Crew, _copy_context

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from millpond import Pool
    from millpond._options import Seconds

    _P = ParamSpec("_P")

_T = TypeVar("_T")


class PoolExecutor(Executor):
    """A pool's workers, for whoever wants a :class:`concurrent.futures.Executor`.

    Made by :meth:`millpond.Pool.as_executor`. Functions run on the pool's own threads, as many at once as the
    pool's size says, beside its streams and graphs of values; each in a copy of the context of the thread that
    submitted it. In a pool of size 0 :meth:`submit` runs the function at once, in the caller.

    Shutting the executor down leaves the pool as it is. Like the standard library's executors, one that has work
    left at the end of the program finishes it first.

    Parameters
    ----------
    pool : Pool
        The pool.

    Examples
    --------
    >>> from millpond import Pool
    >>> with Pool(2).as_executor() as executor:
    ...     future = executor.submit(pow, 2, 10)
    ...     list(executor.map(abs, [-1, 2, -3])), future.result()
    ([1, 2, 3], 1024)
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._crew = Crew(pool)
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._outstanding = 0
        self._is_shut_down = False
        # Threads that are in one of the calls or in its callbacks; a thread is in here once for each such call.
        self._callers: list[int] = []
        _executors.add(self)

    @property
    def _max_workers(self) -> int:
        # What Dask asks an executor for.
        return max(1, self._pool.size)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Have a worker call a function.

        Parameters
        ----------
        fn : callable
            The function.
        *args, **kwargs
            What it is called with.

        Returns
        -------
        concurrent.futures.Future
            Its result, when it is there.

        Raises
        ------
        RuntimeError
            When the executor was shut down, its pool was closed, no thread can be started, or another process made the
            pool, of which this one is a fork.

        Examples
        --------
        >>> from millpond import Pool
        >>> Pool(0).as_executor().submit(divmod, 7, 2).result()
        (3, 1)
        """
        if os.getpid() != self._process:
            raise RuntimeError("submitting to an executor that another process made: make a pool after the fork")
        with self._changed:
            if self._is_shut_down:
                if _ends not in (None, threading.get_ident()):
                    # The end of the program has shut it down: a daemon thread ends in silence.
                    raise SystemExit
                raise RuntimeError(f"submitting `{_name_of(fn)}` to an executor that was shut down")
            self._outstanding += 1
        try:
            future: Future[_T] = Future()
            call = _Call(self, future, lambda: fn(*args, **kwargs))
            is_taken = self._crew.call(call)
        except BaseException:
            self._has_ended()
            raise
        # A failure's traceback holds this frame where the function runs in it: it must not hold the future.
        returned = [future]
        del future
        if not is_taken:
            call(is_in_caller=True)
        del call
        return returned.pop()

    def map(
        self,
        fn: Callable[..., _T],
        *iterables: Iterable[Any],
        timeout: Seconds | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[_T]:
        """Call a function with the items of one or several iterables, and give its results in order.

        An exception comes after the results before it, and ends the iteration. Leaving the iteration early cancels
        what has not begun.

        Parameters
        ----------
        fn : callable
            The function.
        *iterables
            What it is called with: an item of each, until one of them ends.
        timeout : float, optional
            How many seconds after this call a result is waited for.
        chunksize : int, default 1
            How many calls a worker is given at once. More is quicker where calls are short.
        buffersize : int, optional
            How many chunks may be submitted whose results have not been asked for. Without it the iterables are
            read to their ends at once; with it as the results are taken, so that they may be endless.

        Returns
        -------
        iterator
            The results, in order.

        Raises
        ------
        TimeoutError
            From the iterator, when a result is not there in time.
        ValueError
            When `chunksize` or `buffersize` is less than 1.

        Examples
        --------
        >>> import itertools
        >>> from millpond import Pool
        >>> squares = Pool(2).as_executor().map(lambda n: n * n, itertools.count(), buffersize=4)
        >>> next(squares), next(squares), next(squares)
        (0, 1, 4)
        """
        for name, value in (("chunksize", chunksize), ("buffersize", buffersize)):
            if value is not None and value < 1:
                raise ValueError(f"mapping with {name} `{value}`: it is at least 1")
        seconds = _options.seconds(timeout, "timeout")
        deadline = None if seconds is None else time.monotonic() + min(seconds, threading.TIMEOUT_MAX / 2)
        arguments = zip(*iterables)
        chunks = iter(lambda: list(itertools.islice(arguments, chunksize)), [])
        # Only whoever takes the results holds on to the executor.
        futures = deque(self.submit(_call_each, fn, chunk) for chunk in itertools.islice(chunks, buffersize))

        def results() -> Iterator[_T]:
            try:
                while futures:
                    left = None if deadline is None else deadline - time.monotonic()
                    values, error = futures.popleft().result(left)
                    for chunk in itertools.islice(chunks, 1):
                        futures.append(self.submit(_call_each, fn, chunk))
                    values.reverse()
                    while values:
                        yield values.pop()
                    if error is not None:
                        try:
                            raise error
                        finally:
                            # Its traceback holds this frame.
                            del error
            finally:
                for future in futures:
                    future.cancel()

        return results()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more functions. The pool stays as it is, and doing this twice is fine.

        Parameters
        ----------
        wait : bool, default True
            Whether to wait until all that was submitted has ended.
        cancel_futures : bool, default False
            Whether to cancel what no worker has begun.

        Raises
        ------
        RuntimeError
            When one of the executor's own functions, or a callback of its futures, would wait for itself. The executor
            is shut down nevertheless.
        """
        with self._changed:
            self._is_shut_down = True
        if cancel_futures and os.getpid() == self._process:
            for call in self._crew.take_back():
                assert isinstance(call, _Call)
                call.cancel()
        if wait:
            self._wait()

    def _wait(self) -> None:
        with self._changed:
            if threading.get_ident() in self._callers and os.getpid() == self._process:
                raise RuntimeError(
                    "waiting for an executor in one of its own functions or callbacks, which waits for itself: use "
                    "`shutdown(wait=False)`, or shut it down elsewhere"
                )
            self._changed.wait_for(lambda: self._outstanding == 0 or os.getpid() != self._process)

    def _has_begun(self) -> None:
        with self._changed:
            self._callers.append(threading.get_ident())

    def _has_ended(self, *, began: bool = False) -> None:
        with self._changed:
            if began:
                self._callers.remove(threading.get_ident())
            self._outstanding -= 1
            self._changed.notify_all()

    def __repr__(self) -> str:
        state = ", shut down" if self._is_shut_down else ""
        return f"<PoolExecutor of {self._pool!r}: {self._outstanding} outstanding{state}>"


class _Call:
    """A function on its way to a worker, and the future that its result goes to."""

    __slots__ = ("_context", "_executor", "_function", "_future")

    def __init__(self, executor: PoolExecutor, future: Future[Any], function: Callable[[], Any]) -> None:
        self._executor = executor
        self._future = future
        self._function = function
        self._context = _copy_context()

    def __call__(self, *, is_in_caller: bool = False) -> None:
        executor = self._executor
        executor._has_begun()
        try:
            if self._future.set_running_or_notify_cancel():
                try:
                    result = self._context.run(self._function)
                except BaseException as error:
                    self._future.set_exception(error)
                    if is_in_caller and not isinstance(error, Exception):
                        # An interrupt of whoever submits.
                        raise
                else:
                    self._future.set_result(result)
                    del result
        finally:
            # The exception's traceback holds this frame, which must not hold the future.
            del self
            executor._has_ended(began=True)

    def cancel(self) -> None:
        executor = self._executor
        executor._has_begun()
        try:
            self._future.cancel()
            self._future.set_running_or_notify_cancel()
        finally:
            executor._has_ended(began=True)


def _call_each(function: Callable[..., _T], chunk: list[tuple[Any, ...]]) -> tuple[list[_T], BaseException | None]:
    """Call a function with each of some arguments, up to the first that it fails on."""
    results: list[_T] = []
    try:
        for arguments in chunk:
            results.append(function(*arguments))
    except Exception as error:
        return results, error
    return results, None


def _name_of(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


# Those that the end of the program waits for; a forked child has none of the threads that could end their work.
_executors: weakref.WeakSet[PoolExecutor] = weakref.WeakSet()


def _forget_executors() -> None:
    global _executors
    _executors = weakref.WeakSet()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_executors)


#: The thread that ends the program, once it does.
_ends: int | None = None


@atexit.register
def _finish_at_exit() -> None:
    global _ends
    _ends = threading.get_ident()
    for executor in list(_executors):
        executor.shutdown()
