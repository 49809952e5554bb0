"""Graphs of values: functions that are each called once, with the values of others."""

from __future__ import annotations

import functools
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar, cast, overload

from millpond import _native, _options
from millpond._native import Value

__all__ = ["Value", "ValueTask", "WithValues"]

_T = TypeVar("_T")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_T_co = TypeVar("_T_co", covariant=True)


class ValueTask(_native.ValueTask, Generic[_T_co]):
    """A function: calling this gives a :class:`Value` instead of calling it."""

    if TYPE_CHECKING:

        def __call__(self, /, *arguments: Any, **keywords: Any) -> Value[_T_co]: ...

        @property
        def function(self) -> Callable[..., _T_co]: ...


class WithValues:
    """What a pool can do with values. Each of its methods is a pool's."""

    @overload
    def task(self, function: Callable[..., _T], *, name: str | None = None) -> ValueTask[_T]: ...

    @overload
    def task(
        self, function: None = None, *, name: str | None = None
    ) -> Callable[[Callable[..., _T]], ValueTask[_T]]: ...

    def task(self, function: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
        """Make calls of a function values that are made when somebody wants them.

        Calling the task calls nothing; it gives a :class:`Value`, which can be an argument of other calls, also within
        lists, tuples and the values of dictionaries. Getting a value calls the functions that it needs, each once, on
        the pool's workers and in the caller; what they return is remembered as long as somebody holds the value.

        Parameters
        ----------
        function : callable
            The function. Left out where this is a decorator with options.
        name : str, optional
            What errors call it; by default the function's own name.

        Returns
        -------
        ValueTask
            The function's stand-in.

        Raises
        ------
        TypeError
            When `function` is not callable, or is a coroutine function.

        Examples
        --------
        >>> from millpond import Pool
        >>> pool = Pool(2)
        >>> @pool.task
        ... def add(a, b):
        ...     return a + b
        >>> @pool.task(name="sum of squares")
        ... def squares(numbers):
        ...     return sum(number * number for number in numbers)
        >>> three = add(1, 2)
        >>> total = squares([three, add(three, 1)])
        >>> total
        <Value `sum of squares`: not made yet>
        >>> total.get()
        25
        >>> three
        <Value `add`: made>
        """
        if function is None:
            return lambda function: self.task(function, name=name)
        if not callable(function):
            raise TypeError(f"making a task of `{function!r}`, which is not callable")
        if _options.is_coroutine_function(function):
            raise TypeError(
                f"making values by `{_name_of(function)}`, which is a coroutine function: "
                "map a reader with it, or have a plain function run it"
            )
        elsewhere = getattr(self, "_elsewhere", None)
        called = function if elsewhere is None else elsewhere.bind(function)
        made: ValueTask[Any] = ValueTask(cast("_native.Pool", self), called, name or _name_of(function))
        return functools.update_wrapper(made, function)

    def value(self, function: Callable[..., _T], /, *inputs: Any, **named: Any) -> Value[_T]:
        """Make one call of a function a value: ``pool.task(function)(*inputs, **named)``.

        Parameters
        ----------
        function : callable
            The function.
        *inputs, **named
            What it will be called with; values stand for what they will be.

        Returns
        -------
        Value
            What the call will return.

        Examples
        --------
        >>> from millpond import Pool
        >>> pool = Pool(0)
        >>> words = pool.value(str.split, "a mill and a pond")
        >>> pool.value(len, words).get()
        5
        """
        return self.task(function)(*inputs, **named)

    @overload
    def get(self, value: Value[_T], /) -> _T: ...

    @overload
    def get(self, first: Value[_A], second: Value[_B], /) -> tuple[_A, _B]: ...

    @overload
    def get(self, first: Value[_A], second: Value[_B], third: Value[_C], /) -> tuple[_A, _B, _C]: ...

    @overload
    def get(self, /, *values: Value[Any]) -> Any: ...

    def get(self, /, *values: Value[Any]) -> Any:
        """Get values, and call what they need and is not there.

        Parameters
        ----------
        *values : Value
            What is wanted.

        Returns
        -------
        object
            The value of one, or a tuple with the values of several.

        Raises
        ------
        Exception
            What a function raised, as the object that it was, with a note of which value that was and which values
            needed it. What was made before is remembered; getting the value again calls the function again.
        TypeError
            When something else than a value is given.

        Examples
        --------
        >>> from millpond import Pool
        >>> pool = Pool(0)
        >>> half = pool.value(divmod, 7, 2)
        >>> pool.get(half, pool.value(max, half))
        ((3, 1), 3)
        """
        for value in values:
            if type(value) is not Value:
                raise TypeError(f"getting `{value!r}`, which is not a value: make one with `pool.value` or `pool.task`")
        found = _native._get_values(self, values)
        return found[0] if len(values) == 1 else tuple(found)


def _name_of(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", None) or repr(function)


def _wait(value: Value[_T]) -> Generator[Any, Any, _T]:
    """Wait for a value in a coroutine. A pool of size 0 makes it here and now."""
    if value.done or value.pool.size == 0:

        async def at_once() -> _T:
            return value.get()

        return at_once().__await__()
    from millpond._executor import PoolExecutor
    from millpond._waiting import wait_for

    return wait_for(PoolExecutor(value.pool).submit(value.get)).__await__()
