"""
Everything on the disk is read again and again, slowly, so that damage is found while somebody else
still has what was damaged.

Decides when a round begins and how fast it is.  What is found damaged the store tells of
(L{dfs.store.damage}), and L{dfs.ss.mending} has it brought.  Must not know what the bytes are for.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.documents import Content
from dfs.errors import Busy, Corrupt, NotFound, Unavailable
from dfs.store.interfaces import IStore
from dfs.timing import steady

#: Seconds from the start of a server to its first round, and from one to the next.
FIRST_SECONDS, ROUND_SECONDS = 60.0, 24 * 3600.0

#: Seconds between two looks at whether a round is due.
LOOK_SECONDS = 30.0

#: Documents and contents that are looked up at once.
PAGE = 50

#: Bytes that any content counts as, at least: finding it takes time, too.
LEAST_BYTES = 8 * 1024

#: Bytes that are read before a pause.
STRETCH_BYTES = 256 * 1024


@define(eq=False)
class Verifying(MultiService):
    """
    Reads everything.

    @ivar finished: when the last round was over, in seconds since the epoch; 0: none was.
    @ivar _rate: bytes a second; 0: nothing is read.
    """

    _clock: IReactorTime
    _wall: Callable[[], float]
    _store: IStore
    _rate: float
    finished: float = field(default=0.0, init=False)
    _due: float = field(default=0.0, init=False)
    _owed: int = field(default=0, init=False)
    _going: Deferred[None] = field(factory=lambda: succeed(None), init=False)
    _log = Logger(namespace="dfs.ss.verifying")

    def __attrs_post_init__(self) -> None:
        super().__init__()
        if self._rate:
            steady(self._clock, LOOK_SECONDS, self._look).setServiceParent(self)

    def startService(self) -> None:
        """Begin in a while: a server that starts has other things to do."""
        self._due = self._clock.seconds() + FIRST_SECONDS
        super().startService()

    def stopService(self) -> Deferred[None] | None:
        """Read no more."""
        stopping: Deferred[None] | None = super().stopService()
        self._going.cancel()
        return stopping

    def _look(self) -> None:
        if not self._going.called or self._clock.seconds() < self._due:
            return
        self._due = self._clock.seconds() + ROUND_SECONDS
        self._going = Deferred.fromCoroutine(self.verify()).addErrback(self._failed)

    async def verify(self) -> None:
        """Read everything once."""
        begun, damaged = self._clock.seconds(), set(self._store.damage.found)
        records = await self._records()
        contents, size = await self._contents()
        self.finished = self._wall()
        self._log.info(
            "{records} documents and {contents} texts ({bytes} bytes) were read again",
            log_event="verified",
            records=records,
            contents=contents,
            bytes=size,
            damaged=len(self._store.damage.found - damaged),
            seconds=round(self._clock.seconds() - begun, 1),
        )

    async def _records(self) -> int:
        """Read what is told of each document; the store logs what is damaged of that."""
        seq, count = 0, 0
        end = self._store.last_seq()  # what changes meanwhile is written anew anyway
        try:
            while seq < end and (page := self._store.changes_after(seq, PAGE)):
                # As with contents, a damaged index may lead around in a circle.
                seq, count = max(seq + 1, page[-1].seq), count + len(page)
                await self._spend(len(page) * LEAST_BYTES)
        except Corrupt as error:
            self._log.error(
                "not all documents can be read again: {reason}",
                log_event="record_damaged",
                document="",
                reason=str(error),
            )
        return count

    async def _contents(self) -> tuple[int, int]:
        """Read each content; how many there were, and bytes."""
        last, count, size = b"", 0, 0
        while page := self._page(last):
            for content in page:
                try:
                    await self._verify(content)
                    self._store.damage.mended(content.sha256)  # if anybody thought otherwise
                except (Busy, Corrupt, NotFound, Unavailable):
                    # The store has told of it, or it is gone, or there is another round.
                    await self._spend(LEAST_BYTES)
                last, count, size = content.sha256, count + 1, size + max(0, content.size)
        return count, size

    def _page(self, last: bytes) -> list[Content]:
        """The next contents; those that a damaged database hides are passed over."""
        while True:
            try:
                found = self._store.contents_after(last, PAGE)
            except Corrupt:
                if last[:1] == b"\xff":
                    return []
                last = bytes([last[0] + 1 if last else 1])
                continue
            # A damaged index may lead around in a circle.
            return [content for content in found if content.sha256 > last]

    async def _verify(self, content: Content) -> None:
        reader = self._store.examine(content)
        try:
            while piece := await reader.read():
                await self._spend(max(len(piece), LEAST_BYTES))
        finally:
            reader.close()

    async def _spend(self, size: int) -> None:
        """Let others have the disk for as long as so many bytes are worth."""
        self._owed += size
        if self._owed >= STRETCH_BYTES:
            owed, self._owed = self._owed, 0
            await deferLater(self._clock, owed / self._rate)

    def _failed(self, failure: Failure) -> None:
        """There is another round, if this server does not stop."""
        if not failure.check(CancelledError):
            self._log.failure("a defect", failure, log_event="internal_error")
