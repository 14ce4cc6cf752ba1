"""
What tests of failing pairs have in common: looking at disks, speaking without the library.

Decides how to see what a member has and says.  Must not know what is expected of it.
"""

from __future__ import annotations

import hashlib

from attrs import define

from dfs.wire.records import ServerLine
from tests.histories.case import Line
from tests.histories.pairs import PairCase

MEMBERS = ("ss1", "ss1_backup")


@define
class Place:
    """Where LOCATE says a document is."""

    server: str
    epoch: int
    ticket: str


class FaultCase(PairCase):
    """
    One pair, seen from outside: its disks, its ports, its lists.
    """

    def settle(self) -> None:
        """Wait until both members have told everything, and the pair is as it began."""
        for _ in range(1200):
            lines = self.lines()
            if all(name in lines and lines[name].state == "LIVE" for name in MEMBERS):
                break
            self.cluster.advance(0.25)
        # What a server has not told the name server yet is not in its lists.
        self.cluster.advance(1.0)
        super().settle()

    def text_on(self, server: str, path: str) -> bytes | None:
        """The present text on a member's disk, which has to be whole; None if it has none."""
        document = self.on(server, path)
        if document is None:
            return None
        return self.content(server, document.current.content.sha256)

    def content(self, server: str, sha256: bytes) -> bytes:
        """What a disk has under a name."""
        empty = hashlib.sha256()
        if sha256 == empty.digest():
            return b""
        data = self.cluster.disks[server].contents[sha256]
        self.assertEqual(hashlib.sha256(data).digest(), sha256, f"damaged on {server}")
        return data

    def conflicts_on(self, server: str, path: str) -> list[bytes]:
        """The texts that lost against others, on a member's disk."""
        document = self.on(server, path)
        assert document is not None, f"{path} is not on {server}"
        return [
            self.content(server, one.revision.content.sha256)
            for one in document.checkpoints
            if one.tag.startswith("conflict-")
        ]

    def whole(self) -> None:
        """Both members have the same, everything that they refer to, and nothing else."""
        self.equal()
        for name in MEMBERS:
            disk = self.cluster.disks[name]
            named = {
                one.sha256
                for document in self.documents(disk)
                for one in document.contents()
                if one.size
            }
            self.assertEqual(set(disk.contents), named, name)
            for sha256 in named:
                self.content(name, sha256)

    def watch(self, seconds: float) -> None:
        """Let time pass; I3: nothing that a member has of a document ever goes back."""
        for _ in range(round(seconds / 0.02)):
            before = {name: self.numbers(name) for name in self.cluster.disks}
            self.cluster.advance(0.02)
            for name, numbers in before.items():
                now = self.numbers(name)
                for document, old in numbers.items():
                    new = now.get(document, old)
                    newer = all(x >= y for x, y in zip(new, old, strict=True))
                    self.assertTrue(newer, f"{document} on {name}: {old}, then {new}")

    def numbers(self, server: str) -> dict[str, tuple[int, int, int]]:
        """Both counters of each version on a disk, and the number of its metadata."""
        return {
            one.id: (one.version.a, one.version.b, one.metadata.number)
            for one in self.documents(self.cluster.disks[server])
        }

    def paths(self) -> list[str]:
        """What alice sees."""
        return [line.path for line in self.get(self.alice.view())]

    def lines(self) -> dict[str, ServerLine]:
        """What SERVERS says, by name."""
        return {one.name: one for one in self.get(self.alice.servers())}

    def placed(self, path: str, user: str = "alice", right: str = "w") -> Place:
        """Where the name server sends somebody now."""
        line = self.line()
        self.say(line, b"LOGIN|%s\n" % user.encode())
        said = self.say(line, f"LOCATE|{path}|{right}\n".encode()).decode()
        self.assertTrue(said.startswith("OK|"), said)
        fields = said.strip().split("|")
        return Place(fields[3], int(fields[5]), fields[7])

    def asked(self, server: str, *requests: str) -> list[Line]:
        """Connections to a storage server on each of which something was asked just now."""
        lines = []
        for request in requests:
            line = self.line(server)
            line.write(request.encode() + b"\n")
            lines.append(line)
        return lines

    def not_served(self, line: Line) -> None:
        """What was asked on a connection got an answer that means: not here, not now."""
        said = line.heard.decode()
        self.assertRegex(said, r"\A(ERROR\|(MOVED|UNAVAILABLE|BUSY)\|[^\n]*\n)+\Z")

    def lose(self, path: str, text: str) -> None:
        """The active home primary commits what nobody hears of, and is gone."""
        self.cluster.part("ss1")
        self.get(self.alice.append(path, text))
        self.cluster.crash("ss1")
        self.cluster.join("ss1")
        self.until("FAILED_OVER")
