"""What the READMEs show in Python works."""

from __future__ import annotations

import code
import importlib.util
import io
import multiprocessing
import re
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _section(title: str) -> str:
    level = title.split(" ")[0]
    after = _README.split(f"\n{title}\n")[1]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def _output(call: Any) -> list[str]:
    with redirect_stdout(io.StringIO()) as printed:
        call()
    return printed.getvalue().splitlines()


def _quick_start() -> str:
    return _CODE.findall(_section("## In Python"))[0]  # type: ignore[no-any-return]


def test_the_first_example_is_short_and_prints_what_it_says() -> None:
    text = _quick_start()
    assert len(text.splitlines()) <= 20
    promised = re.findall(r"print\(.*\)  # (.*)$", text, re.MULTILINE)
    assert promised
    assert _output(lambda: exec(compile(text, "README.md", "exec"), {})) == promised


def test_the_first_example_works_when_typed_in(capsys: pytest.CaptureFixture[str]) -> None:
    text = _quick_start()
    console = code.InteractiveConsole({"__name__": "__console__"})

    def type_in() -> None:
        for line in text.splitlines():
            console.push(line)

    promised = re.findall(r"print\(.*\)  # (.*)$", text, re.MULTILINE)
    assert _output(type_in) == promised
    assert capsys.readouterr().err == ""


def work(item: int) -> int:
    """Do what the README's snippets do with an item."""
    return item * item + 1


def is_even(item: int) -> bool:
    """Tell what the README's snippets keep."""
    return item % 2 == 0


def _moves() -> dict[str, tuple[str, str]]:
    found = {}
    for part in _section("### From X to millpond").split("\n#### ")[1:]:
        before, after = _CODE.findall(part)
        found[part.split("\n")[0]] = (before, after)
    return found


def _results(text: str) -> Any:
    names: dict[str, Any] = {"work": work, "is_even": is_even, "items": range(1000)}
    exec(compile(text, "README.md", "exec"), names)
    return names["results"]


@pytest.mark.parametrize("name", _moves())
def test_what_was_moved_to_millpond_gives_the_same(name: str) -> None:
    before, after = _moves()[name]
    made = [work(item) for item in range(1000)]
    if "filter" in after:
        made = [item for item in made if is_even(item)]
    expected = (max(made), sum(made)) if "dask" in before else made
    assert _results(after) == expected
    if name == "`async`":
        # That one cannot be imported by any Python that this runs on. Only where the names come from may differ.
        assert before.replace("from async.", "from millpond.classic.") == after
        return
    module = re.findall(r"^(?:from|import) (\w+)", before, re.MULTILINE)[0]
    if importlib.util.find_spec(module) is None:
        return
    if module == "multiprocessing" and multiprocessing.get_start_method() != "fork":
        # A process that is started afresh does not find the functions of this module.
        return
    with warnings.catch_warnings():
        # What others warn of is not this package's concern.
        warnings.simplefilter("ignore")
        assert _results(before) == expected


def test_the_example_of_the_packages_own_page_works() -> None:
    for text in _CODE.findall((_ROOT / "python" / "README.md").read_text(encoding="utf-8")):
        exec(compile(text, "python/README.md", "exec"), {})
