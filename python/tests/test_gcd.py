"""Pools on the threads of libdispatch, where the library can be had; `ci/test-gcd.sh` brings it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import zlib
from typing import TYPE_CHECKING

import pytest

import millpond

#: What programs are started with so that they find the library, as `ci/test-gcd.sh` says.
RUNNER = os.environ.get("MILLPOND_GCD_RUNNER", "").split()

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[1, 2, 8])
def pool(request: pytest.FixtureRequest) -> Iterator[millpond.Pool]:
    try:
        pool = millpond.Pool(request.param, workers="gcd")
    except millpond.LibdispatchMissingError as missing:
        if os.environ.get("MILLPOND_REQUIRE_GCD"):
            raise
        pytest.skip(str(missing))
    with pool:
        yield pool


def test_a_missing_library_is_named() -> None:
    code = "import millpond; millpond.Pool(2, workers='gcd')"
    environment = {**os.environ, "MILLPOND_LIBDISPATCH": "/nowhere/libdispatch.so"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "LibdispatchMissingError: loading libdispatch failed: " in result.stderr
    assert "`/nowhere/libdispatch.so`" in result.stderr


def test_other_workers_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r'^workers must be "threads" or "gcd", got \'rayon\'; how many work at once is `size`$'
    ):
        millpond.Pool(2, workers="rayon")  # type: ignore[arg-type]


def test_items_come_in_order(pool: millpond.Pool) -> None:
    reader = pool.source(range(10_000)).map(lambda n: n + 1).filter(lambda n: n % 3 == 0)
    assert reader.read(5) == [3, 6, 9, 12, 15]
    assert reader.read_all() == list(range(18, 10_001, 3))


def test_functions_run_on_threads_of_the_library_too(pool: millpond.Pool) -> None:
    seen: set[int] = set()
    together = threading.Barrier(2)

    def meet(item: int) -> int:
        seen.add(threading.get_ident())
        if item == 0:
            # Long enough that another thread is worth its waking.
            time.sleep(0.01)
        elif item < 3 and pool.size > 1:
            together.wait(30)
        return item

    assert pool.source(range(100)).map(meet, max_chunksize=1).read_all() == list(range(100))
    assert (len(seen) > 1) == (pool.size > 1)


def test_an_error_comes_after_the_items_before_it(pool: millpond.Pool) -> None:
    reader = pool.source([2, 1, 0, 5]).map(lambda n: 10 // n)
    with pytest.raises(ZeroDivisionError):
        reader.read_all()
    assert reader.read(2) == [5, 10]
    with pytest.raises(ZeroDivisionError):
        reader.read(1)


def test_the_pool_is_resized(pool: millpond.Pool) -> None:
    reader = pool.source(range(3_000)).map(lambda n: zlib.crc32(bytes([n % 256]) * 2_000))
    items: list[int] = []
    for size in [0, 3, 1, 0, 2]:
        pool.size = size
        items += reader.read(600)
    assert items == [zlib.crc32(bytes([n % 256]) * 2_000) for n in range(3_000)]


def test_the_program_ends_while_functions_run() -> None:
    code = """
import time, millpond, threading
pool = millpond.Pool(3, workers="gcd")
started = threading.Event()
def slow(n):
    started.set()
    time.sleep(60)
reader = pool.source(range(9)).map(slow, max_chunksize=1)
threading.Thread(target=lambda: reader.read(9), daemon=True).start()
started.wait()
"""
    if os.environ.get("MILLPOND_REQUIRE_GCD") is None:
        try:
            millpond.Pool(1, workers="gcd").close()
        except millpond.LibdispatchMissingError as missing:
            pytest.skip(str(missing))
    began = time.monotonic()
    subprocess.run([*RUNNER, sys.executable, "-c", code], check=True, timeout=50)
    assert time.monotonic() - began < 50
