"""
Who may do what with a document.

Decides rights from an owner and a list of grants.  Must not know where either is stored, nor who
is logged in.
"""

from __future__ import annotations

import enum

from attrs import evolve, frozen

from dfs.errors import Invalid, TooLarge

#: Grants of one document; the owner does not count.
MAX_GRANTS = 1_000


class Right(enum.Enum):
    """What a person may be allowed; writing includes reading."""

    READ = "r"
    WRITE = "w"
    OWN = "o"

    @classmethod
    def parse(cls, text: str) -> Right:
        """
        A right that can be asked for or granted.

        @raise Invalid: it is neither C{r} nor C{w}.
        """
        if text.lower() == "r":
            return cls.READ
        if text.lower() == "w":
            return cls.WRITE
        raise Invalid(f"{text!r} is no right; use R (read) or W (read and write)")


@frozen
class AccessList:
    """
    The owner of a document and whom they let in.

    @ivar owner: keeps every right for ever.
    @ivar grants: (user, C{"r"} or C{"w"}) sorted by user, without the owner.
    """

    owner: str
    grants: tuple[tuple[str, str], ...] = ()

    def allows(self, user: str, right: Right) -> bool:
        """Whether C{user} has C{right}."""
        if user == self.owner:
            return True
        if right is Right.OWN or not self.grants:
            return False
        for name, granted in self.grants:
            if name == user:
                return granted == "w" or right is Right.READ
        return False

    def granted(self, user: str, right: Right) -> AccessList:
        """
        The list after C{user} was given C{right}; the owner has it already.

        @raise TooLarge: the list is full.
        """
        if user == self.owner:
            return self
        others = dict(self.grants)
        others[user] = right.value
        if len(others) > MAX_GRANTS:
            raise TooLarge(f"an access list holds at most {MAX_GRANTS} people")
        return evolve(self, grants=tuple(sorted(others.items())))

    def revoked(self, user: str) -> AccessList:
        """
        The list after C{user} lost every right.

        @raise Invalid: C{user} is the owner, who always keeps both rights, or has none.
        """
        if user == self.owner:
            raise Invalid(f"{user} is the owner and always keeps access")
        others = tuple(grant for grant in self.grants if grant[0] != user)
        if others == self.grants:
            raise Invalid(f"{user} has no access that could be taken away")
        return evolve(self, grants=others)
