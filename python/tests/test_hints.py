"""Errors by habit: names and options of other libraries are told what they are called here."""

from __future__ import annotations

import re
from typing import Any

import pytest

import millpond
from millpond import Pool, _hints

#: A pool without types, for what these refuse.
ANY_POOL: Any = Pool


def _cases() -> list[Any]:
    pool = Pool(0)
    writer, reader = pool.channel()
    value = pool.value(abs, -1)
    tables = [(reader, _hints.READERS), (pool, _hints.POOLS), (writer, _hints.WRITERS), (value, _hints.VALUES)]
    return [
        pytest.param(owner, name, way, id=f"{type(owner).__name__}.{name}")
        for owner, table in tables
        for way, names in table.items()
        for name in names.split()
    ]


@pytest.mark.parametrize(("owner", "name", "way"), _cases())
def test_an_unknown_attribute_gives_the_way(owner: Any, name: str, way: str) -> None:
    message = f"`{type(owner).__name__}` has no attribute `{name}`: use {way}"
    # A value's type is asked by nobody.
    for asked in (owner, type(owner)) if type(owner) is not millpond.Value else (owner,):
        with pytest.raises(AttributeError, match=f"^{re.escape(message)}$"):
            getattr(asked, name)
        assert not hasattr(asked, name)
        assert getattr(asked, name, 3) == 3
    assert name not in dir(owner)


@pytest.mark.parametrize(
    "table", [_hints.READERS, _hints.POOLS, _hints.WRITERS, _hints.VALUES, _hints.OPTIONS], ids=[*"RPWVO"]
)
def test_no_name_is_in_a_table_twice(table: dict[str, str]) -> None:
    names = [name for names in table.values() for name in names.split()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("table", "owner"),
    [
        (_hints.READERS, millpond.PoolReader),
        (_hints.POOLS, millpond.Pool),
        (_hints.WRITERS, millpond.ChannelWriter),
        (_hints.VALUES, millpond.Value),
    ],
    ids=["readers", "pools", "writers", "values"],
)
def test_the_ways_exist(table: dict[str, str], owner: type[Any]) -> None:
    for way in table:
        for method, follows in re.findall(r"`(\w+)(?:\([^`]*\)\.(\w+))?\(", way):
            if follows:
                assert hasattr(millpond.PoolReader, follows) or follows == "submit", way
            known = (owner, millpond.PoolReader, millpond.Pool)
            assert (
                any(hasattr(kind, method) for kind in known)
                or method in dir(__builtins__)
                or method
                in (
                    "sum",
                    "min",
                    "max",
                    "sorted",
                    "next",
                    "len",
                )
            ), way


def test_an_unknown_name_that_nobody_has_a_habit_of_is_told_as_ever() -> None:
    with pytest.raises(AttributeError, match=r"^'PoolReader' object has no attribute 'wibble'$"):
        Pool(0).source([]).wibble  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"^'Value' object has no attribute 'wibble'$"):
        Pool(0).value(abs, -1).wibble  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pool: pool.source([]).map(str, workers=4), "`map` has no option `workers`: use `concurrency=`"),
        (lambda pool: pool.source([]).map(str, chunksize=4), "`map` has no option `chunksize`: use `max_chunksize=`"),
        (lambda pool: pool.source([]).batch(2, timeout_s=4), "got an unexpected keyword argument 'timeout_s'"),
        (lambda pool: pool.source([], buffer=4), "`source` has no option `buffer`: use `read_ahead=`"),
        (lambda pool: pool.channel(maxsize=4), "`channel` has no option `maxsize`: use `capacity`"),
        (lambda pool: ANY_POOL(max_workers=4), "`Pool` has no option `max_workers`: use `size`"),
        (lambda pool: ANY_POOL(processes=4), "`Pool` has no option `processes`: use `size`"),
        (lambda pool: pool.source([]).map(), "missing 1 required positional argument: 'function'"),
    ],
)
def test_an_unknown_option_gives_the_way(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        call(Pool(0))


def test_a_number_of_threads_where_it_is_said_which_is_told() -> None:
    with pytest.raises(
        ValueError, match=r'^workers must be "threads" or "gcd", got 4; how many work at once is `size`$'
    ):
        Pool(workers=4)  # type: ignore[arg-type]


def test_the_errors_of_functions_are_their_own() -> None:
    def fails(_: object) -> None:
        raise TypeError("its own")

    with pytest.raises(TypeError, match=r"^its own"):
        Pool(0).source([1]).map(fails).read(1)


def test_the_package_says_its_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", millpond.__version__)


def test_a_reader_says_what_became_of_it(pool_size: int) -> None:
    pool = Pool(pool_size)

    def state(reader: Any) -> str:
        return re.sub(r"^<PoolReader of task '\w+', added at .*\.py:\d+|>$", "", repr(reader))

    reader = pool.source(range(3))
    assert state(reader) == ""
    assert reader.read(2) == [0, 1]
    assert state(reader) == ""
    assert reader.read(2) == [2]
    assert state(reader) == ", ended"
    for read in (list, lambda reader: reader.read_all()):
        reader = pool.source(range(3))
        read(reader)
        assert state(reader) == ", ended"

    failing = pool.source([0]).map(lambda n: 1 // n)
    with pytest.raises(ZeroDivisionError):
        failing.read(1)
    assert state(failing) == ", failed"
    moved = pool.source(range(3))
    closed = moved.map(str)
    assert state(moved) == ", used up by another task"
    closed.close()
    assert state(closed) == ", closed"
