"""What a function gives several items of is pulled as they are wanted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond import Pool


def test_an_endless_inner_iterator_is_pulled_as_far_as_is_wanted(pool_size: int) -> None:
    pulled: list[int] = []

    def count(first: int) -> Iterator[int]:
        for number in itertools.count(first):
            pulled.append(number)
            yield number

    with Pool(pool_size) as pool:
        reader = pool.source([10, 20]).flat_map(count)
        assert pulled == []
        assert reader.read(3) == [10, 11, 12]
        assert pulled == [10, 11, 12]
        assert reader.read(2) == [13, 14]
        assert list(itertools.islice(reader, 100)) == list(range(15, 115))


def test_flatten_takes_endless_iterables(pool_size: int) -> None:
    with Pool(pool_size) as pool:
        assert pool.source([itertools.count()]).flatten().read(4) == [0, 1, 2, 3]


def test_lines_of_files_come_out_in_order(pool_size: int, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.txt" for number in range(20)]
    for number, path in enumerate(paths):
        path.write_text("".join(f"{number} {line}\n" for line in range(number * 7)))
    expected = [f"{number} {line}\n" for number in range(20) for line in range(number * 7)]

    def lines(path: Path) -> Iterator[str]:
        with path.open() as file:
            yield from file

    with Pool(pool_size) as pool:
        assert pool.source(paths).flat_map(lines).read_all() == expected
        assert list(pool.source(paths).flat_map(lines)) == expected


def test_items_before_a_failure_of_an_inner_iterator_come_first(pool_size: int) -> None:
    def parts(number: int) -> Iterator[float]:
        yield 1.0
        yield 100 / number

    with Pool(pool_size) as pool:
        reader = pool.source([2, 0, 4]).flat_map(parts)
        assert reader.read(3) == [1, 50, 1]
        with pytest.raises(ZeroDivisionError) as caught:
            reader.read(1)
        assert any("item 1" in note for note in getattr(caught.value, "__notes__", ["item 1"]))
