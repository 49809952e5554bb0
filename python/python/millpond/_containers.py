"""Containers in which values are found among the arguments of a call, and how they are made again with what those are.

The native module follows plain lists, tuples and dictionaries by itself, and asks here about all others.
"""

from __future__ import annotations

import collections
import copy
import functools
import gc
import types
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from millpond._native import Value

__all__ = ["Kind", "check", "kind_of"]

#: How deep values are looked for; the native module has the same number.
DEEPEST = 200

_FOUND_IN = "lists, tuples, sets, the values of dictionaries, deques, dataclasses and named tuples"


class Kind(NamedTuple):
    """How a kind of container is taken apart and made again."""

    #: What may be or hold values, in an order that stays.
    parts: Callable[[Any], list[Any]]
    #: Where these are, as one would write it after the container.
    places: Callable[[Any], Iterable[str]]
    #: The same with other parts; `None` where nobody can make that.
    remade: Callable[[Any, list[Any]], Any] | None


def _positions(container: Any) -> list[str]:
    return [f"[{position}]" for position in range(len(container))]


def _keys(container: Any) -> list[str]:
    return [f"[{key!r}]" for key in container]


def _anywhere(container: Any) -> Iterator[str]:
    while True:
        yield ""


def _with_state(made: Any, before: Any) -> Any:
    state = getattr(before, "__dict__", None)
    if state:
        made.__dict__.update(state)
    return made


def _remade_tuple(before: Any, parts: list[Any]) -> Any:
    return _with_state(tuple.__new__(type(before), parts), before)


def _remade_set(before: Any, parts: list[Any]) -> Any:
    return _with_state(type(before)(parts), before)


def _remade_sequence(before: Any, parts: list[Any]) -> Any:
    made = copy.copy(before)
    for position, part in enumerate(parts):
        if part is not made[position]:
            made[position] = part
    return made


def _values(container: Any) -> list[Any]:
    return [container[key] for key in container]


def _remade_mapping(before: Any, parts: list[Any]) -> Any:
    made = copy.copy(before)
    for key, part in zip(list(before), parts):
        if part is not before[key]:
            made[key] = part
    return made


def _of_fields(names: Callable[[Any], Iterable[str]]) -> Kind:
    def present(container: Any) -> list[str]:
        return [name for name in names(container) if hasattr(container, name)]

    def remade(before: Any, parts: list[Any]) -> Any:
        made = copy.copy(before)
        for name, part in zip(present(before), parts):
            if part is not getattr(before, name):
                # A frozen class refuses others.
                object.__setattr__(made, name, part)
        return made

    return Kind(
        lambda container: [getattr(container, name) for name in present(container)],
        lambda container: [f".{name}" for name in present(container)],
        remade,
    )


def _referents(container: Any) -> list[Any]:
    """Find what an object refers to that nobody can put anything else into."""
    if isinstance(container, types.GeneratorType):
        frame = container.gi_frame
        return [] if frame is None else list(frame.f_locals.values())
    return gc.get_referents(container)


_LIST = Kind(list, _positions, _remade_sequence)
_TUPLE = Kind(list, _positions, _remade_tuple)
_SET = Kind(list, _anywhere, _remade_set)
_DICT = Kind(_values, _keys, _remade_mapping)
_NAMESPACE = _of_fields(lambda container: list(vars(container)))
_DATACLASS = _of_fields(lambda container: list(type(container).__dataclass_fields__))
_ATTRS = _of_fields(lambda container: [field.name for field in type(container).__attrs_attrs__])
_CLOSED = Kind(_referents, _anywhere, None)

_PLAIN = (str, bytes, bytearray, range, memoryview, type)
_KINDS: list[tuple[Any, Kind]] = [
    (tuple, _TUPLE),
    ((list, collections.deque, collections.UserList), _LIST),
    ((dict, collections.UserDict), _DICT),
    ((set, frozenset), _SET),
    (types.SimpleNamespace, _NAMESPACE),
]


def _kind_of(container: type[Any]) -> Kind | None:
    """Find out what kind of container a type is, if it is one."""
    if issubclass(container, _PLAIN):
        return None
    for classes, kind in _KINDS:
        if issubclass(container, classes):
            return kind
    if hasattr(container, "__dataclass_fields__"):
        return _DATACLASS
    if hasattr(container, "__attrs_attrs__"):
        return _ATTRS
    if issubclass(container, (Collection, Iterator)):
        return _CLOSED
    return None


#: The same, remembered for the types that were asked about last.
kind_of: Callable[[type[Any]], Kind | None] = functools.lru_cache(maxsize=1024)(_kind_of)  # type: ignore[assignment]


class _Keys(NamedTuple):
    """The keys of a dictionary, which stay as they are."""

    keys: list[Any]


class _Node:
    """A container that was met."""

    __slots__ = ("children", "depth", "item", "kind", "parents", "place")

    def __init__(self, item: Any, kind: Kind, place: str, depth: int) -> None:
        self.item = item
        self.kind = kind
        self.place = place
        self.depth = depth
        self.parents: list[int] = []
        self.children: set[int] = set()


_KEYS = Kind(lambda keys: keys.keys, _anywhere, None)


def check(task: str, arguments: tuple[Any, ...], keywords: dict[str, Any] | None) -> None:
    """Refuse values in what cannot be made again with what they will be, before anybody waits for them.

    Parameters
    ----------
    task : str
        What the call's task is called.
    arguments : tuple
        The call's arguments.
    keywords : dict, optional
        The call's keywords.
    """
    nodes: dict[int, _Node] = {}
    holding: list[int] = []
    found: list[tuple[Any, str, int, int | None]] = [
        (argument, f"argument {number}", 0, None) for number, argument in enumerate(arguments, 1)
    ]
    found.extend((argument, f"argument `{name}`", 0, None) for name, argument in (keywords or {}).items())
    # Keeps what was made here alive, so that no other object gets its address.
    kept: list[_Keys] = []
    while found:
        item, place, depth, parent = found.pop()
        if type(item) is Value:
            if parent is not None:
                holding.append(parent)
            continue
        kind = _KEYS if type(item) is _Keys else kind_of(type(item))
        if kind is None:
            continue
        key = id(item)
        node = nodes.get(key)
        is_new = node is None
        if node is None:
            node = nodes[key] = _Node(item, kind, place, depth)
        if parent is not None:
            node.parents.append(parent)
            nodes[parent].children.add(key)
        if not is_new:
            continue
        found.extend((part, place + where, depth + 1, key) for part, where in zip(kind.parts(item), kind.places(item)))
        if kind is _DICT:
            keys = _Keys([key for key in item if type(key) is Value or kind_of(type(key)) is not None])
            if keys.keys:
                kept.append(keys)
                found.append((keys, f"the keys of {place}", depth + 1, key))
    held: set[int] = set()
    while holding:
        key = holding.pop()
        if key not in held:
            held.add(key)
            holding.extend(nodes[key].parents)
    for node in sorted((nodes[key] for key in held), key=lambda node: node.depth):
        _check_node(task, node)
    _check_cycles(task, nodes, held)


def _check_node(task: str, node: _Node) -> None:
    if node.depth > DEEPEST:
        raise RecursionError(
            f"passing a value to `{task}` in an argument nested deeper than `{DEEPEST}`: pass it as a value"
        )
    cause = None
    if node.kind.remade is not None:
        try:
            # Once, to see that it can be done when nobody is there who could do it in another way.
            node.kind.remade(node.item, node.kind.parts(node.item))
            return
        except Exception as error:
            cause = error
    what = "a key of a dictionary" if type(node.item) is _Keys else f"a `{type(node.item).__name__}`"
    raise TypeError(
        f"passing a value to `{task}` within {what}, {node.place}, which cannot be made again with what the value will "
        f"be: values are found in {_FOUND_IN}; pass it as an argument of its own"
    ) from cause


def _check_cycles(task: str, nodes: dict[int, _Node], held: set[int]) -> None:
    left = {key: len(nodes[key].children & held) for key in held}
    ready = [key for key, count in left.items() if count == 0]
    while ready:
        key = ready.pop()
        del left[key]
        for parent in set(nodes[key].parents):
            left[parent] -= 1
            if left[parent] == 0:
                ready.append(parent)
    for key in left:
        node = nodes[key]
        if type(node.item) not in (list, dict, tuple):
            raise TypeError(
                f"passing a value to `{task}` within a `{type(node.item).__name__}`, {node.place}, which contains "
                "itself: pass it as an argument of its own"
            )
