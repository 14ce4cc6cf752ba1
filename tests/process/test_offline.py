"""
Real stores of real servers: exported as plain files, and made a journal of when that is lost.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, gatherResults

from tests.process.processes import Cluster, dfs, run, within
from tests.process.test_failover import SHORT, SOON, Pair

MEMBERS = ("ss1", "ss1_backup")


async def offline(cluster: Cluster, *words: str, status: int = 0) -> str:
    """What a command prints that needs no server."""
    done = await run(dfs(*words), cluster.path)
    assert done.status == status, done.text
    return done.text


async def kill(cluster: Cluster) -> None:
    """End everything at once, as a power cut does."""
    killing = [Deferred.fromCoroutine(process.kill()) for process in cluster.processes()]
    await gatherResults(killing)
    cluster.servers.clear()
    cluster.nm = None


def files(folder: Path) -> dict[str, bytes]:
    """What an export has of documents and folders."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"/"
        for path in folder.rglob("*")
    }
    del found["dfs-export.json"]
    return found


def meta(folder: Path, path: str) -> dict[str, Any]:
    """What is said about a document."""
    found: dict[str, Any] = json.loads((folder / "documents" / f"{path}.meta").read_bytes())
    return found


async def fill(pair: Pair, large: bytes) -> None:
    """Documents of alice, one of which bob may change, and one that is gone."""
    await pair.cluster.dfs("WHOAMI", user="bob")
    await pair.write("notes/a.txt", "One.", "Two.", "Three.")
    await pair.do("UNDO", "notes/a.txt")
    await pair.do("ADDACCESS", "-W", "notes/a.txt", "bob")
    (pair.cluster.path / "large").write_bytes(large)
    await pair.do("CREATE", "large.bin")
    await pair.do("PUT", str(pair.cluster.path / "large"), "large.bin")
    await pair.do("CREATE", "gone.txt")
    await pair.do("DELETE", "gone.txt")
    await pair.until_current("large.bin")
    await pair.until_current("notes/a.txt")


@within(300)
async def test_export_of_both(empty_cluster: Cluster) -> None:
    """
    After a failover and a return both members' stores, killed or stopped, are exported to the same
    files, with the texts that people read.
    """
    pair = await Pair.started(empty_cluster, SOON)
    cluster, large = pair.cluster, os.urandom(300_000)
    await fill(pair, large)
    await pair.fail(signal.SIGKILL)
    await pair.do("APPEND", "notes/a.txt", " More.")
    await pair.back()
    await pair.until_current("notes/a.txt")
    said = await offline(cluster, "export", "ss1", "refused", status=1)
    assert "ERROR [LOCKED]" in said
    assert not (cluster.path / "refused").exists()
    await cluster.servers["ss1_backup"].stop()
    await kill(cluster)
    for name in MEMBERS:
        said = await offline(cluster, "export", name, f"out-{name}")
        assert f"Exported 2 documents of {name} in 1 folder" in said
    home, backup = (files(cluster.path / f"out-{name}") for name in MEMBERS)
    assert home == backup
    assert home["documents/notes/a.txt"] == b"Two. More."
    assert home["documents/large.bin"] == large
    about = meta(cluster.path / "out-ss1", "notes/a.txt")
    assert (about["path"], about["owner"]) == ("notes/a.txt", "alice")
    assert about["access"] == [{"user": "bob", "right": "write"}]
    texts = [home[f"documents/notes/{one['file']}"] for one in about["undo"]]
    assert texts == [b"", b"One.", b"Two."]
    said = await offline(cluster, "--json", "export", "ss1", "out-again")
    assert json.loads(said)["documents"] == 2


@within(300)
@pytest.mark.parametrize("left", [MEMBERS, ("ss1",), ("ss1_backup",)])
async def test_rebuilt(empty_cluster: Cluster, left: tuple[str, ...]) -> None:
    """
    Everything is killed and the folder of the name server is gone: a new journal is made of
    the stores that are left, and everything is there; nothing is HELD.
    """
    pair = await Pair.started(empty_cluster, SHORT)
    cluster, large = pair.cluster, os.urandom(300_000)
    await fill(pair, large)
    listed = await pair.do("VIEW", "-a")
    before = json.loads(await pair.do("--json", "INFO", "notes/a.txt"))
    await kill(cluster)
    shutil.rmtree(cluster.path / "nm")
    for name in set(MEMBERS) - set(left):
        shutil.rmtree(cluster.path / name)
    said = await offline(cluster, "admin", "rebuild", "--dry-run", "--data", "nm", *left)
    assert "Would rebuild" in said
    assert not (cluster.path / "nm").exists()
    said = await offline(cluster, "admin", "rebuild", "--data", "nm", *left)
    assert "2 documents, 1 folder, 2 users" in said
    assert "access requests" in said
    for name in set(MEMBERS) - set(left):
        assert f"no store of {name}" in said
    said = await offline(cluster, "admin", "rebuild", "--data", "nm", *left, status=1)
    assert "ERROR [EXISTS]" in said
    await cluster.start(*MEMBERS)
    await pair.until("PROTECTED", "ss1")
    assert {one["state"] for one in (await pair.servers()).values()} == {"LIVE"}
    assert await pair.do("VIEW", "-a") == listed
    after = json.loads(await pair.do("--json", "INFO", "notes/a.txt"))
    for name in ("id", "owner", "created", "modified", "sha256", "version"):
        assert after[name] == before[name], name
    assert await pair.do("READ", "notes/a.txt") == "Two."
    denied = await cluster.dfs("READ", "notes/a.txt", user="eve")
    assert denied.status == 1
    allowed = await cluster.dfs("APPEND", "notes/a.txt", " By bob.", user="bob")
    assert allowed.status == 0, allowed.text
    await pair.do("UNDO", "notes/a.txt")
    assert await pair.do("READ", "notes/a.txt") == "Two."
    await pair.do("GET", "large.bin", str(cluster.path / "got"))
    assert (cluster.path / "got").read_bytes() == large
    await pair.do("CREATE", "gone.txt")
    assert await pair.do("READ", "gone.txt") == ""
