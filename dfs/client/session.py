"""
The library: everything that a person can do, as methods that return Deferreds.

Decides what each verb asks of which server, and what is told when a change is in doubt.  Must not
know a terminal, a command line, or the reactor: clock, chance and dialling are arguments.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from dfs.client.asking import READ_SECONDS, Asker, Doing, Waiting
from dfs.client.checkpoints import Checkpoints
from dfs.client.deeds import deferred
from dfs.client.drafts import Draft
from dfs.client.execution import Output
from dfs.client.failures import Unanswered, in_doubt
from dfs.client.folders import Folders
from dfs.client.links import Dial, Links
from dfs.client.notices import Tell
from dfs.client.reading import Download, Incoming, Words, begin_download
from dfs.client.requests import Requests
from dfs.client.writing import Bytes, OpenSource, WriteSession, upload
from dfs.core import paths
from dfs.errors import Exists, NotFound, Unavailable
from dfs.wire.messages import (
    SESSION_BYTES,
    AddAccess,
    Append,
    Committed,
    Create,
    Delete,
    Facts,
    GetInfo,
    Info,
    ListUsers,
    Located,
    Read,
    Record,
    Redo,
    RemAccess,
    Request,
    ServerLine,
    Servers,
    Stat,
    Status,
    StatusLine,
    Undo,
    UserLine,
    View,
    ViewLine,
    WhoAmI,
    Write,
)

A = TypeVar("A", bound=Record)
T = TypeVar("T")

#: Seconds after which INFO does without the exact figures.
STAT_SECONDS = 3.0

__all__ = ["DocumentInfo", "Session", "Waiting"]


@frozen
class DocumentInfo:
    """
    What is known about a document, from both servers.

    @ivar index: what the name server knows; sizes and times as it last heard them.
    @ivar facts: what the storage server says, exactly and now; None if it does not answer.
    @ivar note: why C{facts} are missing; empty if they are not.
    """

    index: Info
    facts: Facts | None
    note: str = ""


class Session:
    """
    One user's way into a cluster.

    Connections are made when they are needed and made again when they were lost.  Whatever can be
    repeated without harm is, for as long as the patience lasts; see L{dfs.client.retries}.  All
    methods fail with a L{DFSError<dfs.errors.DFSError>}; a change whose answer was lost fails with
    L{Unanswered} and is never repeated.  Paths may be written with a leading slash.

    @ivar user: who this is.
    @ivar checkpoints: named versions of documents.
    @ivar requests: who asks to be let in.
    @ivar folders: folders, and where documents stand.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        dial: Dial,
        name_servers: Sequence[str],
        user: str,
        *,
        random: Callable[[], float],
        entropy: Callable[[int], bytes],
        waiting: Waiting | None = None,
    ) -> None:
        """
        @param clock: for pauses and time-outs.
        @param wall: seconds since the epoch, to judge tickets by.
        @param dial: connects to C{host:port}.
        @param name_servers: C{host:port} each, tried in turn.
        @param user: whose rights count.
        @param random: a number from 0 to 1, so that not all clients come back at once.
        @param entropy: so many random bytes; they name this session to the servers.
        """
        self.user = user
        self._links = Links(clock, dial, name_servers, user, entropy(SESSION_BYTES).hex())
        self._asker = Asker(clock, wall, self._links, random, waiting or Waiting())
        self.checkpoints = Checkpoints(self._asker)
        self.requests = Requests(self._asker)
        self.folders = Folders(self._asker)

    def tell_waits(self, tell: Tell | None) -> None:
        """
        Let somebody know when a request waits for servers that are away.

        @param tell: gets one sentence for each request that takes long; None: nobody.
        """
        self._asker.tell = tell

    def close(self) -> None:
        """End all connections; whatever is under way fails."""
        self._links.close()

    # ------------------------------------------------------------------------ about the cluster

    @deferred
    async def whoami(self) -> str:
        """The user that the name server takes this session for."""
        return (await self._asker.name_server(WhoAmI())).user

    @deferred
    async def users(self) -> list[UserLine]:
        """Everybody who ever logged in."""
        return await self._asker.name_server_list(ListUsers())

    @deferred
    async def servers(self) -> list[ServerLine]:
        """The storage servers."""
        return await self._asker.name_server_list(Servers())

    @deferred
    async def status(self, server: str = "") -> list[StatusLine]:
        """
        How a server is.

        @param server: name of a storage server; the name server itself if empty.
        @raise NotFound: there is no such storage server (Deferred failure).
        """
        if not server:
            return await self._asker.name_server_list(Status())
        for line in await self._asker.name_server_list(Servers()):
            if line.name == server:
                connection = await self._links.storage(line.address)
                return await self._asker.list_from(connection, Status())
        raise NotFound(f"there is no storage server {server!r}; SERVERS lists them")

    @deferred
    async def view(self, all: bool = False) -> list[ViewLine]:
        """
        The documents that the user may read.

        @param all: those that the user may not read, too.
        """
        return await self._asker.name_server_list(View(all=all))

    # ----------------------------------------------------------------------- names and rights

    @deferred
    async def create(self, path: str) -> str:
        """
        Make a new, empty document.

        @return: its id.
        """
        path = paths.normalize(path)
        created = await self._change(Create(path), "CREATE", path, "INFO")
        self._asker.locations.forget(path)
        return created.id

    @deferred
    async def delete(self, path: str) -> None:
        """Remove a document with its history and its access list."""
        path = paths.normalize(path)
        try:
            await self._change(Delete(path), "DELETE", path, "INFO")
        finally:
            self._asker.locations.forget(path)

    @deferred
    async def add_access(self, path: str, user: str, right: str) -> None:
        """
        Let somebody in.

        @param right: C{r} to read, C{w} to read and write.
        """
        # Granting twice is granting once.
        await self._asker.name_server(AddAccess(paths.normalize(path), user, right))

    @deferred
    async def rem_access(self, path: str, user: str) -> None:
        """Take somebody's access away."""
        path = paths.normalize(path)
        await self._change(RemAccess(path, user), "REMACCESS", path, "INFO")

    @deferred
    async def info(self, path: str) -> DocumentInfo:
        """
        Everything that is known about a document.

        If its storage server is away, this is what the name server knows.
        """
        path = paths.normalize(path)
        index = await self._asker.name_server(GetInfo(path))
        # Half an answer because of what was true a moment ago would be a pity.
        self._asker.locations.forget_elsewhere(path, index.server)
        try:
            # No patience: half the answer now is better than all of it later.
            facts = await self._asker.document(
                path,
                "r",
                self._stat,
                repeatable=True,
                patience=0.0,
            )
        except Unavailable as error:
            return DocumentInfo(index, None, str(error))
        return DocumentInfo(index, facts)

    async def _stat(self, located: Located) -> Facts:
        connection = await self._links.storage(located.address)
        request = Stat(located.ticket)
        return await self._asker.ask(connection, request, repeatable=True, seconds=STAT_SECONDS)

    # -------------------------------------------------------------------------------- reading

    @deferred
    async def read(self, path: str) -> bytes:
        """The whole content, for documents that are known to fit into memory."""
        path = paths.normalize(path)

        async def use(located: Located) -> bytes:
            connection = await self._links.storage(located.address)
            incoming = Incoming.shared(self._asker, connection, Read(located.ticket))
            pieces = []
            try:
                while piece := await incoming.read(READ_SECONDS):
                    pieces.append(piece)
            finally:
                incoming.close()
            return b"".join(pieces)

        return await self._asker.document(path, "r", use, repeatable=True)

    @deferred
    async def open_read(self, path: str) -> Download:
        """The whole content, to be read in pieces."""
        return await begin_download(self._asker, paths.normalize(path))

    def stream(self, path: str, delay: float = 0.1) -> Words:
        """
        The content word by word.

        @param delay: seconds from one word to the next.
        @raise Invalid: nothing can have this path.
        """
        return Words(self._asker, paths.normalize(path), delay)

    def execute(self, path: str) -> Output:
        """
        Run a document as a shell script at the name server, and read what it writes.

        @raise Invalid: nothing can have this path.
        """
        return Output(self._asker, path)

    # -------------------------------------------------------------------------------- writing

    @deferred
    async def put(self, path: str, source: bytes | OpenSource) -> Committed:
        """
        Give a document a whole new content; make the document first if there is none.

        @param source: the content, or what begins to read it from its start.
        """
        path = paths.normalize(path)
        begin: OpenSource = source if callable(source) else functools.partial(Bytes, source)

        async def use(located: Located) -> Committed:
            return await upload(self._asker, located, begin())

        try:
            return await self._commit(path, use, "PUT", bulk=True)
        except NotFound:
            pass
        with contextlib.suppress(Exists):  # somebody else was faster
            await self._change(Create(path), "PUT", path, "INFO")
        return await self._commit(path, use, "PUT", bulk=True)

    @deferred
    async def append(self, path: str, text: str | bytes) -> Committed:
        """Add to the end of a document, as one change."""
        body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        return await self._request(path, lambda at: Append(at.ticket, ""), "APPEND", body)

    @deferred
    async def undo(self, path: str) -> Committed:
        """Take the last change of a document back, whoever made it."""
        return await self._request(path, lambda at: Undo(at.ticket), "UNDO")

    @deferred
    async def redo(self, path: str) -> Committed:
        """Bring back what C{undo} took."""
        return await self._request(path, lambda at: Redo(at.ticket), "REDO")

    @deferred
    async def write(self, path: str, sentence: int) -> WriteSession:
        """
        Lock one sentence of a document and begin to edit it.

        If its server is lost, the session ends; its C{draft} has what may be sent again.

        @param sentence: 0 is the first one; their number is a new one at the end.
        """
        path = paths.normalize(path)

        async def use(located: Located) -> WriteSession:
            connection = await self._links.storage(located.address)
            request = Write(located.ticket, sentence)
            try:
                # A lock that nobody heard of ends with its connection: asking again does no harm.
                opened = await self._asker.ask(connection, request, repeatable=True)
            except Unanswered as error:
                raise Unavailable(str(error)) from None
            draft = Draft(path, sentence, opened.sentence, ())
            return WriteSession(self._asker, located, connection, opened, draft)

        return await self._asker.document(path, "w", use, repeatable=False)

    # -------------------------------------------------------------------------------- changes

    async def _request(
        self,
        path: str,
        request: Callable[[Located], Request[A]],
        what: str,
        body: bytes | None = None,
    ) -> A:
        use = self._asker.at_server(request, body, False)
        return await self._commit(paths.normalize(path), use, what)

    async def _commit(
        self, path: str, use: Callable[[Located], Doing[T]], what: str, *, bulk: bool = False
    ) -> T:
        """A change of a document's content."""
        try:
            return await self._asker.document(path, "w", use, repeatable=False, bulk=bulk)
        except Unanswered:
            raise in_doubt(what, path, "READ") from None

    async def _change(self, request: Request[A], what: str, path: str, look: str) -> A:
        """A change that the name server makes."""
        try:
            return await self._asker.name_server(request, repeatable=False)
        except Unanswered:
            raise in_doubt(what, path, look) from None
