"""The examples in docstrings work, and whatever is public has a docstring."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

import millpond

_MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(millpond.__path__, "millpond.")
    if not module.name.endswith("_native")
)


def _public() -> Iterator[tuple[str, object]]:
    """Give what users meet, with the names that they know it by."""
    for name in millpond.__all__:
        found = getattr(millpond, name)
        yield name, found
        if inspect.isclass(found):
            for attribute, member in vars(found).items():
                if not attribute.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
                    yield f"{name}.{attribute}", member


@pytest.mark.parametrize("name", ["millpond", *_MODULES])
def test_examples_work(name: str) -> None:
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder()
    # What a user of the package would have imported.
    names = {**vars(millpond), **vars(module)}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, name, globs=names):
        runner.run(test)
    assert runner.failures == 0


def test_the_central_classes_show_examples() -> None:
    finder = doctest.DocTestFinder()
    for found in (millpond.Pool, millpond.PoolReader):
        assert sum(len(test.examples) for test in finder.find(found, globs={})) > 5


def test_whatever_is_public_says_what_it_is() -> None:
    assert [name for name, found in _public() if not inspect.getdoc(found)] == []
