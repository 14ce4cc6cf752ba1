"""
What was read last, kept in memory.

Decides what is forgotten when there is too much of it: what was not asked for longest.  Must not
know what it keeps, nor when that is no longer true.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """
    Values with weights, up to a total weight.
    """

    def __init__(self, most: int) -> None:
        """
        @param most: the total weight.
        """
        self._most = most
        self._weight = 0
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """What is kept; None if nothing is."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value, unless it alone weighs too much."""
        self.drop(key)
        if weight > self._most:
            return
        self._kept[key] = (value, weight)
        self._weight += weight
        while self._weight > self._most:
            _, (_, lighter) = self._kept.popitem(last=False)
            self._weight -= lighter

    def drop(self, key: K) -> None:
        """Forget a value."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._weight -= found[1]
