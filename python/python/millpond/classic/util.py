"""Queues, locks and a condition variable, under the names that they had."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any

from millpond import _options

__all__ = ["AsyncQueue", "DummyLock", "HSCondition", "ReadOnly", "SyncQueue", "cpu_count"]


class ReadOnly(Exception):
    """Raised on writing into a queue that was closed."""


def cpu_count() -> int:
    """Say how many processors the machine has.

    Returns
    -------
    int
        At least 1.
    """
    return os.cpu_count() or 1


class DummyLock:
    """Something like a lock that locks nothing, for what one thread uses."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Return that it was acquired."""
        return True

    def release(self) -> None:
        """Do nothing."""

    def __enter__(self) -> bool:
        return True

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class HSCondition(threading.Condition):
    """A condition variable.

    It was a quicker one once; now it is the standard library's, which never polls and loses no notification.

    Parameters
    ----------
    lock : lock, optional
        The lock that goes with it.
    """

    def __init__(self, lock: Any = None) -> None:
        super().__init__(lock if lock is not None else threading.Lock())


class _Queue:
    """A queue that can be closed and opened again."""

    def __init__(self, maxsize: int, lock: Any) -> None:
        self.maxsize = maxsize
        self._items: deque[Any] = deque()
        self._lock = lock
        self._is_writable = True

    def qsize(self) -> int:
        """Count the items that are in it.

        Returns
        -------
        int
            Their number at this moment.
        """
        return len(self._items)

    def empty(self) -> bool:
        """Look whether nothing is in it.

        Returns
        -------
        bool
            Whether there is nothing at this moment.
        """
        return not self._items

    def writable(self) -> bool:
        """Look whether it is open.

        Returns
        -------
        bool
            Whether something can be put into it.
        """
        return self._is_writable

    def set_writable(self, state: bool = True) -> bool:
        """Open or close it.

        Parameters
        ----------
        state : bool, default True
            Whether it is open from now on.

        Returns
        -------
        bool
            Whether it was open before.
        """
        before, self._is_writable = self._is_writable, bool(state)
        return before

    def _closed(self) -> ReadOnly:
        return ReadOnly("putting an item into a queue that was closed")


class AsyncQueue(_Queue):
    """A queue between threads that can be closed, which wakes everyone who waits for it.

    Parameters
    ----------
    maxsize : int, default 0
        How many items it holds; any number of them by default.

    Examples
    --------
    >>> queue = AsyncQueue()
    >>> queue.put("item")
    >>> queue.set_writable(False)
    True
    >>> queue.get(), queue.qsize()
    ('item', 0)
    """

    def __init__(self, maxsize: int = 0) -> None:
        lock = threading.Lock()
        super().__init__(maxsize, lock)
        self._has_items = threading.Condition(lock)
        self._has_room = threading.Condition(lock)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item into it.

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
            When it was closed.
        queue.Full
            When there was no room in time.
        """
        with self._lock:
            seconds = _options.seconds(timeout, "timeout")
            deadline = None if seconds is None else time.monotonic() + min(seconds, threading.TIMEOUT_MAX / 2)
            while self._is_writable and 0 < self.maxsize <= len(self._items):
                left = None if deadline is None else deadline - time.monotonic()
                if not block or (left is not None and left <= 0):
                    raise queue.Full
                self._has_room.wait(left)
            if not self._is_writable:
                raise self._closed()
            self._items.append(item)
            self._has_items.notify()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the first item.

        Parameters
        ----------
        block : bool, default True
            Whether to wait for one. Nobody waits for a closed queue.
        timeout : float, optional
            For how many seconds at most.

        Returns
        -------
        object
            The item.

        Raises
        ------
        queue.Empty
            When there was none in time, or there will be none any more.
        """
        with self._lock:
            seconds = _options.seconds(timeout, "timeout")
            deadline = None if seconds is None else time.monotonic() + min(seconds, threading.TIMEOUT_MAX / 2)
            while not self._items:
                left = None if deadline is None else deadline - time.monotonic()
                if not self._is_writable or not block or (left is not None and left <= 0):
                    raise queue.Empty
                self._has_items.wait(left)
            item = self._items.popleft()
            self._has_room.notify()
            return item

    def set_writable(self, state: bool = True) -> bool:  # noqa: D102
        with self._lock:
            before = super().set_writable(state)
            if not state:
                self._has_items.notify_all()
                self._has_room.notify_all()
            return before


class SyncQueue(_Queue):
    """A queue for one thread: without locks, and nobody waits.

    Examples
    --------
    >>> queue = SyncQueue()
    >>> queue.put("item")
    >>> queue.get()
    'item'
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize, DummyLock())

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put an item into it.

        Parameters
        ----------
        item : object
            The item.
        block, timeout
            Without a meaning here.

        Raises
        ------
        ReadOnly
            When it was closed.
        """
        if not self._is_writable:
            raise self._closed()
        self._items.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the first item.

        Parameters
        ----------
        block, timeout
            Without a meaning here: nobody could put an item into it meanwhile.

        Returns
        -------
        object
            The item.

        Raises
        ------
        queue.Empty
            When there is none.
        """
        if not self._items:
            raise queue.Empty
        return self._items.popleft()
