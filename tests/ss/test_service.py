"""The storage server as a whole."""

from __future__ import annotations

from dfs.errors import Invalid, Unsupported
from dfs.wire.messages import Create, Hello, Login, Status, StatusLine, Stream, Write
from tests.ss.world import DOCUMENT, SERVER, WorldTests


class ServiceTests(WorldTests):
    """L{dfs.ss.service.StorageServer}."""

    def status(self) -> dict[str, str]:
        """What STATUS says."""
        items = self.alice.ask_items(Status())

        async def gather() -> dict[str, str]:
            facts: dict[str, str] = {}
            while batch := await items.read():
                for line in batch:
                    assert isinstance(line, StatusLine)
                    facts[line.name] = line.value
            return facts

        return self.world.result(gather())

    def test_status(self) -> None:
        """STATUS says what the server is, what it holds and what is going on."""
        self.put(b"some words")
        self.ask(Write(self.world.ticket(), 0))
        self.world.call().ask_content(Stream(self.world.ticket(), 60.0), timeout=None)
        self.world.pass_time(0.1)
        facts = self.status()
        expected = {
            "role": "ss",
            "name": "ss1",
            "address": SERVER,
            "registered": "1",
            "serves": "1",
            "draining": "no",
            "epoch": "1",
            "documents": "1",
            "bytes": "10",
            "last_change": "2",
            "noted": "2",
            "sessions": "1",
            "streams": "1",
        }
        self.assertEqual({name: facts[name] for name in expected}, expected)
        self.assertGreater(float(facts["lease_seconds"]), 5.0)

    def test_login(self) -> None:
        """A person may say who they are, if anybody can be called so; it opens nothing."""
        person = self.world.result(self.world.network.dial(SERVER))
        for name in ("", " x", "a\nb", "x" * 65):
            self.refused(Invalid, Login(name), by=person)
        self.assertEqual(self.world.result(person.ask(Login("ss1"))).user, "ss1")
        self.refused(Invalid, Hello(1, "ss", "ss1"), by=person)

    def test_elsewhere(self) -> None:
        """What a name server answers is not answered here."""
        self.refused(Unsupported, Create("b.txt"))

    def test_restart(self) -> None:
        """What was committed is there after a restart, whoever was connected."""
        self.put(b"text")
        self.world.stop()
        self.world.start()
        self.assertEqual(self.text(), b"text")
        self.assertIsNotNone(self.world.store.last_access(DOCUMENT))
