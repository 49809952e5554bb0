"""The example programs run, and say what they should."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"


def run(name: str, *arguments: str) -> str:
    """Run an example in a process of its own; what it printed."""
    command = [sys.executable, "-W", "error", str(_EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_example_is_tested() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    examples = sorted(path.stem for path in _EXAMPLES.glob("*.py"))
    assert examples
    assert [name for name in examples if f'run("{name}"' not in text] == []


def test_logs_are_analysed() -> None:
    said = run("log_analysis")
    hits = re.search(r"^([\d,]+) hits of (\d+) hosts", said, re.MULTILINE)
    assert hits is not None
    assert hits[1] == "90,000"
    statuses = re.findall(r"\d{3}: ([\d,]+)", said)
    assert sum(int(count.replace(",", "")) for count in statuses) == 90_000
    assert "3 lines are none of a log" in said


def test_a_log_of_your_own_is_analysed(tmp_path: Path) -> None:
    log = tmp_path / "access.log.gz"
    line = '::1 - - [05/Nov/2026:07:08:09 +0000] "GET /mill?gate=open HTTP/1.1" 404 12 "-" "-"\n'
    log.write_bytes(gzip.compress(line.encode() * 3))
    said = run("log_analysis", str(log))
    assert "3 hits of 1 hosts" in said
    assert "404: 3" in said
    assert "3  /mill\n" in said
    assert "0 lines are none of a log" in said


def test_files_are_compressed_in_order() -> None:
    assert "both are the same file, and unpack to what they were made of" in run("parallel_gzip")


def test_a_file_of_your_own_is_compressed(tmp_path: Path) -> None:
    data = b"".join(number.to_bytes(4, "big") for number in range(700_000))
    file = tmp_path / "numbers"
    file.write_bytes(data)
    run("parallel_gzip", str(file))
    assert gzip.decompress((tmp_path / "numbers.gz").read_bytes()) == data


def test_files_are_downloaded_in_order() -> None:
    said = run("downloads")
    names = re.findall(r"^[0-9a-f]{12} .*/(\w+\.py)$", said, re.MULTILINE)
    assert names == sorted(names)
    assert f"{len(names)} pages" in said
    assert re.search(r"^[1-9]\d* requests were turned away and made again$", said, re.MULTILINE)
    at_once = re.search(r"^up to (\d+) requests were under way at once$", said, re.MULTILINE)
    assert at_once is not None
    assert 1 < int(at_once[1]) <= 20


def test_a_package_is_reported_on(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("import json\n\n\ndef f():\n    pass\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("import json, re\nclass C: pass\n", encoding="utf-8")
    assert run("package_report", str(tmp_path)).splitlines() == [
        f"{tmp_path}: 5 lines, for which 0 files were parsed",
        "2 files, 5 lines, 1 classes, 1 functions, 0 coroutines, 0 files twice",
        "largest",
        "       3  one.py",
        "       2  two.py",
        "imported most",
        "       2  json",
        "       1  re",
    ]
    assert "imported most" in run("package_report")


def test_a_program_that_used_the_ancestor_works(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "greeting").write_bytes(b"what is up, doc?")
    said = run("from_async", str(tmp_path))
    assert said.startswith("2 tasks in a pool of 2, 0 folders made\n"), "something ran before it was read"
    # What git calls them.
    assert re.search(r"^e69de29bb2  blob +0 bytes, .* empty$", said, re.MULTILINE)
    assert re.search(r"^bd9dbf5aae  blob +16 bytes, .* greeting$", said, re.MULTILINE)
    assert "2 files came out as they went in" in said
    assert "raises FileNotFoundError" in said


def test_hidden_state_is_found() -> None:
    said = run("hidden_state")
    assert said.startswith("the task with hidden state:\nin the simulation of seed ")
    schedule = re.search(r"^schedule: (seed \d+ workers \d+ choices .*)$", said, re.MULTILINE)
    assert schedule is not None
    assert len(schedule[1].split(" choices ")[1].split()) <= 12, "it is short"
    assert f'the same again: Pool.simulated("{schedule[1]}")' in said
    assert said.endswith("the task with a state of its own: the same in 4 modes and for 300 seeds\n")


def test_a_thread_and_two_loops_share_a_lock() -> None:
    assert run("shared_lock") == "40 addresses were asked for on 2 event loops, at most 3 fetched at a time\n"
