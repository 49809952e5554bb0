"""Readers of tasks: handles, iterators and the way to add the next task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar, overload

from millpond import _native, _options
from millpond._closing import Closing
from millpond._functions import WithFunctions
from millpond._hints import OfReaders, explained
from millpond._options import Seconds
from millpond._shapes import WithShapes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

__all__ = ["PoolReader"]

_T = TypeVar("_T")
_U = TypeVar("_U")
_T_co = TypeVar("_T_co", covariant=True)


async def _read_async(reader: PoolReader[_T], count: int | None, timeout: float | None, partial: bool) -> list[_T]:
    # Only whoever awaits pays for importing asyncio, and has done so.
    from millpond._reading import read

    return await read(reader, count, timeout, partial)


class PoolReader(WithFunctions[_T_co], Closing, OfReaders):
    """The reader of a task's output: reading from it pulls.

    Nothing runs until something is read, and a read runs just the work that it needs: the demand goes up through the
    tasks to the sources, chunks of items come down, in parallel and in order.

    The reader is also what the next task is added to. It is used up by that; for several tasks that read the same
    items, see :meth:`tee`. Several threads may read from one reader: they share the items, each goes to exactly one.

    Closing a reader, or losing it, stops what only it needed, at the next item. Leaving ``async with reader`` closes it
    and waits, without blocking the event loop, until the coroutines that this cancels have ended and its async
    iterators are closed.

    The methods that add a task share these options. Those whose task calls no function of yours, or takes its items
    one after the other, have those of them that can mean something there; `fold`, `reduce`, `for_each` and `collect`
    read, and have none:

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
        What happens to an item that the function raises an :class:`Exception` for: ``"raise"`` stops the task, and a
        read of more items than were made before raises the exception; ``"skip"`` leaves the item out; a function of the
        exception and the item gives what comes out in the item's place, and stops the task by raising. A dictionary of
        exception classes to these decides by class: ``{ValueError: "skip"}``. The first class that the exception is an
        instance of counts, and others stop the task.
    ``retries``
        How often a call that raises is made again before that; a :class:`Retry` says for which exceptions, and how long
        to wait.
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

    def _reader(self, added: _native._Added) -> PoolReader[Any]:
        return PoolReader(added)

    # ---- reading

    if TYPE_CHECKING:

        def read(
            self, count: int | None = None, *, timeout: Seconds | None = None, partial: bool = False
        ) -> list[_T_co]: ...

    else:
        # Small reads are to cost little, so there is nothing around it.
        read = _native.PoolReader.read

    def read_all(self, *, timeout: Seconds | None = None) -> list[_T_co]:
        """Read all items up to the end. See :meth:`read`.

        Examples
        --------
        >>> Pool(0).source("abc").read_all()
        ['a', 'b', 'c']
        """
        return self.read(None, timeout=timeout)

    def try_read(self, count: int | None = None) -> list[_T_co] | None:
        """Take items that are there already, without running or waiting for anything.

        Parameters
        ----------
        count : int, optional
            How many at the most. Any number by default, and none for 0.

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
        return self._try_read(None if count is None else _options.integer(count, "count", least=0))

    async def read_async(
        self, count: int | None = None, *, timeout: Seconds | None = None, partial: bool = False
    ) -> list[_T_co]:
        """Read like :meth:`read`, awaiting; under asyncio or trio.

        The pool's workers do the work, all of them; in a pool of size 0 the event loop's thread does. Coroutine
        functions of tasks run where the read awaits: on that loop of asyncio, or in that run of trio. A read that is
        cancelled has taken nothing, and no call of a coroutine function begins after it until the next read.

        ``async for item in reader`` works ahead as ``for`` does, and so makes as many calls at once.

        Parameters
        ----------
        count : int, optional
            How many items. All by default, and none for 0.
        timeout : float, optional
            Seconds to wait at the most.
        partial : bool, default False
            Whether to give what there is, if anything, where the time is up or a task has failed.

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
        if count is not None:
            count = _options.integer(count, "count", least=0)
        return await _read_async(self, count, _options.seconds(timeout, "timeout"), partial)

    def __aiter__(self) -> AsyncIterator[_T_co]:
        from millpond._reading import Items

        return Items(self)

    if TYPE_CHECKING:
        # The native iterator, with the type of its items.
        def __iter__(self) -> Iterator[_T_co]: ...  # type: ignore[override]
        def __next__(self) -> _T_co: ...

    # ---- reading to the end

    def fold(self, function: Callable[[_U, _T_co], _U], start: _U) -> _U:
        """Read all items and put them together: ``function(function(start, first), second)`` and so on.

        Examples
        --------
        >>> Pool(0).source(range(5)).fold(lambda total, n: total + n, 100)
        110
        """
        function = _options.plain(function, "function", "`fold`", "`map` with it before")
        result = start
        for item in self:
            result = function(result, item)
        return _options.returned(result, "`fold`")

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
        function = _options.plain(function, "function", "`reduce`", "`map` with it before")
        iterator = iter(self)
        try:
            result = next(iterator)
        except StopIteration:
            raise ValueError("reducing no items; use `fold` with a start, which is then the result") from None
        for item in iterator:
            result = function(result, item)
        return _options.returned(result, "`reduce`")

    def for_each(self, function: Callable[[_T_co], object]) -> None:
        """Read all items and call a function with each, here and in order.

        Examples
        --------
        >>> Pool(0).source("ab").for_each(print)
        a
        b
        """
        function = _options.plain(function, "function", "`for_each`", "`map` with it and `for_each` what that gives")
        for item in self:
            result = function(item)
            if result is not None:
                _options.returned(result, "`for_each`")

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
        if into is list:
            return self.read_all()
        into = _options.plain(into, "into", "`collect`", "use `async for`")
        return _options.returned(into(self), "`collect`")

    # ---- the rest

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        runners = self._runners()
        self.close()
        if runners:
            from millpond._reading import here

            host = here("the end of a reader", "with")
            for runner in runners:
                # Others may be read from by way of other readers.
                if runner.is_closed:
                    await runner.ended(host)

    def __repr__(self) -> str:
        file, line = self._place
        state = "closed" if self.closed else "used up by another task" if self._is_moved else self._met
        return f"<PoolReader of task {self.name!r}, added at {file}:{line}{f', {state}' if state else ''}>"

    def __reduce__(self) -> str:
        raise TypeError(
            f"a reader (of task {self.name!r}) cannot be pickled: its tasks and threads are of this process; "
            "read the items and send those, or make the pool in the other process"
        )


PoolReader.__module__ = "millpond"
for _part in (WithFunctions, WithShapes):
    for _name, _method in list(vars(_part).items()):
        if callable(_method):
            # What errors of calls name is the class that people know.
            _method.__qualname__ = f"PoolReader.{_method.__name__}"
            if not _name.startswith("_"):
                setattr(_part, _name, explained(_method, _name))
