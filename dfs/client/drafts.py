"""
What is left of an editing session that ended before its writer wanted it to.

Decides what is kept and which errors carry it.  Must not know how it is sent again.
"""

from __future__ import annotations

from attrs import frozen

from dfs.client.failures import Unanswered
from dfs.errors import Unavailable


@frozen
class Draft:
    """
    What somebody typed into an editing session.

    @ivar path: of the document.
    @ivar sentence: the number of the sentence.
    @ivar before: how it read when the session began.
    @ivar edits: each text and the word before which it was to go, in order.
    @ivar in_doubt: they were sent to be committed, and no answer came: they may be in the document.
    """

    path: str
    sentence: int
    before: str
    edits: tuple[tuple[int, str], ...]
    in_doubt: bool = False


class SessionEnded(Unavailable):
    """
    An editing session ended because its server was lost or replaced; nothing was changed.

    @ivar draft: what may be typed again, in a new session.
    """

    def __init__(self, message: str, draft: Draft) -> None:
        super().__init__(message)
        self.draft = draft


class CommitInDoubt(Unanswered):
    """
    An editing session was to be committed, and whether it was is not known.

    @ivar draft: what may be missing.
    """

    def __init__(self, message: str, draft: Draft) -> None:
        super().__init__(message)
        self.draft = draft
