"""Pools of tasks."""

from __future__ import annotations

import weakref
from typing import Any

import millpond
from millpond.classic._flow import Flow
from millpond.classic.channel import CallbackReaderMixin
from millpond.classic.task import Task

__all__ = ["Pool", "PoolReader", "ThreadPool"]


class PoolReader(CallbackReaderMixin):
    """The reader of a task's output: reading makes the pool produce what is missing.

    When the last reader of a task goes, the task goes, and with it what only it read from. Several threads may read.
    """

    def __init__(self, flow: Flow) -> None:
        self._init_callbacks()
        self._flow = flow

    def _read(self, count: int, block: bool, timeout: float | None) -> list[Any]:
        return self._flow.read(count, block, timeout)

    def read(self, count: int = 0, block: bool = True, timeout: float | None = None) -> list[Any]:
        """Read items.

        Parameters
        ----------
        count : int, default 0
            How many; fewer come only at the end, or before a failure. Less than 1 for all up to the end.
        block : bool, default True
            Whether to work and wait for them; else what is there is returned.
        timeout : float, optional
            For how many seconds to wait for each of them; what has been read by then is returned.

        Returns
        -------
        list
            The items.

        Raises
        ------
        Exception
            What a task's function raised, once, after all items before.
        """
        return super().read(count, block, timeout)

    def task(self) -> Task:
        """Look which task this reads from.

        Returns
        -------
        Task
            The task.
        """
        return self._flow.task

    def pool(self) -> Pool:
        """Look which pool the task is in.

        Returns
        -------
        Pool
            The pool.
        """
        return self._flow.pool

    def task_ref(self) -> weakref.ref[Task]:
        """Refer to the task without holding it.

        Returns
        -------
        weakref.ref
            A reference to it.
        """
        return weakref.ref(self._flow.task)

    def pool_ref(self) -> weakref.ref[Pool]:
        """Refer to the pool without holding it.

        Returns
        -------
        weakref.ref
            A reference to it.
        """
        return weakref.ref(self._flow.pool)


class Pool:
    """Tasks, and the workers that they run on.

    Parameters
    ----------
    size : int, default 0
        How many work at once, of which the thread that reads is one. Of size 0 it does everything.

    Raises
    ------
    ValueError
        When the size is negative.

    Examples
    --------
    >>> from millpond.classic.pool import ThreadPool
    >>> from millpond.classic.task import IteratorThreadTask
    >>> pool = ThreadPool(2)
    >>> reader = pool.add_task(IteratorThreadTask(iter(range(10)), "square", lambda number: number**2))
    >>> reader.read(3), reader.read(1), pool.num_tasks()
    ([0, 1, 4], [9], 1)
    """

    def __init__(self, size: int = 0) -> None:
        self._pool = millpond.Pool(_checked(size))
        self._flows: weakref.WeakSet[Flow] = weakref.WeakSet()

    def add_task(self, task: Task) -> PoolReader:
        """Add a task. Runs nothing.

        Parameters
        ----------
        task : Task
            The task. One that is there already gets another reader.

        Returns
        -------
        PoolReader
            The reader of its output.

        Raises
        ------
        ValueError
            When it is in another pool.
        """
        flow = task._flow() if task._flow is not None else None
        if flow is not None and flow.pool is not self:
            raise ValueError(f"adding task `{task}`, which is in another pool")
        if flow is None or flow not in self._flows:
            flow = Flow(self, task)
            self._flows.add(flow)
        return PoolReader(flow)

    def remove_task(self, task: Task) -> Pool:
        """Remove a task, and what only it reads from. What has been made can still be read.

        Parameters
        ----------
        task : Task
            The task; one that is not there is fine.

        Returns
        -------
        Pool
            This pool.
        """
        flow = task._flow() if task._flow is not None else None
        if flow is not None and flow in self._flows:
            self._flows.discard(flow)
            flow.remove()
        return self

    def num_tasks(self) -> int:
        """Count the tasks.

        Returns
        -------
        int
            Their number.
        """
        return len(self._flows)

    def size(self) -> int:
        """Look how many work at once.

        Returns
        -------
        int
            Their number; 0 where the reader does everything.
        """
        return self._pool.size

    def set_size(self, size: int = 0) -> Pool:
        """Have more or fewer work at once, from the next chunk on.

        Parameters
        ----------
        size : int, default 0
            How many.

        Returns
        -------
        Pool
            This pool.

        Raises
        ------
        ValueError
            When the size is negative.
        """
        self._pool.size = _checked(size)
        return self


class ThreadPool(Pool):
    """A pool whose workers are threads. See :class:`Pool`."""


def _checked(size: int) -> int:
    if size < 0:
        raise ValueError(f"a pool of size `{size}`: 0 for the reader alone, or more")
    return size
