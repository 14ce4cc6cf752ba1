"""
Which command is meant, and how lists are cut.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.console.commands import MOST, SHOWN, Asked, Command, NoSuchCommand, find, listed, split
from dfs.errors import Invalid


def known(*names: str) -> list[Command]:
    """Commands that do nothing."""
    return [Command(name, "", "", lambda asked: ()) for name in names]


class FindTests(SynchronousTestCase):
    """
    Names.
    """

    commands = known("status", "servers", "sessions", "queue", "help")

    def no(self, name: str) -> str:
        """The sentence with which a name is refused."""
        return str(self.assertRaises(NoSuchCommand, find, name, self.commands))

    def test_found(self) -> None:
        """A command is found by its name in any case, or by a beginning that only it has."""
        for typed, meant in (("STATUS", "status"), ("Q", "queue"), ("ses", "sessions")):
            self.assertEqual(find(typed, self.commands).name, meant)

    def test_exact(self) -> None:
        """A whole name is meant although another one begins with it."""
        self.assertEqual(find("lock", known("lock", "locks")).name, "lock")

    def test_ambiguous(self) -> None:
        """A beginning that several have names them."""
        self.assertEqual(self.no("se"), "'se' may be servers or sessions; type more of it")

    def test_unknown(self) -> None:
        """An unknown name is answered with the nearest one, if there is one."""
        self.assertEqual(self.no("stauts"), "there is no command 'stauts'; did you mean status?")
        self.assertIn("help lists", self.no("xyzzy"))
        self.assertLess(len(self.no("x" * 1000)), 120)

    def test_split(self) -> None:
        """Words are quoted as in a shell; a quotation without an end is refused."""
        self.assertEqual(split("why 'to do.txt'"), ["why", "to do.txt"])
        self.assertRaises(NoSuchCommand, split, "why 'to do.txt")


class AskedTests(SynchronousTestCase):
    """
    What follows a name.
    """

    def test_limit(self) -> None:
        """A number at the end says how many are wanted, within limits."""
        for words, meant in (
            ((), ("", SHOWN)),
            (("ss1",), ("ss1", SHOWN)),
            (("ss1", "5"), ("ss1", 5)),
            (("0",), ("", 1)),
            (("9" * 400,), ("", MOST)),
        ):
            self.assertEqual(Asked(words, "").limit(), meant)

    def test_one(self) -> None:
        """One word is one word."""
        self.assertEqual(Asked(["ss1"], "").one("pair"), "ss1")
        for words in ((), ("a", "b")):
            self.assertRaises(Invalid, Asked(words, "").one, "pair")

    def test_listed(self) -> None:
        """A list says how much of it is not shown; nothing is a sentence, too."""
        rows = [(str(number),) for number in range(9)]
        self.assertEqual(listed(("N",), rows, 2, 9)[:3], ["N", "0", "1"])
        self.assertIn("7 more", listed(("N",), rows, 2, 9)[3])
        self.assertEqual(len(listed(("N",), rows, 20, 9)), 10)
        self.assertEqual(listed(("N",), [], 2, 0, none="Nobody."), ["Nobody."])
