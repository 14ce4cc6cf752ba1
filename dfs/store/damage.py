"""
Contents whose bytes are not what was stored.

Decides that whoever wants to know of them is told, and what is remembered until their bytes are
written anew.  Must not know where the right bytes come from.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from dfs.errors import Corrupt


class Damaged(Corrupt):
    """
    A content is damaged.

    @ivar sha256: its hash.
    """

    def __init__(self, sha256: bytes, why: str) -> None:
        super().__init__(f"content {sha256.hex()} {why}")
        self.sha256 = sha256


#: How many are remembered; the others are noticed again when they are read again.
REMEMBERED = 10_000


def _ignore(sha256: bytes) -> None:
    """Nobody wants to know."""


@define(eq=False)
class Damage:
    """
    What is damaged in one store.

    @ivar on_found: called with the hash of a content each time that it is found damaged.
    @ivar found: what is remembered.
    """

    on_found: Callable[[bytes], None] = _ignore
    found: set[bytes] = field(factory=set, init=False)

    def remains(self, sha256: bytes) -> bool:
        """Whether a content that was found damaged may still be so."""
        return sha256 in self.found or len(self.found) >= REMEMBERED

    def noticed(self, sha256: bytes) -> None:
        """Somebody read a content, and it was damaged."""
        if len(self.found) < REMEMBERED:
            self.found.add(sha256)
        self.on_found(sha256)

    def mended(self, sha256: bytes) -> None:
        """The right bytes were written."""
        self.found.discard(sha256)
