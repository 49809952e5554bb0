"""Lazy, ordered, bounded, parallel dataflow: tasks joined by channels, pulled through a pool."""

from millpond._native import Pool, PoolReader

__all__ = ["Pool", "PoolReader"]
