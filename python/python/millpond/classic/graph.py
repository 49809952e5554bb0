"""A directed graph without cycles."""

from __future__ import annotations

from typing import Any

__all__ = ["Graph", "Node"]


class Node:
    """A node, which knows its neighbours.

    Parameters
    ----------
    id : object, optional
        What it is called.
    """

    __slots__ = ("__weakref__", "id", "in_nodes", "out_nodes")

    def __init__(self, id: Any = None) -> None:
        self.id = id
        self.in_nodes: list[Node] = []
        self.out_nodes: list[Node] = []

    def __str__(self) -> str:
        return str(self.id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r})"


class Graph:
    """Nodes and edges between them that close no cycle.

    Examples
    --------
    >>> graph = Graph()
    >>> left, right, both = (graph.add_node(Node(name)) for name in ("left", "right", "both"))
    >>> graph = graph.add_edge(left, both).add_edge(right, both)
    >>> [str(node) for node in graph.input_inclusive_dfirst_reversed(both)]
    ['left', 'right', 'both']
    """

    def __init__(self) -> None:
        self._nodes: dict[Node, None] = {}

    @property
    def nodes(self) -> list[Node]:
        """The nodes, in the order in which they were added."""
        return list(self._nodes)

    def add_node(self, node: Node) -> Node:
        """Add a node. Doing it twice is fine.

        Parameters
        ----------
        node : Node
            The node.

        Returns
        -------
        Node
            The same.
        """
        self._nodes[node] = None
        return node

    def remove_node(self, node: Node) -> Graph:
        """Remove a node and its edges; one that is not there is fine.

        Parameters
        ----------
        node : Node
            The node.

        Returns
        -------
        Graph
            This graph.
        """
        if node in self._nodes:
            del self._nodes[node]
            for other in node.in_nodes:
                other.out_nodes.remove(node)
            for other in node.out_nodes:
                other.in_nodes.remove(node)
            node.in_nodes.clear()
            node.out_nodes.clear()
        return self

    def add_edge(self, u: Node, v: Node) -> Graph:
        """Add an edge from one node to another. One that is there is fine, in either direction: it stays as it is.

        Parameters
        ----------
        u, v : Node
            Where it begins and where it ends.

        Returns
        -------
        Graph
            This graph.

        Raises
        ------
        ValueError
            When the edge would close a cycle.
        """
        if u is v:
            raise ValueError(f"adding an edge from `{u}` to itself")
        if v in u.out_nodes or u in v.out_nodes:
            return self
        # Most new nodes have nothing behind them or before them, which needs no search.
        if v.out_nodes and u.in_nodes and self._leads(v, u):
            raise ValueError(f"adding an edge from `{u}` to `{v}`, which leads back to it")
        u.out_nodes.append(v)
        v.in_nodes.append(u)
        return self

    @staticmethod
    def _leads(start: Node, end: Node) -> bool:
        seen = {start}
        unseen = [start]
        while unseen:
            for node in unseen.pop().out_nodes:
                if node is end:
                    return True
                if node not in seen:
                    seen.add(node)
                    unseen.append(node)
        return False

    def input_inclusive_dfirst_reversed(self, node: Node) -> list[Node]:
        """List what leads to a node: inputs before what they are inputs of, the node itself last, each once.

        Parameters
        ----------
        node : Node
            The node.

        Returns
        -------
        list of Node
            The nodes.
        """
        order: list[Node] = []
        seen = {node}
        stack = [(node, iter(node.in_nodes))]
        while stack:
            current, inputs = stack[-1]
            for input_node in inputs:
                if input_node not in seen:
                    seen.add(input_node)
                    stack.append((input_node, iter(input_node.in_nodes)))
                    break
            else:
                order.append(current)
                stack.pop()
        return order
