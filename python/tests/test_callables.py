"""What a function may be: anything that can be called, whatever attributes it has."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import types
import unittest.mock
import xmlrpc.client
from collections.abc import Callable
from typing import Any

import pytest

from millpond import Pool, Retry
from millpond._options import is_coroutine_function


class AnythingGoes:
    """Has whatever attribute it is asked for, and says that it is of any class."""

    def __getattr__(self, name: str) -> Any:
        return AnythingGoes()

    def __call__(self, *_: object) -> int:
        return 3


class Liar(AnythingGoes):
    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        return types.MethodType


class Unbound(AnythingGoes):
    """A proxy without an object behind it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no object is bound")


class Method:
    def three(self, *_: object) -> int:
        return 3

    async def four(self, *_: object) -> int:
        return 4

    @staticmethod
    async def five(*_: object) -> int:
        return 5


class Awaited:
    async def __call__(self, *_: object) -> int:
        return 4


class Inherits(Awaited):
    pass


class CallsPartial:
    __call__ = functools.partial(Awaited.__call__, Awaited())


def three(*_: object) -> int:
    return 3


async def four(*_: object) -> int:
    return 4


FUNCTIONS: list[tuple[str, Callable[..., Any]]] = [
    ("Mock", unittest.mock.Mock(return_value=3)),
    ("MagicMock", unittest.mock.MagicMock(return_value=3)),
    ("Mock of a function", unittest.mock.Mock(spec=three, return_value=3)),
    ("a mock's method", unittest.mock.NonCallableMagicMock().method),
    ("autospec", unittest.mock.create_autospec(three, return_value=3)),
    ("anything", AnythingGoes()),
    ("liar", Liar()),
    ("unbound", Unbound()),
    ("method", Method().three),
    ("partial", functools.partial(three, 1)),
    ("partial of a partial of a mock", functools.partial(functools.partial(unittest.mock.Mock(return_value=3)), 1)),
    ("method of a mock", types.MethodType(unittest.mock.Mock(return_value=3), 1)),
    ("builtin", [1, 2, 3].count),
]
COROUTINES: list[tuple[str, Callable[..., Any]]] = [
    ("async def", four),
    ("method", Method().four),
    ("static method", Method().five),
    ("partial", functools.partial(four, 1)),
    ("object", Awaited()),
    ("inherited", Inherits()),
    ("partial in a class", CallsPartial()),
    ("AsyncMock", unittest.mock.AsyncMock(return_value=4)),
]


def _ids(functions: list[tuple[str, Any]]) -> list[Any]:
    return [pytest.param(function, id=name) for name, function in functions]


@pytest.mark.parametrize("function", _ids(FUNCTIONS))
def test_whatever_can_be_called_is_a_function(function: Callable[..., Any]) -> None:
    assert not is_coroutine_function(function)
    expected = function(1)
    assert Pool(0).source([1]).map(function).read_all() == [expected]
    assert Pool(2).source([1]).map(function, retries=Retry(1)).read_all() == [expected]
    assert Pool(0).source([1]).filter(function).read_all() == [1]
    assert Pool(0).source([1]).try_map(function)[0].read_all() == [expected]
    assert Pool(0).value(function, 1).get() == expected
    assert Pool(0).as_executor().submit(function, 1).result() == expected


@pytest.mark.parametrize("function", _ids(COROUTINES))
def test_coroutine_functions_are_told_from_others(function: Callable[..., Any]) -> None:
    assert is_coroutine_function(function)


def test_what_is_marked_as_a_coroutine_function_is_one() -> None:
    def marked() -> Any:
        return four()

    assert not is_coroutine_function(marked)
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(marked)
    else:
        marked._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    assert is_coroutine_function(marked)
    assert is_coroutine_function(functools.partial(marked))


def test_classes_are_functions() -> None:
    assert not is_coroutine_function(Awaited)
    assert not is_coroutine_function(asyncio.Future)
    assert Pool(0).source(["1"]).map(int).read_all() == [1]


def test_a_method_of_a_server_is_a_function_and_nobody_is_asked_while_the_task_is_built() -> None:
    # Port 9 of this machine has nobody who answers.
    method = xmlrpc.client.ServerProxy("http://127.0.0.1:9").method
    assert not is_coroutine_function(method)
    reader = Pool(0).source([1]).map(method)
    assert reader.name == "map"
    value = Pool(0).value(method, 1)
    with pytest.raises(OSError, match="refused"):
        reader.read_all()
    with pytest.raises(OSError, match="refused"):
        value.get()


def test_what_is_no_iterable_by_its_type_is_refused() -> None:
    with pytest.raises(TypeError, match="items"):
        Pool(0).source(unittest.mock.Mock())
    with pytest.raises(TypeError, match="min_count"):
        Pool(0).source([], min_count=unittest.mock.Mock())
    mock = unittest.mock.MagicMock()
    mock.__iter__.return_value = iter("ab")
    assert Pool(0).source(mock).read_all() == ["a", "b"]
