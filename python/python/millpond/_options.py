"""What options may be, and what is said of those that may not."""

from __future__ import annotations

import functools
import math
import operator
import os
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Optional, SupportsFloat, SupportsIndex, TypeVar, Union, overload

__all__ = ["OnError", "OnErrorOrReject", "Rejected", "Retry", "Seconds"]

_T = TypeVar("_T")

_Choice = Union[Literal["raise", "skip"], Callable[[Exception, Any], Any]]
#: What a task does with an item that its function raises an exception for, perhaps by the class of that.
OnError = Union[_Choice, Mapping[type[Exception], _Choice]]
_Rejection = Union[Literal["reject", "skip"], Callable[[Exception, Any], Any]]
#: The same where items are rejected.
OnErrorOrReject = Union[_Rejection, Literal["raise"], Mapping[type[Exception], _Rejection]]
#: What a time in seconds may be: any real number.
Seconds = Union[SupportsFloat, SupportsIndex]

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Retry(NamedTuple):
    """How often a call that raises is made again, after what wait, and for which exceptions.

    Parameters
    ----------
    times : int
        How often, at the most.
    wait : float, default 0.0
        Seconds before the first further call. A wait for a plain function occupies the worker. It ends at once where
        nobody can read the result any more.
    doubling : bool, default False
        Whether the wait doubles from one call to the next.
    max_wait : float, optional
        The longest wait, in seconds.
    jitter : float, default 0.0
        By what share of it each wait may be shorter, at random: 0.5 for half of the wait to all of it, 1 for anything
        up to it. So calls that have failed together are not made again together. In a simulation its seed decides.
    exceptions : type or tuple of types, default Exception
        For which exceptions. Others are final at once.

    Examples
    --------
    >>> from millpond import Pool, Retry
    >>> answers = iter([OSError("busy"), OSError("busy"), "done"])
    >>> def ask(question):
    ...     answer = next(answers)
    ...     if isinstance(answer, Exception):
    ...         raise answer
    ...     return answer
    >>> patience = Retry(2, wait=0.001, doubling=True, jitter=0.5, exceptions=(OSError, TimeoutError))
    >>> Pool(0).source(["?"]).map(ask, retries=patience).read_all()
    ['done']
    """

    times: int
    wait: Seconds = 0.0
    doubling: bool = False
    max_wait: Seconds | None = None
    jitter: Seconds = 0.0
    exceptions: type[Exception] | tuple[type[Exception], ...] = Exception


class Rejected(NamedTuple):
    """An item that a function raised an exception for, with the exception. See :meth:`PoolReader.try_map`."""

    item: Any
    error: Exception


#: A task's name, and the file and line that added it.
Named = tuple[str, str, int]
#: Concurrency, whether ordered, least and most items per chunk, read-ahead.
Limits = tuple[Optional[int], bool, Optional[int], Optional[int], int]
#: How often, the first wait, whether it doubles, the longest wait, jitter, the classes of exceptions
#: (of all by default).
Retries = tuple[int, float, bool, Optional[float], float, Optional[tuple[type[Exception], ...]]]
#: A handler, "skip", or nothing for "raise"; or pairs of an exception class and one of these.
Chosen = Union[str, Callable[..., Any], tuple[tuple[type[Exception], Any], ...], None]
#: What to do with errors, retries, timeout.
Failing = tuple[Chosen, Retries, Optional[float]]

#: How many calls of a coroutine function are under way at once, unless `concurrency` says it.
CALLS_UNDER_WAY = 100

NO_LIMITS: Limits = (None, True, None, None, 0)
NO_RETRIES: Retries = (0, 0.0, False, None, 0.0, None)
NO_POLICY: Failing = (None, NO_RETRIES, None)


def named(name: str | None, default: str) -> Named:
    """Name a task, and find the line outside of this package that adds it."""
    if name is None:
        name = default
    elif not isinstance(name, str):
        raise TypeError(f"naming a task: name must be a str, got {name!r}")
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return name, "<unknown>", 0
    return name, frame.f_code.co_filename, frame.f_lineno


@overload
def name_of(function: object, default: str) -> str: ...
@overload
def name_of(function: object, default: None) -> str | None: ...
def name_of(function: object, default: str | None) -> str | None:
    """Find what to call a task whose function this is."""
    name = _attribute(function, "__name__")
    return name if isinstance(name, str) and name != "<lambda>" else default


def integer(value: object, argument: str, *, least: int, most: int = sys.maxsize) -> int:
    """Check an argument that is a number of things."""
    if isinstance(value, bool) or _of_type(value, "__index__") is None:
        raise TypeError(f"{argument} must be an int, got {value!r}")
    number = operator.index(value)  # type: ignore[arg-type]
    if number < least:
        raise ValueError(f"{argument} must be at least {least}, got {number}")
    if number > most:
        raise OverflowError(f"{argument} must be at most {most}, got {number}")
    return number


def capacity(items: object, patience: object) -> tuple[int, float | None] | None:
    """Check how many items a branch may keep, and how long a full one is waited for."""
    patience = seconds(patience, "patience")
    if items is None:
        if patience is not None:
            message = f"patience is how long a full reader is waited for, got {patience} without a capacity; give one"
            raise ValueError(message)
        return None
    return integer(items, "capacity", least=1), patience


def seconds(value: object, argument: str) -> float | None:
    """Check an argument that is a time in seconds, or none: any real number, NumPy's or a fraction too."""
    if value is None:
        return None
    is_a_number = _of_type(value, "__float__") is not None or _of_type(value, "__index__") is not None
    # On older interpreters a complex number has a `__float__`, which refuses.
    if not is_a_number or isinstance(value, (bool, complex)):
        raise TypeError(f"{argument} must be a number of seconds or None, got {value!r}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        # More than a float can be is as good as for ever.
        number = math.inf if value > 0 else -math.inf  # type: ignore[operator]
    except ValueError:
        # A Decimal that signals that it is none.
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"{argument} must be a number of seconds, got {value!r}")
    if number < 0:
        raise ValueError(f"{argument} must not be negative, got {value!r}")
    return number


#: What says of a function that calling it gives a coroutine, or an async generator.
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200
#: How many callables within each other are looked into.
_DEEPEST = 100


def is_coroutine_function(value: Any) -> bool:
    """Find out whether calling something gives a coroutine; `inspect` knows too, but takes long to import.

    What it is is asked of its type: a mock or a remote object has any attribute that it is asked for.
    """
    return _gives(value, _COROUTINE, _is_marked)


def is_async_generator_function(value: Any) -> bool:
    """Find out whether calling something gives an async generator."""
    return _gives(value, _ASYNC_GENERATOR, lambda _: False)


def is_async_iterable(value: object) -> bool:
    """Find out whether something is for `async for` and not for `for`."""
    return _of_type(value, "__aiter__") is not None and _of_type(value, "__iter__") is None


def _gives(value: Any, flag: int, is_marked: Callable[[Any], bool]) -> bool:
    for _ in range(_DEEPEST):
        if _is_of(value, types.FunctionType):
            return bool(value.__code__.co_flags & flag) or is_marked(value)
        if is_marked(value):
            return True
        if _is_of(value, (types.MethodType, staticmethod, classmethod)):
            value = value.__func__
        elif _is_of(value, functools.partial):
            value = value.func
        else:
            called = _of_type(value, "__call__")
            if not _is_of(called, (types.FunctionType, staticmethod, functools.partial)):
                return False
            value = called
    return False


def _is_of(value: object, kind: type[Any] | tuple[type[Any], ...]) -> bool:
    """Do what `isinstance` does for objects that say themselves, falsely, what their class is."""
    return issubclass(type(value), kind)


def _of_type(value: object, name: str) -> Any:
    """Find what Python finds for an operator: an attribute of the type, as it stands there."""
    for kind in type(value).__mro__:
        if name in vars(kind):
            return vars(kind)[name]
    return None


def _is_marked(function: Any) -> bool:
    """Find out whether something is said to be a coroutine function, as Cython's functions and mocks of such are."""
    for module, mark, attribute in (
        # What 3.12 has, and what later interpreters have.
        ("inspect", "_is_coroutine_marker", "_is_coroutine_marker"),
        ("inspect", "_is_coroutine_mark", "_is_coroutine_marker"),
        ("asyncio.coroutines", "_is_coroutine", "_is_coroutine"),
    ):
        wanted = getattr(sys.modules.get(module), mark, None)
        if wanted is not None and _attribute(function, attribute) is wanted:
            return True
    flags = _attribute(_attribute(function, "__code__"), "co_flags")
    return type(flags) is int and bool(flags & _COROUTINE)


def _attribute(value: object, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:
        # A proxy without an object behind it, say.
        return None


def function(value: object, argument: str) -> Any:
    """Check an argument that is called."""
    if not callable(value):
        raise TypeError(f"{argument} must be something that can be called, got {value!r}")
    return value


def plain(value: object, argument: str, caller: str, way: str) -> Any:
    """Check an argument that is called and whose result nobody awaits."""
    value = function(value, argument)
    if is_coroutine_function(value):
        name = name_of(value, "")
        raise TypeError(
            f"{caller} calls plain functions, and {argument} is a coroutine function{name and f', `{name}`'}; {way}"
        )
    return value


def is_awaitable(value: object) -> bool:
    """Find out whether something is there to be awaited. A value of this package's need not be."""
    return _of_type(value, "__await__") is not None and type(value).__module__.partition(".")[0] != "millpond"


def returned(value: _T, caller: str) -> _T:
    """Refuse what a plain function returned for somebody to await: nobody would."""
    if not is_awaitable(value):
        return value
    if isinstance(value, types.CoroutineType):
        # So that Python does not warn of one that was never awaited.
        value.close()
    raise TypeError(
        f"the function of {caller} is a plain one and returned an awaitable (of type `{type(value).__name__}`), which "
        "nobody would await"
    )


def plain_function(value: object, argument: str) -> Any:
    """Check an argument that is called where nobody awaits."""
    if is_coroutine_function(function(value, argument)):
        name = name_of(value, None) or repr(value)
        raise TypeError(
            f"{argument} must be a plain function, got the coroutine function `{name}`, which nobody awaits"
        )
    return value


def iterable(value: Any, argument: str) -> Iterable[Any]:
    """Check an argument that is iterated over."""
    if _of_type(value, "__iter__") is None and _of_type(value, "__getitem__") is None:
        raise TypeError(f"{argument} must be an iterable, got {value!r}")
    return value  # type: ignore[no-any-return]


def limits(
    concurrency: int | None,
    ordered: bool,
    min_count: int | None,
    max_chunksize: int | None,
    read_ahead: int,
) -> Limits:
    """Check the options that say how a task is run."""
    if concurrency is None and ordered is True and min_count is None and max_chunksize is None and read_ahead == 0:
        return NO_LIMITS
    return (
        None if concurrency is None else integer(concurrency, "concurrency", least=1),
        bool(ordered),
        None if min_count is None else integer(min_count, "min_count", least=1),
        None if max_chunksize is None else integer(max_chunksize, "max_chunksize", least=1),
        integer(read_ahead, "read_ahead", least=0),
    )


def plain_handler(failing: Failing) -> Failing:
    """Check the handler of a task whose results nobody awaits."""
    chosen = failing[0]
    for handler in [choice for _, choice in chosen] if isinstance(chosen, tuple) else [chosen]:
        if callable(handler):
            plain(handler, "on_error", "a task with a plain function", "use a plain handler")
    return failing


def chosen_for(error: BaseException, chosen: Chosen) -> Any:
    """Find what is said of an exception: a handler, "skip", or nothing for "raise"."""
    if not isinstance(chosen, tuple):
        return chosen
    return next((choice for kind, choice in chosen if isinstance(error, kind)), None)


def failing(
    on_error: Any, retries: int | Retry, timeout: Seconds | None, *, words: Iterable[str] = ("raise", "skip")
) -> Failing:
    """Check the options that say what becomes of errors."""
    if on_error == "raise" and retries == 0 and timeout is None:
        return NO_POLICY
    chosen: Chosen
    if isinstance(on_error, Mapping):
        chosen = tuple((_exception(kind, "on_error"), _choice(choice, words)) for kind, choice in on_error.items())
    else:
        chosen = _choice(on_error, words)
    return chosen, _retries(retries), seconds(timeout, "timeout")


def _choice(on_error: Any, words: Iterable[str]) -> Any:
    if callable(on_error):
        return on_error
    if on_error in words:
        return "skip" if on_error == "skip" else None
    names = ", ".join(f'"{word}"' for word in words)
    raise ValueError(f"on_error must be {names} or a function of the error and the item, got {on_error!r}")


def _exception(kind: Any, argument: str) -> type[Exception]:
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        raise TypeError(f"{argument} must name classes of exceptions, got {kind!r}")
    return kind


def _retries(retries: int | Retry) -> Retries:
    if not isinstance(retries, Retry):
        retries = Retry(integer(retries, "retries", least=0))
    times = integer(retries.times, "retries", least=0)
    jitter = seconds(retries.jitter, "the jitter of retries") or 0.0
    if jitter > 1:
        raise ValueError(f"the jitter of retries must be a share of the wait from 0 to 1, got {retries.jitter!r}")
    kinds = retries.exceptions if isinstance(retries.exceptions, tuple) else (retries.exceptions,)
    classes = tuple(_exception(kind, "the exceptions of retries") for kind in kinds)
    return (
        min(times, 2**32 - 1),
        seconds(retries.wait, "the wait of retries") or 0.0,
        bool(retries.doubling),
        seconds(retries.max_wait, "the longest wait of retries"),
        jitter,
        None if classes == (Exception,) else classes,
    )
