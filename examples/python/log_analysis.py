"""Analyse access logs, plain and gzipped, as one stream: what was asked for, how it went, and what is no log line.

    python log_analysis.py [FILE ...]

takes logs in the combined format of Apache and nginx, the oldest first. Without files it writes three days of a small
server's log into a temporary folder, the older days gzipped, as logrotate leaves them, and analyses those.

Lines are parsed when somebody reads: the first line of the report is there after one chunk, however long the logs are.
"""

from __future__ import annotations

import gzip
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from millpond import Pool

_LINE = re.compile(
    rb'(?P<host>\S+) \S+ \S+ \[(?P<day>\d\d/\w{3}/\d{4}):(?P<hour>\d\d):[^\]]+\] "(?P<method>[A-Z]+) '
    rb'(?P<path>[^ ?"]+)[^"]*" (?P<status>\d{3}) (?P<size>\d+|-)'
)


class Hit(NamedTuple):
    """What a line says."""

    host: str
    hour: int
    path: str
    status: int
    size: int


def parse(line: bytes) -> Hit:
    """Take a line apart."""
    found = _LINE.match(line)
    if found is None:
        raise ValueError("not in the combined log format")
    size = found["size"]
    return Hit(
        found["host"].decode(),
        int(found["hour"]),
        found["path"].decode(errors="replace"),
        int(found["status"]),
        0 if size == b"-" else int(size),
    )


def blocks(paths: list[Path]) -> Iterator[bytes]:
    """Read files in blocks of whole lines."""
    for path in paths:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            while block := file.read(1 << 18):
                yield block + file.readline()


@dataclass
class Report:
    """What was found in all lines."""

    hits: int = 0
    size: int = 0
    hosts: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)

    def add(self, hit: Hit) -> Report:
        """Count a hit."""
        self.hits += 1
        self.size += hit.size
        self.hosts.add(hit.host)
        self.statuses[hit.status] += 1
        self.paths[hit.path] += 1
        self.hours[hit.hour] += 1
        if hit.status == 404:
            self.missing[hit.path] += 1
        return self


def analyse(paths: list[Path]) -> None:
    """Analyse logs, and print what was found."""
    begin = time.perf_counter()
    with Pool() as pool:
        lines = pool.source(blocks(paths), name="blocks").flat_map(bytes.splitlines)
        # What cannot be parsed goes to a reader of its own, and the rest goes on.
        hits, rejected = lines.try_map(parse)

        report = Report()
        for hit in hits.read(1):
            first = time.perf_counter() - begin
            print(f"the first hit, after {first * 1e3:.1f} ms: {hit.path} for {hit.host}, status {hit.status}")
            report.add(hit)
        hits.fold(Report.add, report)
        wrong = rejected.read_all()

    seconds = time.perf_counter() - begin
    print(f"{report.hits:,} hits of {len(report.hosts):,} hosts, {report.size / 1e6:,.1f} MB, in {seconds:.2f} s")
    print("\nstatus   " + "  ".join(f"{status}: {count:,}" for status, count in sorted(report.statuses.items())))
    print("\nasked for most")
    for path, count in report.paths.most_common(5):
        print(f"  {count:8,}  {path}")
    print("\nnot found most")
    for path, count in report.missing.most_common(3):
        print(f"  {count:8,}  {path}")
    print("\nby the hour")
    most = max(report.hours.values(), default=1)
    for hour in range(0, 24, 2):
        count = report.hours[hour] + report.hours[hour + 1]
        print(f"  {hour:02}  {'█' * (count * 20 // most)}")
    print(f"\n{len(wrong)} lines are none of a log")
    for line in wrong[:3]:
        print(f"  {line.item[:60]!r}: {line.error}")


def write_sample(folder: Path, lines: int) -> list[Path]:
    """Write a log of three days, the first two gzipped."""
    draw = random.Random(7)
    hosts = [f"10.0.{draw.randrange(8)}.{draw.randrange(256)}" for _ in range(300)]
    paths = ["/", "/index.html", "/style.css", "/mill.png", "/pond.png", *(f"/page/{n}" for n in range(40))]
    weights = [90, 60, 80, 40, 40, *([3] * 40)]
    written = []
    for day, name in enumerate(["access.log.2.gz", "access.log.1.gz", "access.log"], 4):
        text = []
        for second in sorted(int(draw.triangular(0, 86_400, 72_000)) for _ in range(lines // 3)):
            path, status = draw.choices(paths, weights)[0], 200
            if draw.random() < 0.02:
                path, status = draw.choice(["/favicon.ico", "/wp-login.php", "/robots.txt"]), 404
            when = f"{day:02}/Nov/2026:{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} +0000"
            size = draw.randrange(200, 40_000)
            text.append(f'{draw.choice(hosts)} - - [{when}] "GET {path} HTTP/1.1" {status} {size} "-" "-"')
        text.insert(len(text) // 2, "-- the clock was set --")
        written.append(folder / name)
        data = ("\n".join(text) + "\n").encode()
        written[-1].write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)
    return written


def main() -> None:
    """Analyse the logs on the command line, or a sample."""
    if sys.argv[1:]:
        analyse([Path(name) for name in sys.argv[1:]])
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = write_sample(Path(folder), 90_000)
        print("analysing a sample: " + ", ".join(path.name for path in paths))
        analyse(paths)


if __name__ == "__main__":
    main()
