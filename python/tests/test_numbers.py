"""Numbers of all kinds: counts beyond machine words, times as fractions."""

from __future__ import annotations

import decimal
import fractions
import math
import sys
from typing import Any

import pytest

from millpond import Pool, ReadTimeoutError, Retry, TaskTimeoutError
from millpond.classic.util import AsyncQueue
from millpond.testing import sleep


class Real:
    """What another library's numbers are like."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value

    def __lt__(self, other: float) -> bool:
        return self.value < other

    def __repr__(self) -> str:
        return f"Real({self.value})"


TIMES: list[Any] = [
    3,
    3.5,
    fractions.Fraction(7, 2),
    decimal.Decimal("3.5"),
    Real(3.5),
    10**400,
    fractions.Fraction(10**400),
    math.inf,
    decimal.Decimal("Infinity"),
]
NO_TIMES: list[Any] = [
    (-1, "must not be negative, got -1"),
    (-0.001, "must not be negative, got -0.001"),
    (fractions.Fraction(-1, 2), r"must not be negative, got Fraction\(-1, 2\)"),
    (decimal.Decimal(-1), r"must not be negative, got Decimal\('-1'\)"),
    (Real(-1.5), r"must not be negative, got Real\(-1.5\)"),
    (-(10**400), "must not be negative, got -1000"),
    (-math.inf, "must not be negative, got -inf"),
    (math.nan, "must be a number of seconds, got nan"),
    (decimal.Decimal("NaN"), r"must be a number of seconds, got Decimal\('NaN'\)"),
    (decimal.Decimal("sNaN"), r"must be a number of seconds, got Decimal\('sNaN'\)"),
    (Real(math.nan), r"must be a number of seconds, got Real\(nan\)"),
]


@pytest.mark.parametrize("time", TIMES, ids=lambda time: repr(time)[:20])
def test_a_time_is_any_real_number(pool_size: int, time: Any) -> None:
    pool = Pool(pool_size)
    assert pool.source("ab").read(1, timeout=time) == ["a"]
    assert pool.source("ab").read_all(timeout=time) == ["a", "b"]
    assert pool.source([1]).map(str, timeout=time, retries=Retry(1, wait=time)).read_all() == ["1"]
    assert pool.source("ab").batch(1, within=time).read(1) == [["a"]]
    writer, reader = pool.channel(1)
    writer.write("a", timeout=time)
    assert reader.read(1, timeout=time) == ["a"]
    assert list(pool.as_executor().map(abs, [-1], timeout=time)) == [1]
    assert pool.task(abs, timeout=time)(-1).get() == 1
    queue = AsyncQueue()
    queue.put(1, timeout=time)
    assert queue.get(timeout=time) == 1


@pytest.mark.parametrize(("time", "message"), NO_TIMES, ids=lambda case: repr(case)[:20])
def test_a_time_that_is_none_is_refused_with_its_value(time: Any, message: str) -> None:
    pool = Pool(0)
    for call in (
        lambda: pool.source("ab").read(1, timeout=time),
        lambda: pool.source("ab").read_all(timeout=time),
        lambda: pool.source("ab").map(str, timeout=time),
        lambda: pool.channel()[0].write(1, timeout=time),
        lambda: pool.task(abs, timeout=time),
        lambda: pool.as_executor().map(abs, [-1], timeout=time),
        lambda: AsyncQueue().get(timeout=time),
    ):
        with pytest.raises(ValueError, match=f"^timeout {message}"):
            call()


@pytest.mark.parametrize("time", ["1", b"1", 1j, True, [1.0], object()], ids=repr)
def test_what_is_no_real_number_is_no_time(time: Any) -> None:
    with pytest.raises(TypeError, match=r"^timeout must be a number of seconds or None, got "):
        Pool(0).source("ab").read(1, timeout=time)


def test_times_are_as_long_as_they_say() -> None:
    brief: Any = fractions.Fraction(1, 1000)
    half: Any = fractions.Fraction(1, 2)
    pool = Pool.simulated(1)
    writer, reader = pool.channel()
    with pytest.raises(ReadTimeoutError):
        reader.read(1, timeout=brief)
    with pytest.raises(TaskTimeoutError, match=r"timeout of `0.5` seconds"):
        pool.source([1.0]).map(sleep, timeout=half).read(1)
    writer.close()
    pool.close()


@pytest.mark.parametrize("start", [2**63 - 2, 2**64 - 2, 2**100, -(2**63) - 2, -3, 0])
def test_enumerate_counts_on_beyond_a_machine_word(pool_size: int, start: int) -> None:
    numbered = Pool(pool_size).source("abcd").enumerate(start)
    assert numbered.read_all() == list(enumerate("abcd", start))


def test_a_start_that_no_count_reaches_is_refused() -> None:
    with pytest.raises(OverflowError, match="start must be at most"):
        Pool(0).source("ab").enumerate(2**127)


def test_a_size_that_is_none_is_refused_with_its_value() -> None:
    pool = Pool(0)
    for size, kind, message in ((-1, ValueError, "at least 0, got -1"), ("2", TypeError, "an int, got '2'")):
        with pytest.raises(kind, match=f"^size must be {message}$"):
            pool.size = size  # type: ignore[assignment]
    with pytest.raises(OverflowError, match=f"^size must be at most {sys.maxsize}, got {2**64}$"):
        pool.size = 2**64
    pool.size = 2
    assert pool.size == 2
