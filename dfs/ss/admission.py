"""
Who may do what with the documents of this server.

Decides whether a ticket opens a document.  Asks nobody: the ticket says what the name server
allowed, and the document's own access list what has changed since.  Must not know what is done
then.

Note [Whose word counts]
========================
The name server pushes every change of an access list here before it answers OK.  So our own list is
at least as new as the ticket, unless the push could not reach us; the ticket says how new the list
was that it was made from.  Whichever is newer counts.  A ticket never allows more than it says.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from dfs.core.access import Right
from dfs.core.documents import Document, Metadata
from dfs.core.tickets import Ticket, check, unseal
from dfs.errors import Moved, Unauthorized
from dfs.store.interfaces import Head, IStore

#: Tickets whose seal is known to be good; the oldest ones are forgotten.
REMEMBERED = 20_000

_ENOUGH: dict[Right, frozenset[Right]] = {
    Right.READ: frozenset(Right),
    Right.WRITE: frozenset({Right.WRITE, Right.OWN}),
    Right.OWN: frozenset({Right.OWN}),
}


@define(eq=False)
class Admission:
    """
    The check that every request with a ticket passes; reading too needs a lease.

    @ivar wall: seconds since the epoch.
    @ivar _check_epoch: refuses the tickets of an epoch that this server does not serve.
    @ivar _remembered: tickets whose seal need not be checked again.
    """

    _key: bytes = field(repr=False)
    wall: Callable[[], float]
    _store: IStore
    _check_epoch: Callable[[int], None]
    _remembered: int = REMEMBERED
    _genuine: dict[str, Ticket] = field(factory=dict, init=False, repr=False)

    def verify(self, text: str) -> Ticket:
        """
        A ticket that is genuine and not too old; what it opens is not looked at yet.

        @raise Unauthenticated: it is not genuine.
        @raise Moved: it is too old.
        """
        ticket = self._genuine.get(text)
        if ticket is None:
            ticket = self._remember(text)
        check(ticket, self.wall())
        return ticket

    def head(self, ticket: Ticket, right: Right, *, renamed: bool = False) -> Head:
        """
        The document of a verified ticket, as it now is.

        @param right: what is going to be done.
        @param renamed: it may have got another name since the ticket was made; then a name is not
            what the user goes by, as in a session.
        @raise Moved: the document is not here, or this server not in charge any more.
        @raise Unavailable: it does not know whether it is in charge.
        @raise Unauthorized: the ticket does not allow that, or the right was taken away.
        """
        head = self._store.head(ticket.document)
        if head is None or head.deleted:
            raise _elsewhere()
        self._check(ticket, right, head.metadata, renamed)
        return head

    def document(self, ticket: Ticket, right: Right, *, renamed: bool = False) -> Document:
        """The same as L{head}, with its history."""
        document = self._store.document(ticket.document)
        if document is None or document.deleted:
            raise _elsewhere()
        self._check(ticket, right, document.metadata, renamed)
        return document

    def _check(self, ticket: Ticket, right: Right, metadata: Metadata, renamed: bool) -> None:
        self._check_epoch(ticket.epoch)
        if ticket.metadata_number < metadata.named and not renamed:
            # Its name may be that of another document by now.
            raise _elsewhere()
        if ticket.right not in _ENOUGH[right]:
            raise Unauthorized(
                "this ticket is for reading; LOCATE at the name server gives one to write"
            )
        if metadata.number >= ticket.metadata_number and not metadata.access.allows(
            ticket.user, right
        ):
            raise Unauthorized(_refusal(ticket.user, metadata.name, right))

    def _remember(self, text: str) -> Ticket:
        ticket = unseal(self._key, text)
        if len(self._genuine) >= self._remembered:
            # The one that was seen first: its minute is most likely over.
            del self._genuine[next(iter(self._genuine))]
        self._genuine[text] = ticket
        return ticket


def _elsewhere() -> Moved:
    return Moved(
        "the document is not here, or has another name; ask the name server again, with LOCATE"
    )


def _refusal(user: str, name: str, right: Right) -> str:
    doing = "read" if right is Right.READ else "change"
    return f"{user} may not {doing} {name!r}; ask its owner for access"
