"""What holds of the package as a whole."""

import importlib
import pkgutil
import subprocess
import sys

import millpond


def test_all_public_names_are_there() -> None:
    for name in millpond.__all__:
        assert hasattr(millpond, name), name


def test_every_module_can_be_imported_alone() -> None:
    names = [module.name for module in pkgutil.walk_packages(millpond.__path__, "millpond.")]
    assert "millpond._native" in names
    for name in names:
        importlib.import_module(name)


def test_importing_needs_no_other_package() -> None:
    program = (
        "import sys; before = set(sys.modules); import millpond; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    if sys.version_info >= (3, 10):
        done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        # The second says which interpreter this is, and is in no list of the standard library's.
        assert set(done.stdout.split()) - {"_xxsubinterpreters"} == {"millpond"}
