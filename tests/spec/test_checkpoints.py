"""Checkpoints of the specification, from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

from dfs.errors import Locked, NotFound, Unauthorized
from tests.spec.people import DeskCase
from tests.spec.test_documents import CONTENTS

KEPT = "Checkpoint Successful!\n"
REVERTED = "Revert Successful!\n"


class CheckpointTests(DeskCase):
    """CHECKPOINT, VIEWCHECKPOINT, REVERT, LISTCHECKPOINTS, DELETECHECKPOINT."""

    def tags(self, path: str, user: str = "alice") -> list[str]:
        """What is kept of a document."""
        return [one["tag"] for one in self.records(user, f"LISTCHECKPOINTS {path}")]

    def test_a_life(self) -> None:
        """Named versions are kept, shown, brought back and removed, in any case of letters."""
        self.put("a", b"one")
        self.table(
            "alice",
            [
                ("CHECKPOINT a v1", KEPT),
                ("APPEND a ' two'", "Append Successful!\n"),
                ("checkpoint a v2", KEPT),
                ("VIEWCHECKPOINT a v1", "one"),
                ("ViewCheckpoint a v2", "one two"),
                ("REVERT a v1", REVERTED),
                ("READ a", "one"),
                ("revert a v2", REVERTED),
                ("READ a", "one two"),
            ],
        )
        self.assertEqual(self.tags("a"), ["v1", "v2"])
        self.types("alice", "DELETECHECKPOINT a v1")
        self.assertEqual(self.tags("a"), ["v2"])
        self.assertEqual(self.read("a"), b"one two")
        self.refuses("alice", "REVERT a v1", "NOT_FOUND", "v1")
        self.refuses("alice", "VIEWCHECKPOINT a v1", "NOT_FOUND", "v1")
        self.refuses("alice", "DELETECHECKPOINT a v1", "NOT_FOUND", "v1")
        self.types("alice", "CHECKPOINT a v1")
        self.assertEqual(self.types("alice", "VIEWCHECKPOINT a v1"), "one two")

    def test_list(self) -> None:
        """LISTCHECKPOINTS tells sizes, when and by whom; INFO how many there are."""
        self.shared("a", b"two words", writers=["bob"])
        self.assertNotIn("v1", self.types("alice", "LISTCHECKPOINTS a"))
        self.types("bob", "CHECKPOINT a v1")
        shown = self.types("alice", "LISTCHECKPOINTS a")
        for word in ("v1", "9", "bob", "2023-11-1"):
            self.assertIn(word, shown)
        self.assertIn("v1", self.types("alice", "INFO a"))

    def test_tags(self) -> None:
        """A tag is 1 to 64 letters, digits, dots, underscores and dashes; it is used once."""
        self.put("a", b"one")
        good = ("v", "1", "A.b_c-D", "...", "_", "x" * 64, "v1", "V1", "-x")
        for tag in good:
            self.types("alice", f"CHECKPOINT a -- {tag}")
        self.assertEqual(sorted(self.tags("a")), sorted(good))
        for tag in ("''", "x" * 65, "'a b'", "a/b", "ä", "'a|b'", "'a\n'", "a,b", "%41", "a:b"):
            with self.subTest(tag):
                self.refuses("alice", f"CHECKPOINT a {tag}", "INVALID", "tag")
                for verb in ("REVERT", "VIEWCHECKPOINT", "DELETECHECKPOINT"):
                    self.desks["alice"].type(f"{verb} a {tag}")
                    complaint = self.desks["alice"].complaints
                    self.assertRegex(complaint, r"^ERROR \[(INVALID|NOT_FOUND)\]: ")
        self.refuses("alice", "CHECKPOINT a v1", "EXISTS", "v1")
        self.refuses("alice", "CHECKPOINT a conflict-mine", "INVALID", "conflict-")
        self.assertEqual(len(self.tags("a")), len(good))

    def test_every_byte(self) -> None:
        """H7: what is kept comes back byte for byte, to the screen, a file and the document."""
        here = Path(self.mktemp())
        here.mkdir()
        for number, (name, content) in enumerate(CONTENTS.items()):
            path = f"doc {number}"
            self.put(path, content)
            self.types("alice", f"CHECKPOINT '{path}' v1")
            self.put(path, b"other")
            with self.subTest(name):
                self.assertEqual(self.desks["alice"].bytes(f"VIEWCHECKPOINT '{path}' v1"), content)
                self.types("alice", f"VIEWCHECKPOINT '{path}' v1 {here / 'out'}")
                self.assertEqual((here / "out").read_bytes(), content)
                self.types("alice", f"REVERT '{path}' v1")
                self.assertEqual(self.read(path), content)

    def test_one_change(self) -> None:
        """REVERT is one change, of who made it, which can be undone and redone; keeping is none."""
        self.shared("a", b"one", writers=["bob"])
        self.types("alice", "CHECKPOINT a v1")
        self.types("alice", "APPEND a ' two'")
        self.types("bob", "REVERT a v1")
        info = self.run_(self.alice.info("a"))
        self.assertEqual((info.index.modified_by, info.index.size), ("bob", 3))
        self.types("alice", "UNDO a")
        self.assertEqual(self.read("a"), b"one two")
        self.types("alice", "REDO a")
        self.assertEqual(self.read("a"), b"one")
        self.types("alice", "CHECKPOINT a v2")
        self.types("alice", "UNDO a")
        self.assertEqual(self.read("a"), b"one two")
        self.types("alice", "DELETECHECKPOINT a v2")
        self.types("alice", "REDO a")
        self.assertEqual(self.read("a"), b"one")

    def test_beyond_the_undo(self) -> None:
        """What is kept outlives everything that UNDO can reach."""
        self.put("a", b"first")
        self.types("alice", "CHECKPOINT a v1")
        for number in range(20):
            self.put("a", b"%d" % number)
        self.types("alice", "REVERT a v1")
        self.assertEqual(self.read("a"), b"first")

    def test_history_never_restores_rights(self) -> None:
        """H10: grant, checkpoint, revoke, revert, undo: revoked all the same, and still moved."""
        self.shared("a", b"one", "carol", writers=["bob"])
        self.types("alice", "CHECKPOINT a v1")
        self.types("alice", "REMACCESS a bob")
        self.types("alice", "REMACCESS a carol")
        self.types("alice", "APPEND a x")
        self.types("alice", "MOVE a box/")
        for line in ("REVERT box/a v1", "UNDO box/a", "REDO box/a"):
            self.types("alice", line)
            self.assertEqual(self.run_(self.alice.info("box/a")).index.grants, ())
            for person in (self.bob, self.carol):
                self.refused(person.read("box/a"), Unauthorized)
                self.refused(person.read("a"), NotFound)

    def test_who_may(self) -> None:
        """Readers look at what is kept, writers keep, revert and remove, strangers do nothing."""
        self.shared("a", b"one", "carol", writers=["bob"])
        self.desks["dave"] = self.desk("dave")
        self.types("alice", "CHECKPOINT a v1")
        for line in ("CHECKPOINT a v2", "REVERT a v1", "DELETECHECKPOINT a v1"):
            self.refuses("carol", line, "UNAUTHORIZED", "a")
            self.refuses("dave", line, "UNAUTHORIZED", "a")
        for line in ("VIEWCHECKPOINT a v1", "LISTCHECKPOINTS a"):
            self.types("carol", line)
            self.refuses("dave", line, "UNAUTHORIZED", "a")
        self.table("bob", [("CHECKPOINT a v2", KEPT), ("REVERT a v1", REVERTED)])
        self.types("bob", "DELETECHECKPOINT a v1")
        for line in ("CHECKPOINT", "VIEWCHECKPOINT", "REVERT", "DELETECHECKPOINT"):
            self.refuses("alice", f"{line} nothing v1", "NOT_FOUND", "nothing")
            self.refuses("alice", f"{line} a", "INVALID", line, status=2)
        self.refuses("alice", "LISTCHECKPOINTS nothing", "NOT_FOUND", "nothing")

    def test_beside_a_session(self) -> None:
        """REVERT under an open session is LOCKED; keeping takes the committed text only."""
        self.shared("a", b"one.", writers=["bob"])
        self.types("alice", "CHECKPOINT a v1")
        self.put("a", b"two.")
        session = self.run_(self.bob.write("a", 0))
        self.run_(session.edit(0, "typed"))
        self.assertIn("bob", self.refused(self.alice.checkpoints.revert("a", "v1"), Locked))
        self.types("alice", "CHECKPOINT a v2")
        self.assertEqual(self.types("alice", "VIEWCHECKPOINT a v2"), "two.")
        self.types("alice", "DELETECHECKPOINT a v2")
        self.run_(session.commit())
        self.assertEqual(self.read("a"), b"typed two.")
        self.types("alice", "REVERT a v1")
        self.assertEqual(self.read("a"), b"one.")

    def test_deleted(self) -> None:
        """H9: DELETE takes checkpoints along; the next document of the name has none."""
        self.put("a", b"secret")
        self.types("alice", "CHECKPOINT a v1")
        self.types("alice", "DELETE a")
        self.refuses("alice", "LISTCHECKPOINTS a", "NOT_FOUND")
        self.types("bob", "CREATE a")
        self.assertEqual(self.tags("a", "bob"), [])
        self.refuses("bob", "VIEWCHECKPOINT a v1", "NOT_FOUND")
        self.refuses("bob", "REVERT a v1", "NOT_FOUND")

    def test_moved(self) -> None:
        """MOVE keeps what is kept."""
        self.put("a", b"one")
        self.types("alice", "CHECKPOINT a v1")
        self.types("alice", "MOVE a box/b")
        self.types("alice", "MOVE box shelf")
        self.put("shelf/b", b"two")
        self.types("alice", "REVERT shelf/b v1")
        self.assertEqual(self.read("shelf/b"), b"one")

    def test_json(self) -> None:
        """--json writes an object for each result, and content in a field."""
        self.put("a", b"one")
        self.assertEqual(self.record("alice", "CHECKPOINT a v1")["tag"], "v1")
        [line] = self.records("alice", "LISTCHECKPOINTS a")
        self.assertEqual((line["tag"], line["size"], line["conflict"]), ("v1", 3, False))
        self.assertIn("one", self.record("alice", "VIEWCHECKPOINT a v1").values())
        self.assertIn("version", self.record("alice", "REVERT a v1"))
        self.record("alice", "DELETECHECKPOINT a v1")
        desk = self.desks["alice"]
        said = desk.type("REVERT --json a v1")
        self.assertEqual((json.loads(said)["error"]["code"], desk.status), ("NOT_FOUND", 1))


class PairTests(DeskCase):
    """H28: checkpoints through failover and return."""

    names: ClassVar[tuple[str, ...]] = ("ss1", "ss1_backup")

    def test_through_failover(self) -> None:
        """What was kept, reverted or removed is so on the backup, and after the return."""
        self.put("a", b"one")
        for line in ("CHECKPOINT a v1", "CHECKPOINT a gone", "APPEND a ' two'", "REVERT a v1"):
            self.types("alice", line)
        self.types("alice", "DELETECHECKPOINT a gone")
        self.cluster.advance(5.0)
        self.cluster.crash("ss1")
        self.assertEqual(self.read("a"), b"one")
        self.assertIn("v1", self.types("alice", "LISTCHECKPOINTS a"))
        self.refuses("alice", "REVERT a gone", "NOT_FOUND")
        self.types("alice", "UNDO a")
        self.assertEqual(self.read("a"), b"one two")
        self.types("alice", "CHECKPOINT a v2")
        self.cluster.start("ss1")
        self.cluster.advance(120.0)
        self.restart()
        self.assertEqual(self.types("alice", "VIEWCHECKPOINT a v2"), "one two")
        self.types("alice", "REVERT a v1")
        self.assertEqual(self.read("a"), b"one")

    def test_conflict(self) -> None:
        """The version that lost is kept as conflict-<server>-<time>; INFO and the list say so."""
        self.put("a", b"common")
        self.cluster.advance(5.0)
        self.cluster.part("ss1")
        changing = self.alice.append("a", " on ss1")
        self.cluster.advance(2.0)
        self.cluster.crash("ss1")
        self.cluster.join("ss1")
        self.cluster.outcome(changing)
        self.cluster.advance(30.0)
        self.put("a", b"on the backup")
        self.cluster.start("ss1")
        self.cluster.advance(120.0)
        self.assertEqual(self.read("a"), b"on the backup")
        lines = self.records("alice", "LISTCHECKPOINTS a")
        conflicts = [line for line in lines if line["conflict"]]
        self.assertEqual(len(conflicts), 1, lines)
        tag = conflicts[0]["tag"]
        self.assertRegex(tag, r"^conflict-ss1-2023-?11-?14T?\d")
        self.assertRegex(tag, r"^[A-Za-z0-9._-]{1,64}$")
        self.assertIn("conflict", self.types("alice", "INFO a"))
        self.assertIn(tag, self.types("alice", "LISTCHECKPOINTS a"))
        self.assertEqual(self.types("alice", f"VIEWCHECKPOINT a {tag}"), "common on ss1")
        self.types("alice", f"REVERT a {tag}")
        self.assertEqual(self.read("a"), b"common on ss1")
        self.types("alice", "UNDO a")
        self.types("alice", f"DELETECHECKPOINT a {tag}")
        self.assertEqual(self.records("alice", "LISTCHECKPOINTS a"), [])
        self.assertEqual(self.read("a"), b"on the backup")
