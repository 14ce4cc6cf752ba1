"""
What this server knows about its place in the cluster.

Decides that a cluster or an epoch is made durable before it is obeyed, and which epochs are
answered.  Must not know how the news came, nor what serving means (L{dfs.ss.serving} does).
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred

from dfs.errors import Moved, Unavailable
from dfs.ss.lines import Lines
from dfs.store.interfaces import IStore


@define(eq=False)
class Membership:
    """
    The cluster, the epoch, and the part that this server plays.

    @ivar name: of this server.
    @ivar cluster_id: empty before the first registration.
    @ivar epoch: the highest that is durable here.
    @ivar newest: the highest ever heard of; it may not be durable yet.
    @ivar home: whether it is the home primary of its pair.
    @ivar on_epoch: called when a higher epoch is heard of, before it is durable.
    @ivar _known: the name server has said, since this process began, what this server is.
    """

    _store: IStore
    on_epoch: Callable[[], object] = field(default=lambda: None, init=False)
    name: str = field(init=False)
    cluster_id: str = field(init=False)
    epoch: int = field(init=False)
    newest: int = field(init=False)
    home: bool = field(default=False, init=False)
    _known: bool = field(default=False, init=False)
    _lines: Lines = field(factory=Lines, init=False)

    def __attrs_post_init__(self) -> None:
        identity = self._store.identity()
        self.name = identity.name
        self.cluster_id = identity.cluster_id
        self.epoch = self.newest = identity.epoch

    def join(self, cluster_id: str, epoch: int, *, home: bool) -> Deferred[None]:
        """
        Obey a registration.

        @raise Conflict: this store belongs to another cluster (Deferred failure).
        """
        return self._lines.run("join", lambda: self._join(cluster_id, epoch, home))

    def obey(self, epoch: int) -> Deferred[None] | None:
        """
        Take the epoch of an order, or of an answer, from the name server.

        @return: None, or what to wait for before it is carried out.
        @raise Moved: it is of the past.
        """
        if epoch < self.newest:
            raise self.outdated()
        if epoch == self.epoch and self._known:
            return None
        if self._known:
            self._hear(epoch)
        # A first order may overtake the end of the first registration: it waits for it here.
        return self._lines.run("join", lambda: self._raise(epoch))

    def check(self, epoch: int) -> None:
        """
        Whether a ticket, or an order, of that epoch is good here.

        @raise Moved: it is not.
        """
        if epoch != self.epoch or epoch != self.newest:
            raise self.outdated()

    def outdated(self) -> Moved:
        """What to tell somebody who comes with another epoch."""
        return Moved(f"{self.name} is in epoch {self.newest}; ask the name server again")

    def _hear(self, epoch: int) -> None:
        if epoch > self.newest:
            self.newest = epoch
            self.on_epoch()

    async def _join(self, cluster_id: str, epoch: int, home: bool) -> None:
        if self.cluster_id in ("", cluster_id):
            self._hear(epoch)
        await self._keep(cluster_id, epoch)
        self.home = home
        self._known = True

    async def _raise(self, epoch: int) -> None:
        if not self._known:
            raise Unavailable(f"{self.name} has not registered yet; try again in a moment")
        self._hear(epoch)
        await self._keep(self.cluster_id, epoch)

    async def _keep(self, cluster_id: str, epoch: int) -> None:
        if cluster_id != self.cluster_id or epoch > self.epoch:
            await self._store.join(cluster_id, epoch)
            self.cluster_id = cluster_id
            self.epoch = max(self.epoch, epoch)
