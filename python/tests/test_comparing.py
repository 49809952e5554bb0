"""What the testing helpers compare, by what, and which functions they take."""

from __future__ import annotations

import asyncio
import math
import re
from typing import Any

import pytest

from millpond import Pool, SimulationError
from millpond.testing import CheckError, check
from millpond.testing._functions import Functions
from millpond.testing._trial import Trial


class Array:
    """Compares item by item, as arrays do: there is no one answer."""

    def __init__(self, *items: float) -> None:
        self.items = items

    def __eq__(self, other: object) -> Any:
        assert isinstance(other, Array)
        return Answers()

    __hash__ = None  # type: ignore[assignment]


class Answers:
    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")


def test_results_are_compared_by_the_function_that_is_given() -> None:
    def body(trial: Trial) -> Array:
        return Array(*trial.source([3, 1, 2]).map(float).read_all())

    def same(expected: Array, got: Array) -> bool:
        return all(math.isclose(one, other) for one, other in zip(expected.items, got.items))

    assert check(body, seeds=3, same=same).seeds == 3
    with pytest.raises(CheckError, match="the body gave"):
        check(body, seeds=3, same=lambda expected, got: expected is got)


def test_what_cannot_be_compared_is_named() -> None:
    runs: list[int] = []

    def body(trial: Trial) -> Array:
        runs.append(1)
        return Array(1)

    message = (
        "comparing what the body gave by `==` raised ValueError: a `Array` and a `Array`; give `same=`, a function of "
        "both that says whether they are the same"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        check(body, seeds=3)
    # At once, and not once in each mode.
    assert runs == [1]

    def fails(expected: object, got: object) -> bool:
        raise KeyError("no such thing")

    with pytest.raises(TypeError, match="by `fails` raised KeyError"):
        check(lambda trial: 1, seeds=1, same=fails)


def test_coroutine_functions_are_refused_where_nobody_awaits() -> None:
    async def body(trial: Trial) -> int:
        return 1

    message = r"must be a plain function, got the coroutine function `body`, which nobody awaits$"
    with pytest.raises(TypeError, match=f"^body {message}"):
        check(body)
    with pytest.raises(TypeError, match=f"^same {message}"):
        check(lambda trial: 1, same=body)  # type: ignore[arg-type]
    for add in (Functions().map, Functions().filter, Functions().flat_map):
        with pytest.raises(TypeError, match=f"^function {message}"):
            add("name", body)  # type: ignore[arg-type]


def test_a_counted_coroutine_function_is_one() -> None:
    def body(trial: Trial) -> list[int]:
        async def double(number: int) -> int:
            await asyncio.sleep(0)
            return number * 2

        counted = trial.counted("double", double)
        if trial.pool.simulated_from is not None:
            with pytest.raises(SimulationError, match="coroutine function"):
                trial.source([]).map(counted)
            return [0, 2, 4]
        found: list[int] = trial.source(range(3)).map(counted).read_all()
        assert trial.calls("double") == 3
        return found

    assert check(body, seeds=2, calls=False).runs == 4
    with Pool(2) as pool:
        assert body(Trial(pool)) == [0, 2, 4]
