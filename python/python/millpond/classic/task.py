"""Tasks: a function, what it reads from, and what became of it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Callable

from millpond._errors import never_an_end
from millpond.classic.channel import IteratorReader, Reader, Writer
from millpond.classic.graph import Node

if TYPE_CHECKING:
    from millpond.classic._flow import Flow
    from millpond.classic.pool import Pool

__all__ = ["ChannelThreadTask", "IteratorTaskBase", "IteratorThreadTask", "Task", "ThreadTaskBase"]


class Task(Node):
    """Items are read, a function is applied to them, the results are written.

    A pool applies the functions of plain tasks on all its workers at once. Where :meth:`process` is overridden it calls
    that, one worker at a time; the same holds where `apply_single` is false, since what comes out of one chunk then
    depends on what else is in it.

    Parameters
    ----------
    id : object
        What it is called.
    fun : callable, optional
        The function, which gets an item; ``None`` passes items through.
    apply_single : bool, default True
        Whether the function gets one item. Otherwise it gets a list of items and returns an iterable of results, as
        many as it likes.
    min_count : int, optional
        At least so many items are worked on at once; what is not asked for yet is kept. The largest of those of the
        tasks that lead to this one holds. Like `max_chunksize` it can be set as an attribute until the first read.
    max_chunksize : int, default 0
        At most so many items are worked on at once; 0 for no limit.
    writer : Writer, optional
        What results are written to before they are read from the pool.
    """

    def __init__(
        self,
        id: Any,
        fun: Callable[[Any], Any] | None,
        apply_single: bool = True,
        min_count: int | None = None,
        max_chunksize: int = 0,
        writer: Writer | None = None,
    ) -> None:
        super().__init__(id)
        self.fun = fun
        self.apply_single = apply_single
        self.min_count = min_count
        self.max_chunksize = max_chunksize
        self._read: Callable[..., list[Any]] | None = None
        self._writer = writer
        self._is_writer_given = writer is not None
        self._is_done = False
        self._is_closed = False
        self._error: BaseException | None = None
        #: What the function raised so far, in a pool.
        self._raised: list[BaseException] = []
        self._flow: weakref.ref[Flow] | None = None

    def process(self, count: int = 0) -> None:
        """Read items, apply the function, write the results. May be overridden; this does not raise, see :meth:`error`.

        Parameters
        ----------
        count : int, default 0
            How many items to read at the most; less than 1 for all.
        """
        if self._is_done or self._read is None:
            return
        try:
            left = count
            while not self._is_done and (left > 0 or count < 1):
                chunk = max(left, 0)
                if self.max_chunksize > 0 and (chunk == 0 or chunk > self.max_chunksize):
                    chunk = self.max_chunksize
                items = self._read(chunk)
                # Fewer than asked for need not be the last ones; none at all are.
                if not items or chunk == 0:
                    self._is_done = True
                if items:
                    self._apply(items)
                left -= max(len(items), 1)
        except BaseException as error:
            self._fail(never_an_end(error, self.id))
            if not isinstance(error, Exception):
                raise
        if self._is_done:
            self._end()

    def _apply(self, items: list[Any]) -> None:
        results = self._results(items)
        if self._writer is not None:
            for result in results:
                self._writer.write(result)

    def _results(self, items: list[Any]) -> Iterator[Any]:
        if self.fun is None:
            return iter(items)
        if self.apply_single:
            # No `map`, which a `StopIteration` of the function would end.
            return (self.fun(item) for item in items)
        return iter(self.fun(items))

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self._is_done = True
        self._end()

    def is_done(self) -> bool:
        """Look whether there is nothing left to do, by a failure too.

        Returns
        -------
        bool
            Whether it has seen the end of its input.
        """
        return self._is_done

    def set_done(self) -> None:
        """Say that there is nothing left to do."""
        self._is_done = True

    def error(self) -> BaseException | None:
        """Look what made it fail.

        Returns
        -------
        BaseException or None
            What its function raised, or that of a task that leads to it.
        """
        return self._error

    def writer(self) -> Writer | None:
        """Look what results are written to.

        Returns
        -------
        Writer or None
            The writer that it was given; in a pool that of the task's output, as long as somebody can read that.
        """
        flow = self._flow() if self._flow is not None else None
        return self._writer if flow is None or flow.is_written_elsewhere() else flow.output

    def set_writer(self, writer: Writer) -> None:
        """Have results written to something else.

        Parameters
        ----------
        writer : Writer
            The writer.
        """
        self._writer = writer
        self._is_writer_given = True

    def close(self) -> None:
        """Let nothing more be written. In a pool, readers of the task get what is there and no more."""
        self._end()
        flow = self._flow() if self._flow is not None else None
        if flow is not None:
            flow.close()

    def _end(self) -> None:
        self._is_closed = True
        if self._writer is not None:
            self._writer.close()

    def is_closed(self) -> bool:
        """Look whether anything may still be written.

        Returns
        -------
        bool
            Whether nothing may.
        """
        return self._is_closed or (self._writer is not None and self._writer.closed())

    def _let_go(self) -> None:
        """Let go of what it reads from: it was removed from its pool."""


class ThreadTaskBase:
    """What tasks for pools with threads have in common: a mark, no more."""


class IteratorTaskBase(Task):
    """A task whose items come from an iterator.

    Parameters
    ----------
    iterator : iterator
        The iterator.
    id, fun, apply_single, min_count, max_chunksize, writer
        See :class:`Task`.

    Raises
    ------
    ValueError
        When it is no iterator.
    """

    def __init__(
        self, iterator: Iterator[Any], id: Any, fun: Callable[[Any], Any] | None, *args: Any, **kw: Any
    ) -> None:
        super().__init__(id, fun, *args, **kw)
        self._read = IteratorReader(iterator).read
        self._iterator = iterator


class IteratorThreadTask(IteratorTaskBase, ThreadTaskBase):
    """A task whose items come from an iterator, for pools with threads.

    Examples
    --------
    >>> from millpond.classic.pool import ThreadPool
    >>> pool = ThreadPool(2)
    >>> pool.add_task(IteratorThreadTask(iter("abc"), "upper", str.upper)).read()
    ['A', 'B', 'C']
    """


def _none() -> None:
    """Give no pool."""


class ChannelThreadTask(Task, ThreadTaskBase):
    """A task whose items come from a reader; one of the same pool makes it follow that reader's task.

    Parameters
    ----------
    in_reader : Reader
        The reader.
    id, fun, apply_single, min_count, max_chunksize, writer
        See :class:`Task`.

    Examples
    --------
    >>> from millpond.classic.pool import ThreadPool
    >>> pool = ThreadPool(2)
    >>> numbers = pool.add_task(IteratorThreadTask(iter(range(3)), "numbers", None))
    >>> pool.add_task(ChannelThreadTask(numbers, "double", lambda number: number * 2)).read()
    [0, 2, 4]
    """

    def __init__(self, in_reader: Reader, id: Any, fun: Callable[[Any], Any] | None, *args: Any, **kw: Any) -> None:
        super().__init__(id, fun, *args, **kw)
        self._in_reader: Reader | None = in_reader
        self._read = in_reader.read
        self._said_pool: Callable[[], Pool | None] = _none

    def reader(self) -> Reader | None:
        """Look what it reads from.

        Returns
        -------
        Reader or None
            The reader; none when it was removed from its pool.
        """
        return self._in_reader

    def set_read(self, read: Callable[..., list[Any]]) -> None:
        """Have items read by another function.

        Parameters
        ----------
        read : callable
            The function, which gets a count and returns a list of items, an empty one at the end.
        """
        self._read = read

    def pool(self) -> Pool | None:
        """Look which pool it was added to, or said to be of.

        Returns
        -------
        Pool or None
            The pool.
        """
        flow = self._flow() if self._flow is not None else None
        return flow.pool if flow is not None else self._said_pool()

    def set_pool(self, pool: Pool) -> None:
        """Note the pool, without holding it. The pool does that itself when the task is added.

        Parameters
        ----------
        pool : Pool
            The pool.
        """
        self._said_pool = weakref.ref(pool)

    def _let_go(self) -> None:
        self._in_reader = None
        self._read = None
