"""
MEND, GET_CONTENT, PUT_CONTENT: damaged contents get the bytes that the other member has.

Decides when the name server is asked to have them brought, and that nothing but the right bytes is
taken.  A content is named by its hash, so it does not matter which documents refer to it, who
serves, or what is copied meanwhile.  Must not know how damage is found, nor who the other member
is.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial, wraps
from inspect import iscoroutine
from typing import Any, NoReturn

from attrs import define, field
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, TimeoutError, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.documents import Content
from dfs.errors import Corrupt, DFSError, Invalid, NotFound, Unavailable
from dfs.ss.contents import keep, pieces_of_parcel, send
from dfs.ss.membership import Membership
from dfs.ss.orders import obey
from dfs.store.damage import Damaged
from dfs.store.interfaces import IStore
from dfs.timing import steady
from dfs.wire.exchange import Exchange, Outcome
from dfs.wire.messages import Done, GetContent, Mend, PutContent, Record, Request, Stop
from dfs.wire.reception import Handler

#: Seconds after which everything that is still damaged is asked for again.
AGAIN_SECONDS = 30.0

#: Seconds that a reader waits for what is being brought.
PATIENCE = 5.0


@define(eq=False)
class Mending(MultiService):
    """
    What is damaged on this server.

    @ivar _ask: asks the name server something.
    @ivar _tried: why it was not mended at the last try; empty: it was not tried yet.
    @ivar _line: what is to be asked for now, one at a time.
    @ivar _waiting: who waits until it was.
    """

    _clock: IReactorTime
    _store: IStore
    _membership: Membership
    _ask: Callable[[Request[Any]], Deferred[Any]]
    _tried: dict[bytes, str] = field(factory=dict, init=False)
    _line: list[bytes] = field(factory=list, init=False)
    _waiting: dict[bytes, list[Deferred[None]]] = field(factory=dict, init=False)
    _busy: bool = field(default=False, init=False)
    _going: Deferred[None] = field(factory=lambda: succeed(None), init=False)
    _log = Logger(namespace="dfs.ss.mending")

    def __attrs_post_init__(self) -> None:
        super().__init__()
        self._store.damage.on_found = self.found
        steady(self._clock, AGAIN_SECONDS, self._again).setServiceParent(self)

    def __len__(self) -> int:
        return len(self._store.damage.found)

    @property
    def damaged(self) -> list[bytes]:
        """The hashes of what is known to be damaged."""
        return sorted(self._store.damage.found)

    def stopService(self) -> Deferred[None] | None:
        """Ask for nothing any more."""
        self._line.clear()
        for sha256 in list(self._waiting):
            self._release(sha256)
        stopping: Deferred[None] | None = super().stopService()
        self._going.cancel()
        return stopping

    def found(self, sha256: bytes) -> None:
        """A content was read, and is damaged."""
        if sha256 in self._tried or sha256 not in self._store.damage.found:
            return  # it is asked for again in a while, or there is very much of it
        self._tried[sha256] = ""
        self._log.error(
            "content {sha256} is damaged on this disk",
            log_event="content_damaged",
            sha256=sha256.hex(),
        )
        self._line.append(sha256)
        self._go()

    def mended(self, handler: Handler) -> Handler:
        """
        The same handler, for those who read: where it finds something damaged, whoever asked is
        told to ask again as soon as that is mended, which clients do by themselves.
        """

        @wraps(handler)
        def answer(request: Any, exchange: Exchange) -> Outcome:
            try:
                outcome = handler(request, exchange)
            except Damaged as error:
                return self._mended(error)
            if iscoroutine(outcome):
                return self._awaited(outcome)
            return outcome

        return answer

    async def _awaited(self, outcome: Coroutine[Any, Any, Record | None]) -> Record | None:
        try:
            return await outcome
        except Damaged as error:
            return await self._mended(error)

    async def _mended(self, error: Damaged) -> NoReturn:
        await self._wait(error.sha256)
        if not self._store.damage.remains(error.sha256):
            raise Unavailable("the text was damaged on this disk, and is mended: read it again")
        why = self._tried.get(error.sha256) or "that takes long"
        raise Corrupt(
            f"{error}, and cannot be had from elsewhere now ({why}): try again later, or go back "
            "to an older text with UNDO or REVERT"
        ) from error

    async def _wait(self, sha256: bytes) -> None:
        """Wait until a damaged content was mended, or could not be; some seconds at most."""
        if self._tried.get(sha256) != "" or not self.running:
            return
        tried: Deferred[None] = Deferred()
        tried.addTimeout(PATIENCE, self._clock)
        self._waiting.setdefault(sha256, []).append(tried)
        try:
            await tried
        except TimeoutError:
            with suppress(ValueError):
                self._waiting.get(sha256, []).remove(tried)

    # ------------------------------------------------------------------------------ asking

    def _again(self) -> None:
        """Ask for everything again that is still damaged."""
        damaged = self._store.damage.found
        self._tried = {one: why for one, why in self._tried.items() if one in damaged}
        if not self._busy:
            # What could not be had last time comes after the others.
            self._line = self._line or list(damaged)
            self._go()

    def _go(self) -> None:
        if not self._busy and self._line and self.running:
            self._busy = True
            self._going = Deferred.fromCoroutine(self._mend_all()).addErrback(self._failed)

    async def _mend_all(self) -> None:
        try:
            while self._line:
                sha256 = self._line.pop(0)
                try:
                    await self._mend(sha256)
                except Unavailable as error:
                    # Others would fare no better now.
                    self._complain(sha256, str(error))
                    self._put_off(str(error))
                    return
                except DFSError as error:
                    self._complain(sha256, str(error))
                finally:
                    self._release(sha256)
        finally:
            self._busy = False

    async def _mend(self, sha256: bytes) -> None:
        if not self._store.has(sha256):
            self._store.damage.mended(sha256)  # the last document that had it is gone
        elif sha256 in self._store.damage.found:
            await self._ask(Mend(sha256.hex()))

    def _put_off(self, why: str) -> None:
        """Nobody need wait for what stands in the line."""
        for sha256 in self._line:
            self._tried[sha256] = why
            self._release(sha256)

    def _release(self, sha256: bytes) -> None:
        for tried in self._waiting.pop(sha256, []):
            if not tried.called:
                tried.callback(None)

    def _complain(self, sha256: bytes, why: str) -> None:
        """Say once why something is not mended."""
        if self._tried.get(sha256) != why:
            self._log.warn(
                "content {sha256} stays damaged: {reason}; it is asked for again",
                log_event="content_not_mended",
                sha256=sha256.hex(),
                reason=why,
            )
        self._tried[sha256] = why

    def _failed(self, failure: Failure) -> None:
        """Tried again in a while, if this server does not stop."""
        if self.running:
            self._log.failure("a defect", failure, log_event="internal_error")

    # --------------------------------------------------------------------------- answering

    async def get_content(self, request: GetContent, exchange: Exchange) -> Stop:
        """Send a content, whatever documents refer to it."""
        await obey(self._membership, exchange.peer, request.epoch)
        content = self._content(request.sha256)
        return await send(self._store.reader(content), content, exchange)

    async def put_content(self, request: PutContent, exchange: Exchange) -> Done:
        """Write a content anew."""
        await obey(self._membership, exchange.peer, request.epoch)
        content = self._content(request.sha256)
        came = pieces_of_parcel(exchange)
        await keep(self._store, None, came, partial(self._write, content))
        return Done()

    async def _write(self, content: Content, came: Content) -> None:
        if came.sha256 != content.sha256:
            raise Corrupt(f"these are not the bytes of {content.sha256.hex()}; send them again")
        await self._store.mend(content.sha256)
        # Should it be damaged again soon, it is not asked for again at once.
        self._tried[content.sha256] = "it is damaged again, a moment after it was mended"
        self._log.info(
            "content {sha256} is as it was",
            log_event="content_mended",
            sha256=content.sha256.hex(),
            bytes=came.size,
        )

    def _content(self, sha256: str) -> Content:
        try:
            content = self._store.content(bytes.fromhex(sha256))
        except ValueError:
            raise Invalid(f"{sha256[:100]!r} is no hash") from None
        if content is None:
            raise NotFound("no document here refers to that content")
        return content
