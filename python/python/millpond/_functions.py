"""Tasks that call a function with each item: the part of a reader's class that adds them."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from millpond import _native, _options
from millpond._options import OnError, OnErrorOrReject, Rejected, Retry, Seconds
from millpond._shapes import WithShapes

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import TypeVarTuple, Unpack

    from millpond._reader import PoolReader

    _Ts = TypeVarTuple("_Ts")

__all__ = ["WithFunctions"]

_U = TypeVar("_U")
_T_co = TypeVar("_T_co", covariant=True)


def _itself(item: _U) -> _U:
    return item


def _is_accepted(result: object) -> bool:
    return type(result) is not Rejected


def _rejecting(handler: Callable[[Exception, Any], Any] | None) -> Callable[[Exception, Any], Any]:
    """Have what a handler raises, or the coroutine function's own exception without one, reject the item."""

    async def handle(error: Exception, item: Any) -> Any:
        if handler is not None:
            try:
                result = handler(error, item)
                return await result if _options.is_awaitable(result) else result
            except Exception as raised:
                error = raised
        return Rejected(item, error)

    return handle


def _rejecting_all(chosen: _options.Chosen) -> _options.Chosen:
    """Have what a choice raises reject the item."""
    if isinstance(chosen, str):
        return chosen
    if isinstance(chosen, tuple):
        choices = tuple((kind, _rejecting_all(choice)) for kind, choice in chosen)
        return (*choices, (Exception, _rejecting(None)))
    return _rejecting(chosen)


class WithFunctions(WithShapes[_T_co]):
    """What a reader does with functions of one item. Each of its methods is a reader's."""

    __slots__ = ()

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
        _options.plain_handler(failing)
        if kind != "tap":
            function = self._bound(function)
        return self._reader(_native._operation(self, kind, function, starred, named, limits, failing))

    def _bound(self, function: Callable[..., Any], *, lists: bool = False) -> Callable[..., Any]:
        """Have the pool's executor call a function, if it has one."""
        # Whatever the pool is, it is this package's own.
        elsewhere = self.pool._elsewhere
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
        from millpond._runner import Runner

        concurrency, ordered, min_count, max_chunksize, read_ahead = limits
        if concurrency is None:
            concurrency = _options.CALLS_UNDER_WAY
        # Whatever the pool is, it is this package's own.
        own = self.pool._own_loop()
        runner = Runner(own, function, concurrency, failing, named, kind, starred)
        keeps_length = kind in ("map", "tap") and failing[0] is None
        limits = (None, True, min_count, max_chunksize, read_ahead)
        added = _native._awaiting(self, runner.window, runner, concurrency, ordered, keeps_length, named, limits)
        return self._reader(added)

    def _expansion(
        self, function: Callable[..., Any], named: _options.Named, limits: _options.Limits, failing: _options.Failing
    ) -> PoolReader[Any]:
        # Only what turns out to be an async iterable needs the pool.
        pool = weakref.ref(self.pool)
        return self._reader(_native._expansion(self, function, pool, named, limits, failing))

    def _expanding(
        self, function: Callable[..., Any], named: _options.Named, limits: _options.Limits, failing: _options.Failing
    ) -> PoolReader[Any]:
        """Add a task whose function gives async iterables, or is to be awaited."""
        pool = self.pool
        if _options.is_async_generator_function(function) and failing == _options.NO_POLICY:
            opened = _native._operation(self, "map", function, False, named, _options.NO_LIMITS, failing)
            return pool._pulling(self._reader(opened), None, named, (None, True, *limits[2:]))
        if failing != _options.NO_POLICY:
            from millpond._pulling import collected

            function = collected(function)
        results = self._awaiting("map", function, False, named, limits, failing)
        return pool._pulling(results, None, named, _options.NO_LIMITS)

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
        timeout: Seconds | None = None,
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
        timeout: Seconds | None = None,
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
        timeout: Seconds | None = None,
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
        self: WithFunctions[tuple[Unpack[_Ts]]],
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
        timeout: Seconds | None = None,
    ) -> PoolReader[_U]: ...
    @overload
    def starmap(
        self: WithFunctions[tuple[Unpack[_Ts]]],
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
        timeout: Seconds | None = None,
    ) -> PoolReader[_U]: ...
    def starmap(
        self: WithFunctions[tuple[Unpack[_Ts]]],
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
        timeout: Seconds | None = None,
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
        on_error: OnErrorOrReject = "reject",
        retries: int | Retry = 0,
        timeout: Seconds | None = None,
        capacity: int | None = None,
        patience: Seconds | None = None,
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
        on_error: OnErrorOrReject = "reject",
        retries: int | Retry = 0,
        timeout: Seconds | None = None,
        capacity: int | None = None,
        patience: Seconds | None = None,
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
        on_error: OnErrorOrReject = "reject",
        retries: int | Retry = 0,
        timeout: Seconds | None = None,
        capacity: int | None = None,
        patience: Seconds | None = None,
    ) -> tuple[PoolReader[Any], PoolReader[Rejected]]:
        """Add a task that calls a function with each item, and keep apart the items that it fails on.

        Reading one of the two readers makes items for the other too, which are kept for it; closing one discards its
        items.

        Parameters
        ----------
        function : callable
            The function of an item.
        on_error : {"reject", "raise", "skip"}, callable or dict of exception classes, default "reject"
            What happens to an item that the function raises an exception for: ``"reject"`` gives it to the second
            reader; a function of the exception and the item gives what takes the result's place, and rejects the item
            by raising; the others are as everywhere. Where a dictionary says nothing of it the item is rejected.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, retries, timeout
            See :class:`PoolReader`.
        capacity : int, optional
            How many items each reader keeps at most that are not read. While one is full, reads of the other wait. See
            :meth:`tee`.
        patience : float, optional
            See :meth:`tee`.

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
        kept = _options.capacity(capacity, patience)
        is_rejecting = on_error != "raise"
        words = ("reject", "skip") if isinstance(on_error, Mapping) else ("reject", "raise", "skip")
        failing = _options.failing(on_error, retries, timeout, words=words)
        function = _options.function(function, "function")
        named = _options.named(name, _options.name_of(function, "try_map"))
        if _options.is_coroutine_function(function):
            if is_rejecting:
                failing = (_rejecting_all(failing[0]), *failing[1:])
            results = self._awaiting("map", function, False, named, limits, failing)
            return results._divided(_is_accepted, False, None, named, _options.NO_LIMITS, _options.NO_POLICY, kept)
        rejected = Rejected if is_rejecting else None
        return self._divided(self._bound(function), True, rejected, named, limits, failing, kept)

    def _divided(
        self,
        function: Callable[..., Any],
        by_success: bool,
        rejected: Callable[..., Any] | None,
        named: _options.Named,
        limits: _options.Limits,
        failing: _options.Failing,
        kept: tuple[int, float | None] | None,
    ) -> tuple[PoolReader[Any], PoolReader[Any]]:
        _options.plain_handler(failing)
        yes, no = _native._division(self, function, by_success, rejected, named, limits, failing, kept)
        return self._reader(yes), self._reader(no)

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
        timeout: Seconds | None = None,
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
        timeout: Seconds | None = None,
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
        timeout: Seconds | None = None,
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
        timeout: Seconds | None = None,
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
        function: Callable[[_T_co], Awaitable[Iterable[_U] | AsyncIterable[_U]]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: Seconds | None = None,
    ) -> PoolReader[_U]: ...
    @overload
    def flat_map(
        self,
        function: Callable[[_T_co], Iterable[_U] | AsyncIterable[_U]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: Seconds | None = None,
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
        timeout: Seconds | None = None,
    ) -> PoolReader[Any]:
        """Add a task that calls a function with each item and gives the items of each result.

        What the function returns is iterated over as far as its items are wanted; with `on_error`, `retries` or
        `timeout`, to its end within the call. A read of some items calls the function for one item after the other,
        since nobody knows how many each gives; iterating and reading all call it for several at once.

        Async iterables are such results too. The function is best an async generator function, or a coroutine function
        that returns one: then they are iterated over where the read awaits, one after the other, else on the pool's
        own event loop. Those that a plain function returns are iterated over on the pool's own loop, and the worker
        waits for each item.

        Parameters
        ----------
        function : callable
            The function of an item, which returns an iterable or an async iterable.
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
        if _options.is_coroutine_function(function) or _options.is_async_generator_function(function):
            return self._expanding(function, named, limits, failing)
        _options.plain_handler(failing)
        return self._expansion(self._bound(function, lists=True), named, limits, failing)

    def flatten(
        self: WithFunctions[Iterable[_U] | AsyncIterable[_U]],
        *,
        name: str | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        timeout: Seconds | None = None,
    ) -> PoolReader[_U]:
        """Add a task that gives the items of the items.

        Each item is iterated over, which is what may fail and take time. It is so once, since an iterator has no more
        to give the second time; hence there are no retries. Items may be async iterables: a worker waits for what they
        give, on the pool's own event loop; see :meth:`flat_map` for a way without.

        Examples
        --------
        >>> Pool(0).source(["ab", "", "c"]).flatten().read_all()
        ['a', 'b', 'c']
        """
        limits = _options.limits(concurrency, ordered, min_count, max_chunksize, read_ahead)
        failing = _options.plain_handler(_options.failing(on_error, 0, timeout))
        named = _options.named(name, "flatten")
        return self._expansion(_itself, named, limits, failing)

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
        timeout: Seconds | None = None,
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
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: Seconds | None = None,
        capacity: int | None = None,
        patience: Seconds | None = None,
    ) -> tuple[PoolReader[_T_co], PoolReader[_T_co]]:
        """Add a task that divides the items by what a function says of them.

        Reading one of the two readers makes items for the other too, which are kept for it; closing one discards its
        items.

        Parameters
        ----------
        function : callable
            The function of an item.
        name, concurrency, ordered, min_count, max_chunksize, read_ahead, on_error, retries, timeout
            See :class:`PoolReader`. What a handler of `on_error` returns is the answer in the function's place.
        capacity : int, optional
            How many items each reader keeps at most that are not read. While one is full, reads of the other wait. See
            :meth:`tee`.
        patience : float, optional
            See :meth:`tee`.

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
        failing = _options.failing(on_error, retries, timeout)
        function = _options.plain(
            function, "function", "`partition`", "`map` to pairs of the item and the answer before"
        )
        named = _options.named(name, _options.name_of(function, "partition"))
        kept = _options.capacity(capacity, patience)
        return self._divided(function, False, None, named, limits, failing, kept)
