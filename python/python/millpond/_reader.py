"""Readers of tasks: handles, iterators and the way to add the next task."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from types import GenericAlias, TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from millpond import _native, _options
from millpond._errors import ReadTimeoutError
from millpond._options import OnError, Rejected, Retry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from typing_extensions import Self, TypeVarTuple, Unpack

    _Ts = TypeVarTuple("_Ts")

__all__ = ["PoolReader"]

_T = TypeVar("_T")
_U = TypeVar("_U")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_T_co = TypeVar("_T_co", covariant=True)


def _itself(item: _T) -> _T:
    return item


def _lists_within(items: PoolReader[_T], size: int, seconds: float) -> Iterator[list[_T]]:
    with items:
        while True:
            batch = items.read(1)
            if not batch:
                return
            deadline = time.monotonic() + seconds
            while len(batch) < size:
                left = max(0.0, deadline - time.monotonic())
                try:
                    more = items.read(size - len(batch), timeout=left)
                except ReadTimeoutError:
                    # What has come by now.
                    batch += items.try_read(size - len(batch)) or []
                    break
                if not more:
                    break
                batch += more
            yield batch


async def _read_async(reader: PoolReader[_T], count: int) -> list[_T]:
    # Only whoever awaits pays for importing asyncio, and has done so.
    from millpond._reading import read

    return await read(reader, count)


def _is_accepted(result: object) -> bool:
    return type(result) is not Rejected


class PoolReader(_native.PoolReader, Generic[_T_co]):
    """The reader of a task's output: reading from it pulls.

    Nothing runs until something is read, and a read runs just the work that it needs: the demand goes up through the
    tasks to the sources, chunks of items come down, in parallel and in order.

    The reader is also what the next task is added to. It is used up by that; for several tasks that read the same
    items, see :meth:`tee`. Several threads may read from one reader: they share the items, each goes to exactly one.

    Closing a reader, or losing it, stops what only it needed, at the next item.

    The methods that add a task share these options:

    ``name``
        What errors and drawings call the task; the function's name by default.
    ``concurrency``
        At most so many workers run the task at once; all of the pool's by default.
    ``ordered``
        Whether items come out in the order in which they went in, or as they are done.
    ``min_count``, ``max_chunksize``
        At least and at most so many items are worked on at once. By default chunks grow until they take some tens of
        microseconds.
    ``read_ahead``
        Once it has been read from, workers keep so many items ready beyond what is asked for. Without effect in a pool
        of size 0.
    ``on_error``
        What happens to an item that the function raises an :class:`Exception` for: ``"raise"`` stops the task, and
        readers get the items before, then the exception; ``"skip"`` leaves the item out; a function of the exception
        and the item gives what takes the result's place, and stops the task by raising.
    ``retries``
        How often a call that raises is made again before that; a :class:`Retry` says how long to wait.
    ``timeout``
        Seconds that a call may take. One that took longer counts as raising :class:`TaskTimeoutError`; a function that
        is running cannot be interrupted, a coroutine is cancelled.

    Examples
    --------
    >>> from millpond import Pool
    >>> pool = Pool(2)
    >>> reader = pool.source(range(10)).map(lambda n: n * n)
    >>> reader.read(3)
    [0, 1, 4]
    >>> next(reader)
    9
    >>> for square in reader:
    ...     if square > 20:
    ...         break
    >>> square
    25
    >>> reader.read_all()
    [36, 49, 64, 81]
    """

    __slots__ = ()

    if not TYPE_CHECKING:
        __class_getitem__ = classmethod(GenericAlias)

    # ---- reading

    if TYPE_CHECKING:

        def read(self, count: int = 0, *, timeout: float | None = None) -> list[_T_co]: ...

    else:
        # Small reads are to cost little, so there is nothing around it.
        read = _native.PoolReader.read

    def read_all(self, *, timeout: float | None = None) -> list[_T_co]:
        """Read all items up to the end. See :meth:`read`.

        Examples
        --------
        >>> Pool(0).source("abc").read_all()
        ['a', 'b', 'c']
        """
        return self.read(0, timeout=timeout)

    def try_read(self, count: int = 0) -> list[_T_co] | None:
        """Take items that are there already, without running or waiting for anything.

        Parameters
        ----------
        count : int, default 0
            How many at the most; 0 for any number.

        Returns
        -------
        list or None
            The items; none of them at the end, ``None`` where there are none yet.

        Examples
        --------
        >>> reader = Pool(0).source("abc", min_count=2)
        >>> reader.try_read() is None
        True
        >>> reader.read(1), reader.try_read()
        (['a'], ['b'])
        """
        return self._try_read(_options.integer(count, "count", least=0))

    async def read_async(self, count: int = 0) -> list[_T_co]:
        """Read like :meth:`read`, awaiting; under asyncio or trio.

        The pool's workers do the work, all of them; in a pool of size 0 the event loop's thread does. Coroutine
        functions of tasks run on the asyncio loop that awaits. A read that is cancelled has taken nothing.

        Parameters
        ----------
        count : int, default 0
            How many items; 0 for all.

        Returns
        -------
        list
            The items.

        Examples
        --------
        >>> import asyncio
        >>> reader = Pool(2).source("abc").map(str.upper)
        >>> asyncio.run(reader.read_async(2))
        ['A', 'B']
        """
        return await _read_async(self, _options.integer(count, "count", least=0))

    async def __aiter__(self) -> AsyncIterator[_T_co]:
        while True:
            items = await _read_async(self, 1)
            if not items:
                return
            yield items[0]
            # What is there already takes no waiting.
            items = self._try_read(1) or []
            while items:
                yield items[0]
                items = self._try_read(1) or []

    if TYPE_CHECKING:
        # The native iterator, with the type of its items.
        def __iter__(self) -> Self: ...
        def __next__(self) -> _T_co: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # ---- tasks with a function

    def _operation(
        self,
        kind: str,
        function: Callable[..., Any],
        starred: bool,
        name: str | None,
        limits: _options.Limits,
        failing: _options.Failing,
    ) -> PoolReader[Any]:
        function = _options.function(function, "function")
        named = _options.named(name, _options.name_of(function, kind))
        if _options.is_coroutine_function(function):
            return self._awaiting(kind, function, starred, named, limits, failing)
        if kind != "tap":
            function = self._bound(function)
        return PoolReader(_native._operation(self, kind, function, starred, named, limits, failing))

    def _bound(self, function: Callable[..., Any], *, lists: bool = False) -> Callable[..., Any]:
        """Have the pool's executor call a function, if it has one."""
        # Whatever the pool is, it is this package's own.
        elsewhere = self.pool._elsewhere  # type: ignore[attr-defined]
        return function if elsewhere is None else elsewhere.bind(function, lists=lists)

    def _awaiting(
        self,
        kind: str,
        function: Callable[..., Any],
        starred: bool,
        named: _options.Named,
        limits: _options.Limits,
        failing: _options.Failing,
    ) -> PoolReader[Any]:
        from millpond._loop import Runner

        concurrency, ordered, min_count, max_chunksize, read_ahead = limits
        if concurrency is None:
            concurrency = _options.CALLS_UNDER_WAY
        # Whatever the pool is, it is this package's own.
        own = self.pool._own_loop()  # type: ignore[attr-defined]
        runner = Runner(own, function, concurrency, failing, named, kind, starred)
        keeps_length = kind in ("map", "tap") and failing[0] is None
        limits = (None, True, min_count, max_chunksize, read_ahead)
        added = _native._awaiting(self, runner.window, runner, concurrency, ordered, keeps_length, named, limits)
        return PoolReader(added)

    @overload
    def map(
        self,
        function: Callable[[_T_co], Awaitable[_U]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    @overload
    def map(
        self,
        function: Callable[[_T_co], _U],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    def map(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[Any]:
        """Add a task that calls a function with each item.

        Parameters
        ----------
        function : callable
            The function of an item.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, on_error, retries, timeout
            See :class:`PoolReader`.

        Returns
        -------
        PoolReader
            The reader of the results.

        Examples
        --------
        >>> Pool(2).source(["1", "2", "x"]).map(int, on_error=lambda error, text: -1).read_all()
        [1, 2, -1]
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        return self._operation("map", function, False, name, limits, _options.failing(on_error, retries, timeout))

    @overload
    def starmap(
        self: PoolReader[tuple[Unpack[_Ts]]],
        function: Callable[[Unpack[_Ts]], Awaitable[_U]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    @overload
    def starmap(
        self: PoolReader[tuple[Unpack[_Ts]]],
        function: Callable[[Unpack[_Ts]], _U],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    def starmap(
        self: PoolReader[tuple[Unpack[_Ts]]],
        function: Callable[..., Any],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[Any]:
        """Add a task that calls a function with each item taken apart into arguments.

        Parameters
        ----------
        function : callable
            The function of an item's parts.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, on_error, retries, timeout
            See :class:`PoolReader`.

        Returns
        -------
        PoolReader
            The reader of the results.

        Examples
        --------
        >>> Pool(0).source([(2, 5), (3, 2)]).starmap(pow).read_all()
        [32, 9]
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        return self._operation("map", function, True, name, limits, _options.failing(on_error, retries, timeout))

    @overload
    def try_map(
        self,
        function: Callable[[_T_co], Awaitable[_U]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> tuple[PoolReader[_U], PoolReader[Rejected]]: ...
    @overload
    def try_map(
        self,
        function: Callable[[_T_co], _U],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> tuple[PoolReader[_U], PoolReader[Rejected]]: ...
    def try_map(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> tuple[PoolReader[Any], PoolReader[Rejected]]:
        """Add a task that calls a function with each item, and keep apart the items that it fails on.

        Reading one of the two readers makes items for the other too, which are kept for it; closing one discards its
        items.

        Parameters
        ----------
        function : callable
            The function of an item.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, retries, timeout
            See :class:`PoolReader`.

        Returns
        -------
        tuple of PoolReader
            The reader of the results, and the reader of a :class:`Rejected` for each item that the function raised an
            exception for.

        Examples
        --------
        >>> numbers, rejected = Pool(0).source(["1", "x", "3"]).try_map(int)
        >>> numbers.read_all()
        [1, 3]
        >>> rejected.read_all()
        [Rejected(item='x', error=ValueError("invalid literal for int() with base 10: 'x'"))]
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        policy = _options.failing("raise", retries, timeout)
        return self._division(function, "try_map", Rejected, name, limits, policy)

    def _division(
        self,
        function: Callable[..., Any],
        kind: str,
        rejected: Callable[..., Any] | None,
        name: str | None,
        limits: _options.Limits,
        failing: _options.Failing,
    ) -> tuple[PoolReader[Any], PoolReader[Any]]:
        function = _options.function(function, "function")
        named = _options.named(name, _options.name_of(function, kind))
        reader: PoolReader[Any] = self
        if _options.is_coroutine_function(function):
            if rejected is None:
                raise TypeError(f"partitioning by a coroutine function, `{named[0]}`; use a plain one, or `map` before")
            reject = rejected
            _, retries, wait, doubling, timeout = failing
            failing = (lambda error, item: reject(item, error), retries, wait, doubling, timeout)
            reader = self._awaiting("map", function, False, named, limits, failing)
            function, rejected = _is_accepted, None
            limits, failing = _options.NO_LIMITS, _options.NO_POLICY
        elif rejected is not None:
            function = self._bound(function)
        yes, no = _native._division(reader, function, rejected, named, limits, failing)
        return PoolReader(yes), PoolReader(no)

    def filter(
        self,
        function: Callable[[_T_co], object] | None,
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_T_co]:
        """Add a task that keeps the items for which a function returns something true.

        Parameters
        ----------
        function : callable or None
            The function of an item; without one, items that are true are kept.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, on_error, retries, timeout
            See :class:`PoolReader`.

        Returns
        -------
        PoolReader
            The reader of the items.

        Examples
        --------
        >>> Pool(0).source(range(6)).filter(lambda n: n % 2).read_all()
        [1, 3, 5]
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        failing = _options.failing(on_error, retries, timeout)
        return self._operation("filter", bool if function is None else function, False, name, limits, failing)

    @overload
    def filter_map(
        self,
        function: Callable[[_T_co], Awaitable[_U | None]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    @overload
    def filter_map(
        self,
        function: Callable[[_T_co], _U | None],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    def filter_map(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[Any]:
        """Add a task that calls a function with each item and leaves out the results that are ``None``.

        Parameters
        ----------
        function : callable
            The function of an item.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, on_error, retries, timeout
            See :class:`PoolReader`.

        Returns
        -------
        PoolReader
            The reader of the results.

        Examples
        --------
        >>> Pool(0).source("a1b2").filter_map({"1": "one", "2": "two"}.get).read_all()
        ['one', 'two']
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        failing = _options.failing(on_error, retries, timeout)
        return self._operation("filter_map", function, False, name, limits, failing)

    @overload
    def flat_map(
        self,
        function: Callable[[_T_co], Awaitable[Iterable[_U]]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    @overload
    def flat_map(
        self,
        function: Callable[[_T_co], Iterable[_U]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_U]: ...
    def flat_map(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[Any]:
        """Add a task that calls a function with each item and gives the items of each result.

        What the function returns is iterated to its end at once, so it must have one. A read of some items calls the
        function for one item after the other, since nobody knows how many each gives; iterating and reading all call
        it for several at once.

        Parameters
        ----------
        function : callable
            The function of an item, which returns an iterable.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, on_error, retries, timeout
            See :class:`PoolReader`.

        Returns
        -------
        PoolReader
            The reader of the items.

        Examples
        --------
        >>> Pool(0).source(["a mill", "a pond"]).flat_map(str.split).read_all()
        ['a', 'mill', 'a', 'pond']
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        failing = _options.failing(on_error, retries, timeout)
        function = _options.function(function, "function")
        named = _options.named(name, _options.name_of(function, "flat_map"))
        if _options.is_coroutine_function(function):
            return self._awaiting("map", function, False, named, limits, failing).flatten(name=named[0])
        return PoolReader(_native._expansion(self, self._bound(function, lists=True), named, limits, failing))

    def flatten(self: PoolReader[Iterable[_U]], *, name: str | None = None) -> PoolReader[_U]:
        """Add a task that gives the items of the items.

        Examples
        --------
        >>> Pool(0).source(["ab", "", "c"]).flatten().read_all()
        ['a', 'b', 'c']
        """
        named = _options.named(name, "flatten")
        return PoolReader(_native._expansion(self, _itself, named, _options.NO_LIMITS, _options.NO_POLICY))

    def tap(
        self,
        function: Callable[[_T_co], object],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: float | None = None,
    ) -> PoolReader[_T_co]:
        """Add a task that calls a function with each item and gives the item itself.

        Parameters
        ----------
        function : callable
            The function of an item.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, on_error, retries, timeout
            See :class:`PoolReader`.

        Returns
        -------
        PoolReader
            The reader of the items.

        Examples
        --------
        >>> Pool(0).source("ab").tap(print).read_all()
        a
        b
        ['a', 'b']
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        return self._operation("tap", function, False, name, limits, _options.failing(on_error, retries, timeout))

    def partition(
        self,
        function: Callable[[_T_co], object],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> tuple[PoolReader[_T_co], PoolReader[_T_co]]:
        """Add a task that divides the items by what a function says of them.

        Reading one of the two readers makes items for the other too, which are kept for it; closing one discards its
        items.

        Parameters
        ----------
        function : callable
            The function of an item.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead
            See :class:`PoolReader`.

        Returns
        -------
        tuple of PoolReader
            The reader of the items for which the function returns something true, and the reader of the others.

        Examples
        --------
        >>> odd, even = Pool(0).source(range(6)).partition(lambda n: n % 2)
        >>> even.read_all(), odd.read_all()
        ([0, 2, 4], [1, 3, 5])
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        return self._division(function, "partition", None, name, limits, _options.NO_POLICY)

    # ---- tasks of another shape

    def batch(self, size: int, *, within: float | None = None, name: str | None = None) -> PoolReader[list[_T_co]]:
        """Add a task that gives lists of items.

        Parameters
        ----------
        size : int
            How many items a list has; the last one may have fewer.
        within : float, optional
            Seconds after which a list that has items is given even if it has fewer. Whoever makes the list waits for
            them meanwhile, working for them.
        name : str, optional
            What errors call the task.

        Returns
        -------
        PoolReader
            The reader of the lists.

        Examples
        --------
        >>> Pool(0).source(range(5)).batch(2).read_all()
        [[0, 1], [2, 3], [4]]

        >>> writer, reader = Pool(0).channel()
        >>> batches = reader.batch(10, within=0.01)
        >>> writer.write_all("ab")
        >>> batches.read(1)
        [['a', 'b']]
        """
        size = _options.integer(size, "size", least=1)
        named = _options.named(name, "batch")
        seconds = _options.seconds(within, "within")
        if seconds is None:
            return PoolReader(_native._batch(self, size, named))
        # What the lists are made of is read by them alone from now on, as with every other task.
        items: PoolReader[_T_co] = PoolReader(_native._take_over(self))
        lists = _lists_within(items, size, seconds)
        return PoolReader(_native._source(self.pool, lists, named, _options.NO_LIMITS))

    def enumerate(self, start: int = 0, *, name: str | None = None) -> PoolReader[tuple[int, _T_co]]:
        """Add a task that numbers the items.

        Examples
        --------
        >>> Pool(0).source("ab").enumerate(1).read_all()
        [(1, 'a'), (2, 'b')]
        """
        start = _options.integer(start, "start", least=-(2**62))
        return PoolReader(_native._enumerate(self, start, _options.named(name, "enumerate")))

    def take(self, count: int, *, name: str | None = None) -> PoolReader[_T_co]:
        """Add a task that gives the first items, and asks for no more than those.

        Examples
        --------
        >>> import itertools
        >>> Pool(0).source(itertools.count()).take(3).read_all()
        [0, 1, 2]
        """
        count = _options.integer(count, "count", least=0)
        return PoolReader(_native._take(self, count, _options.named(name, "take")))

    def take_while(self, function: Callable[[_T_co], object], *, name: str | None = None) -> PoolReader[_T_co]:
        """Add a task that gives items until a function says no, and not the item that it says no to.

        Examples
        --------
        >>> Pool(0).source([1, 2, 9, 1]).take_while(lambda n: n < 5).read_all()
        [1, 2]
        """
        function = _options.function(function, "function")
        named = _options.named(name, _options.name_of(function, "take_while"))
        return PoolReader(_native._take_while(self, function, named))

    def skip(self, count: int, *, name: str | None = None) -> PoolReader[_T_co]:
        """Add a task that leaves out the first items.

        Examples
        --------
        >>> Pool(0).source("abcd").skip(2).read_all()
        ['c', 'd']
        """
        count = _options.integer(count, "count", least=0)
        return PoolReader(_native._skip(self, count, _options.named(name, "skip")))

    @overload
    def zip(self, other: PoolReader[_U], /, *, name: str | None = None) -> PoolReader[tuple[_T_co, _U]]: ...
    @overload
    def zip(
        self, other: PoolReader[_A], another: PoolReader[_B], /, *, name: str | None = None
    ) -> PoolReader[tuple[_T_co, _A, _B]]: ...
    @overload
    def zip(
        self, other: PoolReader[_A], another: PoolReader[_B], third: PoolReader[_C], /, *, name: str | None = None
    ) -> PoolReader[tuple[_T_co, _A, _B, _C]]: ...
    @overload
    def zip(
        self, other: PoolReader[Any], /, *others: PoolReader[Any], name: str | None = None
    ) -> PoolReader[tuple[Any, ...]]: ...
    def zip(self, other: PoolReader[Any], /, *others: PoolReader[Any], name: str | None = None) -> PoolReader[Any]:
        """Add a task that gives tuples of an item of this reader and one of each other, until one of them ends.

        Examples
        --------
        >>> pool = Pool(0)
        >>> pool.source("abc").zip(pool.source([1, 2])).read_all()
        [('a', 1), ('b', 2)]
        """
        named = _options.named(name, "zip")
        result: PoolReader[Any] = PoolReader(_native._zip(self, other, False, named))
        for more in others:
            result = PoolReader(_native._zip(result, more, True, named))
        return result

    def chain(self, *others: PoolReader[_U], name: str | None = None) -> PoolReader[_T_co | _U]:
        """Add a task that gives the items of this reader, then those of the others.

        Examples
        --------
        >>> pool = Pool(0)
        >>> pool.source("ab").chain(pool.source("c")).read_all()
        ['a', 'b', 'c']
        """
        readers = [self, *others]
        return PoolReader(_native._join(self.pool, readers, False, _options.named(name, "chain")))

    def merge(self, *others: PoolReader[_U], name: str | None = None) -> PoolReader[_T_co | _U]:
        """Add a task that gives the items of this reader and the others as they come.

        Examples
        --------
        >>> pool = Pool(0)
        >>> sorted(pool.source("ab").merge(pool.source("c")).read_all())
        ['a', 'b', 'c']
        """
        readers = [self, *others]
        return PoolReader(_native._join(self.pool, readers, True, _options.named(name, "merge")))

    def tee(self, count: int = 2, *, name: str | None = None) -> tuple[PoolReader[_T_co], ...]:
        """Make several readers each of which gets every item.

        What one has read and another has not is kept for the other; one that is closed is waited for no more.

        Examples
        --------
        >>> first, second = Pool(0).source("abc").tee()
        >>> first.read(2), second.read_all(), first.read_all()
        (['a', 'b'], ['a', 'b', 'c'], ['c'])
        """
        count = _options.integer(count, "count", least=1)
        return tuple(PoolReader(added) for added in _native._tee(self, count, _options.named(name, "tee")))

    # ---- reading to the end

    @overload
    def fold(self, function: Callable[[_U, _T_co], _U], start: _U) -> _U: ...
    @overload
    def fold(self, function: Callable[[Any, _T_co], Any], start: Any) -> Any: ...
    def fold(self, function: Callable[[Any, Any], Any], start: Any) -> Any:
        """Read all items and put them together: ``function(function(start, first), second)`` and so on.

        Examples
        --------
        >>> Pool(0).source(range(5)).fold(lambda total, n: total + n, 100)
        110
        """
        function = _options.function(function, "function")
        result = start
        for item in self:
            result = function(result, item)
        return result

    def reduce(self, function: Callable[[_T_co, _T_co], _T_co]) -> _T_co:
        """Read all items and put them together, beginning with the first.

        Raises
        ------
        ValueError
            When there are no items; see :meth:`fold`.

        Examples
        --------
        >>> Pool(0).source([3, 9, 4]).reduce(max)
        9
        """
        function = _options.function(function, "function")
        iterator = iter(self)
        try:
            result = next(iterator)
        except StopIteration:
            raise ValueError("reducing no items; use `fold` with a start, which is then the result") from None
        for item in iterator:
            result = function(result, item)
        return result

    def for_each(self, function: Callable[[_T_co], object]) -> None:
        """Read all items and call a function with each, here and in order.

        Examples
        --------
        >>> Pool(0).source("ab").for_each(print)
        a
        b
        """
        function = _options.function(function, "function")
        for item in self:
            function(item)

    @overload
    def collect(self) -> list[_T_co]: ...
    @overload
    def collect(self, into: Callable[[Iterable[_T_co]], _U]) -> _U: ...
    def collect(self, into: Callable[[Iterable[Any]], Any] = list) -> Any:
        """Read all items into a container, or whatever a function makes of an iterable.

        Examples
        --------
        >>> sorted(Pool(0).source("abca").collect(set))
        ['a', 'b', 'c']
        """
        return self.read_all() if into is list else _options.function(into, "into")(self)

    # ---- the rest

    def __repr__(self) -> str:
        file, line = self._place
        state = ", closed" if self.closed else ", used up by another task" if self._is_moved else ""
        return f"<PoolReader of task {self.name!r}, added at {file}:{line}{state}>"

    def __reduce__(self) -> str:
        raise TypeError(
            f"a reader (of task {self.name!r}) cannot be pickled: its tasks and threads are of this process; "
            "read the items and send those, or make the pool in the other process"
        )


PoolReader.__module__ = "millpond"
