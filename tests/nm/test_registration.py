"""Storage servers register, live and fail."""

from __future__ import annotations

from attrs import evolve

from dfs.core.pairs import PairState
from dfs.errors import Conflict, Invalid, Unauthenticated, Unavailable
from dfs.wire.greeting import greet
from dfs.wire.messages import (
    Create,
    GetInfo,
    Goodbye,
    Heartbeat,
    Locate,
    WriteComplete,
)
from tests.nm.documents import PAIR
from tests.nm.rig import NM, Rig, Storage


class RegistrationTests(Rig):
    """
    Who may speak for which server.
    """

    def test_first(self) -> None:
        """A new server is answered the cluster, its epoch and what is known, and is kept."""
        answer = self.storage().register()
        self.assertEqual(
            (answer.cluster_id, answer.epoch, answer.noted, answer.home), ("c" * 32, 1, 0, True)
        )
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.assertEqual(self.disk.pairs, {"ss1": evolve(PAIR, state=PairState.SOLO)})
        self.assertEqual(self.disk.servers["ss1"].address, "127.0.0.1:5001")

    def test_backup(self) -> None:
        """A backup is of its primary's pair, in whichever order they come, and not its home."""
        backup = self.storage("ss1_backup", 5002).register()
        self.assertFalse(backup.home)
        self.assertEqual(self.disk.pairs, {"ss1": PAIR})
        self.assertTrue(self.storage().register().home)
        self.wait(1)
        protected = evolve(PAIR, state=PairState.PROTECTED, synced=True)
        self.assertEqual(self.disk.pairs, {"ss1": protected})

    def test_journal_first(self) -> None:
        """A server is answered when the journal knows it."""
        ss1 = self.storage()
        self.holding = True
        answers: list[object] = []
        ss1.connect().ask(ss1.registration()).addCallback(answers.append)
        self.wait(1)
        self.assertEqual((answers, self.states()), ([], {}))
        self.release()
        self.assertEqual(len(answers), 1)

    def test_again_elsewhere(self) -> None:
        """H40: a server that returns on another port is found there."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))
        ss1.vanish()
        self.wait(1)
        again = Storage(self, "ss1", "127.0.0.1:6001", ss1.store_id)
        again.register()
        self.assertEqual(self.ask(alice, Locate("a.txt", "r")).address, "127.0.0.1:6001")
        self.ask(alice, Create("b.txt"))
        self.assertEqual(len(again.orders), 1)
        self.restart()
        self.assertEqual(self.nm.fleet.servers["ss1"].known.address, "127.0.0.1:6001")

    def test_newest_wins(self) -> None:
        """A second connection with the same store takes over; the first one is closed."""
        ss1 = self.registered()
        old = ss1.link
        assert old is not None
        ss1.register()
        self.wait(0.1)
        self.assertTrue(old.lost)
        ss1.beat()
        self.assertEqual(self.states(), {"ss1": "LIVE"})

    def test_other_store(self) -> None:
        """H60: another store under a live server's name is refused and disturbs nobody."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))
        impostor = Storage(self, "ss1", "127.0.0.1:6666", "f" * 32)
        with self.assertRaisesRegex(Conflict, "another store"):
            impostor.register()
        with self.assertRaises(Conflict):
            impostor.beat()
        with self.assertRaises(Conflict):
            impostor.note("0" * 16)
        ss1.beat()
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.ask(alice, Locate("a.txt", "r"))

    def test_held(self) -> None:
        """A new disk under the name of a server that is away is held off, nothing is deleted."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))
        ss1.goodbye()
        with self.assertRaises(Conflict):
            ss1.register(store_id="f" * 32)
        self.assertEqual(self.states(), {"ss1": "HELD"})
        self.refused(Unavailable, alice, Locate("a.txt", "r"))
        self.ask(alice, GetInfo("a.txt"))
        ss1.register()
        self.ask(alice, Locate("a.txt", "r"))

    def test_old_copy(self) -> None:
        """A store that is older than what was seen of it is held off."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        ss1.note(made.id, "1.0")
        ss1.note(made.id, "2.0")
        self.wait(1)
        with self.assertRaisesRegex(Conflict, "older than it was"):
            ss1.register(last_seq=1)

    def test_other_cluster(self) -> None:
        """A store of another cluster is refused, a known name or not."""
        with self.assertRaisesRegex(Conflict, "another cluster"):
            self.storage().register(cluster_id="d" * 32)
        self.assertEqual(self.states(), {})
        self.storages["ss1"].register(cluster_id="c" * 32)

    def test_higher_epoch(self) -> None:
        """A server that has seen more than the journal is held off."""
        ss1 = self.registered()
        with self.assertRaisesRegex(Conflict, "epoch 9"):
            ss1.register(epoch=9)

    def test_senseless(self) -> None:
        """H43: what cannot be a registration is refused."""
        ss1 = self.storage()
        for address in (
            "",
            "5001",
            "127.0.0.1:",
            "127.0.0.1:x",
            "h:0",
            "h:65536",
            "h" * 999 + ":1",
        ):
            with self.assertRaises(Invalid):
                ss1.register(address=address)
        with self.assertRaises(Invalid):
            ss1.register(store_id="")
        with self.assertRaises(Invalid):
            ss1.register(last_seq=-1)
        for name in ("_backup", "a_backup_backup", "a/b"):
            with self.assertRaises(Invalid):
                Storage(self, name, f"127.0.0.1:{7000 + len(name)}", "5" * 32).register()
        self.assertEqual(self.states(), {})

    def test_strangers(self) -> None:
        """H60: without the secret nobody registers, beats, notes or says goodbye for a server."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        note = WriteComplete(
            *(9, made.id, "9.0", 1, "ab" * 32, 1, 1, 1, 1, True, 0.0, "eve", 1, 0, 0, True)
        )
        stranger = self.get(self.network.dial(NM))
        requests = (ss1.registration(), Heartbeat(1, 0, 0), note, Goodbye("x"))
        for who in (stranger, alice, self.person("ss1")):
            for request in requests:
                self.refused(Unauthenticated, who, request)
        liar = self.get(self.network.dial(NM))
        with self.assertRaises(Unauthenticated):
            self.wait_for(
                greet(
                    liar,
                    role="ss",
                    name="ss1",
                    peer_role="nm",
                    secret=b"x" * 32,
                    entropy=self.entropy,
                )
            )
        for request in requests:
            self.refused(Unauthenticated, liar, request)
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.ask(alice, GetInfo("a.txt"))

    def test_before_registration(self) -> None:
        """H60: a proven server that has not registered speaks for nobody."""
        ss1 = self.registered()
        other = self.storage("ss2", 5002)
        other.connect()
        for say in (other.beat, other.goodbye, lambda: other.note("0" * 16)):
            with self.assertRaises(Conflict):
                say()
        ss1.beat()

    def test_name_servers_do_not_register(self) -> None:
        """Another name server with the secret is no storage server."""
        connection = self.get(self.network.dial(NM))
        ss1 = self.storage()
        self.wait_for(
            greet(
                connection,
                role="nm",
                name="ss1",
                peer_role="nm",
                secret=b"s" * 32,
                entropy=self.entropy,
            )
        )
        self.refused(Invalid, connection, ss1.registration())

    def test_wrong_server_at_the_address(self) -> None:
        """A server that advertises somebody else's address is never ordered anything there."""
        self.registered()
        ss2 = self.storage("ss2", 5002)
        ss2.register(address="127.0.0.1:5001")
        alice = self.person("alice")
        self.ask(alice, Create("a.txt"))
        self.refused(Unavailable, alice, Create("b.txt"), "ss2 cannot be reached")
        self.assertEqual(ss2.orders, [])
        self.assertEqual(len(self.storages["ss1"].orders), 1)


class LifeTests(Rig):
    """
    Heartbeats, silence, and what follows.
    """

    def setUp(self) -> None:
        """alice has a.txt on ss1."""
        super().setUp()
        self.ss1 = self.registered()
        self.alice = self.person("alice")
        self.ask(self.alice, Create("a.txt"))

    def test_silence(self) -> None:
        """A server that is silent for 15 s has failed; its documents are unavailable."""
        self.wait(14)
        self.ask(self.alice, Locate("a.txt", "r"))
        self.wait(7)
        self.assertEqual(self.states(), {"ss1": "FAILED"})
        self.refused(Unavailable, self.alice, Locate("a.txt", "r"))

    def test_heartbeats(self) -> None:
        """A server that beats lives on."""
        for _ in range(12):
            self.wait(5)
            self.ss1.beat()
        self.assertEqual(self.states(), {"ss1": "LIVE"})

    def test_heard_again(self) -> None:
        """A server that was only silent has to register again; then it serves."""
        self.wait(21)
        with self.assertRaises(Unavailable):
            self.ss1.beat()
        self.ss1.register()
        self.wait(0.1)
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.ask(self.alice, Create("b.txt"))

    def test_lost_connection(self) -> None:
        """A lost connection alone proves nothing."""
        assert self.ss1.link is not None
        self.ss1.link.close()
        self.wait(10)
        self.ask(self.alice, Locate("a.txt", "r"))
        self.wait(11)
        self.assertEqual(self.states(), {"ss1": "FAILED"})

    def test_goodbye(self) -> None:
        """A server that says goodbye is gone at once, until it registers again."""
        self.ss1.goodbye()
        self.refused(Unavailable, self.alice, Locate("a.txt", "r"))
        with self.assertRaises(Conflict):
            self.ss1.beat()
        self.ss1.register()
        self.ask(self.alice, Locate("a.txt", "r"))

    def test_own_stall(self) -> None:
        """A name server that stood still for a minute fails nobody over it."""
        self.wait(5)
        self.clock.advance(60)
        self.wait(5)
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.wait(11)
        self.assertEqual(self.states(), {"ss1": "FAILED"})

    def test_restart(self) -> None:
        """H41: after its start a name server fails nobody for 15 s; who comes back serves."""
        self.restart()
        self.assertEqual(self.states(), {"ss1": "AWAITED"})
        alice = self.person("alice")
        self.refused(Unavailable, alice, Locate("a.txt", "r"))
        self.wait(14)
        self.assertEqual(self.states(), {"ss1": "AWAITED"})
        self.ss1.register()
        self.wait(0.1)
        self.ask(alice, Locate("a.txt", "r"))
        self.restart()
        self.wait(21)
        self.assertEqual(self.states(), {"ss1": "FAILED"})
