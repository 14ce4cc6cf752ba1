"""
Access requests: who asks to be let in, and what becomes of that.

Decides who may ask for what, and which requests a grant answers.  Must not know where requests are
kept, who is logged in, nor how an owner is told.

Note [A number for each question].  Owners decide about what they saw under a number.  So a request
for another right has another number, and no number is given twice: C{APPROVE} either grants what
was shown, or nothing.
"""

from __future__ import annotations

from attrs import frozen

from dfs.core.access import AccessList, Right
from dfs.errors import Invalid, TooLarge

#: Requests that may wait, about one document and of one user.
MAX_OF_DOCUMENT = MAX_OF_USER = 100


@frozen
class AccessRequest:
    """
    Somebody asks to be let in.

    @ivar id: see Note [A number for each question].
    @ivar document: its id, which stays when it is moved.
    @ivar user: who asks.
    @ivar when: seconds since the epoch.
    """

    id: int
    document: int
    user: str
    right: Right
    when: float

    def answered_by(self, access: AccessList) -> bool:
        """Whether an access list grants what is asked for."""
        return access.allows(self.user, self.right)


def may_ask(access: AccessList, path: str, user: str, right: Right) -> None:
    """
    Make sure that somebody lacks what they ask for.

    @raise Invalid: they have it already; says so.
    """
    if user == access.owner:
        raise Invalid(
            f"you own {path!r} and may do everything with it; there is nothing to ask for"
        )
    if access.allows(user, right):
        doing = "read" if right is Right.READ else "read and change"
        raise Invalid(f"you may {doing} {path!r} already; there is nothing to ask for")


def room(path: str, of_document: int, of_user: int) -> None:
    """
    Make sure that one more request may wait.

    @param of_document: how many wait about this document.
    @param of_user: how many of this user wait.
    @raise TooLarge: there are too many; says what to do.
    """
    if of_user >= MAX_OF_USER:
        raise TooLarge(
            f"{MAX_OF_USER} requests of yours wait already; ask the owners to answer some of them "
            "(VIEWREQUESTS --mine lists them)"
        )
    if of_document >= MAX_OF_DOCUMENT:
        raise TooLarge(
            f"{MAX_OF_DOCUMENT} requests about {path!r} wait already; its owner has to APPROVE or "
            "DENY some of them first"
        )
