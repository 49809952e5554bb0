"""Cases, each ours beside its rivals, measured in alternation: the benches' contract for programs in Python.

One warm-up round, then ``BENCH_RUNS`` counted rounds (default 7, at least 5); a round runs ours and then each rival
once, and what is reported is the median of each. Each side gives a result, which is compared with what is expected,
untimed. Words on the command line select cases whose name contains one of them; then the table is printed and no file
written.

A side may do a part of the work only, where it is so slow that the whole would take minutes: all figures are per item,
call or task, and the side says on how many it ran.

It does not judge: a slow row is a row, not a failure. A rival that cannot be had is left out, which is said.
"""

from __future__ import annotations

import gc
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Case", "Group", "Side"]

_WORKSPACE = Path(__file__).resolve().parents[2]


@dataclass
class Side:
    """One way to do a case's work.

    Parameters
    ----------
    name : str
        Whose way.
    run : callable
        Does the work, or with `is_figure` measures by itself and returns the figure and the result.
    expected : object
        What the result must be equal to.
    count : int
        By how many items, calls or tasks the time is divided.
    prepare : callable, optional
        Makes the argument of `run`, untimed.
    is_figure : bool
        Whether `run` measures by itself.
    """

    name: str
    run: Callable[..., Any]
    expected: Any = None
    count: int = 1
    prepare: Callable[[], Any] | None = None
    is_figure: bool = False
    figures: list[float] = field(default_factory=list)

    def measure(self, scale: float) -> tuple[float, Any]:
        """Run once; the figure and the result."""
        arguments = () if self.prepare is None else (self.prepare(),)
        gc.collect()
        if self.is_figure:
            figure, result = self.run(*arguments)
            return figure, result
        begin = time.perf_counter()
        result = self.run(*arguments)
        return (time.perf_counter() - begin) * scale / self.count, result


@dataclass
class Case:
    """Ours and its rivals doing the same work.

    Parameters
    ----------
    name : str
        The case's name.
    unit : str
        The figures' unit, a cost: less is better.
    scale : float
        How many of the unit's time are in a second.
    sides : list of Side
        Ours first.
    """

    name: str
    unit: str
    scale: float
    sides: list[Side]


class Group:
    """Runs cases and collects their rows.

    Parameters
    ----------
    name : str
        The group's name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.runs = int(os.environ.get("BENCH_RUNS", "7"))
        if self.runs < 5:
            sys.exit(f"BENCH_RUNS is `{self.runs}` and must be at least 5; leave it unset for 7")
        self._selection = sys.argv[1:]
        self._rows: list[dict[str, Any]] = []
        self._left_out: list[str] = []

    def selects(self, case: str) -> bool:
        """Tell whether a case is wanted."""
        return not self._selection or any(part in case for part in self._selection)

    def leave_out(self, what: str) -> None:
        """Say that a rival could not take part, now and below the table."""
        if what not in self._left_out:
            print(f"LEFT OUT: {what}", file=sys.stderr)
            self._left_out.append(what)

    def run(self, case: Case) -> None:
        """Measure a case, in alternation, and add its rows."""
        if not self.selects(case.name):
            return
        sides = list(case.sides)
        for round_number in range(self.runs + 1):
            for side in list(sides):
                try:
                    figure, result = side.measure(case.scale)
                except Exception as error:
                    if side is case.sides[0]:
                        raise
                    self.leave_out(f"{side.name} of `{case.name}`: it raised {error!r}")
                    sides.remove(side)
                    continue
                if result != side.expected:
                    sys.exit(
                        f"comparing the results of `{case.name}`: `{side.name}` gave `{_short(result)}`, "
                        f"expected was `{_short(side.expected)}`"
                    )
                # The first round warms up.
                if round_number:
                    side.figures.append(figure)
        self._add(case, sides)

    def _add(self, case: Case, sides: list[Side]) -> None:
        ours = statistics.median(sides[0].figures)
        begin: dict[str, Any] = {"group": self.name, "case": case.name, "ours": _rounded(ours)}
        end = {"unit": case.unit, "runs": self.runs}
        rows = [begin | {"rival": "none"} | end] if len(sides) == 1 else []
        for rival in sides[1:]:
            theirs = statistics.median(rival.figures)
            compared = {"rival": rival.name, "theirs": _rounded(theirs), "ratio": _rounded(theirs / ours)}
            rows.append(begin | compared | end)
        for row in rows:
            print(json.dumps(row, ensure_ascii=False), flush=True)
        self._rows += rows

    def table(self) -> str:
        """Write the rows as a Markdown table."""
        lines = ["| case | ours | rival | theirs | unit | ratio |", "|---|---:|---|---:|---|---:|"]
        for row in self._rows:
            cells = [row["case"], row["ours"], row["rival"], row.get("theirs", ""), row["unit"], row.get("ratio", "")]
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        return "\n".join(lines)

    def finish(self) -> None:
        """Print the table and, if all cases ran, write ``target/bench/GROUP.json``."""
        print(f"\n{self.name}: medians of {self.runs} runs, {sys.version.split()[0]}\n\n{self.table()}\n")
        for what in self._left_out:
            print(f"LEFT OUT: {what}")
        if self._selection:
            print(f"only {self._selection} ran, so no file is written")
            return
        path = _WORKSPACE / "target" / "bench" / f"{self.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in self._rows)
        path.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
        print(f"written to target/bench/{self.name}.json")


def _rounded(figure: float) -> float:
    """Four significant digits."""
    if figure == 0:
        return 0
    figure = round(figure, 3 - math.floor(math.log10(abs(figure))))
    return int(figure) if figure == int(figure) else figure


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}… ({len(text)} letters)"
