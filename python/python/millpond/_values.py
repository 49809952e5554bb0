"""Graphs of values: functions that are each called once, with the values of others."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Callable, Literal, TypeVar, Union, cast, overload

from millpond import _native, _options, _value_task
from millpond._native import Value
from millpond._options import Retry, Seconds
from millpond._value_task import ValueTask

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    _P = ParamSpec("_P")

__all__ = ["Value", "ValueTask", "WithValues"]

_Choice = Union[Literal["raise"], Callable[..., Any]]
_OnError = Union[_Choice, Mapping[type[Exception], _Choice]]

_T = TypeVar("_T")
_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")


class WithValues:
    """What a pool can do with values. Each of its methods is a pool's."""

    @overload
    def task(
        self,
        function: Callable[_P, _T],
        *,
        name: str | None = None,
        retries: int | Retry = 0,
        on_error: _OnError = "raise",
        timeout: Seconds | None = None,
    ) -> ValueTask[_P, _T]: ...

    @overload
    def task(
        self,
        function: None = None,
        *,
        name: str | None = None,
        retries: int | Retry = 0,
        on_error: _OnError = "raise",
        timeout: Seconds | None = None,
    ) -> Callable[[Callable[_P, _T]], ValueTask[_P, _T]]: ...

    def task(
        self,
        function: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        retries: int | Retry = 0,
        on_error: _OnError = "raise",
        timeout: Seconds | None = None,
    ) -> Any:
        """Make calls of a function values that are made when somebody wants them.

        Calling the task calls nothing; it gives a :class:`Value`, which can be an argument of other calls, also within
        containers: lists, tuples, sets, the values of dictionaries, and the fields of dataclasses and named tuples.
        Getting a value calls the functions that it needs, each once, on the pool's workers and in the caller; what they
        return is remembered as long as somebody holds the value.

        In a class body it makes a method, whose instance is passed as it is.

        Parameters
        ----------
        function : callable
            The function. Left out where this is a decorator with options.
        name : str, optional
            What errors call it; by default the function's own name.
        retries : int or Retry, default 0
            How often a call that raises an :class:`Exception` is made again.
        on_error : "raise", callable, or dict of exception classes to these, default "raise"
            What happens then: a get raises the exception; or this function is called with the exception and with what
            the function was called with, and its result is the value. With a dictionary the first class that the
            exception is an instance of decides, and others are raised.
        timeout : float, optional
            Seconds that a call may take. One that took longer counts as raising :class:`TaskTimeoutError`.

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
        >>> inverse = pool.task(lambda number: 1 / number, on_error=lambda error, number: float("inf"))
        >>> inverse(0).get()
        inf
        """
        failing = _options.failing(on_error, retries, timeout, words=("raise",))
        pool = cast("_native.Pool", self)
        if function is None:
            return lambda function: _value_task.make(pool, function, name, failing)
        return _value_task.make(pool, function, name, failing)

    def value(self, function: Callable[..., _T], /, *inputs: Any, **named: Any) -> Value[_T]:
        """Make one call of a function a value: ``pool.task(function)(*inputs, **named)``.

        All keywords are the function's, those that are called as options of :meth:`task` too.

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
    def get(self, value: Value[_T], /, *, timeout: Seconds | None = None) -> _T: ...

    @overload
    def get(self, first: Value[_A], second: Value[_B], /, *, timeout: Seconds | None = None) -> tuple[_A, _B]: ...

    @overload
    def get(
        self, first: Value[_A], second: Value[_B], third: Value[_C], /, *, timeout: Seconds | None = None
    ) -> tuple[_A, _B, _C]: ...

    @overload
    def get(self, /, *values: Value[Any], timeout: Seconds | None = None) -> Any: ...

    def get(self, /, *values: Value[Any], timeout: Seconds | None = None) -> Any:
        """Get values, and call what they need and is not there.

        Parameters
        ----------
        *values : Value
            What is wanted.
        timeout : float, optional
            Seconds to wait at the most. The time is looked at between two calls that this thread makes, and while it
            waits for those of others.

        Returns
        -------
        object
            The value of one, or a tuple with the values of several.

        Raises
        ------
        Exception
            What a function raised, as the object that it was, with a note of which value that was and which values
            needed it. It is raised as soon as this thread is not in a call itself: what other threads are calling goes
            on, and no other call is begun. What is made is remembered; getting the value again calls the function
            again.
        ReadTimeoutError
            When the time is up. Nothing is lost by that: what has been made is kept, calls that are under way go on,
            and a later get goes on from there.
        RuntimeError
            When a value needs itself: its function, or what the function has handed to a stream, an executor or
            another worker, asks for it. And when a function raised ``StopIteration``.
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
        found = _native._get_values(self, values, _options.seconds(timeout, "timeout"))
        return found[0] if len(values) == 1 else tuple(found)


def _wait(value: Value[_T]) -> Generator[Any, Any, _T]:
    """Wait for a value in a coroutine. A pool of size 0 makes it here and now."""
    if value.done or value.pool.size == 0:

        async def at_once() -> _T:
            return value.get()

        return at_once().__await__()
    from millpond._executor import PoolExecutor
    from millpond._waiting import wait_for

    return wait_for(PoolExecutor(value.pool).submit(value.get)).__await__()
