"""
What must hold at every moment of a simulated history.

Decides what is looked at while things happen: who may serve (I1), that nothing goes back (I3), what
a deletion had seen.  Must not know what people were told.
"""

from __future__ import annotations

from attrs import define, field

from dfs.core.documents import Document
from dfs.core.versions import Version
from dfs.sim.cluster import Cluster
from dfs.ss.draining import Stage
from dfs.store.memory import MemoryDisk

#: What a disk has of a document, and where that stands in its log: seq, number, a, b.
Numbers = tuple[int, int, int]


@define(eq=False)
class Watching:
    """
    Looks on.

    @ivar wrong: what was not as it must be.
    @ivar buried: of each deleted document, the versions that its deletions made.
    """

    _cluster: Cluster
    wrong: list[str] = field(factory=list, init=False)
    buried: dict[str, list[Version]] = field(factory=dict, init=False)
    _disks: dict[str, MemoryDisk] = field(factory=dict, init=False)
    _known: dict[str, dict[str, Document]] = field(factory=dict, init=False)
    _seqs: dict[str, int] = field(factory=dict, init=False)
    _epochs: dict[str, int] = field(factory=dict, init=False)

    def look(self) -> None:
        """Look at everything."""
        self._one_serves()
        for name, disk in self._cluster.disks.items():
            if disk is not self._disks.get(name):
                self._exchanged(name, disk)
            if disk.identity.epoch < self._epochs.get(name, 0):
                self._complain(f"I3: {name} forgot epoch {self._epochs[name]}")
            self._epochs[name] = disk.identity.epoch
            if disk.seq != self._seqs.get(name):
                self._compare(name)

    def _exchanged(self, name: str, disk: MemoryDisk) -> None:
        """A member has another disk now: what it had goes back for once."""
        self._disks[name] = disk
        self._epochs[name] = self._seqs[name] = 0
        self._known[name] = {}

    def _one_serves(self) -> None:
        """I1: at most one member of a pair serves; one that is drained may have a lease."""
        serving = [
            name
            for name, server in self._cluster.servers.items()
            if server.serving.serves
            and server.serving.draining.stage is not Stage.DRAINED
            and not self._cluster.lives[name].clock.stopped
        ]
        pairs = [name.removesuffix("_backup") for name in serving]
        if len(pairs) != len(set(pairs)):
            self._complain(f"I1: both members of a pair serve: {', '.join(serving)}")

    def _compare(self, name: str) -> None:
        """I3: nothing that a member has ever goes back."""
        disk = self._cluster.disks[name]
        last = self._seqs.get(name, 0)
        if disk.seq < last:
            self._complain(f"I3: the log of {name} went back from {last} to {disk.seq}")
        self._seqs[name] = disk.seq
        known = self._known.setdefault(name, {})
        for seq, new in disk.documents.values():
            if seq <= last:
                continue
            old = known.get(new.id)
            if old is not None:
                self._went_back(name, old, new)
            if new.deleted and new.current.modified_by:  # else its peer had it deleted before
                self._buried(new)
            known[new.id] = new

    def _buried(self, tombstone: Document) -> None:
        """A deletion; the other member may have one of its own, which had seen other changes."""
        versions = self.buried.setdefault(tombstone.id, [])
        if tombstone.version not in versions:
            versions.append(tombstone.version)

    def _went_back(self, name: str, old: Document, new: Document) -> None:
        same = old.version == new.version and old.current.content != new.current.content
        if not new.version >= old.version or new.metadata.number < old.metadata.number or same:
            self._complain(
                f"I3: {new.id} on {name} went from {old.version}/{old.metadata.number} "
                f"to {new.version}/{new.metadata.number}"
            )

    def _complain(self, what: str) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(f"{what} (at {self._cluster.clock.seconds():.3f})")
