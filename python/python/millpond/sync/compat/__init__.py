"""Locks, events and queues with the names and signatures of other packages: swap the import, and tasks may wait too.

* `millpond.sync.compat.threading`: for `threading`.
* `millpond.sync.compat.asyncio`: for `asyncio`.
* `millpond.sync.compat.queue`: for `queue`.
* `millpond.sync.compat.janus`: for `janus`.
"""

from __future__ import annotations

__all__: list[str] = []
