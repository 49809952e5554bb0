"""What hypothesis draws: seeds, faults, simulations, and random graphs over functions of yours.

from hypothesis import given
from millpond.testing import Functions, check
from millpond.testing import strategies

functions = Functions().map("parse", parse).filter("is_new", is_new)

@given(strategies.graphs(functions, items=st.text()))
def test_graphs(graph):
    strategies.check_graph(graph)
"""

from __future__ import annotations

from typing import Any

from millpond.testing._assertions import assert_in_order
from millpond.testing._check import Checked, check
from millpond.testing._functions import MOVES, Functions, Graph
from millpond.testing._simulation import Faults, Simulation

try:
    from hypothesis import strategies as st
except ImportError as _missing:
    raise ImportError(
        "importing `millpond.testing.strategies`, which makes strategies for hypothesis, and that is not installed: "
        "`pip install hypothesis`"
    ) from _missing

__all__ = ["check_graph", "faults", "graphs", "seeds", "simulations"]


def seeds() -> st.SearchStrategy[int]:
    """Draw a seed of a simulation."""
    return st.integers(0, 2**63 - 1)


@st.composite
def faults(draw: st.DrawFn, *, harmful: bool = False) -> Faults:
    """Draw faults.

    Parameters
    ----------
    harmful : bool, default False
        Also those that end something: tasks that fail or are removed.
    """
    one_in = st.sampled_from([0, 0, 5, 30])
    drawn = Faults(
        slow=draw(one_in), cancel=draw(one_in), resize=draw(st.integers(0, 4)), visit=draw(st.integers(0, 3))
    )
    if harmful:
        drawn = Faults(
            slow=drawn.slow,
            cancel=drawn.cancel,
            resize=drawn.resize,
            visit=drawn.visit,
            fail=draw(one_in),
            remove=draw(st.integers(0, 1)),
        )
    return drawn


@st.composite
def simulations(draw: st.DrawFn, *, harmful: bool = False) -> Simulation:
    """Draw a simulation: its seed, its workers, how its order is drawn, and its faults.

    Parameters
    ----------
    harmful : bool, default False
        As for :func:`faults`.
    """
    return Simulation(
        seed=draw(seeds()),
        workers=draw(st.one_of(st.none(), st.integers(1, 4))),
        order=draw(st.sampled_from(["drawn", "walk", "priorities"])),
        preemptions=draw(st.integers(1, 5)),
        faults=draw(faults(harmful=harmful)),
    )


@st.composite
def graphs(
    draw: st.DrawFn,
    functions: Functions,
    items: st.SearchStrategy[Any] | None = None,
    *,
    most_items: int = 40,
    most_tasks: int = 8,
) -> Graph:
    """Draw a graph over functions, with sources of items.

    Parameters
    ----------
    functions : Functions
        The functions.
    items : strategy, optional
        The items of sources; small integers by default.
    most_items : int, default 40
        How many items a source has at the most.
    most_tasks : int, default 8
        How many tasks there are at the most, sources not counted.
    """
    if items is None:
        items = st.integers(0, 50)

    def source() -> Graph:
        return Graph(functions, "source", items=tuple(draw(st.lists(items, max_size=most_items))))

    names = [*functions.one, *functions.two, *MOVES]
    graph = source()
    for task in draw(st.lists(st.sampled_from(names), max_size=most_tasks)):
        inputs: tuple[Graph, ...] = (graph,)
        if task in functions.two or task == "chain":
            inputs = (graph, source())
        number = draw(st.integers(0, most_items)) if task in ("take", "skip") else 0
        graph = Graph(functions, task, inputs, (), number)
    return graph


def check_graph(graph: Graph, **options: Any) -> Checked:
    """Run a graph in every mode, and compare what comes out of it with a plain loop over lists.

    Parameters
    ----------
    graph : Graph
        What :func:`graphs` draws.
    **options
        As for :func:`millpond.testing.check`: `seeds`, `sizes`, `faults`.

    Raises
    ------
    CheckError
        When a run gives something else.
    AssertionError
        When serial mode does.
    """
    expected = graph.expected()

    def body(trial: Any) -> list[Any]:
        items: list[Any] = graph.build(trial).read_all()
        assert_in_order(items, expected)
        return items

    return check(body, **{"calls": False, "seeds": 5, **options})
