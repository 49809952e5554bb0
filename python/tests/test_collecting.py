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
