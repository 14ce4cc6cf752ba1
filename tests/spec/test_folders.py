"""Folders of the specification, from the outside: CREATEFOLDER, VIEWFOLDER, MOVE, DELETEFOLDER."""

from __future__ import annotations

import os
import shlex
import unicodedata
from pathlib import Path
from typing import ClassVar

from dfs.errors import Locked, NotFound, Unauthorized
from tests.spec.people import DeskCase

MADE = "Folder Created Successfully!\n"
GONE = "Folder deleted successfully!\n"

#: Names that are as good as any, for folders too.
NAMES = (
    "a b",
    " a",
    "a ",
    "a|b",
    "|",
    "c,d",
    "x=y",
    "all=1",
    "#1",
    "%41",
    "%7C",
    "'quoted'",
    '"twice"',
    "back\\slash",
    "-r",
    "...",
    ".hidden",
    "~",
    "*",
    "grüße",
    "日本",
    "🙂",
    "x" * 255,
    "ä" * 127,
)

#: Paths that nothing may have.
BAD = (
    "..",
    ".",
    "a//b",
    "a/../b",
    "../a",
    "/../a",
    "a/./b",
    "a\tb",
    "a\x01b",
    "a\x7fb",
    "x" * 256,
    "ä" * 128,
    "/".join(["y" * 200] * 6),
)

q = shlex.quote


class MakeTests(DeskCase):
    """CREATEFOLDER."""

    def test_texts(self) -> None:
        """Each command has its text, under its short name and in any case."""
        self.table(
            "alice",
            [
                ("CREATEFOLDER a", MADE),
                ("createFolder b/c", MADE),
                ("mkdir d e/", MADE * 2),
                ("MkDir -p d/f/g", MADE),
                ("VIEWFOLDER", "a/\nb/\nd/\ne/\n"),
                ("ls -R", "a/\nb/\nb/c/\nd/\nd/f/\nd/f/g/\ne/\n"),
                ("DELETEFOLDER a", GONE),
                ("rmdir b/c b", GONE * 2),
                ("mv e d", "Moved e to d/e.\n"),
                ("MOVE d/e /", "Moved d/e to e.\n"),
                ("ls d", "f/\n"),
            ],
        )

    def test_taken(self) -> None:
        """A path is a document or a folder, never both, and never twice."""
        self.types("alice", "CREATEFOLDER both")
        self.types("alice", "CREATE text")
        self.refuses("alice", "CREATEFOLDER both", "EXISTS", "both")
        self.refuses("alice", "CREATEFOLDER text", "EXISTS", "text")
        self.refuses("alice", "CREATE both", "EXISTS", "both")
        self.refuses("bob", "CREATEFOLDER both", "EXISTS", "both")
        for line in ("CREATE text/under", "CREATEFOLDER text/under", "CREATEFOLDER -p text"):
            self.refuses("alice", line, "EXISTS", "text")
        self.desks["alice"].type("PUT - both", input=b"x")
        self.assertIn("ERROR [", self.desks["alice"].complaints)
        self.types("alice", "mkdir -p both")
        self.assertEqual(self.listed(), ["both/", "text"])

    def test_a_folder_is_no_document(self) -> None:
        """What is about documents is refused for a folder, in words that name it as one."""
        self.types("alice", "mkdir box")
        for line in (
            "READ box",
            "INFO box",
            "WRITE box 0",
            "APPEND box x",
            "UNDO box",
            "REDO box",
            "STREAM box",
            "GET box -",
            "DELETE box",
            "ADDACCESS -R box bob",
            "REMACCESS box bob",
            "CHECKPOINT box v1",
            "REVERT box v1",
            "LISTCHECKPOINTS box",
        ):
            with self.subTest(line):
                self.desks["alice"].type(line)
                self.assertEqual(self.desks["alice"].status, 1)
                self.assertRegex(
                    self.desks["alice"].complaints, r"^ERROR \[(INVALID|NOT_FOUND)\]: .*folder"
                )
        self.types("alice", "CREATE text")
        self.refuses("alice", "DELETEFOLDER text", "NOT_FOUND", "text")

    def test_names(self) -> None:
        """H44: any legal name is a folder of its own, through a restart, and gone when deleted."""
        for name in NAMES:
            self.types("alice", f"CREATEFOLDER -- {q(name)}")
            self.run_(self.alice.put(f"{name}/{name}", name.encode()))
        self.restart()
        self.assertEqual(
            sorted(line.path for line in self.run_(self.alice.view())),
            sorted(f"{name}/{name}" for name in NAMES),
        )
        for name in NAMES:
            path = f"{name}/{name}"
            self.assertEqual(self.listed(line=f"ls -- {q(name)}"), [name])
            self.types("alice", f"MOVE -- {q(path)} moved")
            self.assertEqual(self.read("moved"), name.encode())
            self.assertEqual(self.types("alice", f"rmdir -- {q(name)}"), GONE)
            self.types("alice", "DELETE moved")
        self.assertEqual(self.listed(), [])

    def test_bad_names(self) -> None:
        """H61: other names are INVALID in every command of folders, and nothing is made."""
        self.types("alice", "mkdir box")
        for path in BAD:
            for line in (
                f"CREATEFOLDER {q(path)}",
                f"CREATEFOLDER -p {q('box/' + path)}",
                f"VIEWFOLDER {q(path)}",
                f"DELETEFOLDER {q(path)}",
                f"DELETEFOLDER -r {q(path)}",
                f"MOVE box {q(path)}",
                f"MOVE box {q(path + '/')}",
                f"MOVE {q(path)} box",
                f"rm -r {q(path)}",
            ):
                with self.subTest(line[:60]):
                    self.refuses("alice", line, "INVALID")
        self.assertEqual(self.listed(), ["box/"])

    def test_root(self) -> None:
        """The root is there, cannot be made, moved or deleted."""
        self.assertEqual(self.types("alice", "ls /"), "No files found.\n")
        for line in ("mkdir /", "rmdir /", "rmdir -r /", "rm -r /", "mv / a", "mv / a/"):
            self.desks["alice"].type(line)
            self.assertEqual(self.desks["alice"].status, 1, line)
            self.assertRegex(self.desks["alice"].complaints, r"^ERROR \[(INVALID|EXISTS)\]: ")

    def test_two_spellings(self) -> None:
        """Two ways to write an accent are one name, in folders and in targets of MOVE."""
        one, other = "caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")
        self.types("alice", f"mkdir {other}")
        self.refuses("alice", f"mkdir {one}", "EXISTS")
        self.put("a", b"text")
        self.types("alice", f"mv a {other}")
        self.assertEqual(self.read(f"{one}/a"), b"text")
        self.assertEqual(self.listed(), [f"{one}/", f"{one}/a"])
        self.refuses("alice", f"mv {one}/a {other}/a", "EXISTS")

    def test_whoever(self) -> None:
        """Anybody makes folders, in those of others too; each belongs to who made it."""
        self.types("alice", "mkdir box")
        self.types("bob", "mkdir box/bobs/deep")
        owners = {one["path"]: one["owner"] for one in self.records("carol", "VIEWFOLDER -lR")}
        self.assertEqual(owners, {"box": "alice", "box/bobs": "bob", "box/bobs/deep": "bob"})

    def test_stays_when_empty(self) -> None:
        """A folder stays when the last document leaves it, and through a restart."""
        self.put("a/one", b"1")
        self.put("b/two", b"2")
        self.types("alice", "mv a/one one")
        self.types("alice", "rm b/two")
        self.restart()
        self.assertEqual(self.listed(), ["a/", "b/", "one"])


class ViewTests(DeskCase):
    """VIEWFOLDER."""

    def setUp(self) -> None:
        super().setUp()
        self.shared("box/shared", b"two words", "bob")
        self.put("box/secret", b"hidden")
        self.types("alice", "mkdir box/empty")
        self.put("top", b"x")

    def test_who_sees_what(self) -> None:
        """H62: folders for everybody, documents for readers; -a shows names and owners only."""
        self.assertEqual(self.listed("bob", "ls box"), ["empty/", "shared"])
        self.assertEqual(self.listed("carol", "ls -R"), ["box/", "box/empty/"])
        self.assertEqual(self.listed("carol", "ls -a box"), ["empty/", "secret", "shared"])
        hidden = {one["path"]: one for one in self.records("carol", "ls -al box")}["box/secret"]
        self.assertEqual((hidden["owner"], hidden["right"]), ("alice", "-"))
        for key in ("words", "characters", "size", "modified"):
            self.assertFalse(hidden.get(key), key)

    def test_options(self) -> None:
        """-R goes into folders, -d stays outside, -l is a table; without a path it is the root."""
        for line, expected in (
            ("ls", ["box/", "top"]),
            ("ls /", ["box/", "top"]),
            ("ls /box/", ["empty/", "secret", "shared"]),
            ("ls -R", ["box/", "box/empty/", "box/secret", "box/shared", "top"]),
            ("ls -d box", ["box/"]),
            ("ls box/secret", ["secret"]),
            ("ls box/empty", []),
        ):
            self.assertEqual(self.listed("alice", line), expected, line)
        head, *rows = self.types("alice", "ls -l box").splitlines()
        self.assertIn("OWNER", head)
        self.assertEqual([row.split()[0] for row in rows], self.listed("alice", "ls box"))
        self.assertIn("ss1", rows[-1])

    def test_refusals(self) -> None:
        """What is not there is NOT_FOUND; one bad path does not hide the others."""
        self.refuses("alice", "ls nothing", "NOT_FOUND", "nothing")
        self.refuses("alice", "ls box/nothing", "NOT_FOUND", "nothing")
        self.refuses("alice", "ls top/below", "NOT_FOUND", "top")
        self.refuses("carol", "ls box/secret", "UNAUTHORIZED", "box/secret")
        self.refuses("alice", "ls nothing top", "NOT_FOUND", "nothing")
        self.assertIn("top", self.desks["alice"].seen())
        self.refuses("alice", "ls -x", "INVALID", "-x", status=2)

    def test_json(self) -> None:
        """--json writes an object for each entry, from which folders can be told."""
        entries = {one["path"]: one for one in self.records("alice", "VIEWFOLDER -lR")}
        self.assertEqual(sorted(entries), ["box", "box/empty", "box/secret", "box/shared", "top"])
        folders = {path for path, entry in entries.items() if entry["folder"]}
        self.assertEqual(folders, {"box", "box/empty"})
        self.assertEqual(entries["box/shared"]["words"], 2)
        self.assertEqual(self.records("alice", "VIEWFOLDER box/empty"), [])

    def test_view_and_info(self) -> None:
        """VIEW lists documents by their whole path; INFO says it, too."""
        self.assertEqual(self.listed("alice", "VIEW"), ["box/secret", "box/shared", "top"])
        self.assertIn("box/shared", self.types("bob", "INFO box/shared").splitlines()[0])


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


class DeleteTests(DeskCase):
    """DELETEFOLDER, rmdir, rm -r."""

    def test_not_empty(self) -> None:
        """A folder with something in it is not deleted without -r, seen or unseen by its owner."""
        self.types("alice", "mkdir box box2/in")
        self.run_(self.bob.put("box/secret", b"of bob"))
        for line in ("rmdir box", "rmdir box2"):
            self.refuses("alice", line, "CONFLICT", "not empty")
        self.assertIn("box/secret", self.listed("bob"))

    def test_recursive(self) -> None:
        """DELETEFOLDER -r and rm -r remove all of it, whatever it is called."""
        for verb in ("DELETEFOLDER -r", "rmdir -r", "rm -r", "DELETE -R"):
            self.put("box/a b/|", b"1")
            self.put("box/c", b"2")
            self.put("beside", b"3")
            self.types("alice", "mkdir box/empty")
            self.types("alice", f"{verb} box")
            self.assertEqual(self.listed(), ["beside"], verb)

    def test_what_belongs_to_others(self) -> None:
        """-r removes nothing of others, and then nothing at all."""
        self.put("box/mine", b"1")
        self.run_(self.bob.put("box/in/bobs", b"2"))
        before = self.listed()
        for verb in ("DELETEFOLDER -r", "rm -r"):
            self.refuses("alice", f"{verb} box", "UNAUTHORIZED")
            self.assertEqual(self.listed(), before)
        self.refuses("bob", "rm -r box", "UNAUTHORIZED")
        self.refuses("carol", "DELETEFOLDER box", "UNAUTHORIZED")
        self.assertEqual(self.read("box/mine"), b"1")

    def test_missing(self) -> None:
        """What is not there is NOT_FOUND, unless -f says that this is no error."""
        self.refuses("alice", "DELETEFOLDER nothing", "NOT_FOUND", "nothing")
        self.refuses("alice", "rm -r nothing", "NOT_FOUND", "nothing")
        self.types("alice", "rm -rf nothing")
        self.types("alice", "mkdir box")
        self.refuses("alice", "rm box", "NOT_FOUND", "rm -r")
        self.refuses("alice", "rm -f box", "NOT_FOUND", "rm -r")
        self.assertEqual(self.listed(), ["box/"])

    def test_name_again(self) -> None:
        """H9: a folder of a name that was deleted is another one, of who made it."""
        self.put("box/a", b"old")
        self.types("alice", "CHECKPOINT box/a v1")
        self.types("alice", "rm -r box")
        self.types("bob", "mkdir box")
        self.run_(self.bob.create("box/a"))
        self.refuses("bob", "VIEWCHECKPOINT box/a v1", "NOT_FOUND")
        self.refuses("bob", "UNDO box/a", "NOT_FOUND")
        self.refuses("alice", "READ box/a", "UNAUTHORIZED")
        self.refuses("alice", "rm -r box", "UNAUTHORIZED")
        self.restart()
        self.assertEqual(self.listed("bob"), ["box/", "box/a"])

    def test_json(self) -> None:
        """--json writes objects, for refusals too."""
        self.put("box/a", b"")
        record = self.record("alice", "DELETEFOLDER -r box")
        self.assertEqual((record["path"], record["documents"]), ("box", 1))
        self.desks["alice"].type("DELETEFOLDER --json box")
        self.assertEqual(self.desks["alice"].status, 1)
        self.assertIn('"NOT_FOUND"', self.desks["alice"].seen() + self.desks["alice"].complaints)


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


class TreeTests(DeskCase):
    """PUT -r and GET -r."""

    TREE: ClassVar[dict[str, bytes | None]] = {
        "plain.txt": b"text",
        "empty": b"",
        "every byte": bytes(range(256)),
        "a|b": b"bar",
        "grüße.txt": b"1",
        "日本/🙂": b"2",
        "deep/er/still": b"x" * 100_000,
        "no files": None,
        "no/files/either": None,
        "-r": b"dash",
        "x" * 255: b"long",
    }

    def setUp(self) -> None:
        super().setUp()
        self.here = Path(self.mktemp())
        self.source = self.here / "tree"
        self.plant(self.source)

    def plant(self, folder: Path) -> None:
        """Make the local tree."""
        for name, content in self.TREE.items():
            path = folder / name
            if content is None:
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def seen(self, folder: Path) -> dict[str, bytes | None]:
        """What stands in a local folder: files, and folders with nothing in them."""
        found: dict[str, bytes | None] = {}
        for path in folder.rglob("*"):
            if path.is_file():
                found[str(path.relative_to(folder))] = path.read_bytes()
            elif not os.listdir(path):
                found[str(path.relative_to(folder))] = None
        return found

    def test_there_and_back(self) -> None:
        """A folder comes back as it was, empty files and folders and every name included."""
        self.types("alice", f"put -r {self.source}")
        self.assertEqual(self.read("tree/every byte"), bytes(range(256)))
        back = self.here / "back"
        self.types("alice", f"get -r tree {back}")
        where = back / "tree" if (back / "tree").exists() else back
        self.assertEqual(self.seen(where), self.TREE)

    def test_to_a_path(self) -> None:
        """PUT -r makes the new name, goes into a folder that is there, and replaces undoably."""
        self.types("alice", f"PUT -r {self.source} place")
        self.types("alice", f"PUT -r {self.source} place")
        self.assertEqual(self.read("place/plain.txt"), b"text")
        self.assertEqual(self.read("place/tree/plain.txt"), b"text")
        (self.source / "plain.txt").write_bytes(b"newer")
        self.types("alice", f"PUT -r {self.source} place")
        self.assertEqual(self.read("place/tree/plain.txt"), b"newer")
        self.types("alice", "UNDO place/tree/plain.txt")
        self.assertEqual(self.read("place/tree/plain.txt"), b"text")

    def test_in_the_way(self) -> None:
        """A document in the place of a folder, or the reverse, is refused and stays."""
        self.put("tree", b"document")
        self.desks["alice"].type(f"PUT -r {self.source}")
        self.assertEqual(self.desks["alice"].status, 1)
        self.assertIn("ERROR [EXISTS]", self.desks["alice"].complaints)
        self.assertEqual(self.read("tree"), b"document")
        self.types("alice", "mkdir place/plain.txt")
        self.desks["alice"].type(f"PUT -r {self.source / 'plain.txt'} place")
        self.assertEqual(self.desks["alice"].status, 1, self.desks["alice"].seen())
        self.assertEqual(self.listed("alice", "ls place"), ["plain.txt/"])

    def test_single_files(self) -> None:
        """With -r single files go where they would go without, as with cp."""
        self.types("alice", f"PUT -r {self.source / 'plain.txt'} box/")
        self.assertEqual(self.read("box/plain.txt"), b"text")
        (self.here / "there").mkdir()
        self.types("alice", f"GET -r box/plain.txt {self.here / 'there'}")
        self.assertEqual((self.here / "there" / "plain.txt").read_bytes(), b"text")

    def test_without_r(self) -> None:
        """Folders without -r are refused, in words that name -r."""
        self.refuses("alice", f"PUT {self.source}", "INVALID", "PUT -r")
        self.types("alice", f"put -r {self.source}")
        self.refuses("alice", f"GET tree {self.here / 'back'}", "NOT_FOUND", "folder")
        self.assertFalse((self.here / "back").exists())

    def test_two_spellings(self) -> None:
        """GET -r finds a folder under another spelling of its accents, with whole names in it."""
        self.put("caf\u00e9/abc", b"1")
        back = self.here / "back"
        self.types("alice", f"get -r cafe\u0301 {back}")
        self.assertEqual(self.seen(back), {"abc": b"1"})
        self.types("alice", f"get -r cafe\u0301/abc {self.here / 'one'}")
        self.assertEqual((self.here / "one").read_bytes(), b"1")

    def test_only_what_one_may(self) -> None:
        """GET -r by somebody else brings what they may read, and says what it left out."""
        self.shared("tree/shared", b"1", "bob")
        self.put("tree/secret", b"2")
        back = self.here / "back"
        self.desks["bob"].type(f"get -r tree {back}")
        found = self.seen(back)
        self.assertIn(b"1", found.values())
        self.assertNotIn(b"2", found.values())

    def test_missing(self) -> None:
        """What is not there is NOT_FOUND, on either side."""
        self.refuses("alice", f"put -r {self.here / 'nothing'}", "NOT_FOUND", "nothing")
        self.refuses("alice", f"get -r nothing {self.here / 'back'}", "NOT_FOUND", "nothing")
        self.assertEqual(self.listed(), [])
