"""Channels, their writers and readers, and callbacks on them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, Callable, Optional

from millpond.classic.util import AsyncQueue, ReadOnly, SyncQueue

__all__ = [
    "CallbackChannelReader",
    "CallbackChannelWriter",
    "CallbackReaderMixin",
    "CallbackWriterMixin",
    "Channel",
    "ChannelReader",
    "ChannelWriter",
    "IteratorReader",
    "ReadOnly",
    "Reader",
    "SerialChannel",
    "Writer",
    "mkchannel",
]

_BeforeRead = Optional[Callable[[int], object]]
_AfterRead = Optional[Callable[[list[Any]], list[Any]]]
_BeforeWrite = Optional[Callable[[Any], Any]]


class Channel:
    """What writers and readers share: a queue that can be closed."""

    def __init__(self) -> None:
        self.queue: AsyncQueue | SyncQueue = AsyncQueue()


class SerialChannel(Channel):
    """A channel for one thread, without locks."""

    def __init__(self) -> None:
        self.queue = SyncQueue()


class Writer:
    """Something that items can be written to."""

    def write(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Write an item.

        Parameters
        ----------
        item : object
            The item.
        block : bool, default True
            Whether to wait for room.
        timeout : float, optional
            For how many seconds at most.

        Raises
        ------
        ReadOnly
            When the device was closed.
        """
        raise NotImplementedError

    def size(self) -> int:
        """Count the items that were written and not read yet.

        Returns
        -------
        int
            Their number at this moment.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let nothing more be written. Doing it twice is fine."""
        raise NotImplementedError

    def closed(self) -> bool:
        """Look whether it was closed.

        Returns
        -------
        bool
            Whether nothing can be written any more.
        """
        raise NotImplementedError


class ChannelWriter(Writer):
    """The end of a channel that is written to.

    Parameters
    ----------
    channel : Channel
        The channel, which is the attribute `channel` too.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def write(self, item: Any, block: bool = False, timeout: float | None = None) -> None:  # noqa: D102
        self.channel.queue.put(item, block, timeout)

    def size(self) -> int:  # noqa: D102
        return self.channel.queue.qsize()

    def close(self) -> None:  # noqa: D102
        self.channel.queue.set_writable(False)

    def closed(self) -> bool:  # noqa: D102
        return not self.channel.queue.writable()


class CallbackWriterMixin(Writer):
    """A function that items go through before they are written."""

    _pre_cb: _BeforeWrite

    def set_pre_cb(self, fun: _BeforeWrite = None) -> _BeforeWrite:
        """Install a function that gets an item before it is written, and returns what is written.

        Parameters
        ----------
        fun : callable, optional
            The function; ``None`` for none.

        Returns
        -------
        callable or None
            The one before.
        """
        before, self._pre_cb = self._pre_cb, fun
        return before

    def write(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: D102
        if self._pre_cb is not None:
            item = self._pre_cb(item)
        super().write(item, block, timeout)


class CallbackChannelWriter(CallbackWriterMixin, ChannelWriter):
    """The end of a channel that is written to, with a callback."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._pre_cb = None


class Reader:
    """Something that items can be read from; iterating reads one after the other."""

    def read(self, count: int = 0, block: bool = True, timeout: float | None = None) -> list[Any]:
        """Read items.

        Parameters
        ----------
        count : int, default 0
            How many; fewer come only at the end. Less than 1 for all up to the end.
        block : bool, default True
            Whether to wait for them; else what is there is returned.
        timeout : float, optional
            For how many seconds to wait for each of them; what has been read by then is returned.

        Returns
        -------
        list
            The items.
        """
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            items = self.read(1)
        except StopIteration as error:
            # A callback's or an overridden read's: only the end is the end.
            raise RuntimeError("reading an item raised StopIteration") from error
        if not items:
            raise StopIteration
        return items[0]

    def next(self) -> Any:
        """Read one item.

        Returns
        -------
        object
            The item.

        Raises
        ------
        StopIteration
            At the end.
        """
        return self.__next__()


class ChannelReader(Reader):
    """The end of a channel that is read from. What is in a closed channel can still be read.

    Parameters
    ----------
    channel : Channel
        The channel, which is the attribute `channel` too.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def read(self, count: int = 0, block: bool = True, timeout: float | None = None) -> list[Any]:  # noqa: D102
        items: list[Any] = []
        get = self.channel.queue.get
        try:
            while count < 1 or len(items) < count:
                items.append(get(block, timeout))
        except queue.Empty:
            pass
        return items


class CallbackReaderMixin(Reader):
    """Functions that are called before and after a read."""

    _pre_cb: _BeforeRead
    _post_cb: _AfterRead
    #: Items that a read had taken when its callback failed.
    _unread: list[Any]
    _unread_lock: threading.Lock

    def _init_callbacks(self) -> None:
        self._pre_cb = None
        self._post_cb = None
        self._unread = []
        self._unread_lock = threading.Lock()

    def set_pre_cb(self, fun: _BeforeRead = None) -> _BeforeRead:
        """Install a function that gets the count before items are read. One that raises has nothing read.

        Parameters
        ----------
        fun : callable, optional
            The function; ``None`` for none.

        Returns
        -------
        callable or None
            The one before.
        """
        before, self._pre_cb = self._pre_cb, fun
        return before

    def set_post_cb(self, fun: _AfterRead = None) -> _AfterRead:
        """Install a function that gets the items that were read, and returns those that the read returns.

        Where it raises, the items come with the next read.

        Parameters
        ----------
        fun : callable, optional
            The function; ``None`` for none.

        Returns
        -------
        callable or None
            The one before.
        """
        before, self._post_cb = self._post_cb, fun
        return before

    def _read(self, count: int, block: bool, timeout: float | None) -> list[Any]:
        return super().read(count, block, timeout)

    def read(self, count: int = 0, block: bool = True, timeout: float | None = None) -> list[Any]:  # noqa: D102
        if self._pre_cb is not None:
            self._pre_cb(count)
        items = self._taken(count)
        if count < 1:
            items += self._read(count, block, timeout)
        elif len(items) < count:
            items += self._read(count - len(items), block, timeout)
        if self._post_cb is None:
            return items
        given = list(items)
        try:
            return self._post_cb(items)
        except BaseException:
            with self._unread_lock:
                self._unread[:0] = given
            raise

    def _taken(self, count: int) -> list[Any]:
        with self._unread_lock:
            count = count if count > 0 else len(self._unread)
            items, self._unread = self._unread[:count], self._unread[count:]
            return items


class CallbackChannelReader(CallbackReaderMixin, ChannelReader):
    """The end of a channel that is read from, with callbacks."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._init_callbacks()


class IteratorReader(Reader):
    """The items of an iterator. Several threads may read them; nobody waits for anything but the iterator.

    Parameters
    ----------
    iterator : iterator
        The iterator. What it raises comes out of the read after those that return what it gave before.

    Raises
    ------
    ValueError
        When it is no iterator.

    Examples
    --------
    >>> reader = IteratorReader(iter("abc"))
    >>> reader.read(2), reader.read()
    (['a', 'b'], ['c'])
    """

    def __init__(self, iterator: Iterator[Any]) -> None:
        if not hasattr(iterator, "__next__"):
            raise ValueError(f"reading from `{iterator!r}`, which is not an iterator: use `iter` on it")
        self._iterator = iterator
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._is_at_end = False

    def read(self, count: int = 0, block: bool = True, timeout: float | None = None) -> list[Any]:  # noqa: D102
        items: list[Any] = []
        with self._lock:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            while not self._is_at_end and (count < 1 or len(items) < count):
                try:
                    items.append(next(self._iterator))
                except StopIteration:
                    self._is_at_end = True
                except BaseException as error:
                    self._is_at_end = True
                    if not items:
                        raise
                    self._error = error
        return items


def mkchannel(
    ctype: type[Channel] = Channel,
    wtype: type[Any] = ChannelWriter,
    rtype: type[Any] = ChannelReader,
) -> tuple[Any, Any]:
    """Make a channel.

    Parameters
    ----------
    ctype, wtype, rtype : type
        The types of the channel and of its two ends.

    Returns
    -------
    tuple
        The writer and the reader.

    Examples
    --------
    >>> writer, reader = mkchannel()
    >>> writer.write("item")
    >>> writer.close()
    >>> reader.read()
    ['item']
    """
    channel = ctype()
    return wtype(channel), rtype(channel)
