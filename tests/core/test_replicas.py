"""
What becomes of two copies of a document.
"""

from __future__ import annotations

import contextlib

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core import names
from dfs.core.access import AccessList
from dfs.core.documents import Checkpoint, Document, Metadata, Revision
from dfs.core.history import MAX_CHECKPOINTS, Stamp, buried, content_of, created, written
from dfs.core.replicas import judged, received
from dfs.core.versions import Version
from dfs.errors import Conflict

#: 2023-11-14 22:13:20 UTC.
NOW = 1_700_000_000.0
WHEN = "20231114T221320"

#: The backup serves; ss1, the home primary, has returned.
STAMP = Stamp("", NOW, 2, home=False)


def revision(text: str) -> Revision:
    """A text that alice wrote."""
    return Revision(content_of(text.encode()), 5.0, "alice")


def document(version: str, text: str = "", *, number: int = 1, tags: str = "") -> Document:
    """A state; C{tags} are checkpoints, each C{tag=text}."""
    new = created("00000000000000d1", Metadata(0, "a.txt", AccessList("alice"), 1.0, number))
    kept = [one.split("=") for one in tags.split()]
    return evolve(
        new,
        version=Version.parse(version),
        current=revision(text),
        checkpoints=tuple(Checkpoint(tag, revision(of), 6.0, "bob") for tag, of in kept),
    )


def tombstone(version: str) -> Document:
    """A deleted document."""
    dead = buried(document("0.0"), Stamp("alice", 7.0, 1, home=True))
    return evolve(dead, version=Version.parse(version))


def texts(document: Document | None) -> dict[str, bytes]:
    """Names of the texts of a document's checkpoints, by their hash; the present one is C{''}."""
    assert document is not None
    found = {one.tag: one.revision.content.sha256 for one in document.checkpoints}
    return found | {"": document.current.content.sha256}


def named(**by_tag: str) -> dict[str, bytes]:
    """The same, of texts; C{now} is the present one, C{_} stands for C{-}."""
    return {
        "" if tag == "now" else tag.replace("_", "-"): content_of(text.encode()).sha256
        for tag, text in by_tag.items()
    }


class ReceivedTests(SynchronousTestCase):
    """
    The peer is sent a copy of the active member's.
    """

    def test_table(self) -> None:
        """Only what is strictly newer is applied; nothing else changes anything."""
        for own, theirs, applied in (
            (None, document("0.0"), True),
            (None, tombstone("3.1"), True),
            (document("1.0", "x"), document("2.0", "y"), True),
            (document("1.0", "x"), document("1.1", "y"), True),
            (document("1.0", "x"), tombstone("2.0"), True),
            (tombstone("2.0"), document("3.0", "y"), True),
            (document("2.0", "y"), document("2.0", "y"), False),
            (document("2.1", "z"), document("2.0", "y"), False),
            (tombstone("2.0"), document("1.0", "x"), False),
            (tombstone("2.0"), tombstone("2.0"), False),
        ):
            self.assertEqual(received(own, theirs), theirs if applied else None, (own, theirs))

    def test_concurrent(self) -> None:
        """Neither contains the other: refused, newer metadata or not."""
        for own, theirs in (
            (document("2.0", "x"), document("1.1", "y", number=9)),
            (tombstone("2.0"), document("1.1", "y")),
            (document("2.0", "x"), tombstone("1.1")),
        ):
            self.assertRaises(Conflict, received, own, theirs)

    def test_metadata(self) -> None:
        """Of two copies the metadata with the higher number is right, whatever the texts are."""
        new = received(document("1.0", "x", number=5), document("2.0", "y", number=4))
        self.assertEqual(new, document("2.0", "y", number=5))
        new = received(document("2.0", "y", number=4), document("1.0", "x", number=5))
        self.assertEqual(new, document("2.0", "y", number=5))

    def test_equal_but_different(self) -> None:
        """Two texts with one version, of a disk that forgot, are not taken for the same."""
        self.assertRaises(Conflict, received, document("2.0", "x"), document("2.0", "y"))
        self.assertRaises(Conflict, received, document("2.0", "x"), tombstone("2.0"))
        self.assertRaises(
            Conflict, received, document("2.0", "x"), document("2.0", "x", tags="t=x")
        )


class JudgedTests(SynchronousTestCase):
    """
    The active member is sent what only the returned member has.
    """

    def judge(self, own: Document | None, orphan: Document) -> Document | None:
        """What the active member has then; the same when the copy comes again."""
        new = judged(own, orphan, "ss1", STAMP)
        if new is not None:
            self.assertTrue(new.version > orphan.version)
            self.assertTrue(own is None or new.version > own.version)
            self.assertEqual(new.epoch, STAMP.epoch)
            self.assertIsNone(judged(new, orphan, "ss1", STAMP))
            # And what the returned member then gets from here it takes.
            self.assertEqual(received(orphan, new), new)
        return new

    def test_adopted(self) -> None:
        """Untouched here since: what it has is adopted, be it text, checkpoint or deletion."""
        here = document("1.0", "x")
        for there in (document("3.0", "y"), document("2.0", "x", tags="t=x"), tombstone("2.0")):
            new = self.judge(here, there)
            assert new is not None
            self.assertEqual(new, evolve(there, version=Version(there.version.a, 1), epoch=2))

    def test_new_there(self) -> None:
        """A document that was never here is adopted as a whole."""
        new = self.judge(None, document("4.0", "y", tags="t=x"))
        self.assertEqual(texts(new), named(now="y", t="x"))

    def test_known(self) -> None:
        """What is contained here already changes nothing."""
        for there in (document("1.0", "x"), document("0.0"), tombstone("1.0")):
            own = there if there.version == Version(1, 0) else document("1.1", "z")
            self.assertIsNone(self.judge(own, there))
        self.assertIsNone(self.judge(tombstone("2.1"), document("2.0", "y")))

    def test_both_changed(self) -> None:
        """Changed here too: the text here stays, the other one becomes a checkpoint."""
        new = self.judge(document("1.1", "here"), document("2.0", "there"))
        tag = f"conflict-ss1-{WHEN}"
        self.assertEqual(texts(new), named(now="here") | {tag: revision("there").content.sha256})
        assert new is not None
        self.assertEqual(str(new.version), "2.2")
        self.assertEqual(new.checkpoints[0].made_by, "alice")

    def test_same_text(self) -> None:
        """Both changed it to the same: there is nothing to keep."""
        new = self.judge(document("1.1", "same"), document("2.0", "same"))
        self.assertEqual(texts(new), named(now="same"))

    def test_kept_already(self) -> None:
        """A text that is kept as a conflict already is not kept twice."""
        here = document("1.1", "here", tags="conflict-ss1-earlier=there")
        new = self.judge(here, document("2.0", "there"))
        self.assertEqual(texts(new), texts(here))

    def test_checkpoints(self) -> None:
        """No checkpoint of either side is lost, those with one tag and two texts neither."""
        here = document("1.1", "same", tags="both=1 mine=2")
        new = self.judge(here, document("2.0", "same", tags="both=3 yours=4"))
        expected = named(now="same", both="1", mine="2", yours="4")
        tag = f"conflict-ss1-{WHEN}-both"
        self.assertEqual(texts(new), expected | {tag: revision("3").content.sha256})
        assert new is not None
        self.assertEqual(list(new.checkpoints), sorted(new.checkpoints, key=lambda one: one.tag))

    def test_long_tags(self) -> None:
        """Tags of conflicts stay legal and different, however long names and tags are."""
        long = "t" * 64
        here = document("1.1", "here", tags=f"{long}=1 {long[:-1]}=2")
        there = document("2.0", "there", tags=f"{long}=3 {long[:-1]}=4")
        new = judged(here, there, "s" * 64, STAMP)
        assert new is not None
        tags = [one.tag for one in new.checkpoints]
        self.assertEqual((len(tags), len(set(tags))), (5, 5))
        self.assertLessEqual(max(map(len, tags)), 64)
        conflicts = [tag for tag in tags if tag.startswith("conflict-")]
        self.assertEqual([WHEN in tag for tag in conflicts], [True] * 3)
        self.assertEqual(
            set(texts(new).values()),
            set(named(a="here", b="there").values())
            | set(named(a="1", b="2", c="3", d="4").values()),
        )

    def test_long_server(self) -> None:
        """The tag of a conflict says when and where, also if the server has a long name."""
        for server, shown in (
            ("s" * 39, "s" * 39),
            ("s" * 64, f"{'s' * 19}..{'s' * 18}"),
            (f"{'s' * 57}_backup", f"{'s' * 19}..{'s' * 11}_backup"),
        ):
            new = judged(document("1.1", "here"), document("2.0", "there"), server, STAMP)
            assert new is not None
            self.assertEqual(new.checkpoints[0].tag, names.tag(f"conflict-{shown}-{WHEN}"))

    def test_full(self) -> None:
        """A conflict is kept although there are as many checkpoints as there may be."""
        many = " ".join(f"t{number}=x" for number in range(MAX_CHECKPOINTS))
        new = self.judge(document("1.1", "here", tags=many), document("2.0", "there", tags="u=y"))
        kept = set(texts(new).values())
        self.assertIn(revision("there").content.sha256, kept)
        self.assertIn(revision("y").content.sha256, kept)

    def test_deleted_here(self) -> None:
        """Deleted here, changed there: it cannot go on under this id."""
        for there in (document("2.0", "there"), document("2.0", "there", number=9)):
            self.assertRaises(Conflict, judged, tombstone("1.1"), there, "ss1", STAMP)

    def test_deleted_there(self) -> None:
        """Deleted there, changed here: the text here stays."""
        new = self.judge(document("1.1", "here"), tombstone("2.0"))
        assert new is not None
        self.assertEqual((texts(new), new.deleted), (named(now="here"), False))

    def test_deleted_on_both(self) -> None:
        """Deleted on both sides it stays deleted, and both can have the same version."""
        new = self.judge(tombstone("1.1"), tombstone("2.0"))
        assert new is not None
        self.assertTrue(new.deleted)

    def test_metadata(self) -> None:
        """The higher number is right here too."""
        for mine, theirs in ((4, 5), (5, 4)):
            for there in ("3.1", "2.0"):
                new = self.judge(
                    document("1.1", "x", number=mine), document(there, "y", number=theirs)
                )
                assert new is not None
                self.assertEqual(new.metadata.number, 5)

    def test_equal_but_different(self) -> None:
        """Two texts with one version are both kept, under a new version."""
        new = self.judge(document("2.0", "here"), document("2.0", "there"))
        self.assertEqual(set(texts(new).values()), set(named(a="here", b="there").values()))

    @given(st.data())
    def test_nothing_is_lost(self, data: st.DataObject) -> None:
        """Whatever both sides have that the other did not see, both have it in the end."""
        number = st.integers(0, 3)
        states = []
        for side in ("here", "there"):
            version = f"{data.draw(number)}.{data.draw(number)}"
            # The same version is the same state; see Note [Equal is not the same].
            states.append(document(version, version, tags=f"{side}={version}"))
        own, orphan = states
        new = self.judge(own, orphan)
        final = set(texts(new or own).values())
        # A version contains what came before it: that text may be gone.
        if not own.version >= orphan.version:
            self.assertLessEqual(set(texts(orphan).values()), final)
        if not orphan.version > own.version:
            self.assertLessEqual(set(texts(own).values()), final)


class Members:
    """
    Two members, one document, and a name server that makes every mistake that it may make.

    A text lists the numbers of all writes that it contains, so nothing can be lost unnoticed.
    """

    def __init__(self) -> None:
        self.members: list[Document] = [document("0.0"), document("0.0")]
        self.contents: dict[bytes, set[str]] = {content_of(b"").sha256: set()}
        self.active, self.epoch = 0, 1
        self.fetched: list[tuple[int, int, Document]] = []
        self.acknowledged: set[str] = set()

    def stamp(self) -> Stamp:
        """The active member, now."""
        return Stamp("alice", NOW, self.epoch, home=self.active == 0)

    def write(self) -> None:
        """A client writes at the active member."""
        own = self.members[self.active]
        number = f"{len(self.acknowledged)} "
        self.acknowledged.add(number)
        texts = self.contents[own.current.content.sha256] | {number}
        content = content_of("".join(sorted(texts)).encode())
        self.contents[content.sha256] = texts
        self.members[self.active] = written(own, content, self.stamp(), 2)

    def fetch(self) -> None:
        """A copy of the active member's is on its way."""
        self.fetched.append((self.epoch, 1 - self.active, self.members[self.active]))

    def push(self, which: int) -> None:
        """A copy arrives, late or again; one of an older epoch is refused."""
        if not self.fetched:
            return
        epoch, to, copy = self.fetched[which % len(self.fetched)]
        if epoch != self.epoch:
            return
        with contextlib.suppress(Conflict):
            self.members[to] = received(self.members[to], copy) or self.members[to]

    def judge(self) -> None:
        """What the other member has is judged."""
        own, orphan = self.members[self.active], self.members[1 - self.active]
        self.members[self.active] = judged(own, orphan, "ss1", self.stamp()) or own

    def fail_over(self) -> None:
        """The other member takes over, whatever it lacks."""
        self.active, self.epoch = 1 - self.active, self.epoch + 1

    def do(self, deed: int) -> None:
        """One of these."""
        deeds = (self.write, self.fetch, self.judge, self.fail_over)
        if deed < len(deeds):
            deeds[deed]()
        else:
            self.push(deed)

    def kept(self, member: int) -> set[str]:
        """The writes in the present text and in the checkpoints of a member."""
        return set().union(*(self.contents[one] for one in texts(self.members[member]).values()))


class ModelTests(SynchronousTestCase):
    """
    Both rules together.
    """

    @given(st.lists(st.integers(0, 9), max_size=60))
    def test_nothing_is_lost(self, deeds: list[int]) -> None:
        """Whatever happened: once judged and copied both are the same, and have every write."""
        both = Members()
        for deed in deeds:
            both.do(deed)
        both.judge()
        both.fetch()
        both.push(-1)
        self.assertEqual(both.members[0], both.members[1])
        for member in (0, 1):
            self.assertEqual(both.kept(member), both.acknowledged)
