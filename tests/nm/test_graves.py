"""What only one member has is judged; what is gone is laid to rest, or rescued."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from dfs.errors import Locked, NotFound
from dfs.wire.messages import (
    Create,
    Delete,
    DeleteFile,
    DeleteFolder,
    GetFileContent,
    Move,
    PutFileContent,
    Renote,
)
from tests.nm.pairs import Held, PairRig
from tests.nm.shelf import parts
from tests.nm.texts import ID, MEDIUM, TEXT


class JudgingTests(PairRig):
    """
    What only the peer has.
    """

    def test_adopted(self) -> None:
        """What the active member has not changed since is adopted, and copied back."""
        self.write(1, "4.1", by=self.backup)
        self.wait(1)
        self.assertEqual(self.backup.shelf.calls[0], GetFileContent(ID, 1))
        self.assertEqual(self.ss1.shelf.calls[0], PutFileContent(ID, 1, "ss1_backup"))
        self.assertTrue(self.copied(1, "5.1"))
        self.assertTrue(self.equal())
        [event] = self.logged("recovery_adopted")
        self.assertEqual((event["orphan"], event["version"]), ("4.1", "5.1"))
        self.assertEqual(self.logged("recovery_conflict"), [])

    def test_after_the_last_note(self) -> None:
        """Nothing is judged before the peer has told everything: it may have still more."""
        self.returned(self.backup, last_seq=2)
        self.write(1, "4.1", by=self.backup)
        self.wait(1)
        self.assertEqual(self.ss1.shelf.calls, [])
        self.write(1, "4.2", by=self.backup)
        self.wait(1)
        self.assertEqual(len(self.ss1.shelf.called(PutFileContent)), 1)
        self.assertTrue(self.copied(1, "5.2"))

    def test_copied_before_the_last_note(self) -> None:
        """What only the active member changed need not wait for that."""
        self.returned(self.backup, last_seq=2)
        self.write(2)
        self.wait(1)
        self.assertTrue(self.copied(2))

    def test_content(self) -> None:
        """Contents go that way, too."""
        self.write(1, "4.1", MEDIUM, by=self.backup)
        self.wait(1)
        [(_, body)] = self.ss1.shelf.taken
        self.assertEqual(parts(body)[1:], [MEDIUM])

    def test_failed(self) -> None:
        """What cannot be judged now is judged later, and is not overwritten meanwhile."""
        refused = [Locked("bob"), Locked("bob")]

        def refuse(request: object) -> None:
            if isinstance(request, PutFileContent) and refused:
                raise refused.pop()

        self.ss1.shelf.gate = refuse
        self.write(1, "4.1", by=self.backup)
        self.wait(2)
        self.assertEqual(
            [one["code"] for one in self.logged("replication_job_failed")], ["LOCKED"] * 2
        )
        self.assertTrue(self.copied(1, "5.1"))


class LayingTests(PairRig):
    """
    What is deleted on the active member disappears from the peer.
    """

    def test_laid(self) -> None:
        """At once, when the peer is here."""
        self.ask(self.person("alice"), Delete("1.txt"))
        self.wait(0.1)
        self.assertEqual(self.backup.orders, [DeleteFile(ID, 1, "")])
        self.assertTrue(self.equal())
        self.assertFalse(self.disk.graves[1].haunted)

    def test_after_the_last_note(self) -> None:
        """A returned peer may have changed what was deleted; that must be known first."""
        self.returned(self.backup, last_seq=1)
        self.ask(self.person("alice"), Delete("1.txt"))
        self.wait(1)
        self.assertEqual(self.backup.orders, [])
        self.assertFalse(self.equal())
        self.write(2, "4.0", by=self.backup)
        self.wait(1)
        self.assertEqual(self.backup.orders, [DeleteFile(ID, 1, "")])
        self.assertTrue(self.equal())

    def unseen(self) -> None:
        """The backup comes back with a change of a document that was deleted meanwhile."""
        self.deleted_meanwhile("1.txt")
        self.back_with_a_change()

    def deleted_meanwhile(self, path: str) -> None:
        """While the backup is away a document is deleted."""
        self.members.remove(self.backup)
        self.backup.goodbye()
        self.wait(0.1)
        self.ask(self.person("alice"), Delete(path))

    def back_with_a_change(self) -> None:
        """The backup comes back, with a change of that document."""
        self.backup.seq = 0
        self.members.append(self.backup)
        self.backup.register(last_seq=1)
        self.write(1, "4.1", by=self.backup, sha256=TEXT, size=6)
        self.backup.shelf.contents[TEXT] = b"unseen"

    def rescued(self) -> None:
        """It is another document now, and only then it is removed."""
        [put] = self.ss1.shelf.puts
        self.assertEqual(put, b"unseen")
        paths = [one.name for one in self.disk.documents.values()]
        self.assertEqual(sum("1.txt.conflict-ss1_backup-" in path for path in paths), 1)
        self.assertEqual(self.backup.orders[-1], DeleteFile(ID, 1, ""))
        self.assertFalse(self.place().graves)
        self.assertEqual(len(self.logged("recovery_restored")), 1)

    def test_rescued(self) -> None:
        """What the deletion did not see is kept beside it before it disappears."""
        self.unseen()
        self.wait(1)
        self.rescued()

    def test_rescued_without_folder(self) -> None:
        """At the root, if what was its folder is a document by now."""
        alice = self.person("alice")
        self.ask(alice, Move("1.txt", "folder/"))
        self.wait(1)
        self.deleted_meanwhile("folder/1.txt")
        self.items(alice, DeleteFolder("folder"))
        self.ask(alice, Create("folder"))
        self.back_with_a_change()
        self.wait(5)
        self.rescued()
        conflicts = [one.folder for one in self.disk.documents.values() if "conflict" in one.name]
        self.assertEqual(conflicts, [0])

    def test_rescued_beside_others(self) -> None:
        """Nobody else gets it, or keeps it from being saved, by having its name before."""
        self.deleted_meanwhile("1.txt")
        names = [f"1.txt.conflict-ss1_backup-20231114T221325{end}" for end in ("", "-2", "-3")]
        for name, size in zip(names, (0, 6, 0), strict=True):
            made = self.ask(self.person("mallory"), Create(name))
            if size:
                self.ss1.note(made.id, "1.0", size=size)
        self.back_with_a_change()
        self.wait(5)
        owners = {one.name: one.access.owner for one in self.disk.documents.values()}
        self.assertEqual([owners[name] for name in names], ["mallory"] * 3)
        self.assertEqual(owners[f"{names[0]}-4"], "alice")
        self.assertEqual(self.ss1.shelf.puts, [b"unseen"])
        self.assertFalse(self.place().graves)

    def test_rescued_after_restart(self) -> None:
        """Also when the name server restarts in between, after it heard of that change."""
        stuck = self.backup.shelf.gate = Held(GetFileContent)
        self.unseen()
        self.live(5)
        self.assertEqual(self.backup.orders, [])
        self.restart()
        self.ss1.register(last_seq=self.ss1.seq)
        noted = self.backup.register(last_seq=1).noted
        self.assertEqual(noted, 0)
        self.backup.seq = 0
        stuck.open()
        self.write(1, "4.1", by=self.backup, sha256=TEXT, size=6)
        self.wait(1)
        self.rescued()
        self.wait(1)
        self.assertEqual(self.disk.servers["ss1_backup"].noted, 1)

    def test_rescued_after_failover(self) -> None:
        """Also when the member that has it must serve before that."""
        stuck = self.backup.shelf.gate = Held(GetFileContent)
        self.unseen()
        self.wait(0.1)
        self.members.remove(self.ss1)
        self.ss1.goodbye()
        self.network.cut(self.ss1.address)
        self.live(20)
        self.assertEqual(self.place().pair.active, "ss1_backup")
        self.assertEqual(self.states()["ss1_backup"], "LIVE")
        self.assertEqual(self.backup.orders, [])
        stuck.open()
        self.members.append(self.ss1)
        self.ss1.register(last_seq=self.ss1.seq)
        self.live(10)
        self.assertEqual(self.backup.shelf.puts, [b"unseen"])
        self.assertIn(DeleteFile(ID, 2, ""), self.backup.orders)
        self.assertFalse(self.place().graves)

    def test_serves_after_its_last_note(self) -> None:
        """A member that must serve at once does so, and is rid of anything, when all is known."""
        self.deleted_meanwhile("1.txt")
        self.members.remove(self.ss1)
        self.ss1.goodbye()
        self.network.cut(self.ss1.address)
        self.live(20)
        self.backup.seq = 0
        self.members.append(self.backup)
        self.backup.register(last_seq=1)
        self.live(3)
        self.assertEqual(self.place().pair.active, "ss1_backup")
        self.assertEqual(self.states()["ss1_backup"], "JOINING")
        self.assertEqual(self.backup.orders, [])
        self.backup.shelf.contents[TEXT] = b"unseen"
        self.write(1, "4.1", by=self.backup, sha256=TEXT, size=6)
        self.assertEqual(self.states()["ss1_backup"], "LIVE")
        self.live(3)
        self.assertEqual(self.backup.orders, [], "it is not saved yet")
        self.members.append(self.ss1)
        self.ss1.register(last_seq=self.ss1.seq)
        self.live(10)
        self.assertEqual(self.backup.shelf.puts, [b"unseen"])
        self.assertFalse(self.place().graves)

    def test_told_late(self) -> None:
        """A note of what the deletion saw, and that comes after it, is no reason to wait."""
        self.backup.script = lambda order: Deferred()
        self.ask(self.person("alice"), Delete("1.txt"))
        self.ss1.note(ID, "5.0", metadata_number=7)
        self.assertFalse(self.place().missed)
        self.backup.script = lambda order: None
        self.live(12)
        self.assertTrue(self.equal())

    def told_late(self, then: Callable[[object], Deferred[Any] | None]) -> None:
        """
        A note of a change comes after the deletion that had seen it, and both members know that.

        @param then: what the member does when it is asked about it.
        """
        self.ask(self.person("alice"), Delete("1.txt"))
        self.wait(1)
        self.assertTrue(self.equal())
        self.ss1.shelf.gate = then
        self.ss1.note(ID, "9.0", metadata_number=7)
        self.live(5)
        self.assertEqual(self.ss1.shelf.called(GetFileContent), [])
        names = [one.name for one in self.disk.documents.values()]
        self.assertEqual([one for one in names if "conflict" in one], [])
        self.assertTrue(self.equal())

    def test_deleted_since(self) -> None:
        """What a member told late, and has deleted itself since, nobody misses."""

        def then(request: object) -> Deferred[Any] | None:
            if not isinstance(request, Renote):
                return None
            assert self.ss1.link is not None
            return self.ss1.link.ask(self.ss1.noted(ID, "10.0", deleted=True))

        self.told_late(then)

    def test_forgotten_since(self) -> None:
        """Nor what it does not even remember any more."""

        def then(request: object) -> Deferred[Any] | None:
            if isinstance(request, Renote):
                raise NotFound("there is no such document here")
            return None

        self.told_late(then)

    def test_locked(self) -> None:
        """One that cannot be removed now is tried again; others are not held up by it."""

        def locked(order: object) -> None:
            raise Locked("bob")

        self.backup.script = locked
        self.ask(self.person("alice"), Delete("1.txt"))
        self.write(2)
        self.wait(0.05)
        self.assertTrue(self.copied(2))
        self.assertFalse(self.equal())
        self.backup.script = lambda order: None
        self.wait(1)
        self.assertTrue(self.equal())
