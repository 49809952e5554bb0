"""The examples of the docstrings."""

from __future__ import annotations

import doctest
import inspect
from typing import Any

import pytest

import millpond
from millpond import _native


def is_own(owner: type) -> bool:
    return owner.__module__.partition(".")[0] == "millpond"


PUBLIC = [value for value in vars(millpond).values() if inspect.isclass(value) and value.__module__ == "millpond"]
#: Those and what they are made of.
CLASSES = list(dict.fromkeys(base for owner in PUBLIC for base in owner.__mro__ if is_own(base)))


def documented(owner: type) -> list[doctest.DocTest]:
    names = {"Pool": millpond.Pool}
    tests = doctest.DocTestFinder(exclude_empty=True).find(owner, globs=names, module=False)
    return [test for test in tests if test.examples]


@pytest.mark.parametrize("owner", CLASSES, ids=lambda owner: f"{owner.__module__}.{owner.__name__}")
def test_examples_do_what_they_say(owner: Any) -> None:
    for test in documented(owner):
        results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
        assert results.failed == 0, test.name


def test_there_are_examples() -> None:
    assert sum(len(documented(owner)) for owner in CLASSES) > 35
    assert any(test.name == "PoolReader.read" for test in documented(_native.PoolReader))


@pytest.mark.parametrize("owner", [millpond.Pool, millpond.PoolReader, millpond.ChannelWriter])
def test_everything_public_is_documented(owner: type) -> None:
    for name in dir(owner):
        # Hints for names that are none are none either.
        if not name.startswith("_") and hasattr(owner, name):
            assert inspect.getdoc(getattr(owner, name)), name
