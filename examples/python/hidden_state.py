"""Find a task that keeps hidden state.

    python hidden_state.py

`first_reports` shall give each kind of error in a log once, with the line where it came first. It remembers the
kinds that it has seen in a set behind a lock: no data race, right in every test on one thread, and mostly right on
several. But the task's function is called for many chunks at once, so the line that is *seen* first need not be the
first.

`check` runs the pipeline in serial mode, on threads and in simulations. It finds a seed for which the answer
differs, and shortens the run to the turns that it takes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

from millpond import PoolReader
from millpond.testing import CheckError, Trial, check, find


def log() -> Iterator[tuple[int, str]]:
    """Make a log of many lines and few kinds of errors."""
    return ((line, f"error {line * line % 11}: something is wrong with part {line}") for line in range(1, 301))


def kind(entry: tuple[int, str]) -> tuple[str, int]:
    """Give what stands before the colon, and the line."""
    line, text = entry
    return text.partition(":")[0], line


def first_reports(trial: Trial) -> list[tuple[str, int]]:
    """Give the first report of each kind; wrong."""
    lock = threading.Lock()
    seen: set[str] = set()

    def is_first(report: tuple[str, int]) -> bool:
        with lock:
            is_new = report[0] not in seen
            seen.add(report[0])
        return is_new

    return trial.source(log()).map(kind).filter(is_first).read_all()


def firsts(reports: Iterable[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Keep the first report of each kind; a generator, which one worker at a time goes on with, in order."""
    seen = set()
    for report in reports:
        if report[0] not in seen:
            seen.add(report[0])
            yield report


def first_reports_in_order(trial: Trial) -> list[tuple[str, int]]:
    """Give the first report of each kind. What the task remembers is its own, and it gets one item after the other."""
    kinds: PoolReader[tuple[str, int]] = trial.source(log()).map(kind)
    return trial.source(firsts(kinds)).read_all()


def finding() -> CheckError | None:
    """Tell what the check finds in the wrong one."""
    # Threads find it too, sometimes; simulations find it, and again when asked again.
    return find(first_reports, sizes=(), seeds=1_000)


def main() -> None:
    """Check both."""
    error = finding()
    assert error is not None, "the check finds the state that is hidden"
    print(f"the task with hidden state:\n{error}\n")
    checked = check(first_reports_in_order, seeds=300)
    print(f"the task with a state of its own: the same in {checked.runs} modes and for {checked.seeds} seeds")


if __name__ == "__main__":
    main()
