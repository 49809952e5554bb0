"""The plug-in for pytest, in a pytest of its own."""

from __future__ import annotations

import re

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def run(pytester: pytest.Pytester) -> object:
    """Run pytest on a test file."""

    def run(text: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        return pytester.runpytest("-p", "no:cacheprovider", "--color=no", *arguments)

    return run


WRONG_ORDER = """
def test_order(millpond_pool):
    seen = []
    millpond_pool.source(range(300)).map(seen.append).read_all()
    assert seen == sorted(seen)
"""


def test_a_pool_is_given_in_every_mode_and_for_every_seed(run) -> None:  # type: ignore[no-untyped-def]
    text = """
def test_doubles(millpond_pool):
    assert millpond_pool.source([1, 2]).map(lambda n: n * 2).read_all() == [2, 4]
"""
    run(text).assert_outcomes(passed=22)
    result = run(text, "--millpond-seeds=50", "-v")
    result.assert_outcomes(passed=52)
    for name in ("serial", "size-2", "seed-0", "seed-49"):
        result.stdout.fnmatch_lines([f"*::test_doubles[[]{name}[]] PASSED*"])
    run(text, "--millpond-seed=1000").assert_outcomes(passed=1)
    run(text, "--millpond-seed=1000", "--millpond-seeds=3").assert_outcomes(passed=3)


def test_the_report_of_what_fails_has_seed_schedule_and_steps(run) -> None:  # type: ignore[no-untyped-def]
    result = run(WRONG_ORDER, "--millpond-seeds=100", "-k", "seed")
    failed = result.parseoutcomes()["failed"]
    assert 0 < failed < 100
    text = result.stdout.str()
    names = re.findall(r"^FAILED (.*\[seed-(\d+)\])", text, re.MULTILINE)
    assert len(names) == failed
    name, seed = names[0]
    assert f"schedule: seed {seed} workers " in text
    assert re.search(r"^step +time +worker +task +chunk +event$", text, re.MULTILINE)
    assert f"the same again: pytest '{name}'" in text
    assert "- millpond -" in text
    # And it is the same again.
    run(WRONG_ORDER, f"--millpond-seed={seed}").assert_outcomes(failed=1)


def test_a_check_runs_so_many_seeds_and_reports_the_one_that_fails(run) -> None:  # type: ignore[no-untyped-def]
    text = """
def test_order(millpond_check):
    def body(trial):
        seen = []
        trial.source(range(300)).map(seen.append).read_all()
        return seen
    assert millpond_check(body, sizes=()).seeds == SEEDS
"""
    run(text.replace("SEEDS", "20").replace("return seen", "")).assert_outcomes(passed=1)
    run(text.replace("SEEDS", "3").replace("return seen", ""), "--millpond-seeds=3").assert_outcomes(passed=1)
    result = run(text, "--millpond-seeds=200")
    result.assert_outcomes(failed=1)
    said = result.stdout.str()
    again = re.search(r"^the same again: pytest 'test_.*::test_order' --millpond-seed=(\d+)$", said, re.MULTILINE)
    assert again is not None
    assert "the shortest run that was found to fail:" in said
    run(text, f"--millpond-seed={again[1]}").assert_outcomes(failed=1)


def test_a_marker_says_more(run) -> None:  # type: ignore[no-untyped-def]
    text = """
import pytest
from millpond.testing import Faults

@pytest.mark.millpond(seeds=5, sizes=(1, 3), workers=4, faults=Faults.harmless())
def test_pool(millpond_pool):
    if millpond_pool.simulated_from is not None:
        assert millpond_pool.size == 4
    assert millpond_pool.source(range(50)).map(str).read_all() == [str(n) for n in range(50)]

@pytest.mark.millpond(seeds=6, workers=2)
def test_check(millpond_check):
    assert millpond_check(lambda trial: None).seeds == 6
"""
    result = run(text, "-W", "error", "--strict-markers")
    result.assert_outcomes(passed=9)
    result = run("import pytest\n@pytest.mark.millpond(seed=5)\ndef test_it(millpond_pool): pass")
    result.assert_outcomes(errors=1)
    assert "the marker `millpond` takes the keywords seeds, sizes, workers and faults" in result.stdout.str()


def test_a_deadlock_ends_the_test_and_the_next_one_begins_anew(run) -> None:  # type: ignore[no-untyped-def]
    text = """
def test_wait(millpond_pool):
    _, reader = millpond_pool.channel()
    reader.read(1)

def test_next(millpond_pool):
    assert millpond_pool.source([1]).read_all() == [1]
"""
    result = run(text, "--millpond-seeds=3", "-k", "seed")
    result.assert_outcomes(failed=3, passed=3)
    assert "verdict: a deadlock: caller can wait for ever" in result.stdout.str()


def test_a_wrong_number_is_refused(run) -> None:  # type: ignore[no-untyped-def]
    result = run("def test_it(millpond_pool): pass", "--millpond-seeds=-1")
    assert "--millpond-seeds must be at least 0, got -1" in result.stdout.str() + result.stderr.str()
