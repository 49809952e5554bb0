"""Tasks that number, group, cut and join items: the part of a reader's class that adds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from millpond import _native, _options
from millpond._errors import ReadTimeoutError
from millpond._options import OnError, Retry, Seconds

if TYPE_CHECKING:
    from millpond._reader import PoolReader

__all__ = ["WithShapes"]

_T = TypeVar("_T")
_U = TypeVar("_U")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_T_co = TypeVar("_T_co", covariant=True)


def _lists_within(items: PoolReader[_T], size: int, seconds: float) -> Iterator[list[_T]]:
    with items:
        while True:
            batch = items.read(1)
            if not batch:
                return
            try:
                batch += items.read(size - 1, timeout=seconds, partial=True)
            except ReadTimeoutError:
                pass
            except Exception:
                # What was made before a failure comes first.
                yield batch
                raise
            yield batch


class WithShapes(_native.PoolReader, Generic[_T_co]):
    """What a reader does with its items as they are. Each of its methods is a reader's.

    These tasks take their items one after the other, so of the options they have those that say how many at once.
    """

    __slots__ = ()

    def _reader(self, added: _native._Added) -> PoolReader[Any]:
        """Make the reader of a task that was added."""
        raise NotImplementedError

    def batch(
        self,
        size: int,
        *,
        within: float | None = None,
        name: str | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[list[_T_co]]:
        """Add a task that gives lists of items.

        Parameters
        ----------
        size : int
            How many items a list has; the last one may have fewer.
        within : float, optional
            Seconds after which a list that has items is given even if it has fewer. Whoever makes the list waits for
            them meanwhile, working for them.
        name, max_chunksize, read_ahead
            See :class:`PoolReader`.

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
        limits = _options.limits(None, True, None, max_chunksize, read_ahead)
        seconds = _options.seconds(within, "within")
        if seconds is None:
            return self._reader(_native._batch(self, size, named, limits))
        # What the lists are made of is read by them alone from now on, as with every other task.
        items: PoolReader[_T_co] = self._reader(_native._take_over(self))
        lists = _lists_within(items, size, seconds)
        return self._reader(_native._source(self.pool, lists, named, limits))

    def enumerate(
        self,
        start: int = 0,
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[tuple[int, _T_co]]:
        """Add a task that numbers the items.

        Examples
        --------
        >>> Pool(0).source("ab").enumerate(1).read_all()
        [(1, 'a'), (2, 'b')]
        """
        start = _options.integer(start, "start", least=-(2**126), most=2**126)
        limits = _options.limits(None, True, min_count, max_chunksize, read_ahead)
        return self._reader(_native._enumerate(self, start, _options.named(name, "enumerate"), limits))

    def take(
        self,
        count: int,
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[_T_co]:
        """Add a task that gives the first items, and asks for no more than those.

        Examples
        --------
        >>> import itertools
        >>> Pool(0).source(itertools.count()).take(3).read_all()
        [0, 1, 2]
        """
        count = _options.integer(count, "count", least=0)
        limits = _options.limits(None, True, min_count, max_chunksize, read_ahead)
        return self._reader(_native._take(self, count, _options.named(name, "take"), limits))

    def take_while(
        self,
        function: Callable[[_T_co], object],
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        on_error: OnError = "raise",
        retries: int | Retry = 0,
        timeout: Seconds | None = None,
    ) -> PoolReader[_T_co]:
        """Add a task that gives items until a function says no, and not the item that it says no to.

        What a handler of `on_error` returns is the answer in the function's place.

        Examples
        --------
        >>> Pool(0).source([1, 2, 9, 1]).take_while(lambda n: n < 5).read_all()
        [1, 2]
        """
        function = _options.plain(
            function, "function", "`take_while`", "`map` to pairs of the item and the answer before"
        )
        named = _options.named(name, _options.name_of(function, "take_while"))
        limits = _options.limits(None, True, min_count, max_chunksize, read_ahead)
        failing = _options.plain_handler(_options.failing(on_error, retries, timeout))
        return self._reader(_native._take_while(self, function, named, limits, failing))

    def skip(
        self,
        count: int,
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[_T_co]:
        """Add a task that leaves out the first items.

        Examples
        --------
        >>> Pool(0).source("abcd").skip(2).read_all()
        ['c', 'd']
        """
        count = _options.integer(count, "count", least=0)
        limits = _options.limits(None, True, min_count, max_chunksize, read_ahead)
        return self._reader(_native._skip(self, count, _options.named(name, "skip"), limits))

    @overload
    def zip(
        self,
        other: PoolReader[_U],
        /,
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[tuple[_T_co, _U]]: ...
    @overload
    def zip(
        self,
        other: PoolReader[_A],
        another: PoolReader[_B],
        /,
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[tuple[_T_co, _A, _B]]: ...
    @overload
    def zip(
        self,
        other: PoolReader[_A],
        another: PoolReader[_B],
        third: PoolReader[_C],
        /,
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[tuple[_T_co, _A, _B, _C]]: ...
    @overload
    def zip(
        self,
        other: PoolReader[Any],
        /,
        *others: PoolReader[Any],
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[tuple[Any, ...]]: ...
    def zip(
        self,
        other: PoolReader[Any],
        /,
        *others: PoolReader[Any],
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[Any]:
        """Add a task that gives tuples of an item of this reader and one of each other, until one of them ends.

        Examples
        --------
        >>> pool = Pool(0)
        >>> pool.source("abc").zip(pool.source([1, 2])).read_all()
        [('a', 1), ('b', 2)]
        """
        named = _options.named(name, "zip")
        limits = _options.limits(None, True, min_count, max_chunksize, read_ahead)
        result: _native.PoolReader = self
        for number, more in enumerate((other, *others)):
            # Pairs first, which then grow; the last of these tasks is the one that is read from.
            is_last = number == len(others)
            added = _native._zip(result, more, number > 0, named, limits if is_last else _options.NO_LIMITS)
            result = self._reader(added)
        return result  # type: ignore[return-value]

    def chain(
        self,
        *others: PoolReader[_U],
        name: str | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[_T_co | _U]:
        """Add a task that gives the items of this reader, then those of the others.

        Examples
        --------
        >>> pool = Pool(0)
        >>> pool.source("ab").chain(pool.source("c")).read_all()
        ['a', 'b', 'c']
        """
        readers: list[Any] = [self, *others]
        return self.pool.chain(*readers, name=name, max_chunksize=max_chunksize, read_ahead=read_ahead)

    def merge(
        self,
        *others: PoolReader[_U],
        name: str | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[_T_co | _U]:
        """Add a task that gives the items of this reader and the others as they come.

        Examples
        --------
        >>> pool = Pool(0)
        >>> sorted(pool.source("ab").merge(pool.source("c")).read_all())
        ['a', 'b', 'c']
        """
        readers: list[Any] = [self, *others]
        return self.pool.merge(*readers, name=name, max_chunksize=max_chunksize, read_ahead=read_ahead)

    def tee(
        self,
        count: int = 2,
        *,
        name: str | None = None,
        capacity: int | None = None,
        patience: Seconds | None = None,
    ) -> tuple[PoolReader[_T_co], ...]:
        """Make several readers each of which gets every item.

        What one has read and another has not is kept for the other; one that is closed is waited for no more. How
        items are made is up to the task that they come from, and its options.

        Parameters
        ----------
        count : int, default 2
            How many readers.
        name : str, optional
            What errors and drawings call the task.
        capacity : int, optional
            How many items each reader keeps at most, beyond what a read of it asks for; all of them by default. While
            one is full, reads of the others wait until it is read from or closed.
        patience : float, default 10
            After how many seconds in which nobody reads from the full one such a read raises
            :class:`BranchFullError`. Nothing is lost: once the full one is read from or closed, the same read goes on.
            The seconds begin anew with each item that somebody gets, and are not counted while a task that reads from
            the full one is at work. In a pool of size 0 the read raises at once, as nobody can read while it waits,
            unless it awaits. ``math.inf`` waits for ever.

        Examples
        --------
        >>> first, second = Pool(0).source("abc").tee()
        >>> first.read(2), second.read_all(), first.read_all()
        (['a', 'b'], ['a', 'b', 'c'], ['c'])
        """
        count = _options.integer(count, "count", least=1)
        kept = _options.capacity(capacity, patience)
        named = _options.named(name, "tee")
        return tuple(self._reader(added) for added in _native._tee(self, count, named, kept))
