"""VIEW, LIST and INFO of the specification."""

from __future__ import annotations

import hashlib

from dfs.errors import (
    Unavailable,
)
from dfs.sim.cluster import START
from tests.spec.people import PeopleCase


class ListTests(PeopleCase):
    """VIEW, LIST, SERVERS, INFO, STREAM."""

    def test_view(self) -> None:
        """VIEW shows what one may read, -a everything, with what one may do."""
        self.shared("b.txt", b"one two", "bob")
        self.shared("a.txt", b"one", writers=["bob"])
        self.put("c.txt", b"secret words here")
        lines = {line.path: line for line in self.run_(self.bob.view())}
        self.assertEqual(
            {path: line.right for path, line in lines.items()}, {"a.txt": "w", "b.txt": "r"}
        )
        line = lines["b.txt"]
        self.assertEqual(
            (line.owner, line.words, line.characters, line.size, line.server, line.modified_by),
            ("alice", 2, 7, 7, "ss1", "alice"),
        )
        self.assertEqual(
            sorted((line.path, line.right) for line in self.run_(self.bob.view(True))),
            [("a.txt", "w"), ("b.txt", "r"), ("c.txt", "-")],
        )
        self.assertEqual(self.run_(self.carol.view()), [])
        self.assertEqual({line.right for line in self.run_(self.alice.view())}, {"o"})

    def test_figures(self) -> None:
        """H15: sizes and counts are right at once after every change, in INFO and in VIEW."""
        for content, words, characters, sentences in (
            (b"", 0, 0, 0),
            (b"one", 1, 3, 1),
            (b"one two. Three\n", 3, 15, 2),
            ("ä. ö! ü?".encode(), 3, 8, 3),
            (b"e.g. this", 3, 9, 3),
            (b"Well... yes", 2, 11, 2),
            (b" \n\t ", 0, 4, 0),
        ):
            self.put("a.txt", content)
            [line] = self.run_(self.alice.view())
            info = self.run_(self.alice.info("a.txt"))
            index, facts = info.index, info.facts
            assert facts is not None
            with self.subTest(content):
                self.assertEqual(
                    (line.words, line.characters, line.size), (words, characters, len(content))
                )
                for one in (index, facts):
                    self.assertEqual(
                        (one.words, one.characters, one.sentences, one.size),
                        (words, characters, sentences, len(content)),
                    )
                    self.assertEqual(one.sha256, hashlib.sha256(content).hexdigest())

    def test_info(self) -> None:
        """INFO tells owner, times and by whom, readers, locks and access list."""
        self.shared("a.txt", b"one. two.", "carol", writers=["bob"])
        self.cluster.advance(100.0)
        self.run_(self.bob.append("a.txt", " three."))
        self.cluster.advance(100.0)
        self.read("a.txt", self.carol)
        session = self.run_(self.bob.write("a.txt", 1))
        info = self.run_(self.alice.info("a.txt"))
        index, facts = info.index, info.facts
        assert facts is not None
        self.assertEqual((index.owner, index.modified_by, index.right), ("alice", "bob", "o"))
        self.assertTrue(START <= index.created < START + 50)
        self.assertTrue(START + 100 <= index.modified < START + 150)
        self.assertTrue(START + 200 <= facts.accessed < START + 250)
        self.assertEqual((facts.accessed_by, facts.undo), ("carol", 2))
        self.assertEqual(sorted(index.grants), ["r:carol", "w:bob"])
        [lock] = facts.locks
        self.assertRegex(lock, r"^bob 2023-11-14T22:16:4\dZ two\.$")
        self.run_(session.abort())

    def test_users(self) -> None:
        """LIST shows everybody who ever logged in, and who is there now."""
        self.carol.close()
        self.cluster.advance(1.0)
        users = {line.user: line.online for line in self.run_(self.alice.users())}
        self.assertEqual(users, {"alice": True, "bob": True, "carol": False})
        self.cluster.stop_nm()
        self.cluster.start_nm()
        self.cluster.advance(2.0)
        users = {line.user: line.online for line in self.run_(self.alice.users())}
        self.assertEqual(sorted(users), ["alice", "bob", "carol"])
        self.assertEqual((users["alice"], users["carol"]), (True, False))

    def test_servers(self) -> None:
        """SERVERS shows who lives, in which role, and whether documents are protected."""
        self.put("a.txt", b"one")
        self.cluster.advance(6.0)  # a heartbeat
        [line] = self.run_(self.alice.servers())
        self.assertEqual(
            (line.name, line.role, line.state, line.pair, line.documents, line.protection),
            ("ss1", "primary", "LIVE", "ss1", 1, "UNPROTECTED"),
        )
        self.cluster.start("ss1_backup")
        self.cluster.start("ss2")
        self.cluster.advance(6.0)
        lines = {line.name: line for line in self.run_(self.alice.servers())}
        self.assertEqual(
            {name: (line.role, line.pair, line.state) for name, line in lines.items()},
            {
                "ss1": ("primary", "ss1", "LIVE"),
                "ss1_backup": ("backup", "ss1", "LIVE"),
                "ss2": ("primary", "ss2", "LIVE"),
            },
        )
        self.cluster.stop("ss2")
        self.cluster.advance(1.0)
        lines = {line.name: line for line in self.run_(self.alice.servers())}
        self.assertEqual(lines["ss2"].state, "FAILED")

    def test_backup_takes_nothing_new(self) -> None:
        """New documents go to primaries only; without a primary CREATE is refused."""
        self.cluster.start("ss2_backup")
        self.cluster.advance(2.0)
        for number in range(6):
            self.run_(self.alice.create(f"{number}.txt"))
        self.assertEqual({line.server for line in self.run_(self.alice.view())}, {"ss1"})
        self.cluster.stop("ss1")
        self.cluster.advance(1.0)
        self.refused(self.alice.create("late.txt"), Unavailable)
        self.assertEqual(len(self.run_(self.alice.view())), 6)

    def test_stream(self) -> None:
        """STREAM goes word by word, a tenth of a second apart, separators kept."""
        content = b"one  two\tthree.\nfour\n"
        self.put("a.txt", content)
        begun = self.cluster.clock.seconds()
        pieces = self.words("a.txt")
        took = self.cluster.clock.seconds() - begun
        self.assertEqual(b"".join(pieces), content)
        self.assertEqual([piece.strip() for piece in pieces], [b"one", b"two", b"three.", b"four"])
        self.assertTrue(0.3 <= took <= 0.6, took)
        begun = self.cluster.clock.seconds()
        self.words("a.txt", delay=2.0)
        self.assertTrue(6.0 <= self.cluster.clock.seconds() - begun <= 9.0)

    def test_stream_survives_its_server(self) -> None:
        """A STREAM whose server restarts goes on from the next word, nothing twice."""
        content = b" ".join(b"w%d" % number for number in range(50))
        self.put("a.txt", content)
        words = self.alice.stream("a.txt", 0.1)
        pieces = [self.run_(words.read()) for _ in range(20)]
        self.cluster.stop("ss1")
        self.cluster.start("ss1")
        while piece := self.run_(words.read()):
            pieces.append(piece)
        self.assertEqual(b"".join(pieces), content)
