"""Documents for the tests of the name server."""

from __future__ import annotations

from dfs.core.access import AccessList
from dfs.core.pairs import Pair
from dfs.core.versions import Version
from dfs.nm.kept import Copy, Grave, Noted, Stored

PAIR = Pair.founded("ss1")


def document(number: int, name: str, owner: str = "alice", /, **grants: str) -> Stored:
    """A document that a storage server has, and that was written once."""
    noted = Noted(
        sha256=bytes([number % 256]) * 32,
        size=number,
        words=2,
        characters=3,
        sentences=1,
        a=4,
        b=0,
        epoch=1,
        modified=1_700_000_000.25 + number,
        checkpoints=5,
        conflicts=1,
        is_text=True,
        modified_by="bob",
    )
    access = AccessList(owner, tuple(sorted(grants.items())))
    return Stored(
        *(number, 0, name, PAIR.name, access, 1_600_000_000.5, 7, 3, noted), Copy(4, 0, 7)
    )


def grave(number: int, *, home: bool = False, backup: bool = False) -> Grave:
    """A document that is gone, at second 5."""
    return Grave(number, PAIR.name, f"{number}.txt", "alice", Version(4, 0), 5.0, home, backup)
