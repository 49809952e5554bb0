"""What type checkers know: `mypy --strict` checks this file, and what runs here is that it runs."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

import millpond
from millpond import ChannelWriter, Pool, PoolReader, Rejected, Retry, Value, ValueTask

if TYPE_CHECKING:
    from typing_extensions import assert_type
else:

    def assert_type(value: Any, _kind: object) -> Any:
        """Give the value; only type checkers look at its type."""
        return value


def test_readers_know_what_they_give() -> None:
    pool = Pool(0)
    assert_type(pool.source([1, 2]), PoolReader[int])
    assert_type(pool.source([1, 2]).map(str), PoolReader[str])
    assert_type(pool.source(["a"]).map(len, on_error={ValueError: "skip"}, retries=Retry(2)).read(), "list[int]")
    numbers, rejected = pool.source(["1"]).try_map(int)
    assert_type(numbers, PoolReader[int])
    assert_type(rejected, PoolReader[Rejected])
    assert_type(next(pool.source([1])), int)


def test_a_fold_has_a_type_of_its_own() -> None:
    pool = Pool(0)

    def longer(total: str, item: int) -> str:
        return total + str(item)

    assert assert_type(pool.source([1, 2]).fold(longer, ""), str) == "12"
    assert assert_type(pool.source([1, 2]).reduce(max), int) == 2
    assert assert_type(pool.source([1, 2]).collect(set), "set[int]") == {1, 2}


def test_channels_have_the_type_that_they_are_said_to_have() -> None:
    pool = Pool(0)
    writer, reader = pool.channel(of=int)
    assert_type(writer, ChannelWriter[int])
    assert_type(reader, PoolReader[int])
    writer.write(1)
    # Type checkers refuse it, and nobody else does.
    writer.write("two")  # type: ignore[arg-type]
    assert reader.read(2) == [1, "two"]
    bounded = pool.channel(3, of=str)
    assert_type(bounded, "tuple[ChannelWriter[str], PoolReader[str]]")
    assert bounded[0].capacity == 3
    assert_type(pool.channel(), "tuple[ChannelWriter[Any], PoolReader[Any]]")


def test_tasks_of_values_know_their_arguments() -> None:
    pool = Pool(0)

    @pool.task
    def add(first: int, second: int = 1) -> int:
        return first + second

    @pool.task(retries=2, on_error={KeyError: lambda error, text: -1}, timeout=Fraction(60))
    def count(text: str) -> int:
        return len(text)

    assert_type(add(1), Value[int])
    assert_type(add(add(1), second=add(2)), Value[int])
    assert_type(count("a"), Value[int])
    assert_type(add.function(1), int)
    task: ValueTask[[str], int] = count
    assert assert_type(task("ab").get(timeout=Decimal(60)), int) == 2
    assert assert_type(pool.get(add(1), count("a")), "tuple[int, int]") == (2, 1)


def test_times_are_real_numbers(pool_size: int) -> None:
    pool = Pool(pool_size)
    for seconds in (60, 60.0, Fraction(60), Decimal(60)):
        assert pool.source([1]).map(str, timeout=seconds).read(1, timeout=seconds) == ["1"]
        assert Retry(1, wait=seconds, max_wait=seconds).wait == seconds
    with pytest.raises(TypeError):
        pool.source([1]).read(1, timeout="60")  # type: ignore[arg-type]


def test_the_version_is_a_str() -> None:
    assert_type(millpond.__version__, str)
    assert millpond.__version__
