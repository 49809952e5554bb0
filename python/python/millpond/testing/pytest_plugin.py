"""The plug-in for pytest: pools in every mode as fixtures, and the seed of what fails in its report.

``pytest --millpond-seeds=1000`` runs each test that takes the fixture `millpond_pool` in serial mode, on a pool of
two threads and in simulations of 1000 seeds, and gives `millpond_check` as many. What fails is had again by its own
name, `test[seed-17]`, or with ``--millpond-seed=17``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from millpond import Pool
    from millpond.testing import Checked, Trial

#: How many seeds there are unless it is said.
SEEDS = 20

_REPORT = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("millpond", "simulated pools of millpond")
    group.addoption(
        "--millpond-seeds",
        type=int,
        metavar="N",
        default=None,
        help=f"run what takes `millpond_pool` or `millpond_check` under N seeds (default: {SEEDS})",
    )
    group.addoption(
        "--millpond-seed",
        type=int,
        metavar="SEED",
        default=None,
        help="begin with this seed; without --millpond-seeds it is the only one",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker is."""
    config.addinivalue_line(
        "markers",
        "millpond(seeds=…, sizes=…, workers=…, faults=…): how `millpond_pool` and `millpond_check` run this test",
    )


def _seeds(config: pytest.Config, marked: int | None) -> range:
    count, first = config.getoption("millpond_seeds"), config.getoption("millpond_seed")
    if count is not None and count < 0:
        raise pytest.UsageError(f"--millpond-seeds must be at least 0, got {count}")
    if count is None:
        count = 1 if first is not None else SEEDS if marked is None else marked
    return range(first or 0, (first or 0) + count)


def _marked(node: Any) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("millpond"))):
        if marker.args or not {*marker.kwargs} <= {"seeds", "sizes", "workers", "faults"}:
            raise pytest.UsageError("the marker `millpond` takes the keywords seeds, sizes, workers and faults")
        options.update(marker.kwargs)
    return options


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that takes a pool in every mode."""
    if "millpond_pool" not in metafunc.fixturenames:
        return
    marked = _marked(metafunc.definition)
    modes: list[tuple[str, int]] = []
    if metafunc.config.getoption("millpond_seed") is None:
        modes += [("serial", 0), *(("size", size) for size in marked.get("sizes", (2,)))]
    modes += [("seed", seed) for seed in _seeds(metafunc.config, marked.get("seeds"))]
    names = ["serial" if kind == "serial" else f"{kind}-{number}" for kind, number in modes]
    metafunc.parametrize("millpond_pool", modes, ids=names, indirect=True)


@pytest.fixture
def millpond_pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Give a pool: one test in serial mode, one on two threads, and one for each seed of ``--millpond-seeds``."""
    from millpond import Pool
    from millpond.testing import Faults, Simulation

    kind, number = request.param
    if kind != "seed":
        pool = Pool(number)
    else:
        marked = _marked(request.node)
        simulation = Simulation(number, workers=marked.get("workers"), faults=marked.get("faults") or Faults())
        pool = Pool.simulated(simulation)
    try:
        yield pool
    finally:
        # What the test itself drops or leaves to its traceback, the next test must not find.
        pool.close()


@pytest.fixture
def millpond_check(request: pytest.FixtureRequest) -> Callable[..., Checked]:
    """Give :func:`millpond.testing.check` with the seeds of ``--millpond-seeds``, and its errors a report."""
    from millpond.testing import CheckError, check

    config, marked = request.config, _marked(request.node)
    seeds = _seeds(config, marked.pop("seeds", None))

    @functools.wraps(check)
    def checked(body: Callable[[Trial], Any], **options: Any) -> Checked:
        try:
            return check(body, **{"seeds": seeds, **marked, **options})
        except CheckError as error:
            if error.seed is not None:
                again = f"pytest '{request.node.nodeid}' --millpond-seed={error.seed}"
                text = f"seed {error.seed}\nthe same again: {again}"
                if error.report is not None:
                    text = f"the shortest run that was found to fail:\n{error.report}\n{text}"
                request.node.stash[_REPORT] = text
            raise

    return checked


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the simulation to the report of a test that fails in one."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.failed:
        text = item.stash.get(_REPORT, None)
        if text is None:
            text = _of_pool(item)
        if text is not None:
            report.sections.append(("millpond", text))


def _of_pool(item: pytest.Item) -> str | None:
    pool = getattr(item, "funcargs", {}).get("millpond_pool")
    if pool is None or pool.simulated_from is None:
        return None
    from millpond.testing import current, last

    report = last() if pool.closed else current()
    again = f"the same again: pytest '{item.nodeid}'"
    return again if report is None else f"{report}\n{again}"
