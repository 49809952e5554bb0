"""What the readers of one task in a pool share: its reader in the engine."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import millpond
from millpond._errors import MillpondError, ReadTimeoutError, TaskError, never_an_end
from millpond.classic.channel import Channel, ChannelReader, ChannelWriter, ReadOnly, Writer
from millpond.classic.task import ChannelThreadTask, IteratorTaskBase, Task

if TYPE_CHECKING:
    from millpond.classic.pool import Pool, PoolReader


class OutputWriter(Writer):
    """The writer of a task's output in a pool. It holds neither; what nobody can read is closed.

    Parameters
    ----------
    flow : Flow
        The task's output.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = weakref.ref(flow)

    def write(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        flow = self._flow()
        if flow is None or self.closed():
            raise ReadOnly("writing to the output of a task that was closed")
        flow.write(item)

    def size(self) -> int:
        flow = self._flow()
        return 0 if flow is None else flow.waiting()

    def close(self) -> None:
        flow = self._flow()
        if flow is not None:
            flow.task.close()

    def closed(self) -> bool:
        flow = self._flow()
        return flow is None or flow.is_over()


class Flow:
    """A task's output.

    Whoever reads it holds it, and it holds what it reads from; so a task goes when nobody can read it any more. The
    pool only knows of it. Its part of the engine's graph is made by the first read, so that the task's attributes can
    be set until then.
    """

    def __init__(self, pool: Pool, task: Task) -> None:
        self.pool = pool
        self.task = task
        #: The reader that it reads from, if that is one of the same pool's.
        self.upstream: Flow | None = _upstream(pool, task)
        self._lock = threading.Lock()
        self._reader: millpond.PoolReader[Any] | None = None
        #: What was read to find out whether there is more.
        self._ready: list[Any] = []
        self._is_at_end = False
        self._failure: BaseException | None = None
        self.output = OutputWriter(self)
        task._flow = weakref.ref(self)

    # ---- the task in the engine

    def reader(self) -> millpond.PoolReader[Any]:
        """Give the engine's reader, made now if it is not there."""
        with self._lock:
            if self._reader is None:
                self._reader = self._made()
            return self._reader

    def _made(self) -> millpond.PoolReader[Any]:
        task, name = self.task, str(self.task.id)
        chunk = task.max_chunksize if task.max_chunksize > 0 else None
        least = self._min_count()
        if chunk is not None and least is not None:
            least = min(chunk, least)
        if not _is_plain(task):
            return self.pool._pool.source(_processed(task, least or 1, chunk), name=name)
        if isinstance(task, IteratorTaskBase):
            reader = self.pool._pool.source(task._iterator, name=name, min_count=least, max_chunksize=chunk)
        elif self.upstream is not None and _is_shared(task):
            reader = millpond.PoolReader(self.upstream.reader()._share())
        else:
            reader = self.pool._pool.source(_items(task), name=name, min_count=least, max_chunksize=chunk)
        if task.fun is not None:
            reader = reader.map(_recording(task), name=name, min_count=least, max_chunksize=chunk)
        if task._writer is not None:
            reader = reader.map(_written(task), name=name, concurrency=1)
        return reader

    def _min_count(self) -> int | None:
        """Find the largest `min_count` of the task and of those that lead to it."""
        largest = 0
        flow: Flow | None = self
        while flow is not None:
            largest = max(largest, flow.task.min_count or 0)
            flow = flow.upstream
        return largest or None

    # ---- the writer of the output

    def is_written_elsewhere(self) -> bool:
        """Say whether the task was given a writer of its own."""
        return self.task._is_writer_given

    def write(self, item: Any) -> None:
        """Add an item to the output, behind what is there."""
        writer = self.task._writer
        if writer is not None:
            # What `process` writes to.
            writer.write(item)
        else:
            self.reader()._waiting([item])

    def waiting(self) -> int:
        """Count what a reader would get at once."""
        writer = self.task._writer
        with self._lock:
            count = len(self._ready)
            if self._is_at_end:
                return count
            reader = self._reader
        return count + (writer.size() if writer is not None else 0) + (0 if reader is None else reader._waiting([]))

    def is_over(self) -> bool:
        """Say whether a reader gets no more than what is there."""
        return self._is_at_end or self.task._is_closed

    def close(self) -> None:
        """Have readers get what is there and no more."""
        with self._lock:
            reader = self._reader
            if self._is_at_end:
                return
            if reader is not None:
                self._ready += reader.try_read() or []
            self._is_at_end = True
        if reader is not None:
            reader.close()

    # ---- reading

    def read(self, count: int, block: bool, timeout: float | None) -> list[Any]:
        """Read items as a classic reader does."""
        reader = self.reader()
        items = self._taken(count)
        if self._is_at_end:
            return items or self._end()
        count -= len(items)
        if items and count == 0:
            return items
        count = max(count, 0)
        try:
            if not block:
                self._there(reader, count, items)
            elif timeout is not None:
                self._in_time(reader, count, timeout, items)
            else:
                self._all(reader, count, items)
        except BaseException as error:
            if not self._is_failure(error):
                with self._lock:
                    self._ready[:0] = items
                raise
            self._fail(error)
            if not items:
                return self._end()
        return items

    def _taken(self, count: int) -> list[Any]:
        with self._lock:
            count = count if count > 0 else len(self._ready)
            items, self._ready = self._ready[:count], self._ready[count:]
            return items

    # These add to `items`, which an interrupt does not lose so.

    def _all(self, reader: millpond.PoolReader[Any], count: int, items: list[Any]) -> None:
        more = reader.read(count or None, partial=True)
        items += more
        if count == 0 or len(more) < count:
            self._look(reader)

    def _in_time(self, reader: millpond.PoolReader[Any], count: int, timeout: float, items: list[Any]) -> None:
        left = count
        try:
            while count == 0 or left > 0:
                more = reader.try_read(left or None) or reader.read(1, timeout=timeout)
                items += more
                left -= len(more) if count else 0
                if not more:
                    self._look(reader)
                    break
        except ReadTimeoutError:
            pass

    def _there(self, reader: millpond.PoolReader[Any], count: int, items: list[Any]) -> None:
        more = reader.try_read(count or None)
        if not more:
            # Nothing is there: have a chunk made, so that whoever asks again and again gets somewhere.
            with contextlib.suppress(ReadTimeoutError):
                more = reader.read(1, timeout=0)
                if not more:
                    self._look(reader)
        items += more or []

    def _look(self, reader: millpond.PoolReader[Any]) -> None:
        """Find out why there was not more: the end, or a failure that the next read raises."""
        try:
            more = reader.read(1)
        except BaseException as error:
            if not self._is_failure(error):
                raise
            self._fail(error)
            return
        with self._lock:
            self._ready += more
            self._is_at_end = not more
        if not more:
            self.task.set_done()
            self.task._end()

    def _is_failure(self, error: BaseException) -> bool:
        """Whether an exception is a task's and not the pool's or an interrupt of the reader."""
        if isinstance(error, MillpondError) and not isinstance(error, TaskError):
            return False
        # What is no `Exception` is an interrupt: the item is put back, and the next read goes on.
        return isinstance(error, Exception)

    def _line(self) -> Iterator[Flow]:
        flow: Flow | None = self
        while flow is not None:
            yield flow
            flow = flow.upstream

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._is_at_end = True
            self._failure = error
        for flow in self._line():
            # It and what it feeds, up to this task; where no function raised it, the source did.
            flow.task._fail(error)
            if error in flow.task._raised:
                break

    def _end(self) -> list[Any]:
        with self._lock:
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return []

    # ---- going

    def remove(self) -> None:
        """Stop what only this needs; what has been made can still be read."""
        with self._lock:
            reader = self._reader
            if reader is not None and not self._is_at_end:
                self._ready += reader.try_read() or []
            self._is_at_end = True
            self.upstream = None
        if reader is not None:
            reader.close()
        self.task.set_done()
        self.task._let_go()


def _upstream(pool: Pool, task: Task) -> Flow | None:
    if isinstance(task, ChannelThreadTask):
        reader: Any = task.reader()
        flow = getattr(reader, "_flow", None)
        if isinstance(flow, Flow) and flow.pool is pool:
            return flow
    return None


def _is_plain(task: Task) -> bool:
    """Whether a pool may apply the function itself."""
    return task.apply_single and type(task).process is Task.process and "process" not in vars(task)


def _is_shared(task: Task) -> bool:
    """Whether a task reads from a reader of the pool as it is, without callbacks."""
    reader: PoolReader = task.reader()  # type: ignore[attr-defined]
    return (
        getattr(task._read, "__self__", None) is reader
        and reader._pre_cb is None
        and reader._post_cb is None
        and not reader._unread
    )


def _recording(task: Task) -> Any:
    """Make a task's function remember what it raises."""
    fun: Any = task.fun

    def call(item: Any) -> Any:
        try:
            return fun(item)
        except Exception as error:
            raised = never_an_end(error, task.id)
            task._raised.append(raised)
            raise raised from raised.__cause__

    return call


def _written(task: Task) -> Any:
    """Make a function that has an item go through the writer that a task was given."""
    writer: Any = task._writer

    def write(item: Any) -> Any:
        writer.write(item)
        if isinstance(writer, ChannelWriter):
            return writer.channel.queue.get(False)
        return item

    return write


def _items(task: Task) -> Iterator[Any]:
    """Give what a task reads, one by one, so that nothing is read that nobody asks for."""
    while task._read is not None:
        items = task._read(1)
        if not items:
            return
        yield from items


def _processed(task: Task, least: int, most: int | None) -> Iterator[Any]:
    """Give what a task's own `process` writes."""
    if not isinstance(task._writer, ChannelWriter):
        # One that goes elsewhere has nothing to read back from.
        task._writer = ChannelWriter(Channel())
        task._is_writer_given = False
    reader = ChannelReader(task._writer.channel)
    while True:
        items = reader.read(0, block=False)
        yield from items
        if items:
            continue
        if task.is_done():
            break
        task.process(least if most is None else min(least, most))
    error = task.error()
    if error is not None:
        task._raised.append(error)
        raise error
