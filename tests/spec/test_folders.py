"""Folders of the specification: made, listed, deleted."""

from __future__ import annotations

import unicodedata

from tests.spec.names import BAD, GONE, NAMES, q
from tests.spec.people import DeskCase

MADE = "Folder Created Successfully!\n"


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
