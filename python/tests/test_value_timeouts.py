"""Getting a value with a time-out: it is told in time, and nothing is lost."""

from __future__ import annotations

import threading
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from millpond import Pool, ReadTimeoutError
from millpond.testing import sleep


class Counted:
    """A function that waits until it may end, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, number: int = 0) -> int:
        self.calls += 1
        self.begun.set()
        self.may_end.wait()
        return number + 1


def test_a_get_that_times_out_says_so_and_loses_nothing() -> None:
    pool = Pool(2)
    function = Counted()
    value = pool.task(function, name="slow")(1)
    other = threading.Thread(target=value.get, daemon=True)
    other.start()
    function.begun.wait()
    message = r"^getting `slow` timed out after `0\.0\d+` seconds; what has been made is kept, so get again to go on"
    with pytest.raises(ReadTimeoutError, match=message) as caught:
        value.get(timeout=0.01)
    assert isinstance(caught.value, TimeoutError)
    with pytest.raises(ReadTimeoutError):
        pool.get(value, value, timeout=0)
    function.may_end.set()
    assert value.get() == 2
    other.join()
    assert function.calls == 1


def test_a_helper_goes_on_after_the_time_of_its_caller() -> None:
    pool = Pool(2)
    slow, quick = Counted(), Counted()
    quick.may_end.set()

    def both(first: int, second: int) -> int:
        return first + second

    first = pool.value(slow, 1)
    follower = pool.value(both, first, pool.value(quick, 2))
    threading.Thread(target=first.get, daemon=True).start()
    slow.begun.wait()
    for _ in range(3):
        with pytest.raises(ReadTimeoutError):
            follower.get(timeout=0.01)
    assert (slow.calls, quick.calls) == (1, 1)
    slow.may_end.set()
    assert follower.get(timeout=600) == 5
    assert (slow.calls, quick.calls) == (1, 1)


def test_the_time_is_looked_at_between_two_calls() -> None:
    calls: list[int] = []

    def step(number: int) -> int:
        calls.append(number)
        sleep(1)
        return number + 1

    with Pool.simulated(1) as pool:
        value: Any = 0
        for _ in range(10):
            value = pool.value(step, value)
        with pytest.raises(ReadTimeoutError):
            value.get(timeout=2.5)
        assert calls == [0, 1, 2]
        # Whoever gets again and again gets somewhere.
        with pytest.raises(ReadTimeoutError):
            value.get(timeout=0)
        assert calls == [0, 1, 2, 3]
        assert value.get(timeout=100) == 10
        assert calls == list(range(10))


def test_a_value_that_is_there_takes_no_time(pool_size: int) -> None:
    pool = Pool(pool_size)
    value = pool.value(abs, -1)
    assert value.get() == 1
    assert value.get(timeout=0) == pool.get(value, timeout=0) == 1


@pytest.mark.parametrize("timeout", [600, 600.0, Fraction(600), Decimal(600), float("inf"), None])
def test_a_time_out_is_any_real_number(pool_size: int, timeout: Any) -> None:
    pool = Pool(pool_size)
    assert pool.value(abs, -1).get(timeout=timeout) == 1
    assert pool.get(pool.value(abs, -1), pool.value(abs, -2), timeout=timeout) == (1, 2)


def test_what_is_no_time_is_refused() -> None:
    pool = Pool(0)
    wrong: Any = "1"
    gets: list[Any] = [pool.value(abs, -1).get, lambda timeout: pool.get(pool.value(abs, -1), timeout=timeout)]
    for get in gets:
        with pytest.raises(TypeError, match=r"^timeout must be a number of seconds or None, got '1'$"):
            get(timeout=wrong)
        with pytest.raises(ValueError, match="must not be negative"):
            get(timeout=-1)


def test_a_failure_comes_before_the_end_of_the_time(pool_size: int) -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Pool(pool_size).value(fail).get(timeout=0)


def test_arguments_that_are_called_like_options_are_the_functions(pool_size: int) -> None:
    def function(**named: int) -> dict[str, int]:
        return named

    pool = Pool(pool_size)
    named = {"timeout": 1, "retries": 2, "on_error": 3, "name": 4, "function": 5, "self": 6}
    assert pool.value(function, **named).get() == named
    assert pool.task(function, retries=1, timeout=60)(**named).get() == named
