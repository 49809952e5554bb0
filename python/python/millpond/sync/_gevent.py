"""Waits of greenlets. Imported where gevent is."""

from __future__ import annotations

import contextlib
import time
import weakref
from typing import Any

# Not there for whoever imports all modules to look at them.
with contextlib.suppress(ImportError):
    import gevent
    import gevent.event
    from gevent import _hub_local

from millpond import _native

__all__ = ["current", "wait", "waits_here"]


def waits_here() -> bool:
    """Find out whether other greenlets of the calling thread are to go on while the one that runs waits."""
    hub = _hub_local.get_hub_if_exists()
    return hub is not None and gevent.getcurrent() is not hub


def current() -> Any:
    """Give the greenlet that runs, if it is neither a hub nor the one that a thread begins with.

    That one is the thread: what it has taken before it first waits as greenlets do, which makes the hub, is its own
    after that, too.
    """
    hub = _hub_local.get_hub_if_exists()
    greenlet = None if hub is None else gevent.getcurrent()
    return None if greenlet is hub or greenlet is None or greenlet.parent is None else greenlet


class _Gevent:
    """A hub of gevent's."""

    __slots__ = ("__weakref__", "_hub", "hub")

    def __init__(self, hub: Any) -> None:
        self._hub = weakref.ref(hub)
        self.hub = _native._Hub(self)

    def is_here(self) -> bool:
        hub = _hub_local.get_hub_if_exists()
        return hub is not None and hub is self._hub()

    def post(self, flush: _native._Flush) -> bool:
        hub = self._hub()
        if hub is None or hub.dead or hub.loop is None:
            return False
        hub.loop.run_callback_threadsafe(flush)
        return True


_adapters: weakref.WeakKeyDictionary[Any, _Gevent] = weakref.WeakKeyDictionary()


def _adapter(hub: Any) -> _Gevent:
    adapter = _adapters.get(hub)
    if adapter is None:
        adapter = _adapters.setdefault(hub, _Gevent(hub))
    return adapter


def wait(waiting: _native._Wait, timeout: float | None) -> Any:
    """Wait, and let other greenlets of the thread go on meanwhile. See `_waiting`."""
    hub = gevent.get_hub()
    end = None if timeout is None else time.monotonic() + timeout
    event = gevent.event.Event()
    # Someone in another thread may end the wait. A hub that has nothing registered takes it for one that nobody ends.
    watcher = hub.loop.async_()
    watcher.start(event.set)
    try:
        if waiting.begin(_adapter(hub).hub, event.set):
            return waiting.result()
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            event.wait(left)
            is_over = not event.is_set()
            event.clear()
            if waiting.advance(event.set, is_over):
                return waiting.result()
    except BaseException:
        waiting.cancel()
        raise
    finally:
        watcher.stop()
        watcher.close()
