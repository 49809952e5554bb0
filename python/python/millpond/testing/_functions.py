"""Functions of a user's, and graphs that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from millpond import _options
from millpond._pool import Pool
from millpond._reader import PoolReader

if TYPE_CHECKING:
    from millpond.testing._trial import Trial

__all__ = ["Functions", "Graph"]

#: Tasks that need no function, with a number that says what they do.
MOVES = ("take", "skip", "tee", "chain")


class Functions:
    """Functions that random graphs are made of; see :func:`millpond.testing.strategies.graphs`.

    All take and give items of one kind. Each method adds a function under a name, and returns the functions.

    Examples
    --------
    >>> from millpond.testing import Functions
    >>> functions = Functions().map("half", lambda n: n // 2).filter("odd", lambda n: n % 2).join("larger", max)
    >>> functions
    <Functions half, odd, larger>
    """

    def __init__(self) -> None:
        self.one: dict[str, tuple[str, Callable[[Any], Any]]] = {}
        self.two: dict[str, Callable[[Any, Any], Any]] = {}

    def _free(self, name: str) -> str:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, got {name!r}")
        if name in self.one or name in self.two:
            raise ValueError(f"there is a function `{name}` already; give another name")
        return name

    def map(self, name: str, function: Callable[[Any], Any]) -> Functions:
        """Add a function of one item that gives one."""
        self.one[self._free(name)] = ("map", _options.plain_function(function, "function"))
        return self

    def filter(self, name: str, function: Callable[[Any], object]) -> Functions:
        """Add a function that says which items to keep."""
        self.one[self._free(name)] = ("filter", _options.plain_function(function, "function"))
        return self

    def flat_map(self, name: str, function: Callable[[Any], Iterable[Any]]) -> Functions:
        """Add a function of one item that gives any number."""
        self.one[self._free(name)] = ("flat_map", _options.plain_function(function, "function"))
        return self

    def join(self, name: str, function: Callable[[Any, Any], Any]) -> Functions:
        """Add a function of one item each of two streams, which gives one."""
        self.two[self._free(name)] = _options.plain_function(function, "function")
        return self

    def __repr__(self) -> str:
        return f"<Functions {', '.join([*self.one, *self.two])}>"


@dataclass(frozen=True)
class Graph:
    """A graph over functions: a task, with what it takes its items from.

    Attributes
    ----------
    functions : Functions
        The functions.
    task : str
        ``"source"``, the name of a function, or ``"take"``, ``"skip"``, ``"tee"``, ``"chain"``.
    inputs : tuple of Graph
        What it takes its items from.
    items : tuple
        The items of a source.
    number : int
        How many items a `take` or `skip` counts.

    Examples
    --------
    >>> from millpond import Pool
    >>> from millpond.testing import Functions, Graph
    >>> functions = Functions().map("half", lambda n: n // 2)
    >>> graph = Graph(functions, "half", (Graph(functions, "source", items=(2, 5)),))
    >>> graph
    half(source(2, 5))
    >>> graph.build(Pool(2)).read_all() == graph.expected() == [1, 2]
    True
    """

    functions: Functions
    task: str
    inputs: tuple[Graph, ...] = ()
    items: tuple[Any, ...] = ()
    number: int = 0

    def build(self, pool: Pool | Trial) -> PoolReader[Any]:
        """Add its tasks to a pool, or to that of a trial, which then counts the calls of each function."""
        pool, trial = (pool, None) if isinstance(pool, Pool) else (pool.pool, pool)
        return self._build(pool, trial)

    def _build(self, pool: Pool, trial: Trial | None) -> PoolReader[Any]:
        if self.task == "source":
            return pool.source(self.items)
        readers = [graph._build(pool, trial) for graph in self.inputs]
        reader = readers[0]
        if self.task == "take":
            return reader.take(self.number)
        if self.task == "skip":
            return reader.skip(self.number)
        if self.task == "chain":
            return reader.chain(*readers[1:])
        if self.task == "tee":
            first, second = reader.tee(2)
            return first.chain(second)
        joining = self.functions.two.get(self.task)
        if joining is not None:
            joined: PoolReader[Any] = reader.zip(readers[1]).starmap(self._counted(trial, joining), name=self.task)
            return joined
        kind, function = self.functions.one[self.task]
        added: PoolReader[Any] = getattr(reader, kind)(self._counted(trial, function), name=self.task)
        return added

    def _counted(self, trial: Trial | None, function: Callable[..., Any]) -> Callable[..., Any]:
        return function if trial is None else trial.counted(self.task, lambda *items: function(*items))

    def expected(self) -> list[Any]:
        """Make what comes out of it by a plain loop over lists."""
        if self.task == "source":
            return list(self.items)
        lists = [graph.expected() for graph in self.inputs]
        items = lists[0]
        if self.task == "take":
            return items[: self.number]
        if self.task == "skip":
            return items[self.number :]
        if self.task == "chain":
            return [item for part in lists for item in part]
        if self.task == "tee":
            return items + items
        joining = self.functions.two.get(self.task)
        if joining is not None:
            return [joining(left, right) for left, right in zip(*lists)]
        kind, function = self.functions.one[self.task]
        if kind == "map":
            return [function(item) for item in items]
        if kind == "filter":
            return [item for item in items if function(item)]
        return [inner for item in items for inner in function(item)]

    def __repr__(self) -> str:
        inner = [repr(graph) for graph in self.inputs] + [repr(item) for item in self.items]
        if self.task in ("take", "skip"):
            inner.append(str(self.number))
        return f"{self.task}({', '.join(inner)})"
