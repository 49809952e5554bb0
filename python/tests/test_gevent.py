"""Pools in programs that gevent has patched, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "greenlets.py"


@pytest.mark.parametrize("name", ["coroutines", "channels", "waits", "locks", "failures", "end"])
def test_greenlets_take_turns_where_one_waits(pool_size: int, name: str) -> None:
    pytest.importorskip("gevent", reason="gevent has no wheels for this interpreter")
    command = [sys.executable, str(PROGRAM), str(pool_size), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name}\n", "")
