"""
Which two servers belong together, and which of them serves.

Decides pair and role from a server's name alone, in whichever order servers arrive.  Must not know
which of them are alive, or what they hold.
"""

from __future__ import annotations

import enum

from attrs import frozen

from dfs.errors import Invalid

#: How the name of a backup ends.
BACKUP = "_backup"

#: The epoch of a pair that never failed over.
FIRST_EPOCH = 1


class Role(enum.Enum):
    """What a server is in its pair."""

    PRIMARY = "primary"
    BACKUP = "backup"


def role_of(server: str) -> Role:
    """What a server's name makes it: C{ss1_backup} is a backup, everybody else is a primary."""
    return Role.BACKUP if server.endswith(BACKUP) else Role.PRIMARY


def pair_of(server: str) -> str:
    """
    The pair that a server belongs to, named after its home primary.

    @raise Invalid: nobody could be its primary.
    """
    home = server.removesuffix(BACKUP)
    if not home or home.endswith(BACKUP):
        raise Invalid(f"{server!r} would be the backup of {home!r}, which cannot be a primary")
    return home


@frozen
class Pair:
    """
    Who serves the documents of a pair.

    @ivar name: of the pair, which is that of its home primary.
    @ivar epoch: raised each time another member becomes active.
    @ivar active: the member that serves.
    """

    name: str
    epoch: int
    active: str

    @classmethod
    def founded(cls, name: str) -> Pair:
        """A new pair, served by its home primary."""
        return cls(name, FIRST_EPOCH, name)

    @property
    def home(self) -> str:
        """The home primary."""
        return self.name

    @property
    def backup(self) -> str:
        """The backup, whether it ever came or not."""
        return self.name + BACKUP

    @property
    def peer(self) -> str:
        """The member that does not serve now."""
        return self.backup if self.active == self.home else self.home
