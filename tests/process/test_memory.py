"""
How much memory real servers take for large documents.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.process.processes import Cluster, Process, within

MEGABYTE = 1024 * 1024

#: Bytes of the document, and how many times that a server may grow while a word goes into it.
SIZE, SMALL_MULTIPLE = 40 * MEGABYTE, 4


def memory(process: Process, name: str) -> int:
    """Bytes that a process has (C{VmRSS}), or had at most (C{VmHWM})."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name} in /proc")


@pytest.mark.parametrize(
    "piece",
    [b"A. ", b"x"],
    ids=["many sentences", "one word"],
)
@within(60)
async def test_word_in_a_large_document(empty_cluster: Cluster, piece: bytes) -> None:
    """
    H16: one word goes into a document of 40 MiB; the storage server takes a small multiple of the
    document for it, the name server nothing.
    """
    await empty_cluster.start("ss1")
    text = (piece * (SIZE // len(piece) + 1))[:SIZE]
    (empty_cluster.path / "large.txt").write_bytes(text)
    put = await empty_cluster.dfs("PUT", "large.txt")
    assert put.status == 0, put.text
    server, nm = empty_cluster.servers["ss1"], empty_cluster.nm
    assert nm is not None
    before = memory(server, "VmRSS"), memory(nm, "VmRSS")
    written = await empty_cluster.dfs(typed="WRITE large.txt 0\n0 FIRST\nETIRW\n")
    assert written.status == 0, written.text
    assert "Write Successful!" in written.text
    grown = memory(server, "VmHWM") - before[0], memory(nm, "VmHWM") - before[1]
    print("grown by", *(size // MEGABYTE for size in grown), "MiB")
    got = await empty_cluster.dfs("GET", "large.txt", "copy.txt")
    assert got.status == 0, got.text
    copy = (empty_cluster.path / "copy.txt").read_bytes()
    assert hashlib.sha256(copy).digest() == hashlib.sha256(b"FIRST " + text).digest()
    assert grown[0] < SMALL_MULTIPLE * SIZE
    assert grown[1] < 8 * MEGABYTE
