"""What a document's past is made of, and how one goes back to it."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import AccessList
from dfs.core.documents import Checkpoint, Document, Metadata
from dfs.core.folders import ROOT
from dfs.core.history import (
    MAX_CHECKPOINTS,
    Stamp,
    checkpoint,
    checkpointed,
    content_of,
    created,
    described,
    redone,
    reverted,
    undone,
    without_checkpoint,
    written,
)
from dfs.errors import Exists, Invalid, NotFound, TooLarge

DEPTH = 16


def stamp(user: str = "bob", now: float = 20.0) -> Stamp:
    """Somebody changes something on the home primary."""
    return Stamp(user, now, 1, True)


def document(text: bytes = b"one") -> Document:
    """A document of alice with a text."""
    new = created("1" * 16, Metadata(ROOT, "a.txt", AccessList("alice"), 5.0, 1))
    return written(new, content_of(text), stamp("alice", 10.0), DEPTH)


def kept(*tags: str) -> Document:
    """A document whose text was kept under these tags, whoever may make them."""
    one = document()
    found = tuple(Checkpoint(tag, one.current, 20.0, "bob") for tag in sorted(tags))
    return evolve(one, checkpoints=found)


class CheckpointTests(SynchronousTestCase):
    """Named versions."""

    def test_made(self) -> None:
        """A checkpoint names the present text; it is a new version and no change of the text."""
        old = document()
        new = checkpointed(old, "v1", stamp())
        self.assertEqual(new.checkpoints, (Checkpoint("v1", old.current, 20.0, "bob"),))
        self.assertEqual((new.current, new.undo, new.redo), (old.current, old.undo, old.redo))
        self.assertGreater(new.version, old.version)

    def test_sorted(self) -> None:
        """Checkpoints are sorted by their tags, however they were made."""
        one = document()
        for tag in ("b", "a", "c"):
            one = checkpointed(one, tag, stamp())
        self.assertEqual([each.tag for each in one.checkpoints], ["a", "b", "c"])

    def test_refused(self) -> None:
        """A tag is taken once, is one plain word, and none that conflicts have."""
        one = checkpointed(document(), "v1", stamp())
        self.assertRaises(Exists, checkpointed, one, "v1", stamp())
        for tag in ("", "a b", "t" * 65, "conflict-", "conflict-ss1-20260102T030405"):
            self.assertRaises(Invalid, checkpointed, one, tag, stamp())

    def test_too_many(self) -> None:
        """There is a limit, and the refusal says what to do."""
        full = kept(*(f"t{number:04}" for number in range(MAX_CHECKPOINTS)))
        error = self.assertRaises(TooLarge, checkpointed, full, "one-more", stamp())
        self.assertIn("DELETECHECKPOINT", str(error))
        less = without_checkpoint(full, "t0007", stamp())
        self.assertEqual(len(checkpointed(less, "one-more", stamp()).checkpoints), MAX_CHECKPOINTS)

    def test_reverted(self) -> None:
        """REVERT is a change like any other: it can be undone, and brought back."""
        one = checkpointed(document(b"old"), "v1", stamp())
        changed = written(one, content_of(b"new"), stamp(), DEPTH)
        back = reverted(changed, "v1", stamp("carol", 30.0), DEPTH)
        self.assertEqual(back.current.content, content_of(b"old"))
        self.assertEqual((back.current.modified, back.current.modified_by), (30.0, "carol"))
        self.assertEqual(back.checkpoints, one.checkpoints)
        forth = undone(back, stamp())
        self.assertEqual(forth.current.content, content_of(b"new"))
        self.assertEqual(redone(forth, stamp()).current.content, content_of(b"old"))

    def test_never_rights(self) -> None:
        """H10: going back restores the text; owner, path and rights stay as they are now."""
        granted = evolve(document().metadata, access=AccessList("alice", (("bob", "w"),)), number=2)
        one = checkpointed(described(document(), granted), "v1", stamp())
        revoked = evolve(granted, access=AccessList("alice"), number=3)
        now = reverted(described(one, revoked), "v1", stamp(), DEPTH)
        self.assertEqual(now.metadata, revoked)
        self.assertEqual(undone(now, stamp()).metadata, revoked)

    def test_removed(self) -> None:
        """A checkpoint that was removed is gone; the text stays."""
        one = kept("v1", "v2")
        less = without_checkpoint(one, "v1", stamp())
        self.assertEqual([each.tag for each in less.checkpoints], ["v2"])
        self.assertEqual((less.current, less.undo), (one.current, one.undo))
        self.assertGreater(less.version, one.version)
        error = self.assertRaises(NotFound, checkpoint, less, "v1")
        self.assertIn("LISTCHECKPOINTS", str(error))

    def test_conflicts(self) -> None:
        """What lost against another version is reverted to and removed like any checkpoint."""
        tag = "conflict-ss1-20260102T030405"
        one = kept(tag)
        back = reverted(one, tag, stamp(), DEPTH)
        self.assertEqual(back.current.content, checkpoint(one, tag).revision.content)
        self.assertEqual(without_checkpoint(back, tag, stamp()).checkpoints, ())
