"""What becomes of one document, by what either member has; and who of a pair served last."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import AccessList
from dfs.core.documents import Checkpoint, Document, Metadata, Revision
from dfs.core.history import content_of
from dfs.core.pairs import FIRST_EPOCH, TABLE, Pair, PairState, step
from dfs.core.versions import Version
from dfs.nm.kept import NOTHING, Copy
from dfs.offline.members import home_is_active, revived
from dfs.offline.remains import NUMBERS, Alive, Gone, differs, outcome, people

#: The home primary is active in the one, the backup in the other.
HOME, BACKUP = revived("ss1", "ss1_backup", 1, 1), revived("ss1", "ss1_backup", 2, 2)


def document(version: str, number: int = 1, *, name: str = "a", gone: bool = False) -> Document:
    """What a member has of a document; a text for each version."""
    metadata = Metadata(0, name, AccessList("alice"), 5.0, number, number)
    current = Revision(content_of(b"" if gone else version.encode()), 7.0, "bob")
    return Document(f"{1:016x}", metadata, Version.parse(version), 1, current, deleted=gone)


def parsed(text: str) -> Document | None:
    """C{3.0} a text, C{3.0x} a tombstone, C{-} nothing."""
    if text == "-":
        return None
    return document(text.removesuffix("x"), gone=text.endswith("x"))


class OutcomeTests(SynchronousTestCase):
    """
    Two stores, or one.
    """

    def said(self, pair: Pair, home: str, backup: str) -> str:
        """What becomes of it, in a word or two."""
        alone = "?" in (home, backup)
        home, backup = ("-" if text == "?" else text for text in (home, backup))
        found = outcome(pair, parsed(home), parsed(backup), alone=alone)
        if found is None:
            return "nothing"
        if isinstance(found, Gone):
            members = ["home"] * found.at_home + ["backup"] * found.at_backup
            return f"gone from all but {' '.join(members)}" + ", unseen" * found.unseen
        lacks, behind = differs(pair, found.stored)
        words = ["alive"] + ["renamed"] * bool(found.renamed)
        return " ".join(words + ["dirty"] * lacks + ["behind"] * behind)

    def test_table(self) -> None:
        """A document lives where its texts are, and is gone where a deletion has seen them all."""
        for home, backup, expected in (
            # Both alive.
            ("3.0", "3.0", "alive"),
            ("3.0", "2.0", "alive dirty"),
            ("2.0", "2.1", "alive behind"),
            ("3.0", "2.1", "alive dirty behind"),
            # Known to one.
            ("3.0", "-", "alive dirty"),
            ("-", "3.0", "alive behind"),
            # Buried by whoever serves.
            ("4.0x", "3.0", "gone from all but backup"),
            ("4.0x", "3.1", "gone from all but backup, unseen"),
            ("4.0x", "4.1", "gone from all but backup, unseen"),
            ("4.0x", "4.0x", "nothing"),
            ("4.0x", "-", "nothing"),
            # Buried by the other one: it had seen everything, or not, or that is long ago.
            ("3.0", "3.1x", "gone from all but home"),
            ("4.0", "3.1x", "alive renamed dirty behind"),
            ("4.1", "3.1x", "alive dirty"),
            ("-", "3.1x", "nothing"),
            # The backup has no store.
            ("3.0", "?", "alive dirty"),
            ("4.0x", "?", "gone from all but backup"),
        ):
            self.assertEqual(self.said(HOME, home, backup), expected, (home, backup))

    def test_the_other_way_round(self) -> None:
        """The same is true when the backup served last."""
        for home, backup, expected in (
            ("3.0", "3.0", "alive"),
            ("3.0", "3.1", "alive dirty"),
            ("4.0", "3.1", "alive dirty behind"),
            ("3.0", "3.1x", "gone from all but home"),
            ("4.0", "3.1x", "gone from all but home, unseen"),
            ("4.0x", "3.0", "gone from all but backup"),
            ("4.0x", "3.1", "alive renamed dirty behind"),
            ("?", "3.1", "alive dirty"),
            ("?", "3.1x", "gone from all but home"),
        ):
            self.assertEqual(self.said(BACKUP, home, backup), expected, (home, backup))

    def alive(self, pair: Pair, home: Document | None, backup: Document | None) -> Alive:
        """It lives."""
        found = outcome(pair, home, backup, alone=False)
        assert isinstance(found, Alive)
        return found

    def test_newest_metadata(self) -> None:
        """The name with the highest number is right, whoever has it; texts are another matter."""
        new, old = document("2.0", 5, name="new"), document("3.0", 4, name="old")
        for home, backup in ((new, old), (old, new)):
            stored = self.alive(HOME, home, backup).stored
            self.assertEqual((stored.name, stored.number, stored.named), ("new", 5, 5))
            self.assertEqual(stored.noted.sha256, home.current.content.sha256)
            self.assertEqual(
                (stored.home.number, stored.backup.number),
                (home.metadata.number, backup.metadata.number),
            )

    def test_facts(self) -> None:
        """What the active member would have noted is known without it."""
        one = document("3.2")
        checkpoints = (
            Checkpoint("conflict-ss1-1", one.current, 8.0, "carol"),
            Checkpoint("v1", one.current, 8.0, "dave"),
        )
        stored = self.alive(HOME, evolve(one, checkpoints=checkpoints), None).stored
        noted = stored.noted
        self.assertEqual((stored.id, stored.created, stored.pair), (1, 5.0, "ss1"))
        self.assertEqual((noted.size, noted.a, noted.b, noted.epoch), (3, 3, 2, 1))
        self.assertEqual((noted.checkpoints, noted.conflicts), (2, 1))
        self.assertEqual((noted.modified, noted.modified_by), (7.0, "bob"))
        self.assertEqual((stored.home, stored.backup), (Copy(3, 2, 1), NOTHING))

    def test_set_aside(self) -> None:
        """What a deletion did not see gives its name up, with a number that all will be told."""
        found = self.alive(HOME, document("4.0", 3), document("3.1", 6, gone=True))
        self.assertEqual(found.renamed, "a")
        self.assertEqual(found.stored.name, "a.conflict-ss1-19700101T000007")
        self.assertEqual((found.stored.number, found.stored.named), (7, 7))

    def test_numbers_of_the_missing(self) -> None:
        """Where a member is missing numbers go on above any that it can have."""
        found = outcome(HOME, document("3.0", 5), None, alone=True)
        assert isinstance(found, Alive)
        self.assertEqual(found.stored.number, 5 + NUMBERS)
        self.assertEqual(found.stored.named, 5)

    def test_people(self) -> None:
        """Everybody whom a document names is a user: owner, guests, authors of any text."""
        one = document("3.0")
        access = AccessList("alice", (("erin", "r"),))
        old = evolve(one.current, modified_by="carol")
        new = evolve(
            one,
            metadata=evolve(one.metadata, access=access),
            undo=(old,),
            redo=(evolve(old, modified_by="dave"),),
            checkpoints=(Checkpoint("v1", evolve(old, modified_by="frank"), 1.0, "grace"),),
        )
        self.assertEqual(
            set(people(new)), {"alice", "bob", "carol", "dave", "erin", "frank", "grace"}
        )


class MemberTests(SynchronousTestCase):
    """
    Who served last.
    """

    def test_epochs_say_who_is_active(self) -> None:
        """Whatever happens to a pair, an epoch belongs to one member, in turns."""
        waiting, seen = [Pair.founded("ss1")], set()
        while waiting:
            pair = waiting.pop()
            if pair in seen or pair.epoch > FIRST_EPOCH + 6:
                continue
            seen.add(pair)
            self.assertEqual(home_is_active(pair.epoch), pair.home_active, pair)
            waiting += [step(pair, event)[0] for state, event in TABLE if state is pair.state]
        self.assertEqual({pair.state for pair in seen}, set(PairState))

    def test_table(self) -> None:
        """The highest epoch says who was active, and is over; one store alone is active."""
        for home, backup, active, epoch in (
            (1, 1, "ss1", 3),
            (1, 0, "ss1", 3),
            (1, 2, "ss1_backup", 4),
            (2, 1, "ss1_backup", 4),
            (3, 2, "ss1", 5),
            (2, 3, "ss1", 5),
            (0, 0, "ss1", 3),
            (1, None, "ss1", 3),
            (2, None, "ss1", 5),
            (None, 1, "ss1_backup", 4),
            (None, 2, "ss1_backup", 4),
        ):
            pair = revived("ss1", "ss1_backup", home, backup)
            self.assertEqual((pair.active, pair.epoch), (active, epoch), (home, backup))
            self.assertEqual((pair.state, pair.synced), (PairState.DOWN, False))
            self.assertEqual(home_is_active(pair.epoch), pair.home_active)

    def test_a_missing_member(self) -> None:
        """Whatever one that is missing was meanwhile, its epoch is not above the new one."""
        for known in range(1, 6):
            for store in ((known, None), (None, known)):
                pair = revived("ss1", "ss1_backup", *store)
                self.assertGreater(pair.epoch, known + 1)
