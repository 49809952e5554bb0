"""Graphs of values: a tree and layers of 10,000 trivial functions."""

from __future__ import annotations

import graphlib
import operator
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from harness import Case, Group, Side
from rivals import found

from millpond import Pool

__all__ = ["run"]

#: For each node the nodes that it adds; a node without any is 1. Inputs come before those that need them.
Shape = list[tuple[int, ...]]

_NODES = 10_000
_WIDTH = 100


def _tree() -> Shape:
    """Make a tree with two inputs for each inner node; the last node is its root."""
    # A heap upside down: node i of the heap has the inputs 2i + 1 and 2i + 2.
    shape: Shape = []
    for number in reversed(range(_NODES)):
        below = [child for child in (2 * number + 1, 2 * number + 2) if child < _NODES]
        shape.append(tuple(_NODES - 1 - child for child in below))
    return shape


def _layers() -> Shape:
    """Make layers of 100, where each node needs two of the layer before, and a last one that needs the last layer."""
    shape: Shape = [()] * _WIDTH
    for first in range(_WIDTH, _NODES - _WIDTH, _WIDTH):
        before = first - _WIDTH
        shape += [(before + place, before + (place + 1) % _WIDTH) for place in range(_WIDTH)]
    last = len(shape)
    shape += [(last - _WIDTH + place,) for place in range(_NODES - last - 1)]
    shape.append(tuple(range(last, len(shape))))
    return shape


def add(*numbers: int) -> int:
    """Do next to nothing; modulo something, so that numbers stay small."""
    return sum(numbers) % 65521 if numbers else 1


def _recursive(shape: Shape) -> int:
    made: dict[int, int] = {}

    def value(node: int) -> int:
        if node not in made:
            made[node] = add(*[value(below) for below in shape[node]])
        return made[node]

    return value(len(shape) - 1)


def _build(pool: Pool, shape: Shape) -> Any:
    task = pool.task(add)
    values: list[Any] = []
    for inputs in shape:
        values.append(task(*[values[below] for below in inputs]))
    # Only the last one is held, as in a program: what is in between goes when it has been used.
    return values[-1]


def _dask_graph(shape: Shape) -> dict[int, Any]:
    return {node: (add, *inputs) for node, inputs in enumerate(shape)}


def _sorter(shape: Shape) -> graphlib.TopologicalSorter[int]:
    return graphlib.TopologicalSorter(dict(enumerate(shape)))


def _graphlib(executor: ThreadPoolExecutor, shape: Shape, sorter: graphlib.TopologicalSorter[int]) -> int:
    """Run what is ready in chunks on threads, as the documentation of graphlib shows with a queue."""
    made: list[int] = [0] * len(shape)

    def make(nodes: tuple[int, ...]) -> tuple[int, ...]:
        for node in nodes:
            made[node] = add(*[made[below] for below in shape[node]])
        return nodes

    sorter.prepare()
    running: set[Future[tuple[int, ...]]] = set()
    while sorter.is_active():
        ready = sorter.get_ready()
        for first in range(0, len(ready), 256):
            running.add(executor.submit(make, ready[first : first + 256]))
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            sorter.done(*future.result())
    return made[-1]


def run(group: Group) -> None:
    """Measure both shapes: getting what was built, and building and getting."""
    with Pool(2) as pool, Pool(0) as serial, ThreadPoolExecutor(2) as executor:
        for name, shape in (("values-tree-10k", _tree()), ("values-layers-10k", _layers())):
            for case, is_built in ((name, True), (f"{name}-build-and-get", False)):
                if group.selects(case):
                    group.run(Case(case, "ns/task", 1e9, _sides(group, pool, serial, executor, shape, is_built)))


def _sides(
    group: Group, pool: Pool, serial: Pool, executor: ThreadPoolExecutor, shape: Shape, is_built: bool
) -> list[Side]:
    expected = _flat(shape)
    count = len(shape)

    def side(name: str, build: Callable[[], Any], get: Callable[[Any], Any]) -> Side:
        if is_built:
            return Side(name, get, expected, count, build)
        return Side(name, lambda: get(build()), expected, count)

    sides = [
        side("ours", lambda: _build(pool, shape), operator.methodcaller("get")),
        side("serial", lambda: _build(serial, shape), operator.methodcaller("get")),
        Side("recursion", lambda: _recursive(shape), expected, count),
        side("graphlib-threads", lambda: _sorter(shape), lambda sorter: _graphlib(executor, shape, sorter)),
    ]
    if found("dask") is None:
        group.leave_out("dask: it is not installed")
        return sides
    threaded = found("dask.threaded").get
    graph = partial(_dask_graph, shape)
    sides.append(side("dask-get", graph, lambda graph: found("dask").get(graph, count - 1)))
    sides.append(side("dask-threaded", graph, lambda graph: threaded(graph, count - 1, num_workers=2)))
    return sides


def _flat(shape: Shape) -> int:
    """Make the nodes in a plain loop, and give the last one."""
    made: list[int] = []
    for inputs in shape:
        made.append(add(*[made[below] for below in inputs]))
    return made[-1]
