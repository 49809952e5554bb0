"""Which interpreter of the process this is: millpond works in the main one only.

The native module says so too, but only after it has made its classes, which another interpreter would use later on.
"""

from __future__ import annotations

import importlib

__all__: list[str] = []


def _is_main() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            interpreters = importlib.import_module(name)
        except ImportError:
            continue
        return bool(interpreters.get_current() == interpreters.get_main())
    return True


if not _is_main():
    raise ImportError(
        "millpond works in the main interpreter only, and this is a subinterpreter: use it there, or in processes"
    )
