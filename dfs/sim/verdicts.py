"""
What a simulated history is judged by: the invariants, against the ledger of the people in it.

Decides what must be true when everything is healed and has settled, whatever has happened.  Must
not know which faults there were.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define

from dfs.core.documents import Content, Document, Revision
from dfs.core.versions import Version
from dfs.nm.entries import Entry
from dfs.sim.cluster import Cluster
from dfs.sim.ledger import WORD, Deed, Ledger
from dfs.sim.operations import BRIEF, LINE, LOG, MARKED, PAGE, ROAM, SHARED, kind_of
from dfs.sim.standing import mislaid, misplaced
from dfs.wire.records import ViewLine

#: What a storage server commits for somebody.
COMMITS = (
    *("APPEND", "WRITE", "PUT", "UNDO", "REDO"),
    *("CHECKPOINT", "REVERT", "DELETECHECKPOINT"),
)

#: What lets somebody in.
GIVING = ("ADDACCESS", "APPROVE")

#: Those that come and go, and those that are reverted.
SHRINK = (BRIEF, MARKED)

#: Documents that are only added to.
ADDED = (LOG, LINE, SHARED, ROAM, MARKED)


@define(eq=False)
class Verdict:
    """
    What is wrong, one sentence each.

    @ivar ledger: what everybody was told.
    @ivar buried: of each deleted document, the versions that its deletions had seen.
    @ivar replica: what is said to be done both members have, unless the answer says otherwise.
    """

    _cluster: Cluster
    ledger: Ledger
    paths: tuple[str, ...]
    buried: dict[str, list[Version]]
    replica: bool

    def all(self, shown: list[ViewLine]) -> Iterator[str]:
        """
        Everything that is wrong.

        @param shown: what the name server lists.
        """
        yield from self._odd()
        yield from self._equal()
        yield from self._index(shown)
        yield from self._refused()
        for path in self.paths:
            document = self._document(path)
            kind = kind_of(path)
            if kind in ADDED:
                yield from self._added(path, document)
            if kind == PAGE:
                yield from self._written(path, document)
            if kind == LINE:
                yield from self._locks(path)
            if kind == SHARED:
                yield from self._rights(path)
            if kind == BRIEF:
                yield from self._created(path, document)
            if kind == ROAM:
                found = [entry.path for entry in self._standing(path)]
                yield from misplaced(self.ledger, path, found)
            if kind == MARKED and document is not None:
                yield from mislaid(self.ledger, path, self._tags(document))
        yield from self._reads()

    # ------------------------------------------------------------------------------- servers

    def _odd(self) -> Iterator[str]:
        """Nobody is told something that makes no sense, and nobody waits for ever."""
        for deed in self.ledger.deeds:
            if deed.outcome.value in ("odd", "open"):
                yield f"I12: {deed}"

    def _alive(self, name: str) -> dict[str, Document]:
        documents = self._cluster.disks[name].documents.values()
        return {one.id: one for _, one in documents if not one.deleted}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for name in sorted(self._cluster.disks):
            if not name.endswith("_backup"):
                yield name, f"{name}_backup"

    def _equal(self) -> Iterator[str]:
        """I5: both members have the same, whole, and nothing else."""
        for home, backup in self._pairs():
            one, other = self._alive(home), self._alive(backup)
            for id in sorted(one.keys() | other.keys()):
                if one.get(id) != other.get(id):
                    yield f"I5: {home} and {backup} differ: {one.get(id)} and {other.get(id)}"
            for name in (home, backup):
                yield from self._contents(name)

    def _contents(self, name: str) -> Iterator[str]:
        disk = self._cluster.disks[name]
        named = {
            one.sha256
            for document in self._alive(name).values()
            for one in document.contents()
            if one.size
        }
        if named != set(disk.contents):
            yield f"I11: {name} has {len(disk.contents)} contents for {len(named)}"
        server = self._cluster.servers[name]
        if len(server.sessions):
            yield f"I11: {len(server.sessions)} sessions are left on {name}"

    def _index(self, shown: list[ViewLine]) -> Iterator[str]:
        """I10: the name server shows what the active members have."""
        nm = self._cluster.nm
        assert nm is not None
        have: dict[str, Document] = {}
        for home, _ in self._pairs():
            have |= self._alive(home)
        entries = {entry.key: entry for entry in nm.index.entries()}
        for id in sorted(have.keys() | entries.keys()):
            document, entry = have.get(id), entries.get(id)
            if document is None or entry is None:
                yield f"I10: {id} is known to {'the store' if document else 'the index'} only"
                continue
            noted = entry.noted
            told = (noted.sha256, Version(noted.a, noted.b), entry.number, noted.conflicts)
            conflicts = sum(one.tag.startswith("conflict-") for one in document.checkpoints)
            true = (
                document.current.content.sha256,
                document.version,
                document.metadata.number,
                conflicts,
            )
            if told != true or entry.name != document.metadata.name:
                yield f"I10: {entry.path} is shown as {told}, and is {true}"
        if len(shown) != len(entries):
            yield f"I10: {len(shown)} are listed, {len(entries)} known"

    # ----------------------------------------------------------------------------- documents

    def _document(self, path: str) -> Document | None:
        """What the members have of a document that was made once, wherever it stands."""
        for entry in self._standing(path):
            for home, _ in self._pairs():
                found = self._alive(home).get(entry.key)
                if found is not None:
                    return found
        return None

    def _standing(self, path: str) -> Iterator[Entry]:
        """What the name server knows of the documents that were made at a path."""
        nm = self._cluster.nm
        assert nm is not None
        made = {deed.answer for deed in self.ledger.on(path, "CREATE")}
        return (entry for entry in nm.index.entries() if entry.key in made)

    def _tags(self, document: Document) -> dict[str, set[bytes]]:
        """The words under each tag."""
        return {
            one.tag: set(WORD.findall(self._text(one.revision.content)))
            for one in document.checkpoints
        }

    def _text(self, content: Content) -> bytes:
        if not content.size:
            return b""
        for disk in self._cluster.disks.values():
            if content.sha256 in disk.contents:
                return disk.contents[content.sha256]
        return b""

    def _kept(self, document: Document) -> bytes:
        """Everything that is kept of a document: present, history, conflicts."""
        revisions: list[Revision] = [document.current, *document.undo, *document.redo]
        revisions += [one.revision for one in document.checkpoints]
        return b" ".join(self._text(one.content) for one in revisions)

    def _added(self, path: str, document: Document | None) -> Iterator[str]:
        """I4: every word that was acknowledged is in the text or in a conflict; none is twice."""
        if document is None:
            yield f"I4: {path} is gone"
            return
        kept = set(WORD.findall(self._kept(document)))
        reverts = [deed for deed in self.ledger.on(path, "REVERT") if deed.possible]
        for deed in self.ledger.on(path, "APPEND", "WRITE"):
            # What was reverted on one member, and changed on the other, is in no history.
            reverted = any(not revert.before(deed) for revert in reverts)
            if deed.done and deed.word not in kept and not reverted:
                yield f"I4: lost: {deed}"
            yield from self._contained(deed, document)
        words = WORD.findall(self._text(document.current.content))
        if len(words) != len(set(words)):
            yield f"I4: {path} has a word twice: {b''.join(words).decode()}"

    def _written(self, path: str, document: Document | None) -> Iterator[str]:
        """I4: every text that was acknowledged is contained in what there is."""
        if document is None:
            yield f"I4: {path} is gone"
            return
        deeds = list(self.ledger.on(path, "PUT", "UNDO", "REDO"))
        kept = self._kept(document)
        for deed in deeds:
            yield from self._contained(deed, document)
            later = [one for one in deeds if one is not deed and not one.before(deed)]
            newest = deed.verb == "PUT" and not any(one.possible for one in later)
            if newest and deed.done and deed.word not in kept:
                yield f"I4: lost: {deed}"
        text = self._text(document.current.content)
        texts = {deed.text for deed in deeds if deed.verb == "PUT" and deed.possible}
        if text and text not in texts:
            yield f"I9: {path} has a text that nobody wrote: {text[:80]!r}"

    @staticmethod
    def _contained(deed: Deed, document: Document) -> Iterator[str]:
        if deed.done and deed.version is not None and not document.version >= deed.version:
            yield f"I4: {document.version} does not contain {deed.version}: {deed}"

    def _created(self, path: str, document: Document | None) -> Iterator[str]:
        """I6: what was deleted is gone; what was made is there."""
        deeds = list(self.ledger.on(path))
        deletions = [deed for deed in deeds if deed.verb == "DELETE" and deed.possible]
        alive = {id for home, _ in self._pairs() for id in self._alive(home)}
        for made in self.ledger.on(path, "CREATE"):
            if not made.done:
                continue
            over = any(end.done and made.before(end) for end in deletions)
            if over and made.answer in alive:
                yield f"I6: deleted and still there: {made}"
            if not any(not end.before(made) for end in deletions) and made.answer not in alive:
                yield f"I4: made and not there: {made}"
            yield from self._missed(made)

    def _missed(self, made: Deed) -> Iterator[str]:
        """I4: of what no deletion had seen the newest text is kept."""
        seen = self.buried.get(str(made.answer))
        if seen is None:
            return
        again = [deed.began for deed in self.ledger.on(made.path, "CREATE") if made.before(deed)]
        end = min(again, default=float("inf"))
        missed = [
            deed
            for deed in self.ledger.on(made.path, "APPEND")
            if deed.version is not None and deed.ended < end and made.before(deed)
            if not any(version >= deed.version for version in seen)
        ]
        if missed:
            newest = max(missed, key=_changes)
            if newest.word not in self._words():
                yield f"I4: not seen by the deletion, and lost: {newest}"

    def _words(self) -> set[bytes]:
        """All words on all disks."""
        texts = [data for disk in self._cluster.disks.values() for data in disk.contents.values()]
        return {word for text in texts for word in WORD.findall(text)}

    # -------------------------------------------------------------------------------- people

    def _refused(self) -> Iterator[str]:
        """What was refused was not done; who was replaced says of nothing that it was done."""
        kept = self._words()
        for deed in self.ledger.deeds:
            if not deed.possible and (deed.word in kept or deed.seen):
                yield f"I2: refused and done: {deed}"
            if deed.done and deed.past and deed.verb in COMMITS:
                yield f"I2: said to be done by a server of the past: {deed}"

    def _locks(self, path: str) -> Iterator[str]:
        """I8: a sentence is locked by one at a time, and each goes on where the last one ended."""
        done = [deed for deed in self.ledger.on(path, "WRITE") if deed.done]
        for deed in done:
            for other in done:
                if deed is other:
                    continue
                if deed.opened <= other.opened < deed.closing:
                    yield f"I8: at once: {deed} and {other}"
                same = deed.era == other.era
                if deed.ended < other.began and same and deed.word not in other.text:
                    yield f"I8: {other} does not go on from {deed}"

    def _rights(self, path: str) -> Iterator[str]:
        """I7: whoever was let in no longer does nothing any more."""
        deeds = list(self.ledger.on(path))
        changes = [deed for deed in deeds if deed.verb in (*GIVING, "REMACCESS")]
        for deed in deeds:
            if not deed.done or deed.verb not in ("READ", "APPEND"):
                continue
            mine = [one for one in changes if one.whom == deed.who and one.possible]
            for taken in mine:
                if taken.verb != "REMACCESS" or not taken.done or not taken.before(deed):
                    continue
                given = any(
                    one.verb in GIVING and not one.before(taken) and one.began < deed.ended
                    for one in mine
                )
                if not given:
                    yield f"I7: {deed} after {taken}"

    def _reads(self) -> Iterator[str]:
        """I9: whoever reads gets something whole that was there, and all that was acknowledged."""
        for read in self.ledger.deeds:
            if read.verb == "READ" and read.done:
                yield from self._read(read)

    def _read(self, read: Deed) -> Iterator[str]:
        kind = kind_of(read.path)
        if kind == PAGE:
            texts = {one.text for one in self.ledger.on(read.path, "PUT") if one.began < read.ended}
            if read.text and read.text not in texts:
                yield f"I9: nobody wrote {read.text[:80]!r}: {read}"
            return
        words = WORD.findall(read.text)
        if read.text.replace(b" ", b"") != b"".join(words):
            yield f"I9: {read.text[:80]!r} is not whole: {read}"
        if len(words) != len(set(words)):
            yield f"I9: something is there twice: {read}"
        found = set(words)
        for word in words:
            deed = self.ledger.by_word(word)
            if deed is None or deed.path != read.path or deed.began > read.ended:
                yield f"I9: {word.decode()} is not of this document: {read}"
            elif not deed.possible:
                yield f"I2: refused and read: {deed}"
        for deed in self.ledger.on(read.path, "APPEND", "WRITE"):
            if not deed.done or not deed.before(read) or deed.word in found or kind in SHRINK:
                continue
            if deed.era == read.era or (self.replica and not deed.solo):
                yield f"I9: {read} lacks {deed}"


def _changes(deed: Deed) -> int:
    """How many changes the version of a deed contains."""
    return 0 if deed.version is None else deed.version.a + deed.version.b
