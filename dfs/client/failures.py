"""
Two kinds of C{UNAVAILABLE} that only the asking side can tell apart.

Decides their names and messages.  Must not know when something is tried again
(L{dfs.client.retries} does) or how it is shown.
"""

from __future__ import annotations

from dfs.errors import Unavailable


class Unreachable(Unavailable):
    """Nothing was sent: no server could be reached."""


class NoNameServer(Unreachable):
    """Nothing was sent: none of the name servers could be reached."""


class Unanswered(Unavailable):
    """The request was sent and no answer came: whether it was done is not known."""


def in_doubt(what: str, path: str, look: str) -> Unanswered:
    """
    What to tell somebody whose change may or may not have been made.

    @param what: the change, as the subject of the sentence.
    @param path: what it is about; may be empty.
    @param look: the command that shows which of the two.
    """
    return Unanswered(
        f"the server was lost before it answered; whether {what} was done is not known: "
        f"{f'{look} {path}'.rstrip()} tells"
    )
