"""What the tests share: pools of all sizes, and how hypothesis works."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Callable

import hypothesis
import pytest

# No file of examples beside the tests, and no deadline: other work on the machine must not fail a test.
hypothesis.settings.register_profile("millpond", database=None, deadline=None, max_examples=60)
hypothesis.settings.load_profile("millpond")

#: Serial mode, the caller alone, two workers, more workers than processors.
POOL_SIZES = (0, 1, 2, 8)


@pytest.fixture(params=POOL_SIZES, ids=lambda size: f"size-{size}")
def pool_size(request: pytest.FixtureRequest) -> int:
    """Each size that a pool is tested with."""
    size = request.param
    assert isinstance(size, int)
    return size


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have the programs that a test starts take interrupts.

    A shell that starts something in the background may have it ignore them, and so what that starts.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run_program() -> Callable[..., str]:
    """Give what runs a program to its end, which must be a good one and a silent one, and gives what it prints."""

    def run(program: str, *arguments: object) -> str:
        command = [sys.executable, "-W", "error", "-X", "faulthandler", "-c", textwrap.dedent(program)]
        done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run
