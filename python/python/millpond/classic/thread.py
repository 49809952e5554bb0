"""Threads that end when they are asked to."""

from __future__ import annotations

import functools
import queue
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, TypeVar

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, Self

    _P = ParamSpec("_P")

__all__ = ["TerminatableThread", "WorkerThread", "do_terminate_threads", "terminate_threads"]

_T = TypeVar("_T")


class TerminatableThread(threading.Thread):
    """A thread that ends when asked.

    Its `run` looks every now and then at :meth:`_should_terminate`, and calls :meth:`_terminated` when it returns.
    """

    def __init__(self) -> None:
        super().__init__()
        self._terminate = False

    def schedule_termination(self) -> None:
        """Ask it to end; does not wait for it."""
        self._terminate = True

    def stop_and_join(self) -> None:
        """Ask it to end and wait until it has."""
        self.schedule_termination()
        if self.ident is not None and self is not threading.current_thread():
            self.join()

    def start(self) -> Self:  # type: ignore[override]
        """Start it.

        Returns
        -------
        TerminatableThread
            The same.
        """
        super().start()
        return self

    def _should_terminate(self) -> bool:
        return self._terminate

    def _terminated(self) -> None:
        """Note that it has ended, or will at once."""


class _Quit(BaseException):
    """What leaves a worker's loop."""


class WorkerThread(TerminatableThread):
    """A thread that runs what comes through a queue: callables, or tuples of one, its arguments and its keywords.

    Parameters
    ----------
    inq : queue, optional
        The queue; one of its own by default, which is the attribute `inq`.

    Examples
    --------
    >>> results = []
    >>> worker = WorkerThread().start()
    >>> worker.inq.put((results.append, (1,), {}))
    >>> worker.call(results.append, 2)
    >>> worker.stop_and_join()
    >>> results
    [1, 2]
    """

    #: Once it took a moment to notice that it should end; now it is told.
    shutdown_check_time_s = 0.0

    def __init__(self, inq: Any = None) -> None:
        super().__init__()
        self.inq: Any = inq if inq is not None else queue.Queue()

    def call(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Have the thread call a function.

        Parameters
        ----------
        function : callable
            The function.
        *args, **kwargs
            What it is called with.
        """
        self.inq.put((function, args, kwargs))

    @classmethod
    def stop(cls, *args: Any) -> None:
        """End the thread that runs this: put it into the queue.

        Parameters
        ----------
        *args
            Whatever it is called with.
        """
        raise _Quit

    @classmethod
    def quit(cls, *args: Any) -> None:
        """End the thread that runs this, as :meth:`stop` does.

        Parameters
        ----------
        *args
            Whatever it is called with.
        """
        cls.stop(*args)

    def schedule_termination(self) -> None:
        """Ask it to end when it has done what is in its queue."""
        super().schedule_termination()
        self.inq.put((self.stop, (), {}))

    def run(self) -> None:
        """Run what comes through the queue, until told to stop."""
        try:
            while True:
                task = self.inq.get()
                try:
                    if callable(task):
                        task()
                    else:
                        function, args, kwargs = task
                        function(*args, **kwargs)
                except Exception:
                    # As of a thread, not of the program.
                    threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), self)))
                finally:
                    del task
        except _Quit:
            pass
        finally:
            self._terminated()


def do_terminate_threads(whitelist: Iterable[threading.Thread] = ()) -> None:
    """End all threads that can be asked to, and wait for them.

    Parameters
    ----------
    whitelist : iterable of thread, optional
        Those that go on.
    """
    kept = set(whitelist)
    for thread in threading.enumerate():
        if isinstance(thread, TerminatableThread) and thread not in kept:
            thread.stop_and_join()


def terminate_threads(func: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have a function end all threads that can be asked to when it returns or raises. A decorator.

    Parameters
    ----------
    func : callable
        The function.

    Returns
    -------
    callable
        The same with that added.
    """

    @functools.wraps(func)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return func(*args, **kwargs)
        finally:
            do_terminate_threads()

    return wrapper
