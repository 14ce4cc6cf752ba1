"""
Chance that can be repeated.

Decides that every source has a seed.  Must not know what is drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random

__all__ = ["Random", "drawn", "seeded"]


def seeded(seed: object, what: str) -> Random:
    """A source of its own for each purpose: what one draws changes nothing for another."""
    return Random(f"{seed} {what}")


def drawn(who: str) -> Callable[[int], bytes]:
    """Bytes that never repeat, are different for everybody, and the same in every run."""
    count = 0

    def draw(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_128(f"{who} {count}".encode()).digest(size)

    return draw
