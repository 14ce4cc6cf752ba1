"""
What people did and what they were told: the book that a run is judged by.

Decides what is written down of a deed beside what is in a simulated history.  Must not know how
anything is kept, nor look into any server.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import define

from dfs.sim import ledger
from dfs.sim.ledger import WORD, Outcome

__all__ = ["WORD", "Deed", "Ledger", "Outcome"]


@define(eq=False)
class Deed(ledger.Deed):
    """
    Something that somebody did.  Times are seconds on one steady clock.

    @ivar behind: it was said that a newer version is known.
    @ivar detail: whose right is changed, which tag is made, where it is moved.
    """

    behind: bool = False
    detail: str = ""

    @property
    def subject(self) -> str:
        """Which document or folder: the path that it was made under, wherever it stands now."""
        return self.path

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.detail})" if self.detail else super().__str__()


@define(eq=False)
class Ledger(ledger.Book[Deed]):
    """The book of a run."""

    kind: ClassVar[type[ledger.Deed]] = Deed
