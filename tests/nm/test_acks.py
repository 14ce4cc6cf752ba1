"""
C{--ack replica}: when a note is answered, and what that says.
"""

from __future__ import annotations

from dfs.nm.fleet import Promise
from dfs.nm.service import Settings
from dfs.wire.messages import Heard
from tests.nm.members import MembersRig
from tests.nm.pairs import Held, key


class AckTests(MembersRig):
    """
    A pair that promises both members.
    """

    def setUp(self) -> None:
        """Both are here; nothing is copied before the test says so."""
        super().setUp()
        self.settings = Settings(promise=Promise(replica=True))
        self.protected()
        self.gate = self.backup.shelf.gate = Held(object)

    def noted(self, version: str, number: int = 1) -> list[Heard]:
        """The active member has something new; what that is answered."""
        self.ss1.shelf.has(key(number), version)
        assert self.ss1.link is not None
        heard: list[Heard] = []
        note = self.ss1.noted(key(number), version, metadata_number=7)
        self.ss1.link.ask(note).addCallbacks(heard.append, lambda failure: None)
        self.wait(0.1)
        return heard

    def test_when_the_peer_has_it(self) -> None:
        """A note is answered when the peer has that version, not before."""
        self.assertTrue(self.ss1.asked().wait)
        heard = self.noted("5.0")
        self.wait(5)
        self.assertEqual(heard, [])
        self.gate.open()
        self.wait(0.5)
        self.assertEqual(heard, [Heard(solo=False)])

    def test_a_newer_one(self) -> None:
        """A copy of an older version answers nobody who waits for a newer one."""
        first = self.noted("5.0")
        self.ss1.shelf.has(key(1), "5.0")
        second: list[Heard] = []
        assert self.ss1.link is not None
        note = self.ss1.noted(key(1), "6.0", metadata_number=7)
        self.ss1.link.ask(note).addCallbacks(second.append, lambda failure: None)
        self.backup.shelf.gate = lambda request: None
        later = Held(object)
        self.ss1.shelf.gate = later
        self.gate.open()
        self.wait(0.5)
        self.assertEqual((len(first), second), (1, []))
        self.ss1.shelf.has(key(1), "6.0")
        later.open()
        self.wait(1)
        self.assertEqual(len(second), 1)

    def test_an_older_one(self) -> None:
        """A note of what the peer has already is answered, whatever is to be copied still."""
        self.assertEqual(self.noted("5.0"), [])
        self.assertEqual(len(self.noted("4.0")), 1)

    def test_the_peer_is_out(self) -> None:
        """That it is out is in the journal before anybody is answered SOLO."""
        heard = self.noted("5.0")
        self.holding = True
        self.backup.goodbye()
        self.wait(1)
        self.assertEqual(heard, [])
        self.release()
        self.assertEqual((self.state(), heard), ("DEGRADED", [Heard(solo=True)]))
        self.assertEqual(self.noted("6.0"), [Heard(solo=True)])

    def test_the_peer_crashed(self) -> None:
        """Nobody waits longer than it takes to notice that."""
        heard = self.noted("5.0")
        self.backup.vanish()
        self.live(3, self.ss1)
        self.assertEqual(heard, [Heard(solo=True)])

    def test_returned(self) -> None:
        """A peer that was away protects nothing before it has everything."""
        self.backup.goodbye()
        self.wait(0.5)
        self.noted("5.0")
        self.backup.back(epoch=1)
        self.assertEqual(self.state(), "SYNCING")
        self.assertEqual(self.noted("6.0"), [Heard(solo=True)])
        self.gate.open()
        self.live(12)
        self.assertEqual(self.state(), "PROTECTED")
        self.assertEqual(self.noted("7.0"), [Heard(solo=False)])

    def test_deleted(self) -> None:
        """Nobody waits for a document that is gone."""
        heard = self.noted("5.0")
        self.ss1.note(key(1), "6.0", metadata_number=7, deleted=True)
        self.wait(0.5)
        self.assertEqual(heard, [Heard(solo=False)])

    def test_failed_over(self) -> None:
        """The active member is lost: nothing waits any more."""
        self.noted("5.0")
        self.ss1.goodbye()
        self.live(1, self.backup)
        self.assertEqual(self.serves(), "ss1_backup")
        self.assertEqual(self.nm.pairing._settled.__self__._waiting, {})  # type: ignore[attr-defined]


class RefuseTests(MembersRig):
    """
    C{--solo refuse}.
    """

    def setUp(self) -> None:
        """Nothing may be changed on one disk alone."""
        super().setUp()
        self.settings = Settings(promise=Promise(replica=True, refuse_solo=True))
        self.protected()

    def test_told(self) -> None:
        """The active member is told at once when it must refuse, and when not any more."""
        self.assertFalse(self.ss1.answers[-1].refuse)
        self.backup.goodbye()
        self.wait(0.2)
        self.assertTrue(self.ss1.answers[-1].refuse)
        self.assertEqual(self.serves(), "ss1")
        self.backup.back(epoch=1)
        self.live(1)
        self.assertFalse(self.ss1.answers[-1].refuse)


class LocalTests(MembersRig):
    """
    C{--ack local}.
    """

    def test_at_once(self) -> None:
        """A note is answered at once."""
        self.protected()
        self.backup.shelf.gate = Held(object)
        self.assertFalse(self.ss1.asked().wait)
        self.write(self.ss1, "5.0")
        self.assertEqual(len(self.place.dirty), 1)
