"""
What the console of a name server tells of servers that refuse, and how much of very many.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from dfs.console.protocol import Consoles
from dfs.errors import Corrupt, DFSError, Unavailable
from dfs.wire.messages import Delete, Request, Status
from tests.console.terminal import Terminal
from tests.nm.pairs import PairRig, key


class QueueTests(PairRig):
    """
    What is to be copied, and why it is not.
    """

    count = 60

    def setUp(self) -> None:
        """Somebody is at the console."""
        super().setUp()
        self.terminal = Terminal(
            Consoles(self.nm.console, lambda call, *arguments: call(*arguments))
        )
        self.addCleanup(self.terminal.go)
        self.terminal.seen()

    def type(self, line: str) -> list[str]:
        """Type a line; the lines that are shown at once, but for the prompt."""
        return self.terminal.type(line.encode() + b"\r\n").split("\r\n")[:-1]

    def refuse(self, error: DFSError, *ids: str) -> None:
        """Let the peer refuse what it is told of these documents, or of all."""

        def gate(request: Request[Any]) -> Deferred[None] | None:
            if not ids or getattr(request, "id", "") in ids:
                raise error
            return None

        self.backup.shelf.gate = gate

    def test_last_error(self) -> None:
        """Each document has its tries and its last error, and status the most stubborn one."""
        self.refuse(Corrupt("it is \x1b[31mdamaged"), key(1), key(2))
        self.write(1)
        self.wait(2)
        self.write(2)
        self.wait(0.01)
        head, first, second, *_ = self.type("queue")
        self.assertIn("LAST ERROR", head)
        self.assertRegex(
            first, r"^ *2 s  ss1 +copy to ss1_backup +1.txt +[3-9]  it is \\x1b\[31mda"
        )
        self.assertRegex(second, r"^ *0 s  ss1 +copy to ss1_backup +2.txt +1  it is ")
        facts = {one.name: one.value for one in self.items(self.person("alice"), Status())}
        self.assertRegex(facts["stubborn ss1"], rf"^{key(1)}, [3-9] tries, it is ")
        self.assertTrue(any(line.startswith("stubborn ss1:") for line in self.type("status")))
        self.backup.shelf.gate = lambda request: None
        self.live(12)
        self.assertEqual(self.type("queue"), ["Nothing is to be copied."])
        self.assertFalse(any("stubborn" in line for line in self.type("status")))

    def test_trouble(self) -> None:
        """When everything waits the reason stands below, once."""
        self.refuse(Unavailable("its disk is full"))
        for number in range(1, self.count + 1):
            self.write(number)
        self.live(5)
        lines = self.type("queue 10")
        self.assertEqual(len(lines), 1 + 10 + 2)
        self.assertIn("50 more", lines[-2])
        self.assertRegex(lines[-1], r"^ss1: everything waits, after \d+ tries: its disk is full")
        self.assertTrue(any("everything, " in line for line in self.type("status")))

    def test_order(self) -> None:
        """The oldest of all pairs comes first."""
        self.refuse(Corrupt("it is damaged"))
        for number in (3, 1, 2):
            self.write(number)
            self.wait(1)
        paths = [line.split()[6] for line in self.type("queue")[1:]]
        self.assertEqual(paths, ["3.txt", "1.txt", "2.txt"])

    def test_graves(self) -> None:
        """What was deleted and is still somewhere is to be removed."""
        self.network.cut(self.backup.address)
        self.backup.goodbye()
        self.ask(self.person("alice"), Delete("1.txt"))
        self.assertRegex(self.type("queue")[1], r"ss1 +remove everywhere +1.txt +0")
