"""
What people did and what they were told: the book that a history is judged by.

Decides what an answer promises.  Must not know how it is kept, nor look into any server.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar

from attrs import define, field

from dfs.client.failures import Unanswered
from dfs.core.versions import Version
from dfs.errors import DFSError, Internal

#: How a word looks that only one deed brings.
WORD = re.compile(rb"<\d+>")


class Outcome(enum.Enum):
    """
    What somebody was told.

    @cvar OPEN: nothing yet.
    @cvar DONE: it was done.
    @cvar REFUSED: nothing was done.
    @cvar DOUBT: nobody knows.
    @cvar ODD: something that no library may say.
    """

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    DOUBT = "doubt"
    ODD = "odd"

    @classmethod
    def of(cls, error: BaseException) -> Outcome:
        """What an error means."""
        if isinstance(error, Unanswered | Internal):
            return cls.DOUBT
        return cls.REFUSED if isinstance(error, DFSError) else cls.ODD


@define(eq=False)
class Deed:
    """
    Something that somebody did.

    @ivar word: what it brings, and nothing else does.
    @ivar era: when its answer was sent; see L{dfs.sim.eras}.
    @ivar answer: what it was answered.
    @ivar version: of the document, as it was answered.
    @ivar solo: it was said that only one member has it.
    @ivar past: whoever answered had an older epoch than its peer by then.
    @ivar whom: whose right is changed.
    @ivar tag: of the checkpoint that it is about.
    @ivar opened: when the editing session was; C{closing}: when its end was asked for.
    @ivar seen: somebody has read what it brings.
    """

    number: int
    who: str
    verb: str
    path: str
    began: float
    ended: float = float("inf")
    outcome: Outcome = Outcome.OPEN
    answer: object = None
    error: str = ""
    text: bytes = b""
    version: Version | None = None
    solo: bool = False
    era: int = 0
    past: bool = False
    whom: str = ""
    tag: str = ""
    opened: float = 0.0
    closing: float = 0.0
    seen: bool = False

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
        """
        It was over before the other one began.

        What is in doubt is never over: the request may be on its way for as long as it likes.
        """
        return self.ended < other.began and self.outcome is not Outcome.DOUBT

    def __str__(self) -> str:
        said = f" {self.error}" if self.error else ""
        return (
            f"{self.number} {self.who} {self.verb} {self.path} {self.outcome.value}"
            f" {self.began:.3f}-{self.ended:.3f}{said}"
        )


D = TypeVar("D", bound=Deed)


@define(eq=False)
class Book(Generic[D]):
    """
    Everything that everybody did.

    @cvar kind: how a deed is written down.
    """

    kind: ClassVar[type[Deed]]
    deeds: list[D] = field(factory=list)

    def begin(self, who: str, verb: str, path: str, now: float) -> D:
        """Somebody does something."""
        deed: D = self.kind(len(self.deeds), who, verb, path, now)  # type: ignore[assignment]
        self.deeds.append(deed)
        return deed

    def on(self, path: str, *verbs: str) -> Iterator[D]:
        """What was done to a document, in the order in which it was begun."""
        return (
            deed for deed in self.deeds if deed.path == path and (not verbs or deed.verb in verbs)
        )

    def by_word(self, word: bytes) -> D | None:
        """Who brought a word."""
        number = int(word[1:-1])
        return self.deeds[number] if number < len(self.deeds) else None

    def open(self) -> list[D]:
        """What was not answered yet."""
        return [deed for deed in self.deeds if deed.outcome is Outcome.OPEN]


@define(eq=False)
class Ledger(Book[Deed]):
    """The book of a simulated history."""

    kind: ClassVar[type[Deed]] = Deed
