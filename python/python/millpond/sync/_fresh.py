"""Copies of what is held or waited for: fresh ones, made with the same arguments."""

from __future__ import annotations

from typing import Any

__all__ = ["Args", "make"]

#: How a copy or a pickle makes another one.
Args = "tuple[Any, ...]"


def make(kind: type[Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Make another one."""
    return kind(*arguments, **options)
