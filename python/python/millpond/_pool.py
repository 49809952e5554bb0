"""The pool."""

from __future__ import annotations

import itertools
import os
import sys
import weakref
from collections.abc import AsyncIterable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from millpond import _native, _options, _threads
from millpond._channel import ChannelWriter
from millpond._closing import Closing
from millpond._errors import SimulationError
from millpond._hints import OfPools, explained
from millpond._reader import PoolReader
from millpond._values import WithValues

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from types import TracebackType

    from typing_extensions import Self

    from millpond._elsewhere import Elsewhere
    from millpond._executor import PoolExecutor
    from millpond._loop import LoopThread
    from millpond.testing._simulation import SimulationSource

__all__ = ["Pool"]

_T = TypeVar("_T")

_numbers = itertools.count(1)


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


class Pool(_native.Pool, WithValues, Closing, OfPools):
    """What executes tasks.

    A pool is a context manager: leaving it closes it. Without that it is closed when nobody has it or a reader of its
    any more. Leaving ``async with Pool()`` closes it too, and waits, without blocking the event loop, until the
    coroutines that it ran have ended and its async iterators are closed.

    Parameters
    ----------
    size : int, optional
        How many work at once, of which the thread that reads is one. As many as the machine has processors for this
        process by default. Threads are started when there is more work than the reader does at once. Of size 0 the
        pool is in serial mode: the reader does everything, and no thread is ever started.
    name : str, optional
        What the pool is called; its threads are called so too, with a number.
    executor : concurrent.futures.Executor or callable, optional
        Who calls the functions of tasks instead of the pool's own threads, each of which hands a call over and waits
        for it: a :class:`~concurrent.futures.ProcessPoolExecutor`, loky's, a Dask client's. The pool keeps what it
        does, in order, lazy and bounded. `size` is as many as the executor has workers by default. An executor that
        breaks, because a process of it died say, ends the read with its error, whatever `on_error` and `retries` are. A
        function that makes an executor is called when one is needed first, and again after one broke; each call that
        this lost is made once more. Functions and items must be such that they can travel; `tap`, `partition` and
        `take_while` call theirs here.
    workers : {"threads", "gcd"}, default "threads"
        Where threads come from: the package's own, or those of libdispatch, the library of Apple's Grand Central
        Dispatch, for programs that use it anyway. It is a part of macOS; elsewhere it is looked for in the usual
        places and where the environment's `MILLPOND_LIBDISPATCH` says. Its threads have names of its own.

    Raises
    ------
    LibdispatchMissingError
        When `workers` is ``"gcd"`` and the library is not there. The message says where it was looked for.

    Examples
    --------
    >>> from millpond import Pool
    >>> with Pool(2) as pool:
    ...     words = pool.source(["a mill", "a pond"]).flat_map(str.split).filter(lambda word: len(word) > 1)
    ...     words.read_all()
    ['mill', 'pond']

    Nothing runs until something is read, and then only what is needed for it:

    >>> import itertools
    >>> squares = Pool(0).source(itertools.count(1)).map(lambda n: n * n)
    >>> squares.read(3)
    [1, 4, 9]
    >>> squares.read(1)
    [16]

    Functions that keep the interpreter's lock run at once in processes:

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as executor, Pool(executor=executor) as pool:
    ...     pool.source([-3, 2]).map(abs).read_all()
    [3, 2]
    """

    _elsewhere: Elsewhere | None

    def __new__(
        cls,
        size: int | None = None,
        *,
        name: str | None = None,
        executor: Executor | Callable[[], Executor] | None = None,
        workers: Literal["threads", "gcd"] = "threads",
    ) -> Self:
        elsewhere = None
        if executor is not None:
            # Imported when it is needed: most programs do without, and it takes a while.
            from millpond._elsewhere import Elsewhere

            elsewhere = Elsewhere(executor)
        if size is None:
            size = (elsewhere.workers() if elsewhere is not None else None) or _processors()
        else:
            size = _options.integer(size, "size", least=0)
        if name is None:
            name = f"millpond-{next(_numbers)}"
        elif not isinstance(name, str):
            raise TypeError(f"name must be a str, got {name!r}")
        if workers not in ("threads", "gcd"):
            raise ValueError(f'workers must be "threads" or "gcd", got {workers!r}; how many work at once is `size`')
        if "gevent" in sys.modules:
            from millpond import _greenlets

            _greenlets.expect()
        pool = super().__new__(cls, size, name, workers == "gcd")
        pool._elsewhere = elsewhere
        _threads.pools.add(pool)
        return pool

    if not TYPE_CHECKING:
        __new__ = explained(__new__, "Pool")

    @classmethod
    def simulated(cls, simulation: SimulationSource = 0, *, name: str | None = None) -> Self:
        """Make a pool whose helpers take turns in an order that is drawn from a seed: the same seed, the same run.

        Exactly one of its threads runs at any time, and the order changes at steps of the engine alone. Timeouts,
        waits of retries and :func:`millpond.testing.sleep` go by a clock of its own and cost no time. See
        :mod:`millpond.testing`, whose :func:`~millpond.testing.check` runs a body in serial mode, on threads and for
        many seeds.

        Parameters
        ----------
        simulation : int, millpond.testing.Simulation, str or None, default 0
            A seed; or a simulation, which says more; or a schedule that was written down, for that run again. None
            joins the simulation that runs in this thread already: pools of one thread are one simulation.
        name : str, optional
            What the pool is called.

        Returns
        -------
        Pool
            The pool. The simulation ends when it is closed, and its threads with it.

        Raises
        ------
        SimulationError
            When a simulation runs in this thread already and `simulation` is not None, or the other way round. Reads
            raise it when the simulation cannot go on, because all wait for each other, say.

        Examples
        --------
        >>> from millpond import Pool
        >>> def run():
        ...     seen = []
        ...     with Pool.simulated(3) as pool:
        ...         _ = pool.source(range(100)).map(seen.append).read_all()
        ...     return seen
        >>> run() == run(), run() == sorted(run())
        (True, False)
        """
        # Imported when it is needed: most programs do without.
        from millpond.testing import _simulation

        running = _native._current_seed()
        if simulation is not None and running is not None:
            raise SimulationError(
                f"beginning a simulation, and one of seed `{running}` runs in this thread; close its pools first, or "
                "join it with `Pool.simulated(None)`"
            )
        if simulation is None and running is None:
            raise SimulationError("joining the simulation of this thread, which runs none; give a seed")
        if name is None:
            name = f"millpond-{next(_numbers)}"
        pool = super().__new__(cls, 0, name, False, _simulation.native(simulation))
        pool._elsewhere = None
        _threads.pools.add(pool)
        return pool

    def source(
        self,
        items: Iterable[_T] | AsyncIterable[_T],
        *,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
        reader_only: bool = False,
    ) -> PoolReader[_T]:
        """Add a source: the items of an iterable, which is asked for as many as are needed.

        One worker at a time iterates. A generator is closed when nobody can read from it any more.

        An async iterable is iterated over where the first read awaits, by one task that also closes it if it is a
        generator; where no read awaits, on the pool's own event loop. It stays there to its end: reads that do not
        await may take what it gives as long as that loop runs, in another thread.

        Parameters
        ----------
        items : iterable or async iterable
            The items.
        name : str, optional
            What errors call the task.
        min_count : int, optional
            At least so many items are taken at once when any are.
        max_chunksize : int, optional
            At most so many are.
        read_ahead : int, default 0
            Once it has been read from, workers keep so many items ready beyond what is asked for.
        reader_only : bool, default False
            Whether only the thread that reads iterates, whatever the pool's size: for cursors of databases, objects of
            user interfaces and whatever else belongs to one thread. Helpers take part in all that comes after it. A
            read that awaits works on the event loop then, as in serial mode; a task's function that reads is the
            reader of what it reads.

        Returns
        -------
        PoolReader
            The reader of the items.

        Raises
        ------
        TypeError
            When `items` is not an iterable, or an async one is to be for the reader only.
        PoolClosedError
            When the pool was closed.

        Examples
        --------
        >>> Pool(0).source("abc").read(2)
        ['a', 'b']
        """
        limits = _options.limits(None, True, min_count, max_chunksize, read_ahead)
        if _options.is_async_iterable(items):
            if reader_only:
                raise TypeError(
                    "reader_only=True of an async iterable, which its event loop iterates over; leave it out"
                )
            return self._pulling(None, items, _options.named(name, "source"), limits)
        items = _options.iterable(items, "items")
        return PoolReader(_native._source(self, items, _options.named(name, "source"), limits, bool(reader_only)))

    @overload
    def channel(
        self,
        capacity: int | None = None,
        *,
        of: type[_T],
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> tuple[ChannelWriter[_T], PoolReader[_T]]: ...
    @overload
    def channel(
        self,
        capacity: int | None = None,
        *,
        of: None = None,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> tuple[ChannelWriter[Any], PoolReader[Any]]: ...
    def channel(
        self,
        capacity: int | None = None,
        *,
        of: type[Any] | None = None,
        name: str | None = None,
        min_count: int | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> tuple[ChannelWriter[Any], PoolReader[Any]]:
        """Add a source that other threads write to.

        Demand for items that are not written yet occupies no worker.

        Parameters
        ----------
        capacity : int, optional
            How many items may wait in the channel; whoever writes more waits. Any number by default.
        of : type, optional
            The type of its items, which type checkers then know. Items are not checked.
        name, min_count, max_chunksize, read_ahead
            As for :meth:`source`.

        Returns
        -------
        tuple of ChannelWriter and PoolReader
            Its two ends.

        Examples
        --------
        >>> writer, reader = Pool(0).channel()
        >>> writer.write_all("abc")
        >>> writer.close()
        >>> reader.read_all()
        ['a', 'b', 'c']
        """
        if capacity is not None:
            capacity = _options.integer(capacity, "capacity", least=1)
        limits = _options.limits(None, True, min_count, max_chunksize, read_ahead)
        opened, added = _native._channel(self, capacity, _options.named(name, "channel"), limits)
        return ChannelWriter(opened), PoolReader(added)

    def chain(
        self,
        *readers: PoolReader[_T],
        name: str | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[_T]:
        """Add a task that gives the items of several readers, one reader after the other.

        Examples
        --------
        >>> pool = Pool(0)
        >>> pool.chain(pool.source("ab"), pool.source("cd")).read_all()
        ['a', 'b', 'c', 'd']
        """
        limits = _options.limits(None, True, None, max_chunksize, read_ahead)
        return PoolReader(_native._join(self, list(readers), False, _options.named(name, "chain"), limits))

    def merge(
        self,
        *readers: PoolReader[_T],
        name: str | None = None,
        max_chunksize: int | None = None,
        read_ahead: int = 0,
    ) -> PoolReader[_T]:
        """Add a task that gives the items of several readers as they come.

        Examples
        --------
        >>> pool = Pool(0)
        >>> sorted(pool.merge(pool.source("ab"), pool.source("cd")).read_all())
        ['a', 'b', 'c', 'd']
        """
        limits = _options.limits(None, True, None, max_chunksize, read_ahead)
        return PoolReader(_native._join(self, list(readers), True, _options.named(name, "merge"), limits))

    def close(self) -> None:
        """End all that is going on at the next item. Readers raise :class:`PoolClosedError` from then on.

        Functions that are running are not waited for.
        """
        super().close()
        loop: LoopThread | None = self.__dict__.pop("_loop", None)
        if loop is not None:
            loop.close()
        if self._elsewhere is not None:
            self._elsewhere.close()

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing takes no wait; what ran on event loops is cancelled, and awaited.
        loop: LoopThread | None = self.__dict__.get("_loop")
        self.close()
        if loop is not None:
            await loop.ended()

    def _pulling(
        self, reader: PoolReader[Any] | None, items: Any, named: _options.Named, limits: _options.Limits
    ) -> PoolReader[Any]:
        """Add a source of an async iterable, or a task that gives the items of those that a reader gives."""
        # Imported when it is needed: most programs do without.
        from millpond._pulling import Puller

        puller = Puller(self._own_loop(), named, items)
        return PoolReader(_native._pulling(self, reader, puller.pulled, puller, named, limits))

    def _own_loop(self) -> LoopThread:
        from millpond._loop import LoopThread

        if self.simulated_from is not None:
            raise SimulationError(
                "adding a coroutine function or an async iterator to a simulated pool, in whose order no event loop "
                "takes part; test it on a pool of threads"
            )
        loop: LoopThread | None = self.__dict__.get("_loop")
        if loop is None:
            loop = self.__dict__.setdefault("_loop", LoopThread(f"{self.name}-loop"))
            weakref.finalize(self, loop.close)
        return loop

    def as_executor(self) -> PoolExecutor:
        """Make an executor whose functions run on the pool's threads.

        Returns
        -------
        concurrent.futures.Executor
            For whatever wants one: `asyncio`, Dask, your own code.

        Examples
        --------
        >>> with Pool(2).as_executor() as executor:
        ...     executor.submit(pow, 2, 10).result()
        1024
        """
        from millpond._executor import PoolExecutor

        if self.simulated_from is not None:
            raise SimulationError(
                "making an executor of a simulated pool, whose threads take turns; use a pool of threads"
            )
        return PoolExecutor(self)

    def __repr__(self) -> str:
        if self.closed:
            return f"<Pool {self.name!r}, closed>"
        mode = "serial" if self.size == 0 else f"size {self.size}"
        if self.simulated_from is not None:
            mode += f", simulated from seed {self.simulated_from}"
        count = self.task_count
        return f"<Pool {self.name!r}, {mode}, {count} task{'' if count == 1 else 's'}>"

    def __reduce__(self) -> str:
        raise TypeError("a pool cannot be pickled: its threads are of this process; make one in each process")


Pool.__module__ = "millpond"
for _name in ("source", "channel", "chain", "merge"):
    setattr(Pool, _name, explained(getattr(Pool, _name), _name))
