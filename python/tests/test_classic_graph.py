"""The classic package's graph, and its threads."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millpond.classic.graph import Graph, Node
from millpond.classic.thread import TerminatableThread, WorkerThread, do_terminate_threads, terminate_threads


def chain(count: int) -> tuple[Graph, list[Node]]:
    graph = Graph()
    nodes = [graph.add_node(Node(number)) for number in range(count)]
    for left, right in zip(nodes, nodes[1:]):
        assert graph.add_edge(left, right) is graph
    return graph, nodes


def test_nodes_and_edges() -> None:
    graph, (first, second, third) = chain(3)
    assert graph.nodes == [first, second, third]
    assert (first.out_nodes, second.in_nodes, second.out_nodes) == ([second], [first], [third])
    assert (str(first), first.id, repr(first)) == ("0", 0, "Node(0)")
    assert graph.add_edge(first, second) is graph
    assert first.out_nodes == [second]
    assert graph.remove_node(second) is graph
    assert (first.out_nodes, third.in_nodes, graph.nodes) == ([], [], [first, third])
    assert graph.remove_node(second) is graph


def test_edges_that_close_a_cycle_are_refused() -> None:
    graph, nodes = chain(4)
    with pytest.raises(ValueError, match=r"^adding an edge from `0` to itself$"):
        graph.add_edge(nodes[0], nodes[0])
    for start, end in [(2, 0), (3, 0), (3, 1)]:
        with pytest.raises(ValueError, match=rf"^adding an edge from `{start}` to `{end}`, which leads back to it$"):
            graph.add_edge(nodes[start], nodes[end])
    # The other direction of an edge that is there is the same edge.
    for start, end in [(1, 0), (3, 2)]:
        assert graph.add_edge(nodes[start], nodes[end]) is graph
        assert (nodes[end].out_nodes, nodes[start].in_nodes) == ([nodes[start]], [nodes[end]])
    # A short cut is none.
    graph.add_edge(nodes[0], nodes[3])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_inputs_come_before_what_they_are_inputs_of(edges: list[tuple[int, int]]) -> None:
    graph = Graph()
    nodes = [graph.add_node(Node(number)) for number in range(10)]
    reaches = {number: {number} for number in range(10)}
    for start, end in edges:
        if nodes[start] in nodes[end].out_nodes:
            # The same edge.
            graph.add_edge(nodes[start], nodes[end])
            continue
        if start in reaches[end]:
            with pytest.raises(ValueError, match=r"^adding an edge"):
                graph.add_edge(nodes[start], nodes[end])
            continue
        graph.add_edge(nodes[start], nodes[end])
        for reached in reaches.values():
            if start in reached:
                reached |= reaches[end]
    for node in nodes:
        order = graph.input_inclusive_dfirst_reversed(node)
        assert {found.id for found in order} == {number for number in range(10) if node.id in reaches[number]}
        assert len(order) == len(set(order))
        assert order[-1] is node
        for at, found in enumerate(order):
            assert all(order.index(needed) < at for needed in found.in_nodes)


def test_a_long_chain_is_no_matter() -> None:
    graph, nodes = chain(300_000)
    assert len(graph.input_inclusive_dfirst_reversed(nodes[-1])) == 300_000


def test_a_worker_runs_what_comes_through_its_queue() -> None:
    results: list[Any] = []
    worker = WorkerThread()
    assert worker.start() is worker
    worker.inq.put((results.append, (1,), {}))
    worker.inq.put(lambda: results.append(2))
    worker.call(results.append, 3)
    worker.call(lambda *args, **kwargs: results.append((args, kwargs)), 4, five=6)
    worker.stop_and_join()
    worker.stop_and_join()
    assert results == [1, 2, 3, ((4,), {"five": 6})]


def test_a_worker_survives_what_its_functions_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    hooked: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", hooked.append)
    results: list[int] = []
    worker = WorkerThread().start()
    worker.call(lambda: 1 // 0)
    worker.call(results.append, 1)
    worker.stop_and_join()
    assert results == [1]
    assert [arguments.exc_type for arguments in hooked] == [ZeroDivisionError]


def test_stop_and_quit_end_the_worker_from_within() -> None:
    for stop in (WorkerThread.stop, WorkerThread.quit):
        worker = WorkerThread().start()
        worker.inq.put((stop, (), {}))
        worker.join(30)
        assert not worker.is_alive()


class Patient(TerminatableThread):
    """A thread that waits until it is asked to end."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.has_ended = False

    def schedule_termination(self) -> None:
        super().schedule_termination()
        self.asked.set()

    def run(self) -> None:
        while not self._should_terminate():
            self.asked.wait(30)
        self._terminated()

    def _terminated(self) -> None:
        self.has_ended = True


def test_a_thread_ends_when_it_is_asked_to() -> None:
    thread = Patient().start()
    thread.stop_and_join()
    assert thread.has_ended
    Patient().stop_and_join()


def test_all_such_threads_can_be_ended_but_some() -> None:
    kept, others = Patient().start(), [Patient().start(), WorkerThread().start()]
    do_terminate_threads([kept])
    assert kept.is_alive()
    assert not any(thread.is_alive() for thread in others)
    kept.stop_and_join()


def test_a_decorated_function_ends_them_also_when_it_raises() -> None:
    made: list[TerminatableThread] = []

    @terminate_threads
    def run(fails: bool) -> str:
        """Make a thread."""
        made.append(Patient().start())
        if fails:
            sys.exit(1)
        return "done"

    assert run.__doc__ == "Make a thread."
    assert run(False) == "done"
    with pytest.raises(SystemExit):
        run(True)
    assert not any(thread.is_alive() for thread in made)
