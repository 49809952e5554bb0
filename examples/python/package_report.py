"""Report on a folder of Python source: a graph of values, of which only what is asked for is made.

    python package_report.py [FOLDER]

takes the folder of Python's package `asyncio` by default. Each file is read once, though its text is needed for the
count of lines, for the parsing and for the digest; what imports what needs all syntax trees, and the report needs it
all. Whoever asks for the number of lines alone parses nothing.
"""

from __future__ import annotations

import ast
import asyncio
import hashlib
import sys
from collections import Counter
from pathlib import Path

from millpond import Pool, Value


def read(path: Path) -> str:
    """Read a file."""
    return path.read_text(encoding="utf-8")


def count_lines(text: str) -> int:
    """Count the lines that say something."""
    return sum(1 for line in text.splitlines() if line.strip())


def digest(text: str) -> str:
    """Tell texts apart."""
    return hashlib.sha256(text.encode()).hexdigest()


class Facts:
    """What a syntax tree tells.

    Parameters
    ----------
    text : str
        The source.
    """

    def __init__(self, text: str) -> None:
        self.imports: set[str] = set()
        self.functions = self.coroutines = self.classes = 0
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                self.imports.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                package = "." * node.level + (node.module or "")
                # In `from . import events` the names are the modules.
                self.imports.update([f".{alias.name}" for alias in node.names] if package == "." else [package])
            elif isinstance(node, ast.FunctionDef):
                self.functions += 1
            elif isinstance(node, ast.AsyncFunctionDef):
                self.coroutines += 1
            elif isinstance(node, ast.ClassDef):
                self.classes += 1


def most_imported(facts: dict[str, Facts]) -> list[tuple[str, int]]:
    """Count how many files import a module."""
    return Counter(name for fact in facts.values() for name in fact.imports).most_common(5)


def twins(digests: dict[str, str]) -> int:
    """Count files that another one is the same as."""
    return len(digests) - len(set(digests.values()))


def report(lines: dict[str, int], facts: dict[str, Facts], imported: list[tuple[str, int]], same: int) -> str:
    """Put it all into words."""
    total = [sum(getattr(fact, kind) for fact in facts.values()) for kind in ("classes", "functions", "coroutines")]
    largest = sorted(lines.items(), key=lambda entry: -entry[1])[:5]
    text = [f"{len(lines)} files, {sum(lines.values()):,} lines, {total[0]} classes, {total[1]} functions, "]
    text[0] += f"{total[2]} coroutines, {same} files twice"
    text += ["largest", *(f"  {count:6,}  {name}" for name, count in largest)]
    text += ["imported most", *(f"  {count:6,}  {name}" for name, count in imported)]
    return "\n".join(text)


def main() -> None:
    """Report on the folder on the command line."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(asyncio.__file__).parent
    with Pool() as pool:
        # This calls nothing: it says what would be called with what. Values may be in dictionaries
        # and lists.
        texts = {str(path.relative_to(folder)): pool.value(read, path) for path in sorted(folder.rglob("*.py"))}
        lines = {name: pool.value(count_lines, text) for name, text in texts.items()}
        facts = {name: pool.value(Facts, text) for name, text in texts.items()}
        imported = pool.value(most_imported, facts)
        same = pool.value(twins, {name: pool.value(digest, text) for name, text in texts.items()})
        whole = pool.value(report, lines, facts, imported, same)

        total: Value[int] = pool.value(sum, list(lines.values()))
        print(
            f"{folder}: {total.get():,} lines, for which {sum(fact.done for fact in facts.values())} files were parsed"
        )
        # What was made for that is not made again.
        print(whole.get())


if __name__ == "__main__":
    main()
