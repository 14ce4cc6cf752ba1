"""What a half-typed line may go on with."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some
from twisted.internet.defer import Deferred

from dfs.client.completion import Completions, Names, unfinished
from dfs.client.table import table
from dfs.wire.messages import Count, ListUsers, UserLine, ViewFolder, ViewLine
from tests.client.test_session import SessionCase


class UnfinishedTests(SessionCase):
    """A line that somebody is typing."""

    def test_examples(self) -> None:
        """The last word begins after the last blank that is not quoted."""
        for line, words, last, start in (
            ("", (), "", 0),
            ("re", (), "re", 0),
            ("read ", ("read",), "", 5),
            ("read 'to d", ("read",), "to d", 5),
            ("read to\\ d", ("read",), "to d", 5),
            ('read "a\\" b', ("read",), 'a" b', 5),
            ("read 'a b' c", ("read", "a b"), "c", 11),
            ("read a\\", ("read",), "a", 5),
        ):
            found = unfinished(line)
            self.assertEqual((found.words, found.last, found.start), (words, last, start), line)

    @given(some.lists(some.text(some.characters(codec="utf-8"), min_size=1)))
    def test_as_the_shell_does(self, words: list[str]) -> None:
        """Finished words are those that the shell will see."""
        line = " ".join(shlex.quote(word) for word in words) + " "
        self.assertEqual(list(unfinished(line).words), shlex.split(line))


class CompletionTests(SessionCase):
    """Commands and names."""

    def setUp(self) -> None:
        super().setUp()
        self.nm.answers[ViewFolder] = self.view
        self.nm.answers[ListUsers] = self.users
        names = Names(self.stage.clock, self.alice)
        self.completions = Completions(table(), names)

    def view(self, request: ViewFolder, exchange: object) -> Count:
        """Three documents and a folder."""
        for path in ("notes.txt", "new plan.txt", "other"):
            line = ViewLine(path, "alice", "o", 0, 0, 0, 1.0, "alice", "ss1", "")
            exchange.item(line)  # type: ignore[attr-defined]
        folder = ViewLine("reports", "alice", "o", 0, 0, 0, 1.0, "alice", "", "", folder=True)
        exchange.item(folder)  # type: ignore[attr-defined]
        return Count(4)

    def users(self, request: ListUsers, exchange: object) -> Count:
        """One user."""
        exchange.item(UserLine("bob", True))  # type: ignore[attr-defined]
        return Count(1)

    def found(self, line: str) -> list[str]:
        """What the last word may become."""
        return self.run_(Deferred.fromCoroutine(self.completions.find(line)))[1]

    def test_commands(self) -> None:
        """Commands are completed in the case that was begun, with their other names."""
        self.assertEqual(self.found("REA"), ["READ"])
        self.assertEqual(self.found("RET"), ["RETRY"])
        self.assertEqual(self.found("re"), sorted(self.found("re")))
        self.assertLess({"read", "redo", "remaccess", "retry", "revert"}, set(self.found("re")))
        self.assertEqual(self.found("l"), ["list", "listcheckpoints", "ls"])
        self.assertEqual(self.found("help wr"), ["write"])
        self.assertEqual(self.found("nonsense a"), [])

    def test_names(self) -> None:
        """Documents, users and options are completed, quoted as they have to be typed."""
        self.assertEqual(self.found("read n"), ["'new plan.txt'", "notes.txt"])
        self.assertEqual(self.found("cat other no"), ["notes.txt"])
        self.assertEqual(self.found("mv notes.txt re"), ["reports/"])
        self.assertEqual(self.found("write notes.txt "), [])
        self.assertEqual(self.found("addaccess -R notes.txt b"), ["bob"])
        self.assertEqual(self.found("view --j"), ["--json"])

    def test_local_files(self) -> None:
        """PUT completes local files, hidden ones only if asked for."""
        folder = Path(self.mktemp())
        (folder / "sub").mkdir(parents=True)
        for name in ("a.txt", ".hidden"):
            (folder / name).touch()
        at = os.path.join(str(folder), "")
        self.assertEqual(self.found(f"put {at}"), [at + "a.txt", at + "sub/"])
        self.assertEqual(self.found(f"put {at}."), [at + ".hidden"])
        self.assertEqual(self.found("put /no/such/folder/x"), [])

    def test_remembered(self) -> None:
        """Names are asked for once in a few seconds."""
        self.found("read n")
        self.found("read o")
        self.assertEqual(self.nm.asked, ["VIEWFOLDER"])
        self.stage.advance(6)
        self.found("read n")
        self.assertEqual(self.nm.asked, ["VIEWFOLDER"] * 2)

    def test_nobody_waits(self) -> None:
        """A name server that does not answer keeps nobody from typing."""
        self.nm.answers[ViewFolder] = self.nm.be_silent
        began = self.stage.clock.seconds()
        self.assertEqual(self.found("read n"), [])
        self.assertLess(self.stage.clock.seconds() - began, 1.5)
