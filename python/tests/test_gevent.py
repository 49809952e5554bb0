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


def test_threads_import_nothing_of_the_package_when_they_first_wait() -> None:
    pytest.importorskip("gevent", reason="gevent has no wheels for this interpreter")
    program = """if True:
        import gevent.monkey
        gevent.monkey.patch_all()
        import sys, time
        import millpond
        from millpond.sync import Lock
        before = set(sys.modules)
        lock = Lock()

        def call(number):
            with lock:
                time.sleep(0.001)
                return number

        assert millpond.Pool(4).source(range(20)).map(call, max_chunksize=1).read_all() == list(range(20))
        print(sorted(name for name in set(sys.modules) - before if name.startswith("millpond")))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
