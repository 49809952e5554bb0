"""The rivals that map functions over items, each used as its documentation recommends for that.

All have the same shape: items, the functions of one or several stages, and how many work at once; the result is a
list. Pools of threads and processes that a program would keep are kept, and are not part of what is timed. A rival that
is not installed is left out of the table, which says so.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing.pool
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache
from typing import Any

__all__ = ["DISORDERLY", "Mapping", "found", "mapping"]

Function = Callable[[Any], Any]
Mapping = Callable[[Iterable[Any], Sequence[Function], int], list[Any]]

#: How many items the hand-made window and the process pool give a worker at once.
_CHUNK = 256


@cache
def found(module: str) -> Any:
    """Import a rival's module; ``None`` where that fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(module)
        except ImportError:
            return None


@cache
def _threads(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers)


@cache
def _processes(workers: int) -> multiprocessing.pool.Pool:
    return multiprocessing.get_context("fork").Pool(workers)


def _map(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    for function in functions:
        items = map(function, items)
    return list(items)


def _executor_map(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    for function in functions:
        items = _threads(workers).map(function, items)
    return list(items)


def _call_each(function: Function, chunk: list[Any]) -> list[Any]:
    return [function(item) for item in chunk]


def _windowed(executor: Executor, items: Iterable[Any], function: Function, chunk: int, depth: int) -> Iterable[Any]:
    """Keep a window of chunks submitted: what a careful programmer writes by hand to be bounded and in order."""
    iterator = iter(items)
    window: deque[Future[list[Any]]] = deque()
    for part in iter(lambda: list(itertools.islice(iterator, chunk)), []):
        window.append(executor.submit(_call_each, function, part))
        if len(window) > depth:
            yield from window.popleft().result()
    while window:
        yield from window.popleft().result()


def _executor_window(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    for function in functions:
        items = _windowed(_threads(workers), items, function, _CHUNK, 2 * workers)
    return list(items)


def _executor_window_of_one(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    # For functions that are slow: nothing is gained by chunks.
    for function in functions:
        items = _windowed(_threads(workers), items, function, 1, 2 * workers)
    return list(items)


def _imap(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    # In processes; the chunk size is what its documentation advises for long iterables.
    for function in functions:
        items = _processes(workers).imap(function, items, chunksize=_CHUNK)
    return list(items)


def _imap_of_one(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    for function in functions:
        items = _processes(workers).imap(function, items)
    return list(items)


def _pypeln(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    stage = found("pypeln").thread
    for function in functions:
        items = stage.map(function, items, workers=workers, maxsize=1000)
    return list(items)


def _pyper(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    task = found("pyper").task
    pipeline = task(lambda: items, branch=True)
    for function in functions:
        pipeline = pipeline | task(function, workers=workers)
    return list(pipeline())


def _streamable(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    stream = found("streamable").stream(items)
    for function in functions:
        stream = stream.map(function, concurrency=workers)
    return list(stream)


def _joblib(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    joblib = found("joblib")
    for function in functions:
        delayed = joblib.delayed(function)
        items = joblib.Parallel(n_jobs=workers, backend="threading")(delayed(item) for item in items)
    return list(items)


def _dask_threaded(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    bag = found("dask.bag").from_sequence(items, partition_size=_CHUNK)
    for function in functions:
        bag = bag.map(function)
    result: list[Any] = bag.compute(scheduler="threads", num_workers=workers)
    return result


def _dask_of_one(items: Iterable[Any], functions: Sequence[Function], workers: int) -> list[Any]:
    delayed = found("dask").delayed
    results = list(items)
    for function in functions:
        step = delayed(function)
        results = [step(item) for item in results]
    return list(found("dask").compute(*results, scheduler="threads", num_workers=workers))


#: The module that a rival needs, its way with trivial functions, and with slow ones.
_RIVALS: dict[str, tuple[str, Mapping, Mapping]] = {
    "map": ("builtins", _map, _map),
    "executor-map": ("concurrent.futures", _executor_map, _executor_map),
    "executor-window": ("concurrent.futures", _executor_window, _executor_window_of_one),
    "imap": ("multiprocessing", _imap, _imap_of_one),
    "pypeln": ("pypeln", _pypeln, _pypeln),
    "pyper": ("pyper", _pyper, _pyper),
    "streamable": ("streamable", _streamable, _streamable),
    "joblib": ("joblib", _joblib, _joblib),
    "dask-threaded": ("dask.bag", _dask_threaded, _dask_of_one),
}

#: Whose results come as they are done.
DISORDERLY = frozenset({"pypeln", "pyper"})


def mapping(name: str, *, is_slow: bool = False) -> Mapping | None:
    """Find how a rival maps; ``None`` where it is not installed.

    Parameters
    ----------
    name : str
        The rival's name.
    is_slow : bool
        Whether the functions take long, so that it is not to be given them in chunks.
    """
    module, quick, slow = _RIVALS[name]
    if found(module) is None:
        return None
    return slow if is_slow else quick
