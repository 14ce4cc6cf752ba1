"""
A real disk without room: a small one in memory, in a mount namespace of the server's own.

Where such namespaces are not allowed the tests are skipped, and say why.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path

import pytest
import pytest_twisted

from dfs.client.session import Session
from dfs.errors import DFSError
from tests.process.people import person
from tests.process.processes import Cluster, Daemon, within

#: What the storage server keeps free for deleting is 16 MiB of it.
STORE_MEGABYTES = 26
JOURNAL_MEGABYTES = 2

LARGE, SMALL = 700_000, 20_000

#: Seconds for which people here wait for servers that are away.
PATIENCE = 2.0


def _mounting(path: Path, megabytes: int) -> list[str]:
    """A command that mounts a small disk, which only what it runs can see."""
    path.mkdir(parents=True, exist_ok=True)
    script = f'mount -t tmpfs -o size={megabytes}m tmpfs "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(path)]


def _why_not(path: Path) -> str:
    """Why there are no mount namespaces here; empty if there are."""
    try:
        tried = subprocess.run(
            [*_mounting(path, 1), "true"], capture_output=True, timeout=30, check=False
        )
    except OSError as error:
        return str(error)
    return tried.stderr.decode(errors="replace").strip() if tried.returncode else ""


class SmallDisks(Cluster):
    """A cluster of which one server has a small disk."""

    small: str = "ss1"

    def before(self, name: str) -> list[str]:
        """What runs a server."""
        if name != self.small:
            return []
        return _mounting(self.path / name, JOURNAL_MEGABYTES if name == "nm" else STORE_MEGABYTES)

    def disk(self, process: Daemon) -> Path:
        """The small disk, as its server sees it."""
        return Path(f"/proc/{process.pid}/root") / str(self.path / self.small).lstrip("/")


@contextlib.contextmanager
def stuffed(disk: Path) -> Iterator[None]:
    """Somebody else takes every byte that is left."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
    try:
        yield
    finally:
        ballast.unlink()


class Diary:
    """What was answered OK."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.kept: dict[str, bytes] = {}
        self.doubtful: set[str] = set()
        self.outcomes: Counter[str] = Counter()

    async def tried(self, doing: Awaitable[object]) -> bool:
        """Whether it was done; what it was refused with is an error of ours."""
        try:
            await doing
        except DFSError as error:
            self.outcomes[error.code] += 1
            return False
        self.outcomes["OK"] += 1
        return True

    async def put(self, path: str, text: bytes) -> bool:
        """Give a document a text."""
        done = await self.tried(self.session.put(path, text))
        if done:
            self.kept[path] = text
        return done

    async def delete(self, path: str) -> bool:
        """Delete a document."""
        done = await self.tried(self.session.delete(path))
        if done:
            del self.kept[path]
        return done

    async def check(self) -> None:
        """Every OK can be read."""
        for path, text in self.kept.items():
            assert await self.session.read(path) == text, path


@pytest_twisted.async_yield_fixture
async def cluster(tmp_path: Path) -> AsyncIterator[SmallDisks]:
    """Nothing runs yet."""
    why = _why_not(tmp_path / "tried")
    if why:
        print(f"no small disk: {why}")
        pytest.skip(f"no private mount namespace here: {why}")
    running = SmallDisks(tmp_path)
    try:
        yield running
    finally:
        print(running.report())
        await running.stop()


async def fill(diary: Diary) -> int:
    """Put documents until nothing fits, large ones and then small ones; how many were kept."""
    for size in (LARGE, SMALL):
        for number in range(2_000):
            if not await diary.put(f"{size}-{number}.txt", b"%08d. " % number * (size // 10)):
                break
        else:
            pytest.fail("the disk is never full")
    return len(diary.kept)


@within(150)
async def test_store(cluster: SmallDisks) -> None:
    """Answers are OK or a refusal, every OK is readable, DELETE frees space and writing resumes."""
    await cluster.start("ss1")
    session = person(cluster, patience=PATIENCE)
    diary = Diary(session)
    for cycle in range(3):
        await fill(diary)
        await diary.check()
        for path in list(diary.kept)[: 6 + cycle]:
            assert await diary.delete(path), f"{path} cannot be deleted from a full disk"
        assert await diary.put(f"again {cycle}.txt", b"There is room again. " * 5_000)
    await diary.check()
    server = cluster.servers["ss1"]
    assert server.running
    # The same disk cannot be mounted again: what is there is looked at by a restart in the tests
    # of the store.
    print(dict(diary.outcomes), len(diary.kept), "kept")
    session.close()


@within(150)
async def test_store_stuffed(cluster: SmallDisks) -> None:
    """Without a single byte left, what is there is read; when there is room, it all goes on."""
    await cluster.start("ss1")
    session = person(cluster, patience=PATIENCE)
    diary = Diary(session)
    for number in range(6):
        assert await diary.put(f"{number}.txt", b"%d. " % number * 30_000 * (number % 3 + 1))
    server = cluster.servers["ss1"]
    for _ in range(3):
        with stuffed(cluster.disk(server)):
            await diary.check()
            assert not await diary.put("large.txt", b"x" * LARGE)
            assert not await diary.put("0.txt", b"few")
            await diary.tried(session.append("1.txt", "more"))
            deleted = [path for path in ("4.txt", "5.txt") if path in diary.kept]
            for path in deleted:
                await diary.delete(path)
            await diary.check()
            assert server.running, server.text
        assert await diary.put("5.txt", b"There is room again. " * 50_000)
        assert await diary.put("4.txt", b"few")
        await diary.check()
    assert not [one for one in server.events if one["event"] in ("store_failed", "internal_error")]
    print(dict(diary.outcomes))
    session.close()


@within(150)
async def test_journal_stuffed(cluster: SmallDisks) -> None:
    """A name server without room refuses what it cannot write, serves, and goes on with room."""
    cluster.small = "nm"
    await cluster.start("ss1")
    session = person(cluster, patience=PATIENCE)
    diary = Diary(session)
    for number in range(4):
        assert await diary.put(f"{number}.txt", b"%d. " % number * 3_000)
    nm = cluster.nm
    assert nm is not None
    for cycle in range(3):
        with stuffed(cluster.disk(nm)):
            refused = 0
            for number in range(400):
                path = f"full {cycle} {number}.txt"
                refused += not await diary.tried(session.create(path))
                if refused == 3:
                    break
            assert refused == 3, "it writes without room"
            await diary.check()
            await diary.put("0.txt", b"A text that the name server hears of later. ")
            assert nm.running, nm.text
        assert await diary.put(f"more {cycle}.txt", b"There is room again. ")
        await diary.check()
    assert not [one for one in nm.events if one["event"] in ("store_failed", "internal_error")]
    print(dict(diary.outcomes))
    session.close()
