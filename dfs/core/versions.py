"""
Versions of a document: what one state contains of what both members of a pair committed.

Decides which of two states is newer, or that neither is.  Must not know what a state holds.
"""

from __future__ import annotations

from attrs import frozen

from dfs.errors import Invalid


@frozen
class Version:
    """
    How many commits of each member of the pair a state contains.

    Counters never repeat and never go back on any member.  C{v >= w} means that C{v} contains
    everything that C{w} contains; when neither holds the two are concurrent.

    @ivar a: commits made by the home primary.
    @ivar b: commits made by the backup.
    """

    a: int = 0
    b: int = 0

    def __ge__(self, other: Version) -> bool:
        return self.a >= other.a and self.b >= other.b

    def __gt__(self, other: Version) -> bool:
        return self != other and self >= other

    def concurrent(self, other: Version) -> bool:
        """Neither state contains the other."""
        return not self >= other and not other >= self

    def next(self, *, home: bool) -> Version:
        """
        The version of a commit made on top of this state.

        @param home: the commit is made by the home primary, not by the backup.
        """
        return Version(self.a + 1, self.b) if home else Version(self.a, self.b + 1)

    def __str__(self) -> str:
        return f"{self.a}.{self.b}"

    @classmethod
    def parse(cls, text: str) -> Version:
        """
        Read what C{str()} wrote.

        @raise Invalid: it is not two counters with a dot between.
        """
        first, dot, second = text.partition(".")
        # isascii: isdigit alone accepts digits that int() reads in other scripts.
        if dot and first.isascii() and first.isdigit() and second.isascii() and second.isdigit():
            return cls(int(first), int(second))
        raise Invalid(f"{text!r} is not a version; it looks like 3.0")
