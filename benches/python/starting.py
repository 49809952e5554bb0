"""What importing costs, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time

from harness import Case, Group, Side
from rivals import found

__all__ = ["run"]


def _seconds(statement: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", statement], check=True)
    return time.perf_counter() - begin


def _import(module: str) -> tuple[float, None]:
    """Time a process that imports, without what a process takes that imports nothing, of several in turns."""
    least = [min(_seconds(statement) for _ in range(5)) for statement in ("pass", f"import {module}")]
    return (least[1] - least[0]) * 1e3, None


def _startup() -> tuple[float, None]:
    return min(_seconds("pass") for _ in range(5)) * 1e3, None


def run(group: Group) -> None:
    """Measure imports, in milliseconds beyond what Python itself takes to start, which is the row `python-startup`."""
    if not group.selects("import"):
        return
    sides = [
        Side("ours", lambda: _import("millpond"), is_figure=True),
        Side("python-startup", _startup, is_figure=True),
        Side("executor-map", lambda: _import("concurrent.futures.thread"), is_figure=True),
        Side("imap", lambda: _import("multiprocessing.pool"), is_figure=True),
    ]
    for name, module in (
        ("pypeln", "pypeln"),
        ("pyper", "pyper"),
        ("streamable", "streamable"),
        ("joblib", "joblib"),
        ("dask-threaded", "dask"),
    ):
        if found(module) is None:
            group.leave_out(f"{name}: it is not installed")
        else:
            sides.append(Side(name, lambda module=module: _import(module), is_figure=True))
    group.run(Case("import", "ms", 1.0, sides))
