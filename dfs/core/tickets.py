"""
Tickets: what the name server allows somebody to do on a storage server, for a minute.

Decides what a ticket says and whether one is genuine and still good.  Both servers share a key,
so a storage server checks a ticket without asking anybody.  Must not know the time (an argument),
nor how documents are found.
"""

from __future__ import annotations

import base64
import hmac

from attrs import frozen

from dfs.core.access import Right
from dfs.errors import Moved, Unauthenticated

#: How long a ticket is good, in seconds.
TICKET_SECONDS = 60.0

#: Bytes of the authentication code that travel (NIST SP 800-107 allows truncation to 128 bits).
_MAC_BYTES = 16


@frozen
class Ticket:
    """
    One permission.

    @ivar document: its id, 16 hex digits.
    @ivar user: who may use it.
    @ivar right: the most that may be done with it.
    @ivar epoch: of the pair when the ticket was made.
    @ivar metadata_number: which access list the name server looked at.
    @ivar expires: seconds since the epoch, whole.
    """

    document: str
    user: str
    right: Right
    epoch: int
    metadata_number: int
    expires: int


def key_from_secret(secret: bytes) -> bytes:
    """The key for tickets, so that no other use of the secret can be turned into one."""
    return hmac.digest(secret, b"dfs ticket", "sha256")


def seal(key: bytes, ticket: Ticket) -> str:
    """
    Write a ticket for the wire: printable, without separators of the wire.

    Layout: C{<document>.<right>.<epoch>.<number>.<expires>.<user, base64url>.<mac, base64url>}.
    """
    user = base64.urlsafe_b64encode(ticket.user.encode()).decode().rstrip("=")
    body = (
        f"{ticket.document}.{ticket.right.value}.{ticket.epoch}"
        f".{ticket.metadata_number}.{ticket.expires}.{user}"
    )
    return f"{body}.{_mac(key, body)}"


def unseal(key: bytes, text: str) -> Ticket:
    """
    Read a ticket; whether it is still good is asked by L{check}.

    @raise Unauthenticated: it was not made with this key.
    """
    body, _, mac = text.rpartition(".")
    if not text.isascii() or not hmac.compare_digest(_mac(key, body), mac):
        raise Unauthenticated("this ticket is not genuine; ask the name server with LOCATE")
    # Genuine, hence written by seal(): nothing below can fail.
    document, right, epoch, number, expires, user = body.split(".")
    padded = user + "=" * (-len(user) % 4)
    return Ticket(
        document,
        base64.urlsafe_b64decode(padded).decode(),
        Right(right),
        int(epoch),
        int(number),
        int(expires),
    )


def check(ticket: Ticket, now: float) -> None:
    """
    Refuse a ticket whose time is over.

    @param now: seconds since the epoch.
    @raise Moved: ask the name server for a new one.
    """
    if now >= ticket.expires:
        raise Moved("this ticket has expired; ask the name server again with LOCATE")


def _mac(key: bytes, body: str) -> str:
    digest = hmac.digest(key, body.encode(), "sha256")[:_MAC_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
