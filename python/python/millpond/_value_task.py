"""Functions that values are made by."""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any, Callable, TypeVar, overload

from millpond import _native, _options
from millpond._persistent import Persistent

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from millpond._native import Value

    _P = ParamSpec("_P")
else:
    # Python 3.9 has no such thing, and nobody asks at run time.
    _P = TypeVar("_P")

_T_co = TypeVar("_T_co", covariant=True)

__all__ = ["ValueTask"]


class ValueTask(_native.ValueTask[_P, _T_co]):
    """A function: calling this gives a :class:`Value` instead of calling it.

    Made by :meth:`Pool.task`. In a class it is a method: calling it by an instance passes that first, as it is.
    """

    _pool: Any
    _called: Callable[..., Any]
    __wrapped__: Callable[_P, _T_co]
    __name__: str
    __qualname__: str

    if TYPE_CHECKING:

        @overload
        def __call__(self, /, *arguments: _P.args, **keywords: _P.kwargs) -> Value[_T_co]: ...
        @overload
        def __call__(self, /, *arguments: Any, **keywords: Any) -> Value[_T_co]: ...
        def __call__(self, /, *arguments: Any, **keywords: Any) -> Value[_T_co]: ...

    @property
    def function(self) -> Callable[_P, _T_co]:
        """The function itself."""
        return self.__wrapped__

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        bind = getattr(type(self.__wrapped__), "__get__", None)
        if bind is None or isinstance(self.__wrapped__, type):
            return self
        bound = bind(self.__wrapped__, instance, owner)
        if type(bound) is not types.MethodType:
            return self
        # The instance is no argument: it is not looked through for values.
        called = functools.partial(self._called, bound.__self__)
        made: ValueTask[..., Any] = ValueTask(self._pool, called, self.name)
        return _dressed(made, bound, self._pool, called)

    def __reduce__(self) -> Any:
        if type(self.__wrapped__) is types.MethodType:
            return getattr, (self.__wrapped__.__self__, self.__name__)
        name = getattr(self, "__qualname__", None)
        if name is None:
            raise TypeError(f"{self!r} cannot be pickled: its function has no name that leads to it")
        # By its name, as functions are.
        return name


def make(
    pool: _native.Pool,
    function: Any,
    name: str | None,
    failing: _options.Failing,
) -> ValueTask[..., Any]:
    """Make a task of a function, or of a static or class method."""
    plain = function.__func__ if type(function) in (staticmethod, classmethod) else function
    if not callable(plain):
        raise TypeError(f"function must be something that can be called, got {function!r}")
    if name is None:
        name = "<lambda>" if _is_lambda(plain) else _options.name_of(plain, None) or repr(plain)
    if _options.is_coroutine_function(plain):
        raise TypeError(
            f"making values by `{name}`, which is a coroutine function: "
            "map a reader with it, or have a plain function run it"
        )
    elsewhere = getattr(pool, "_elsewhere", None)
    called = plain if elsewhere is None else elsewhere.bind(plain)
    if failing != _options.NO_POLICY:
        called = Persistent(called, name, failing)
    return _dressed(ValueTask(pool, called, name), function, pool, called)


def _is_lambda(function: Any) -> bool:
    return type(function) is types.FunctionType and function.__name__ == "<lambda>"


def _dressed(made: ValueTask[..., Any], function: Any, pool: Any, called: Callable[..., Any]) -> ValueTask[..., Any]:
    """Have a task look like its function."""
    if type(function) in (types.FunctionType, staticmethod, classmethod, types.MethodType):
        functools.update_wrapper(made, function)
    # Others may have any attribute that they are asked for; but something stands there in the class.
    made.__wrapped__ = function
    made._pool = pool
    made._called = called
    return made
