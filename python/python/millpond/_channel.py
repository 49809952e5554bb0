"""Channels that other threads write to."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from types import GenericAlias
from typing import TYPE_CHECKING, Generic, TypeVar

from millpond import _native, _options
from millpond._closing import Closing
from millpond._hints import OfWriters
from millpond._options import Seconds

__all__ = ["ChannelWriter"]

_T_contra = TypeVar("_T_contra", contravariant=True)


class ChannelWriter(_native.ChannelWriter, Closing, OfWriters, Generic[_T_contra]):
    """The writing end of a channel, made by :meth:`Pool.channel`.

    Any thread may write, and several at once. Closing the writer, leaving it as a context manager, or losing it ends
    what its reader gets, after what is in the channel.

    Examples
    --------
    >>> import threading
    >>> from millpond import Pool
    >>> writer, reader = Pool(2).channel()
    >>> def feed():
    ...     with writer:
    ...         for word in ["mill", "pond"]:
    ...             writer.write(word)
    >>> threading.Thread(target=feed).start()
    >>> reader.map(str.upper).read_all()
    ['MILL', 'POND']
    """

    __slots__ = ()

    if not TYPE_CHECKING:
        __class_getitem__ = classmethod(GenericAlias)

    def write(self, item: _T_contra, *, timeout: Seconds | None = None) -> None:
        """Write an item, waiting for room where the channel is full.

        Parameters
        ----------
        item : object
            The item.
        timeout : float, optional
            Seconds to wait at the most.

        Raises
        ------
        ChannelClosedError
            When the channel was closed, or nobody can read from it any more.
        ReadTimeoutError
            When the time is up; nothing has been written.
        """
        self._write(item, _options.seconds(timeout, "timeout"))

    def write_all(self, items: Iterable[_T_contra]) -> None:
        """Write the items of an iterable, one after the other."""
        for item in _options.iterable(items, "items"):
            self._write(item)

    async def write_async(self, item: _T_contra, *, timeout: Seconds | None = None) -> None:
        """Write an item like :meth:`write`, awaiting room where the channel is full; under asyncio or trio.

        A write that is cancelled has written nothing.

        Parameters
        ----------
        item : object
            The item.
        timeout : float, optional
            Seconds to wait at the most.

        Raises
        ------
        ChannelClosedError
            When the channel was closed, or nobody can read from it any more.
        ReadTimeoutError
            When the time is up; nothing has been written.

        Examples
        --------
        >>> import asyncio
        >>> from millpond import Pool
        >>> async def main():
        ...     writer, reader = Pool(2).channel(1)
        ...     async def feed():
        ...         with writer:
        ...             await writer.write_async("mill")
        ...             await writer.write_async("pond")
        ...     return (await asyncio.gather(reader.read_async(), feed()))[0]
        >>> asyncio.run(main())
        ['mill', 'pond']
        """
        # Only whoever awaits pays for importing asyncio, and has done so.
        from millpond._writing import write

        await write(self, item, _options.seconds(timeout, "timeout"))

    async def write_all_async(self, items: Iterable[_T_contra] | AsyncIterable[_T_contra]) -> None:
        """Write the items of an iterable or an async iterable, one after the other, awaiting room for each."""
        from millpond._writing import write_all

        await write_all(self, items)

    def try_write(self, item: _T_contra) -> None:
        """Write an item without waiting.

        Raises
        ------
        ChannelFullError
            When there is no room.
        ChannelClosedError
            When the channel was closed, or nobody can read from it any more.
        """
        self._try_write(item)

    def __bool__(self) -> bool:
        # It has a length, but that is not whether it is there.
        return True

    def __repr__(self) -> str:
        room = "unbounded" if self.capacity is None else f"room for {self.capacity}"
        return f"<ChannelWriter, {room}, {len(self)} waiting{', closed' if self.closed else ''}>"

    def __reduce__(self) -> str:
        raise TypeError("a channel cannot be pickled: it is of this process; use a queue of `multiprocessing`")


ChannelWriter.__module__ = "millpond"
