"""Options of C{twistd dfs-ss}, and when a storage server begins."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.application.service import IServiceCollection
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.task import Clock
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from dfs.ss.tap import Options, advertised, makeService


def options(*words: str) -> Options:
    """Options as a person types them."""
    parsed = Options()
    parsed.parseOptions(list(words))
    return parsed


class OptionTests(SynchronousTestCase):
    """L{Options}."""

    def test_defaults(self) -> None:
        """A name is all that is needed."""
        parsed = options("--name", "ss1")
        self.assertEqual(parsed["nm"], ["127.0.0.1:5000"])
        self.assertEqual(parsed["storage"], "dfs-ss1")
        self.assertEqual(parsed["secret"], "cluster.secret")
        self.assertEqual(parsed["max-document"], 1024**3)
        self.assertEqual((parsed["undo-depth"], parsed["session-timeout"]), (16, 600.0))
        self.assertEqual(parsed.file_stem(), "dfs-ss1")

    def test_chosen(self) -> None:
        """What is chosen counts."""
        parsed = options(
            *("--name", "ss1", "--nm", "a:1,b:2", "--advertise", "host:9", "--undo-depth", "0")
        )
        self.assertEqual((parsed["nm"], parsed["advertise"]), (["a:1", "b:2"], "host:9"))
        self.assertEqual(parsed["undo-depth"], 0)

    def test_refused(self) -> None:
        """What makes no sense is refused, and named."""
        for words in (
            [],
            ["--name", "a/b"],
            ["--name", ".."],
            ["--name", "ss1", "--nm", ""],
            ["--name", "ss1", "--nm", "nowhere"],
            ["--name", "ss1", "--advertise", "host"],
            ["--name", "ss1", "--advertise", "host:0"],
            ["--name", "ss1", "--max-document", "-1"],
            ["--name", "ss1", "--undo-depth", "many"],
            ["--name", "ss1", "--session-timeout", "0"],
            ["--name", "ss1", "--listen", "tcp:5001"],
        ):
            with self.assertRaises(UsageError, msg=words):
                options(*words)

    def test_advertised(self) -> None:
        """The name server is told an address that others can dial."""
        self.assertEqual(advertised(IPv4Address("TCP", "127.0.0.1", 5001)), "127.0.0.1:5001")
        self.assertEqual(advertised(IPv6Address("TCP", "::1", 5001)), "[::1]:5001")
        self.assertNotIn("0.0.0.0", advertised(IPv4Address("TCP", "0.0.0.0", 5001)))


class AwaitingTests(SynchronousTestCase):
    """A server without the secret of its cluster."""

    def test_waits(self) -> None:
        """A server without a secret opens, makes and dials nothing, and can be stopped."""
        folder = Path(self.mktemp())
        folder.mkdir()
        clock = Clock()
        parsed = options(
            *("--name", "ss1", "--storage", str(folder / "store")),
            *("--secret", str(folder / "secret")),
        )
        service = makeService(parsed, clock)
        self.assertEqual(os.listdir(folder), [])
        service.privilegedStartService()
        service.startService()
        clock.pump([0.5] * 10)
        self.assertEqual(os.listdir(folder), [])
        [awaiting] = IServiceCollection(service)
        self.assertIsNone(awaiting.server)
        service.stopService()
        self.assertEqual(clock.getDelayedCalls(), [])
