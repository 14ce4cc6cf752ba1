"""
Seeds: one that nobody has tried, and the ledger, every one that ever failed and what it had found.

A seed means what it meant as long as the simulation draws the same; what it had found has a smaller
test of its own, too.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import dfs


def drawn() -> int:
    """A number that every change of the code changes."""
    sources = sorted(Path(dfs.__file__).parent.rglob("*.py"))
    return zlib.crc32(b"".join(source.read_bytes() for source in sources))


#: What each had found.
LEDGER = {
    1008: "a text that the peer alone had told of was not shown after the failover",
    1012: "the same, with a name server that had just started",
    1255: "a right that had been taken away came back: its ADDACCESS came late",
    107762: "somebody read an old text from a member that had drained and was cut off then",
    108130: "a change that was told of late, after its deletion, was to be rescued for ever",
    5001688: "no fault of the product: the operator did not order what the disk of a leader needs",
    5002313: "the same",
    5002557: "the same",
    24414448: "a change that nobody had heard of was removed before the note of it came",
}
