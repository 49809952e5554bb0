"""Functions of values that are called again when they fail, as the options of their task say."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from millpond import _native, _options
from millpond._errors import TaskTimeoutError, is_ending

__all__ = ["Persistent"]


def _now() -> float:
    now = _native._now()
    return time.monotonic() if now is None else now


class Persistent:
    """A function with retries, a handler of its errors and a time that it may take.

    Parameters
    ----------
    function : callable
        The function.
    name : str
        What errors call it.
    failing : tuple
        What becomes of errors; see :mod:`millpond._options`.
    """

    __slots__ = ("_failing", "_function", "_name")

    def __init__(self, function: Callable[..., Any], name: str, failing: _options.Failing) -> None:
        self._function = function
        self._name = name
        self._failing = failing

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        chosen, retries, _ = self._failing
        waits: _native._Waits | None = None
        while True:
            try:
                return self._call_once(arguments, keywords)
            except Exception as error:
                if is_ending(error):
                    raise
                waits = waits or _native._Waits(retries)
                wait = waits.next(error)
                if wait is None:
                    handler = _options.chosen_for(error, chosen)
                    if not callable(handler):
                        raise
                    return handler(error, *arguments, **keywords)
            if wait:
                _native._sleep(wait)

    def _call_once(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        timeout = self._failing[-1]
        started = _now()
        result = self._function(*arguments, **keywords)
        if timeout is not None and _now() - started > timeout:
            raise TaskTimeoutError(f"a call of task `{self._name}` took longer than its timeout of `{timeout}` seconds")
        return result
