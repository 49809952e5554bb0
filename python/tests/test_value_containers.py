"""Values within containers: found wherever they are, in what is made again as what it was."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import types
import unittest.mock
from collections import OrderedDict, UserDict, UserList, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, overload

import pytest

from millpond import Pool, Value


class Point(NamedTuple):
    x: Any
    y: Any = 2


class Numbers(list):  # type: ignore[type-arg]
    label = "none"


class Named(dict):  # type: ignore[type-arg]
    label = "none"


class Pair(tuple):  # type: ignore[type-arg]
    label = "none"

    def __new__(cls, left: Any, right: Any) -> Pair:
        return super().__new__(cls, (left, right))


class Bag(set):  # type: ignore[type-arg]
    label = "none"


@dataclasses.dataclass
class Order:
    items: Any
    total: Any = 0


@dataclasses.dataclass(frozen=True)
class Frozen:
    item: Any
    derived: Any = dataclasses.field(init=False, default=7)


class Slotted:
    __slots__ = ("__weakref__", "item", "missing")
    __dataclass_fields__: ClassVar[dict[str, Any]] = {"item": None, "missing": None}

    def __init__(self, item: Any) -> None:
        self.item = item

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted) and self.item == other.item

    __hash__ = None  # type: ignore[assignment]


def labelled(container: Any) -> Any:
    container.label = "kept"
    return container


CONTAINERS: list[Callable[[Any], Any]] = [
    lambda item: [item],
    lambda item: (item, 1),
    lambda item: {"a": item},
    lambda item: Point(item),
    lambda item: Point(1, item),
    lambda item: Numbers([0, item]),
    lambda item: Named(a=item),
    lambda item: Pair(item, 1),
    lambda item: {item, 5},
    lambda item: frozenset([item, 5]),
    lambda item: Bag([item]),
    lambda item: OrderedDict([("b", 1), ("a", item), ("c", 2)]),
    lambda item: defaultdict(list, a=item),
    lambda item: collections.Counter(a=item),
    lambda item: deque([1, item, 2], maxlen=3),
    lambda item: UserList([1, item]),
    lambda item: UserDict(a=item),
    lambda item: types.SimpleNamespace(a=1, b=item),
    lambda item: Order([item], total=item),
    lambda item: Frozen(item),
    lambda item: Slotted(item),
    lambda item: [Order(OrderedDict(a=deque([Point(item)])))],
    lambda item: Order({"a": (item, [Frozen({"b": item})])}),
]


def itself(argument: Any) -> Any:
    return argument


@pytest.mark.parametrize("make", CONTAINERS, ids=lambda make: type(make(0)).__name__)
def test_values_in_a_container_are_made_and_it_is_made_again_as_what_it_was(
    pool_size: int, make: Callable[[Any], Any]
) -> None:
    pool = Pool(pool_size)
    value = pool.value(abs, -3)
    argument = make(value)
    expected = make(3)
    result = pool.value(itself, argument).get()
    assert type(result) is type(expected)
    assert result == expected
    assert pool.value(lambda *, keyword: keyword, keyword=argument).get() == expected
    # What was given is as it was.
    assert argument == make(value)
    assert result is not argument


@pytest.mark.parametrize("make", CONTAINERS, ids=lambda make: type(make(0)).__name__)
def test_a_container_without_values_is_passed_as_it_is(make: Callable[[Any], Any]) -> None:
    argument = make(3)
    assert Pool(0).value(itself, argument).get() is argument
    beside = Pool(0).value(lambda left, right: (left, right), argument, Pool(0).value(abs, -1))
    assert beside.get()[0] is argument


def test_what_a_container_has_beside_its_items_is_kept() -> None:
    pool = Pool(0)
    value = pool.value(abs, -3)
    for container in (Numbers([value]), Named(a=value), Pair(value, 1), Bag([value])):
        made = pool.value(itself, labelled(container)).get()
        assert (type(made), made.label) == (type(container), "kept")
    made = pool.value(itself, defaultdict(list, a=value)).get()
    assert made["b"] == []
    assert list(pool.value(itself, OrderedDict(b=1, a=value, c=2)).get()) == ["b", "a", "c"]
    assert pool.value(itself, deque([value], maxlen=7)).get().maxlen == 7
    assert pool.value(itself, Frozen(value)).get().derived == 7


def test_what_contains_itself_is_passed_as_it_is() -> None:
    @dataclasses.dataclass
    class Node:
        parent: Any
        children: list[Any] = dataclasses.field(default_factory=list)

    root = Node(None)
    for _ in range(3):
        root.children.append(Node(root, [root, root]))
    long = None
    for _ in range(5000):
        long = Node(long)
    pool = Pool(0)
    result = pool.value(lambda *arguments: arguments, root, long, pool.value(abs, -1)).get()
    assert result[0] is root
    assert result[1] is long


class Letters(Sequence[Any]):
    """A container of somebody else's."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)


class Stubborn(list):  # type: ignore[type-arg]
    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("not this one")


def _cycle(value: Any) -> Any:
    order = Order([value])
    order.items.append(order)
    return order


CLOSED: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("mappingproxy", "argument 1", lambda value: types.MappingProxyType({"a": value})),
    ("mappingproxy", "argument 1[0].items['a']", lambda value: [Order({"a": types.MappingProxyType({"a": [value]})})]),
    ("Letters", "argument 1", lambda value: Letters(1, value)),
    ("Stubborn", "argument 1", lambda value: Stubborn([value])),
    ("list_iterator", "argument 1", lambda value: iter([value])),
    ("map", "argument 1", lambda value: map(abs, [value])),
    ("generator", "argument 1", lambda value: (item for item in [value])),
    ("dict_values", "argument 1", lambda value: {"a": value}.values()),
    ("ChainMap", "argument 1", lambda value: collections.ChainMap({"a": value})),
    ("chain", "argument 1", lambda value: itertools.chain([value], [1])),
]


@pytest.mark.parametrize(("name", "place", "make"), CLOSED, ids=[case[0] for case in CLOSED])
def test_a_value_in_what_cannot_be_made_again_is_refused_when_the_graph_is_built(
    name: str, place: str, make: Callable[[Any], Any]
) -> None:
    pool = Pool(0)
    with pytest.raises(TypeError) as caught:
        pool.value(itself, make(pool.value(abs, -3)))
    assert str(caught.value) == (
        f"passing a value to `itself` within a `{name}`, {place}, which cannot be made again with what the value "
        "will be: values are found in lists, tuples, sets, the values of dictionaries, deques, dataclasses and named "
        "tuples; pass it as an argument of its own"
    )
    with pytest.raises(TypeError, match="argument `keyword`"):
        pool.value(lambda *, keyword: keyword, keyword=make(pool.value(abs, -3)))
    # Without a value in it everything is passed on.
    argument = make(3)
    assert pool.value(itself, argument).get() is argument


@pytest.mark.parametrize("make", [lambda value: {value: 1}, lambda value: [{(1, value): 1}]], ids=["key", "in a key"])
def test_a_value_as_a_key_is_refused(make: Callable[[Any], Any]) -> None:
    pool = Pool(0)
    with pytest.raises(TypeError, match=r"within (a key of a dictionary|a `tuple`), the keys of argument 1"):
        pool.value(itself, make(pool.value(abs, -3)))


def test_a_value_in_what_contains_itself_is_refused() -> None:
    pool = Pool(0)
    with pytest.raises(TypeError, match=r"within a `Order`, argument 1, which contains itself"):
        pool.value(itself, _cycle(pool.value(abs, -3)))


def test_a_value_that_lies_too_deep_is_refused() -> None:
    pool = Pool(0)
    deep: Any = Order(pool.value(abs, -3))
    for _ in range(250):
        deep = Order(deep)
    with pytest.raises(RecursionError, match="nested deeper than `200`: pass it as a value"):
        pool.value(itself, deep)


def test_an_unhashable_value_in_a_set_is_an_error_of_the_value() -> None:
    pool = Pool(0)
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        pool.value(itself, {pool.value(list, "ab")}).get()


def test_objects_that_are_no_containers_are_passed_as_they_are() -> None:
    pool = Pool(0)

    class Model:
        def __init__(self, value: Value[int]) -> None:
            self.value = value

    model = Model(pool.value(abs, -3))
    mock = unittest.mock.MagicMock()
    arguments = (model, mock, Order, Point, len, "text", b"bytes", range(3), 1.5, None)
    assert pool.value(lambda *arguments: arguments, *arguments).get() == arguments
    assert not model.value.done


def test_a_mapping_of_somebody_elses_is_looked_into() -> None:
    class Table(Mapping[str, Any]):
        __slots__ = ("_rows",)

        def __init__(self, **rows: Any) -> None:
            self._rows = rows

        def __getitem__(self, key: str) -> Any:
            return self._rows[key]

        def __iter__(self) -> Any:
            return iter(self._rows)

        def __len__(self) -> int:
            return len(self._rows)

    pool = Pool(0)
    with pytest.raises(TypeError, match="within a `Table`, argument 2"):
        pool.value(max, 1, Table(a=pool.value(abs, -3)))
