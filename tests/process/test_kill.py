"""
Processes that are killed while people write.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults

from dfs.client.session import Session
from dfs.errors import DFSError
from tests.process.people import person
from tests.process.processes import Cluster, within

#: How often something is killed, and acknowledged words between two times.
KILLS, WORDS = 25, 12


@define(eq=False)
class Diary:
    """
    What writers were told.

    @ivar kept: words that were acknowledged, by document.
    @ivar doubtful: words that may be there or not.
    """

    kept: dict[str, list[str]] = field(factory=dict)
    doubtful: dict[str, list[str]] = field(factory=dict)
    over: bool = False
    _acknowledged: int = 0
    _waiting: tuple[int, Deferred[None]] | None = None

    async def write(self, session: Session, path: str) -> None:
        """Append one word after the other until it is over."""
        kept, doubtful = self.kept.setdefault(path, []), self.doubtful.setdefault(path, [])
        number = 0
        while not self.over:
            number += 1
            word = f"{path}-{number}"
            try:
                await session.append(path, f"{word} ")
            except DFSError:
                doubtful.append(word)
            else:
                kept.append(word)
                self._count()

    def more(self, words: int) -> Deferred[None]:
        """Fires when so many more words were acknowledged."""
        reached: Deferred[None] = Deferred()
        self._waiting = (self._acknowledged + words, reached)
        return reached

    def _count(self) -> None:
        self._acknowledged += 1
        if self._waiting is not None and self._acknowledged >= self._waiting[0]:
            reached, self._waiting = self._waiting[1], None
            reached.callback(None)


async def restart(cluster: Cluster, *, also_nm: bool) -> None:
    """Kill the storage server, perhaps the name server too, and start them again."""
    await cluster.servers["ss1"].kill()
    if also_nm:
        assert cluster.nm is not None
        await cluster.nm.kill()
        await cluster.start_nm()
    await cluster.start_ss("ss1")


@within(240)
async def test_four_writers(empty_cluster: Cluster) -> None:
    """
    H14: whatever is killed under four writers, every acknowledged word is there, once, and nothing
    else is; sizes and counts are right afterwards.
    """
    await empty_cluster.start("ss1")
    diary = Diary()
    sessions: list[Session] = []
    writers: list[Deferred[None]] = []
    for number in range(4):
        session = person(empty_cluster)
        await session.create(f"d{number}")
        sessions.append(session)
        writers.append(Deferred.fromCoroutine(diary.write(session, f"d{number}")))
    for kill in range(KILLS):
        await diary.more(WORDS)
        await restart(empty_cluster, also_nm=kill % 5 == 4)
    diary.over = True
    await gatherResults(writers)
    seen = {line.path: line for line in await sessions[0].view()}
    assert sorted(seen) == sorted(diary.kept)
    for path, kept in diary.kept.items():
        text = await sessions[0].read(path)
        words = text.decode().split()
        assert len(words) == len(set(words)), "something was done twice"
        assert not set(kept) - set(words), "something was lost"
        assert not set(words) - set(kept) - set(diary.doubtful[path])
        assert (seen[path].size, seen[path].words) == (len(text), len(words))
    for session in sessions:
        session.close()
