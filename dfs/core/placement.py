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
    @ivar avoided: it could not make one a moment ago, or is handed back just now, which a new
        document may undo.
    """

    pair: str
    documents: int
    avoided: bool = False


def choose(candidates: Iterable[Candidate]) -> str | None:
    """
    The pair with the fewest documents, the first by name among equals; None if there is none.

    One that is avoided is chosen only if all are.
    """
    best = min(candidates, key=lambda one: (one.avoided, one.documents, one.pair), default=None)
    return None if best is None else best.pair
