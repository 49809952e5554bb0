"""Say what valgrind found, from the file that it wrote.

    findings.py FILE errors    every read and write of memory that was not the program's
    findings.py FILE leaks     every block that nobody refers to any more and that the native module had a part in

Prints a line for each and how many there are; ends with 1 when there are any.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree

#: Blocks that are lost on purpose, by a function on the way to them, each with its reason.
LEFT_OUT = {
    "PyModule_ExecDef": "tables of the classes' members, made once at import and kept for good by PyO3",
}


def frames(error: ElementTree.Element) -> list[tuple[str, str]]:
    """Give function and file of each frame."""
    return [(frame.findtext("fn") or "???", frame.findtext("obj") or "") for frame in error.iterfind("stack/frame")]


def main() -> int:
    """Say it."""
    path, what = sys.argv[1:]
    found = 0
    left_out = 0
    for error in ElementTree.parse(path).getroot().iterfind("error"):
        kind = error.findtext("kind") or ""
        if kind.startswith("Leak_") != (what == "leaks"):
            continue
        stack = frames(error)
        if what == "leaks":
            if not any("_native" in file for _, file in stack):
                continue
            if any(function in LEFT_OUT for function, _ in stack):
                left_out += 1
                continue
        found += 1
        text = error.findtext("xwhat/text") or error.findtext("what") or kind
        print(f"{kind}: {text}")
        for function, file in stack[:25]:
            print(f"    {function} in {file}")
    for function, reason in LEFT_OUT.items() if left_out else ():
        print(f"{left_out} left out below `{function}`: {reason}")
    print(f"{found} {what}")
    return 1 if found else 0


sys.exit(main())
