"""The group `python`: the Python package beside its rivals. See the module `harness` for how it measures.

`make bench ONLY=python` builds the package, installs the rivals and runs this. Words select cases:
``ci/bench-python.sh read-one``.
"""

from __future__ import annotations

import sleeping
import starting
import streams
import values
from harness import Group


def main() -> None:
    """Measure everything."""
    group = Group("python")
    streams.run(group)
    sleeping.run(group)
    values.run(group)
    starting.run(group)
    group.finish()


if __name__ == "__main__":
    main()
