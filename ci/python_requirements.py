"""Print the requirements of some extras of the Python package, one per line.

They are read from the text, since the oldest interpreters have no parser for it and pip can only install extras
of a package along with the package.
"""

import re
import sys
from pathlib import Path

text = (Path(__file__).parent.parent / "python" / "pyproject.toml").read_text(encoding="utf-8")
section = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
for extra in sys.argv[1:]:
    found = re.search(rf"^{extra} = \[(.*?)^\]", section, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f"python/pyproject.toml has no extra `{extra}`")
    for requirement in re.findall(r'"([^"]+)"', found.group(1)):
        if not requirement.startswith("millpond"):
            print(requirement)
