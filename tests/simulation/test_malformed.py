"""
Whatever is said to a server, it answers and goes on; nothing is left of whoever said it.

The seeds are fixed.  C{DFS_MALFORMED=100} tries a hundred times as much, with other seeds.
"""

from __future__ import annotations

import gc
import os
import random
from collections import Counter

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from dfs.console.protocol import Consoles
from dfs.sim.cluster import SECRET, Cluster
from dfs.wire.exchange import Exchange
from dfs.wire.messages import REQUESTS, Audience
from dfs.wire.proof import Claim, prove
from dfs.wire.protocol import ServerProtocol
from dfs.wire.server import ServerFactory
from dfs.wire.upload import Upload
from tests.console.terminal import Terminal
from tests.simulation.malformed import Lines
from tests.simulation.scripted import ScriptedCluster
from tests.wire.talking import Wire

TIMES = int(os.environ.get("DFS_MALFORMED", "1"))

#: Lines of each kind of caller at each server; of them one connection says up to so many.
INPUTS = 700 * TIMES
TOGETHER = 12

#: Events that say that something went wrong inside.
DEFECTS = {"internal_error", "loop_failed", "store_failed", "store_trouble"}


class Caller:
    """Somebody at one connection to a server in memory."""

    def __init__(self, cluster: Cluster, factory: ServerFactory) -> None:
        self.cluster = cluster
        self.wire = Wire()
        self.server: ServerProtocol = factory.buildProtocol(None)
        self.server.makeConnection(self.wire)

    def say(self, data: bytes, seconds: float = 0.05) -> bytes:
        """Say something; what is answered within a time."""
        if not self.server.lost:
            self.server.dataReceived(data)
        self.cluster.advance(seconds)
        said: bytes = self.wire.value()
        self.wire.clear()
        if self.wire.disconnecting:
            self.go()
        return said

    def prove(self, role: str, name: str) -> None:
        """Be a server of the cluster."""
        nonce = "00" * 16
        welcome = self.say(f"HELLO|1|{role}|{name}|nonce={nonce}\n".encode()).decode()
        _, _, its_role, its_name, its_nonce, _ = welcome.split("|")
        claim = Claim.of(
            (role, name, nonce), (its_role, its_name, its_nonce.removeprefix("nonce="))
        )
        assert self.say(f"PROVE|{prove(SECRET, 'caller', claim)}\n".encode()) == b"OK\n"

    def go(self) -> None:
        """Hang up."""
        if not self.server.lost:
            self.server.connectionLost()


class MalformedTests(SynchronousTestCase):
    """Both servers, strangers, users and machines; consoles."""

    def setUp(self) -> None:
        self.tried: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.last: list[bytes] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.observe(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.start(4 + TIMES)

    def observe(self, event: LogEvent) -> None:
        """Nothing is logged as a defect."""
        if event.get("log_failure") is not None or event.get("log_event") in DEFECTS:
            self.defects.append((event.get("log_event"), str(event.get("log_failure")), self.last))

    def start(self, seed: int) -> None:
        """A cluster, two documents, tickets for them."""
        self.defects: list[object] = []
        self.doors: dict[str, ServerFactory] = {}
        self.cluster = ScriptedCluster("ss1", "ss1_backup")
        alice = self.cluster.session("alice")
        for path in ("a.txt", "notes.txt"):
            self.cluster.run(alice.create(path))
            self.cluster.run(alice.append(path, "One. Two. Three"))
        for name, server in self.cluster.servers.items():
            self.doors[name] = door = ServerFactory(self.cluster.clock, server.reception)
            door.doStart()
        self.lines = Lines(random.Random(seed))
        asker = self.caller("nm")
        asker.say(b"LOGIN|alice\n")
        for line in (b"LOCATE|a.txt|w\n", b"LOCATE|notes.txt|r\n", b"LOCATE|a.txt|r\n"):
            located = asker.say(line).decode().strip().split("|")
            self.lines.documents.append(located[1])
            self.lines.tickets += [one for one in located if one.count(".") > 4]
        asker.go()
        assert self.lines.tickets

    def caller(self, at: str) -> Caller:
        """Somebody at the name server, or at a storage server."""
        assert self.cluster.nm is not None
        if at == "nm":
            return Caller(self.cluster, self.cluster.nm.factory)
        return Caller(self.cluster, self.doors[at])

    def greet(self, caller: Caller, who: str) -> None:
        """Say who one is."""
        if who == "user":
            caller.say(b"LOGIN|alice\n")
        elif who != "stranger":
            caller.prove(*who.split())

    def storm(self, at: str, who: str) -> None:
        """Say many things, over many connections; each is answered, or the connection ends."""
        only = tuple(one for one in REQUESTS if (one.audience is Audience.MACHINE) is (" " in who))
        said = 0
        while said < INPUTS:
            caller = self.caller(at)
            self.greet(caller, who)
            self.last = []
            for _ in range(self.lines.chance.randrange(1, TOGETHER)):
                raw = self.lines.line(only)
                self.last.append(raw)
                said += 1
                answer = caller.say(raw)
                self.answers[answer.split(b"|")[0][:5].decode(errors="replace").strip()] += 1
                if self.defects or caller.server.lost:
                    break
            self.assertEqual(self.defects, [], f"{who} at {at}")
            if b"bytes" not in b"".join(self.last).lower() and not caller.server.lost:
                self.answered(caller, f"{who} at {at}")
            caller.go()
        self.tried[f"{who} at {at}"] += said

    def answered(self, caller: Caller, where: str) -> None:
        """Whatever was said has its answer, in time, and so has what is said now."""
        end = self.cluster.clock.seconds() + 200
        said = caller.say(b"\nWHOAMI\n")
        while b"OK|" not in said and not caller.server.lost:
            self.assertLess(self.cluster.clock.seconds(), end, f"{where}: {self.last}")
            said += caller.say(b"", 1.0)

    def count(self) -> Counter[str]:
        """What there is for connections."""
        gc.collect()
        kinds = (ServerProtocol, Exchange, Upload)
        return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, kinds))

    def check(self, before: Counter[str]) -> None:
        """Nothing is left of those who went; the cluster serves."""
        self.cluster.advance(400.0)
        bob = self.cluster.session("bob")
        self.cluster.run(bob.create(f"after {self.tried.total()}.txt"))
        self.cluster.advance(30.0)
        bob.close()
        self.cluster.advance(1.0)
        # What the machine in memory ran is kept for tests that look at it.
        self.cluster.machine.processes.clear()
        after = self.count()
        for kind, number in after.items():
            self.assertLessEqual(number, before[kind] + 4, kind)
        self.assertEqual(self.defects, [])
        print("\ninputs:", dict(self.tried), "answers:", dict(self.answers.most_common(8)))

    def end(self) -> None:
        """Stop everything; nothing waits any more."""
        for door in self.doors.values():
            door.doStop()
        self.cluster.close()

    def test_name_server(self) -> None:
        """Strangers, users and operators at the name server."""
        before = self.count()
        for who in ("stranger", "user", "admin olga"):
            self.storm("nm", who)
        self.check(before)
        self.end()

    def test_storage_server(self) -> None:
        """Strangers and users at a storage server."""
        before = self.count()
        for who in ("stranger", "user"):
            self.storm("ss1", who)
        self.check(before)
        self.end()

    def test_machines(self) -> None:
        """Servers of the cluster that have gone mad are answered, too."""
        for at, who in (("nm", "ss ss2"), ("nm", "ss ss1_backup"), ("ss1", "nm nm")):
            self.storm(at, who)
        print("\ninputs:", dict(self.tried), "answers:", dict(self.answers.most_common(8)))

    def test_consoles(self) -> None:
        """Whatever is typed at a console."""
        assert self.cluster.nm is not None
        chance = self.lines.chance
        for role in (self.cluster.nm.console, self.cluster.servers["ss1"].console):
            words = [command.name for command in role.commands()]
            words += [
                "tail",
                "help",
                "a.txt",
                "ss1",
                "ss2",
                "alice",
                "-1",
                "9" * 30,
                "'",
                '"',
                "\\",
            ]
            consoles = Consoles(
                role, lambda call, *rest: self.cluster.clock.callLater(0, call, *rest)
            )
            for _ in range(INPUTS // 4):
                terminal = Terminal(consoles)
                self.last = []
                for _ in range(chance.randrange(1, 6)):
                    typed = " ".join(chance.choices(words, k=chance.randrange(1, 5))).encode()
                    if chance.random() < 0.5:
                        typed = self.lines._changed(typed)
                    if chance.random() < 0.2:
                        typed += bytes([255, chance.randrange(240, 256), chance.randrange(256)])
                    typed += chance.choice(
                        (b"\r\n", b"\n", b"\r\0", b"", b"\x03", b"\x04", b"\x1b[A")
                    )
                    self.last.append(typed)
                    terminal.type(typed)
                    self.cluster.advance(0.1)
                    self.tried["console"] += 1
                    self.assertEqual(self.defects, [])
                terminal.go()
                self.cluster.advance(0.5)
            self.assertEqual(len(consoles._open), 0)
        print("\ninputs:", dict(self.tried))
