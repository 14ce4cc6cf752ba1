"""
What this server knows about its place in the cluster.

Decides that a cluster or an epoch is made durable before it is obeyed, and which epochs are
answered.  Must not know how the news came.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred

from dfs.errors import Moved, Unavailable
from dfs.ss.changes import Lines
from dfs.store.interfaces import IStore

#: How the name of a pair's backup ends.
BACKUP = "_backup"


@define(eq=False)
class Membership:
    """
    The cluster, the epoch, and the part that this server plays.

    @ivar name: of this server.
    @ivar cluster_id: empty before the first registration.
    @ivar epoch: the highest ever heard of.
    @ivar home: whether it is the home primary of its pair.
    """

    _store: IStore
    name: str = field(init=False)
    cluster_id: str = field(init=False)
    epoch: int = field(init=False)
    home: bool = field(init=False)
    _lines: Lines = field(factory=Lines, init=False)

    def __attrs_post_init__(self) -> None:
        identity = self._store.identity()
        self.name = identity.name
        self.cluster_id = identity.cluster_id
        self.epoch = identity.epoch
        self.home = not identity.name.endswith(BACKUP)

    def join(self, cluster_id: str, epoch: int) -> Deferred[None]:
        """
        Obey a registration.

        @raise Conflict: this store belongs to another cluster (Deferred failure).
        """
        return self._lines.run("join", lambda: self._join(cluster_id, epoch))

    def obey(self, epoch: int) -> Deferred[None] | None:
        """
        Take the epoch of an order from the name server.

        @return: None, or what to wait for before the order is carried out.
        @raise Moved: it is an order of the past.
        """
        if epoch == self.epoch:
            return None
        if epoch < self.epoch:
            raise self.outdated()
        # A first order may overtake the end of the first registration: it waits for it here.
        return self._lines.run("join", lambda: self._raise(epoch))

    def check(self, epoch: int) -> None:
        """
        Whether a ticket of that epoch is good here.

        @raise Moved: it is not.
        """
        if epoch != self.epoch:
            raise self.outdated()

    def outdated(self) -> Moved:
        """What to tell somebody who comes with another epoch."""
        return Moved(f"{self.name} is in epoch {self.epoch}; ask the name server again")

    async def _join(self, cluster_id: str, epoch: int) -> None:
        if cluster_id != self.cluster_id or epoch > self.epoch:
            await self._store.join(cluster_id, epoch)
            self.cluster_id = cluster_id
            self.epoch = max(self.epoch, epoch)

    async def _raise(self, epoch: int) -> None:
        if epoch > self.epoch:
            if not self.cluster_id:
                raise Unavailable(f"{self.name} has not registered yet; try again in a moment")
            await self._join(self.cluster_id, epoch)
