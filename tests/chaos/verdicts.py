"""
What a run is judged by: the invariants, against the ledger of the people in it.

Decides what must be true when everything is healed and has settled, whatever has happened.  Must
not know which faults there were.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from attrs import define

from dfs.core.documents import Document
from tests.chaos.cluster import PAIRS
from tests.chaos.ledger import WORD, Deed, Ledger
from tests.chaos.operations import Thing
from tests.process.stores import Disk

#: Documents that are only added to.
ADDED = ("log", "line", "shared", "moved", "inner")

#: What changes the text of a document.
CHANGES = ("APPEND", "WRITE", "PUT", "UNDO", "REDO", "REVERT")

#: Seconds by which the log of the name server may be late.
LATE = 0.5


@define(eq=False)
class Verdict:
    """
    What is wrong, one sentence each.

    @ivar disks: what each member has, by name.
    @ivar switches: when another member began to serve.
    @ivar shown: paths of the documents that the name server lists.
    """

    ledger: Ledger
    things: dict[str, Thing]
    disks: dict[str, Disk]
    switches: list[float]
    shown: frozenset[str]

    def all(self) -> Iterator[str]:
        """Everything that is wrong."""
        yield from self._odd()
        yield from self._equal()
        yield from self._listed()
        yield from self._refused()
        for thing in self.things.values():
            if thing.kind in ADDED:
                yield from self._added(thing)
            if thing.kind == "page":
                yield from self._written(thing)
            if thing.kind == "line":
                yield from self._locks(thing)
            if thing.kind == "shared":
                yield from self._rights(thing)
            if thing.kind == "brief":
                yield from self._created(thing)
            yield from self._placed(thing)
            yield from self._reads(thing)
            yield from self._versions(thing)

    # ------------------------------------------------------------------------------- servers

    def _odd(self) -> Iterator[str]:
        """I12: nobody is told something that makes no sense, and nobody waits for ever."""
        for deed in self.ledger.deeds:
            if deed.outcome.value in ("odd", "open"):
                yield f"I12: {deed}"

    def _equal(self) -> Iterator[str]:
        """I5: both members have the same, whole, and nothing else."""
        for home in PAIRS:
            one, other = self.disks[home], self.disks[f"{home}_backup"]
            for id in sorted(one.documents.keys() | other.documents.keys()):
                mine, theirs = one.documents.get(id), other.documents.get(id)
                if mine != theirs or one.paths.get(id) != other.paths.get(id):
                    yield f"I5: {home} and its backup differ: {mine} and {theirs}"

    def _listed(self) -> Iterator[str]:
        """I10: the name server lists what the stores have."""
        kept = {path for home in PAIRS for path in self.disks[home].paths.values()}
        for path in sorted(self.shown ^ kept):
            yield f"I10: {path} is {'listed' if path in self.shown else 'kept'} only"

    def _found(self, thing: Thing) -> tuple[Disk, Document] | None:
        for home in PAIRS:
            disk = self.disks[home]
            document = disk.documents.get(thing.id)
            if document is not None:
                return disk, document
        return None

    # ----------------------------------------------------------------------------- documents

    def _added(self, thing: Thing) -> Iterator[str]:
        """I4: every word that was acknowledged is in the text or in a conflict; none is twice."""
        found = self._found(thing)
        if found is None:
            yield f"I4: {thing.subject} is gone"
            return
        disk, document = found
        text = WORD.findall(disk.text(document))
        kept = {*text, *WORD.findall(b" ".join(disk.conflicts(document)))}
        for deed in self.ledger.on(thing.subject, "APPEND", "WRITE"):
            if deed.done and deed.word not in kept:
                yield f"I4: lost: {deed}"
        if len(text) != len(set(text)):
            yield f"I4: {thing.subject} has a word twice: {b' '.join(text).decode()}"
        yield from self._contained(thing, disk, document)

    def _contained(self, thing: Thing, disk: Disk, document: Document) -> Iterator[str]:
        """I4: every version that was acknowledged is contained in what there is."""
        for deed in self.ledger.on(thing.subject, *CHANGES, "CHECKPOINT"):
            if deed.done and deed.version is not None and not document.version >= deed.version:
                yield f"I4: {document.version} does not contain {deed.version}: {deed}"
        tags = {one.tag for one in document.checkpoints}
        for deed in self.ledger.on(thing.subject, "CHECKPOINT"):
            if deed.done and deed.detail not in tags:
                yield f"I4: the checkpoint is lost: {deed}"

    def _written(self, thing: Thing) -> Iterator[str]:
        """I4: every text that was acknowledged is kept, or another one took its place."""
        found = self._found(thing)
        if found is None:
            yield f"I4: {thing.subject} is gone"
            return
        disk, document = found
        yield from self._contained(thing, disk, document)
        everything = disk.everything(document)
        deeds = [deed for deed in self.ledger.on(thing.subject, *CHANGES) if deed.possible]
        for deed in deeds:
            newest = not any(one is not deed and not one.before(deed) for one in deeds)
            if deed.verb == "PUT" and deed.done and newest and deed.word not in everything:
                yield f"I4: lost: {deed}"
        text = disk.text(document)
        if text and text not in {deed.text for deed in deeds if deed.verb == "PUT"}:
            yield f"I9: {thing.subject} has a text that nobody wrote: {text[:80]!r}"

    def _created(self, thing: Thing) -> Iterator[str]:
        """I6: what was deleted is gone; what was made is there.  No name is used twice."""
        deeds = [
            deed
            for deed in self.ledger.on(thing.subject, "CREATE", "PUT", "DELETE")
            if deed.possible
        ]
        there = thing.places[0] in self.shown
        for deed in deeds:
            rest = [one for one in deeds if one is not deed and not one.before(deed)]
            if deed.verb == "DELETE" and deed.done and there and not rest:
                yield f"I6: deleted and still there: {deed}"
            lives = not any(one.verb == "DELETE" for one in rest)
            if deed.verb != "DELETE" and deed.done and lives and not there:
                yield f"I4: made and not there: {deed}"
            if deed.verb == "PUT" and deed.done and not rest and there:
                yield from self._has(thing, deed)

    def _has(self, thing: Thing, deed: Deed) -> Iterator[str]:
        for home in PAIRS:
            disk = self.disks[home]
            for id, path in disk.paths.items():
                document = disk.documents[id]
                if path == thing.places[0] and deed.word not in disk.everything(document):
                    yield f"I4: lost: {deed}"

    def _placed(self, thing: Thing) -> Iterator[str]:
        """Everything stands where the last MOVE that was acknowledged has put it."""
        found = self._found(thing)
        if found is not None and found[0].paths[thing.id] not in thing.paths:
            yield f"{thing.subject} stands at {found[0].paths[thing.id]}, not at {thing.paths}"

    # -------------------------------------------------------------------------------- people

    def _refused(self) -> Iterator[str]:
        """I2: what was refused was not done."""
        kept: set[bytes] = set()
        for disk in self.disks.values():
            for text in disk.texts.values():
                kept.update(WORD.findall(text))
        for deed in self.ledger.deeds:
            if not deed.possible and deed.word in kept:
                yield f"I2: refused and done: {deed}"

    def _locks(self, thing: Thing) -> Iterator[str]:
        """I8: a sentence is locked by one at a time, and each goes on where the last one ended."""
        found = self._found(thing)
        lost = b" ".join(found[0].conflicts(found[1])) if found else b""
        done = [deed for deed in self.ledger.on(thing.subject, "WRITE") if deed.done]
        for deed in done:
            for other in done:
                if deed is other:
                    continue
                if deed.opened <= other.opened < deed.closing:
                    yield f"I8: at once: {deed} and {other}"
                # What stands beside the other one, in a conflict, was not seen by it.
                goes_on = deed.word in other.text or deed.word in lost or other.word in lost
                if deed.ended < other.began and not goes_on:
                    yield f"I8: {other} does not go on from {deed}"

    def _rights(self, thing: Thing) -> Iterator[str]:
        """I7: whoever was let in no longer does nothing any more."""
        changes = list(self.ledger.on(thing.subject, "ADDACCESS", "REMACCESS"))
        for deed in self.ledger.on(thing.subject, "READ", "STREAM", "INFO", "APPEND"):
            mine = [one for one in changes if one.detail == deed.who and one.possible]
            for taken in mine:
                if not deed.done or taken.verb != "REMACCESS" or not taken.done:
                    continue
                given = any(
                    one.verb == "ADDACCESS" and not one.before(taken) and one.began < deed.ended
                    for one in mine
                )
                if taken.before(deed) and not given:
                    yield f"I7: {deed} after {taken}"

    def _calm(self, begin: float, end: float) -> bool:
        """Nobody else began to serve between two moments."""
        at = bisect_left(self.switches, begin - LATE)
        return at == len(self.switches) or self.switches[at] > end + LATE

    def _reads(self, thing: Thing) -> Iterator[str]:
        """I9: whoever reads gets something whole, and all that was acknowledged or seen before."""
        if thing.kind not in ADDED:
            yield from self._pages(thing)
            return
        seen: list[tuple[float, set[bytes]]] = [
            (deed.ended, {deed.word})
            for deed in self.ledger.on(thing.subject, "APPEND", "WRITE")
            if deed.done
        ]
        reads = [
            one
            for one in self.ledger.on(thing.subject, "READ", "STREAM")
            if one.done and one.detail != "changed"
        ]
        for read in reads:
            yield from self._whole(thing, read)
            seen.append((read.ended, set(WORD.findall(read.text))))
        for read in reads:
            words = set(WORD.findall(read.text))
            for ended, before in seen:
                if ended < read.began and before - words and self._calm(ended, read.ended):
                    lacking = b" ".join(sorted(before - words)).decode()
                    yield f"I9: {read} lacks {lacking}{' (it said so)' if read.behind else ''}"
                    break

    def _whole(self, thing: Thing, read: Deed) -> Iterator[str]:
        words = WORD.findall(read.text)
        if read.text.replace(b" ", b"") != b"".join(words):
            yield f"I9: {read.text[:80]!r} is not whole: {read}"
        if len(words) != len(set(words)):
            yield f"I9: something is there twice: {read}"
        for word in words:
            deed = self.ledger.by_word(word)
            if deed is None or deed.subject != thing.subject or deed.began > read.ended:
                yield f"I9: {word.decode()} is not of this document: {read}"
            elif not deed.possible:
                yield f"I2: refused and read: {deed}"

    def _pages(self, thing: Thing) -> Iterator[str]:
        puts = list(self.ledger.on(thing.subject, "PUT"))
        for read in self.ledger.on(thing.subject, "READ"):
            texts = {one.text for one in puts if one.began < read.ended and one.possible}
            if read.done and read.text and read.text not in texts:
                yield f"I9: nobody wrote {read.text[:80]!r}: {read}"

    def _versions(self, thing: Thing) -> Iterator[str]:
        """I9: what one person is told never goes back while the same member serves."""
        told: dict[str, Deed] = {}
        for deed in sorted(self.ledger.on(thing.subject), key=lambda one: one.ended):
            if not deed.done or deed.version is None:
                continue
            older = told.get(deed.who)
            told[deed.who] = deed
            if older is None or older.version is None or deed.behind:
                continue
            if not deed.version >= older.version and self._calm(older.began, deed.ended):
                yield f"I9: {deed.version} after {older.version}: {older} and {deed}"
