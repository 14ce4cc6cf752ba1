"""
What people did and what they were told: the book that a run is judged by.

Decides what is written down of a deed; what an answer promises is the same as in a simulated
history.  Must not know how anything is kept, nor look into any server.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from dfs.core.versions import Version
from dfs.sim.ledger import WORD, Outcome

__all__ = ["WORD", "Deed", "Ledger", "Outcome"]


@define(eq=False)
class Deed:
    """
    Something that somebody did.  Times are seconds on one steady clock.

    @ivar subject: which document or folder; stays the same when that is moved.
    @ivar text: what it wrote or read; of WRITE, the sentence as it was when it was locked.
    @ivar answer: id of what it made.
    @ivar version: of the document, as it was answered.
    @ivar behind: it was said that a newer version is known.
    @ivar detail: whose right is changed, which tag is made, where it is moved.
    @ivar opened: when the editing session was; C{closing}: when its end was asked for.
    """

    number: int
    who: str
    verb: str
    subject: str
    began: float
    ended: float = float("inf")
    outcome: Outcome = Outcome.OPEN
    error: str = ""
    text: bytes = b""
    answer: str = ""
    version: Version | None = None
    behind: bool = False
    detail: str = ""
    opened: float = 0.0
    closing: float = 0.0

    @property
    def word(self) -> bytes:
        """What it brings, and nothing else does."""
        return b"<%d>" % self.number

    @property
    def done(self) -> bool:
        """It was said to be done."""
        return self.outcome is Outcome.DONE

    @property
    def possible(self) -> bool:
        """It may have been done."""
        return self.outcome is not Outcome.REFUSED

    def before(self, other: Deed) -> bool:
        """It was over before the other one began; what is in doubt may still come."""
        return self.outcome is not Outcome.DOUBT and self.ended < other.began

    def __str__(self) -> str:
        said = f": {self.error}" if self.error else ""
        detail = f" {self.detail}" if self.detail else ""
        return (
            f"{self.number} {self.who} {self.verb} {self.subject}{detail} {self.outcome.value}"
            f" {self.began:.3f}-{self.ended:.3f}{said}"
        )


@define(eq=False)
class Ledger:
    """Everything that everybody did."""

    deeds: list[Deed] = field(factory=list)

    def begin(self, who: str, verb: str, subject: str, now: float) -> Deed:
        """Somebody does something."""
        deed = Deed(len(self.deeds), who, verb, subject, now)
        self.deeds.append(deed)
        return deed

    def on(self, subject: str, *verbs: str) -> Iterator[Deed]:
        """What was done to a document, in the order in which it was begun."""
        return (
            deed
            for deed in self.deeds
            if deed.subject == subject and (not verbs or deed.verb in verbs)
        )

    def by_word(self, word: bytes) -> Deed | None:
        """Who brought a word."""
        number = int(word[1:-1])
        return self.deeds[number] if number < len(self.deeds) else None

    def open(self) -> list[Deed]:
        """What was not answered yet."""
        return [deed for deed in self.deeds if deed.outcome is Outcome.OPEN]
