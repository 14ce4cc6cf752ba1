"""
Where a new document goes.

Decides among pairs that can take one.  Must not know which can, or why.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen


@frozen
class Candidate:
    """
    A pair that can take a new document.

    @ivar documents: how many it has.
    """

    pair: str
    documents: int


def choose(candidates: Iterable[Candidate]) -> str | None:
    """The pair with the fewest documents, the first by name among equals; None if there is none."""
    best = min(candidates, key=lambda one: (one.documents, one.pair), default=None)
    return None if best is None else best.pair
