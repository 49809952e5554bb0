from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import Self, disjoint_base

__all__ = ["Pool", "PoolReader"]

@disjoint_base
class Pool:
    def __new__(cls, size: int | None = None) -> Self: ...
    @property
    def size(self) -> int: ...
    def source(self, items: Iterable[Any]) -> PoolReader: ...

@disjoint_base
class PoolReader:
    def map(self, function: Callable[[Any], Any]) -> PoolReader: ...
    def read(self, count: int = 0) -> list[Any]: ...
