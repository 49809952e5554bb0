"""The garbage collector comes while workers use what it finds to be garbage. Why it does no harm: `src/README.md`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "collecting.py"

#: How long each kind of garbage is left.
SECONDS = float(os.environ.get("MILLPOND_SECONDS", "1.5"))

SCENARIOS = [
    "maps",
    "filters",
    "tees",
    "zips",
    "flat_maps",
    "coroutines",
    "sources",
    "handlers",
    "cycles",
    "pools",
    "last_words",
    "closing",
    "awaiting",
    "values",
    "executors",
    "classic",
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_workers_use_nothing_that_the_collector_clears(scenario: str) -> None:
    program = [sys.executable, str(PROGRAM), scenario, "8", str(SECONDS)]
    # Memory that was freed is overwritten, so that whoever still uses it is found out.
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    ran = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"{scenario} on 8 workers, ")


def test_every_scenario_of_the_program_is_run() -> None:
    ran = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == SCENARIOS


HELPER_IN_A_FUNCTION = """
import contextvars, gc, threading, time, weakref
from millpond import Pool

contextvars.ContextVar("variable").set(1)
entered, released = threading.Event(), threading.Event()
reading = threading.current_thread()

def first(item):
    if threading.current_thread() is not reading:
        entered.set()
        released.wait()
    elif item == 0:
        time.sleep(0.001)  # what is worth a helper
    else:
        entered.wait()
        raise KeyError(item)
    return item

def second(item):
    return item

def read():
    reader = Pool(2).source(range(100), max_chunksize=1).map(first).map(second)
    try:
        while True:
            reader.read(100)
    except KeyError as error:
        # A cycle: the exception, its traceback, this frame, and the reader of the functions.
        kept = error
    return weakref.ref(reader)

watched = read()
gc.collect()
assert watched() is not None, "the helper is in its function"
released.set()
while watched() is not None:
    gc.collect()
print("collected")
"""


def test_what_a_helper_is_about_to_call_is_cleared_when_it_has_left() -> None:
    program = [sys.executable, "-X", "faulthandler", "-c", HELPER_IN_A_FUNCTION]
    ran = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "collected\n", "")
