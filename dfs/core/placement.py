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
    @ivar refused: it could not make one a moment ago.
    """

    pair: str
    documents: int
    refused: bool = False


def choose(candidates: Iterable[Candidate]) -> str | None:
    """
    The pair with the fewest documents, the first by name among equals; None if there is none.

    One that refused is chosen only if all did: its disk may be full.
    """
    best = min(candidates, key=lambda one: (one.refused, one.documents, one.pair), default=None)
    return None if best is None else best.pair
