"""MOVE of the specification, whoever edits, reads or dies meanwhile."""

from __future__ import annotations

from typing import ClassVar

from dfs.errors import Locked, NotFound, Unauthorized
from tests.spec.people import DeskCase


class MoveTests(DeskCase):
    """MOVE of documents."""

    def test_targets(self) -> None:
        """H8: into folders with and without a slash, to a new name, back to the root."""
        self.shared("a", b"one", writers=["bob"])
        self.put("a", b"two")
        self.types("alice", "CHECKPOINT a kept")
        self.types("alice", "mkdir x y/z")
        path = "a"
        for target, new in (
            ("x", "x/a"),
            ("y/z/", "y/z/a"),
            ("/y/", "y/a"),
            ("b", "b"),
            ("new/", "new/b"),
            ("further/down/c", "further/down/c"),
            ("/", "c"),
            ("/x/d", "x/d"),
            ("a", "a"),
        ):
            self.assertEqual(
                self.types("alice", f"MOVE {path} {target}"), f"Moved {path} to {new}.\n"
            )
            if new != path:
                self.refuses("alice", f"READ {path}", "NOT_FOUND", path)
            path = new
            self.assertEqual(self.read(path, self.bob), b"two")
            self.types("bob", f"APPEND {path} !")
            self.types("bob", f"UNDO {path}")
            self.types("alice", f"UNDO {path}")
            self.assertEqual(self.read(path), b"one")
            self.types("alice", f"REVERT {path} kept")
            self.assertEqual(self.read(path), b"two")

    def test_who_may(self) -> None:
        """Only the owner moves a document; nobody moves what they may not even read."""
        self.shared("a", b"text", "carol", writers=["bob"])
        self.types("bob", "mkdir bobs")
        for user in ("bob", "carol"):
            for target in ("b", "bobs", "bobs/"):
                self.refuses(user, f"MOVE a {target}", "UNAUTHORIZED", "a")
        self.types("alice", "MOVE a bobs")
        self.refuses("bob", "MOVE bobs/a /", "UNAUTHORIZED")
        self.assertEqual(self.read("bobs/a", self.bob), b"text")

    def test_never_overwrites(self) -> None:
        """A taken target is refused with EXISTS; both sides stay as they are."""
        self.put("a", b"a")
        self.put("b", b"b")
        self.put("box/a", b"box a")
        self.put("other/box/c", b"c")
        for line in (
            "MOVE a b",
            "MOVE a box",
            "MOVE a box/",
            "MOVE a box/a",
            "MOVE box other",
            "MOVE box a",
            "MOVE other/box /",
            "MOVE a b/",
            "MOVE a b/new",
        ):
            self.refuses("alice", line, "EXISTS")
        self.assertEqual(
            [self.read(path) for path in ("a", "b", "box/a", "other/box/c")],
            [b"a", b"b", b"box a", b"c"],
        )
        self.assertEqual(
            self.listed(), ["a", "b", "box/", "box/a", "other/", "other/box/", "other/box/c"]
        )

    def test_others_documents_are_in_the_way_too(self) -> None:
        """A document that one may not read is not overwritten either."""
        self.put("box/a", b"of alice")
        self.run_(self.bob.put("a", b"of bob"))
        self.refuses("bob", "MOVE a box", "EXISTS")
        self.refuses("bob", "MOVE a box/a", "EXISTS")
        self.assertEqual(self.read("box/a"), b"of alice")
        self.assertEqual(self.read("a", self.bob), b"of bob")

    def test_itself(self) -> None:
        """A document moved to where it is stays, whatever is answered."""
        self.put("box/a", b"text")
        for line in ("MOVE box/a box/a", "MOVE box/a box", "MOVE box/a box/"):
            self.desks["alice"].type(line)
            self.assertIn(self.desks["alice"].status, (0, 1))
            self.assertEqual(self.read("box/a"), b"text")
            self.assertEqual(self.listed(), ["box/", "box/a"])

    def test_missing(self) -> None:
        """What is not there is NOT_FOUND; a command without a target is wrong usage."""
        self.refuses("alice", "MOVE nothing box", "NOT_FOUND", "nothing")
        self.assertEqual(self.listed(), [])
        self.refuses("alice", "MOVE a", "INVALID", "MOVE", status=2)
        self.refuses("alice", "MOVE", "INVALID", "MOVE", status=2)

    def test_several(self) -> None:
        """Several go into one folder; one that is refused does not keep the others from it."""
        for name in "abc":
            self.put(name, name.encode())
        self.put("box/b", b"there")
        self.refuses("alice", "mv a b c box", "EXISTS", "b")
        self.assertEqual(self.listed(), ["b", "box/", "box/a", "box/b", "box/c"])
        self.types("alice", "mv box/a box/c new/")
        self.assertEqual(self.read("new/c"), b"c")
        self.refuses("alice", "mv b new/a box/b", "EXISTS", "box/b")
        self.assertEqual(self.listed(), ["b", "box/", "box/b", "new/", "new/a", "new/c"])
        self.assertIn("Several are put into a folder", self.types("alice", "HELP mv"))
        self.types("alice", "mv b new/a else")
        self.assertEqual(self.listed("alice", "ls else"), ["a", "b"])

    def test_json(self) -> None:
        """--json says from where to where."""
        self.put("a", b"")
        record = self.record("alice", "MOVE a box/")
        self.assertIn("a", record.values())
        self.assertIn("box/a", record.values())

    def test_the_old_name_is_free(self) -> None:
        """Who used a document under its old name never meets the new one of that name."""
        self.shared("a", b"shared", writers=["bob"])
        self.assertEqual(self.read("a", self.bob), b"shared")
        self.types("bob", "APPEND a !")
        self.types("alice", "MOVE a b")
        self.put("a", b"private")
        self.refuses("bob", "READ a", "UNAUTHORIZED")
        self.refuses("bob", "APPEND a mine", "UNAUTHORIZED")
        self.refuses("bob", "UNDO a", "UNAUTHORIZED")
        self.assertEqual((self.read("a"), self.read("b", self.bob)), (b"private", b"shared!"))

    def test_two_change_places(self) -> None:
        """Two documents that change names keep their texts, rights and histories."""
        self.shared("a", b"of bob", writers=["bob"])
        self.shared("b", b"of carol", writers=["carol"])
        self.read("a", self.bob)
        self.read("b", self.carol)
        for line in ("mv a c", "mv b a", "mv c b"):
            self.types("alice", line)
        self.assertEqual(self.read("b", self.bob), b"of bob")
        self.assertEqual(self.read("a", self.carol), b"of carol")
        self.refuses("bob", "READ a", "UNAUTHORIZED")
        self.refuses("carol", "READ b", "UNAUTHORIZED")


class BusyTests(DeskCase):
    """MOVE and DELETEFOLDER beside people who work."""

    def test_session_goes_on(self) -> None:
        """A session goes on when its document, or a folder above it, is moved; its lock holds."""
        self.shared("box/a", b"one. two.", writers=["bob", "carol"])
        session = self.run_(self.bob.write("box/a", 0))
        self.run_(session.edit(0, "first"))
        self.types("alice", "MOVE box/a box/b")
        self.run_(session.edit(1, "second"))
        self.types("alice", "MOVE box deep/")
        message = self.refused(self.carol.write("deep/box/b", 0), Locked)
        self.assertIn("bob", message)
        self.refuses("alice", "UNDO deep/box/b", "LOCKED", "bob")
        self.run_(session.commit())
        self.assertEqual(self.read("deep/box/b"), b"first second one. two.")
        self.types("alice", "UNDO deep/box/b")
        self.assertEqual(self.read("deep/box/b"), b"one. two.")

    def test_session_and_a_new_document(self) -> None:
        """A session commits into its own document, not into a new one of the old name."""
        self.put("a", b"old.")
        session = self.run_(self.alice.write("a", 0))
        self.run_(session.edit(0, "edited"))
        self.types("alice", "MOVE a b")
        self.put("a", b"new")
        self.run_(session.commit())
        self.assertEqual((self.read("a"), self.read("b")), (b"new", b"edited old."))

    def test_revoked_under_the_new_name(self) -> None:
        """A right that is taken away at the new place ends the session at the old one."""
        self.shared("a", b"one.", writers=["bob"])
        session = self.run_(self.bob.write("a", 0))
        self.run_(session.edit(0, "x"))
        self.types("alice", "MOVE a box/")
        self.types("alice", "REMACCESS box/a bob")
        self.refused(session.commit(), Unauthorized)
        self.assertEqual(self.read("box/a"), b"one.")

    def test_stream_goes_on(self) -> None:
        """A STREAM goes on to its end when its document is moved under it."""
        content = b" ".join(b"w%d" % number for number in range(30))
        self.put("a", content)
        words = self.alice.stream("a", 0.1)
        pieces = [self.run_(words.read()) for _ in range(5)]
        self.types("alice", "MOVE a box/")
        self.put("a", b"another")
        while piece := self.run_(words.read()):
            pieces.append(piece)
        self.assertEqual(b"".join(pieces), content)

    def test_delete_beside_a_session(self) -> None:
        """DELETE and rm -r leave a document that is edited, and its folders; the rest is gone."""
        self.put("box/in/busy", b"one.")
        self.put("box/free", b"two.")
        session = self.run_(self.alice.write("box/in/busy", 0))
        self.run_(session.edit(0, "kept"))
        complaint = self.refuses("alice", "rm -r box", "LOCKED")
        self.assertIn("busy", complaint)
        self.assertEqual(self.listed(), ["box/", "box/in/", "box/in/busy"])
        self.run_(session.commit())
        self.assertEqual(self.read("box/in/busy"), b"kept one.")
        self.types("alice", "rm -r box")
        self.assertEqual(self.listed(), [])


class MoveFolderTests(DeskCase):
    """MOVE of folders."""

    def test_with_everything(self) -> None:
        """Everything in a folder moves with it: documents of others, rights, folders."""
        self.shared("box/in/a", b"of alice", "carol")
        self.run_(self.bob.put("box/in/b", b"of bob"))
        self.types("alice", "mkdir box/empty")
        self.assertEqual(self.types("alice", "mv box place/"), "Moved box to place/box.\n")
        self.assertEqual(self.types("alice", "mv place/box shelf"), "Moved place/box to shelf.\n")
        self.assertEqual(
            self.listed(),
            ["place/", "shelf/", "shelf/empty/", "shelf/in/", "shelf/in/a", "shelf/in/b"],
        )
        self.assertEqual(self.read("shelf/in/a", self.carol), b"of alice")
        self.assertEqual(self.read("shelf/in/b", self.bob), b"of bob")
        self.refuses("alice", "READ shelf/in/b", "UNAUTHORIZED")
        self.refuses("alice", "READ box/in/a", "NOT_FOUND")

    def test_into_itself(self) -> None:
        """A folder cannot be moved into itself or below."""
        self.put("box/in/a", b"text")
        for target in ("box", "box/", "box/in", "box/in/", "box/new", "box/in/new/deep", "/box/x/"):
            self.desks["alice"].type(f"mv box {target}")
            self.assertEqual(self.desks["alice"].status, 1, target)
            self.assertRegex(
                self.desks["alice"].complaints, r"^ERROR \[(INVALID|EXISTS)\]: .*box", target
            )
        self.assertEqual(self.listed(), ["box/", "box/in/", "box/in/a"])
        self.assertEqual(self.read("box/in/a"), b"text")

    def test_who_may(self) -> None:
        """Only its owner moves a folder, also if all that is in it belongs to another."""
        self.types("alice", "mkdir box")
        self.run_(self.bob.put("box/a", b"of bob"))
        self.refuses("bob", "mv box mine", "UNAUTHORIZED", "box")
        self.types("bob", "mv box/a a")
        self.types("alice", "mv box mine")
        self.assertEqual(self.listed("bob"), ["a", "mine/"])

    def test_too_long(self) -> None:
        """A move that would make a path longer than 1,024 bytes is refused; nothing moves."""
        deep = "/".join(["d" * 200] * 4)
        self.put(f"{deep}/a", b"deep")
        long = "l" * 230
        self.types("alice", f"mkdir {long}")
        self.refuses("alice", f"mv {'d' * 200} {long}/", "INVALID")
        self.assertEqual(self.read(f"{deep}/a"), b"deep")
        self.refuses("alice", f"READ {long}/{deep}/a", "INVALID")

    def test_requests_move_along(self) -> None:
        """A request for access stays with a document whose folder is moved."""
        self.put("box/a", b"text")
        self.types("bob", "RACC box/a -R")
        self.types("alice", "mv box shelf")
        self.assertIn("shelf/a", self.types("alice", "VIEWACCR"))
        self.types("alice", "APPROVE 1")
        self.assertEqual(self.read("shelf/a", self.bob), b"text")


class PairTests(DeskCase):
    """H28: folders and moves through failover, return and restarts."""

    names: ClassVar[tuple[str, ...]] = ("ss1", "ss1_backup")

    def test_failover_at_once(self) -> None:
        """What was moved right before a crash is on the backup, at its new place alone."""
        self.shared("a", b"one.", writers=["bob"])
        self.types("alice", "CHECKPOINT a v1")
        self.put("folder/b", b"two.")
        self.types("alice", "mkdir empty")
        self.cluster.advance(5.0)
        self.types("alice", "MOVE a box/")
        self.types("alice", "MOVE folder renamed")
        self.cluster.crash("ss1")
        self.check(self.bob)
        self.types("bob", "APPEND box/a more")
        self.types("alice", "MOVE box/a box/c")
        self.cluster.start("ss1")
        self.cluster.advance(120.0)
        lines = {line.name: line for line in self.run_(self.alice.servers())}
        self.assertTrue(lines["ss1"].active)
        self.assertEqual(self.read("box/c", self.bob), b"one.more")
        self.assertEqual(self.listed("alice", "LISTCHECKPOINTS box/c")[-1].split()[0], "v1")
        self.restart()
        self.assertEqual(self.listed(), ["box/", "box/c", "empty/", "renamed/", "renamed/b"])
        self.assertEqual(self.read("box/c", self.bob), b"one.more")

    def check(self, reader: object) -> None:
        """Everything is where it was put."""
        self.assertEqual(self.read("box/a", self.bob), b"one.")
        self.assertEqual(self.read("renamed/b"), b"two.")
        self.assertEqual(self.listed(), ["box/", "box/a", "empty/", "renamed/", "renamed/b"])
        self.refused(self.alice.read("a"), NotFound)

    def test_name_server_crash(self) -> None:
        """After kill -9 of the name server everything that was answered stands where it was put."""
        self.shared("a", b"one.", writers=["bob"])
        self.put("folder/b", b"two.")
        self.types("alice", "mkdir empty")
        self.types("alice", "MOVE a box/")
        self.types("alice", "MOVE folder renamed")
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.cluster.advance(10.0)
        self.check(self.bob)

    def test_move_while_the_primary_is_away(self) -> None:
        """MOVE, CREATEFOLDER and DELETEFOLDER need no storage server to be there."""
        self.put("a", b"one.")
        self.types("alice", "mkdir old")
        self.cluster.advance(5.0)
        self.cluster.stop("ss1")
        self.cluster.stop("ss1_backup")
        self.cluster.advance(20.0)
        for line in ("mkdir box", "MOVE a box", "rmdir old", "ls -lR"):
            self.types("alice", line)
        self.cluster.start("ss1")
        self.cluster.start("ss1_backup")
        self.cluster.advance(30.0)
        self.assertEqual(self.listed(), ["box/", "box/a"])
        self.assertEqual(self.read("box/a"), b"one.")
