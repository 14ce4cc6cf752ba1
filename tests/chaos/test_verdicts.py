"""
What a run of chaos is judged by: each rule finds what it is there for.
"""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.documents import Checkpoint, Document
from dfs.core.history import content_of
from dfs.core.versions import Version
from tests.chaos.ledger import Deed, Ledger, Outcome
from tests.chaos.operations import Thing
from tests.chaos.verdicts import Verdict
from tests.process.stores import Disk
from tests.store.samples import new, with_text


class VerdictTests(SynchronousTestCase):
    """
    One document on one pair, two people.
    """

    kind = "log"

    def setUp(self) -> None:
        """Nothing was done yet."""
        self.ledger = Ledger()
        self.now = 0.0
        self.switches: list[float] = []
        self.thing = Thing(f"{self.kind}-0", "alice", [f"{self.kind}-0"], id=new().id)
        self.shown: frozenset[str] = frozenset(self.thing.paths)
        self.path = self.thing.paths[0]
        self.home: Document | None = new()
        self.backup: Document | None = self.home
        self.texts = {content_of(b"").sha256: b""}

    def did(
        self,
        verb: str,
        outcome: Outcome = Outcome.DONE,
        *,
        who: str = "alice",
        text: bytes = b"",
        detail: str = "",
        version: str = "",
    ) -> Deed:
        """Somebody did something, and it took a second."""
        deed = self.ledger.begin(who, verb, self.thing.subject, self.now)
        deed.opened, deed.closing = self.now + 0.2, self.now + 0.8
        self.now += 1.0
        deed.ended, deed.outcome, deed.text, deed.detail = self.now, outcome, text, detail
        deed.version = Version.parse(version) if version else None
        self.now += 1.0
        return deed

    def kept(self, text: bytes, conflict: bytes = b"") -> None:
        """Both members have this text."""
        assert self.home is not None
        document = evolve(with_text(self.home, text), version=Version(100, 0))
        self.texts[content_of(text).sha256] = text
        if conflict:
            self.texts[content_of(conflict).sha256] = conflict
            revision = evolve(document.current, content=content_of(conflict))
            document = evolve(
                document, checkpoints=(Checkpoint("conflict-ss1-1", revision, 0.0, "alice"),)
            )
        self.home = self.backup = document

    def wrong(self) -> list[str]:
        """The rules that were broken."""
        disks = {}
        for name, document in (("ss1", self.home), ("ss1_backup", self.backup)):
            documents = {document.id: document} if document is not None else {}
            disks[name] = Disk(documents, dict.fromkeys(documents, self.path), self.texts)
        disks["ss2"] = disks["ss2_backup"] = Disk({}, {}, {})
        things = {self.thing.subject: self.thing}
        verdict = Verdict(self.ledger, things, disks, self.switches, self.shown)
        return [complaint.partition(":")[0] for complaint in verdict.all()]


class LogTests(VerdictTests):
    """
    A document that is only added to.
    """

    def test_nothing_wrong(self) -> None:
        """What is there, in doubt or in a conflict is no complaint."""
        self.did("APPEND")
        self.did("APPEND", Outcome.DOUBT)
        self.did("APPEND")
        self.did("APPEND", Outcome.REFUSED)
        self.kept(b"<0> ", conflict=b"<2>")
        self.assertEqual(self.wrong(), [])

    def test_lost(self) -> None:
        """A word that was acknowledged and is nowhere is lost."""
        self.did("APPEND")
        self.assertEqual(self.wrong(), ["I4"])

    def test_twice(self) -> None:
        """A word that is there twice was done twice."""
        self.did("APPEND")
        self.kept(b"<0> <0>")
        self.assertEqual(self.wrong(), ["I4"])

    def test_refused(self) -> None:
        """A word that was refused is not there."""
        self.did("APPEND", Outcome.REFUSED)
        self.kept(b"<0>")
        self.assertEqual(self.wrong(), ["I2"])

    def test_gone(self) -> None:
        """A document that nobody deleted is there."""
        self.home = self.backup = None
        self.shown = frozenset()
        self.assertEqual(self.wrong(), ["I4"])

    def test_differ(self) -> None:
        """Both members have the same."""
        self.did("APPEND", Outcome.DOUBT)
        self.kept(b"<0>")
        self.backup = new()
        self.assertEqual(self.wrong(), ["I5"])

    def test_not_listed(self) -> None:
        """What is kept is listed."""
        self.shown = frozenset({"other"})
        self.assertEqual(self.wrong(), ["I10", "I10"])

    def test_checkpoint_lost(self) -> None:
        """A checkpoint that was acknowledged is there."""
        self.did("CHECKPOINT", detail="t0")
        self.assertEqual(self.wrong(), ["I4"])

    def test_version_lost(self) -> None:
        """A version that was acknowledged is contained in what there is."""
        self.did("APPEND", version="101.0")
        self.kept(b"<0>")
        self.assertEqual(self.wrong(), ["I4"])

    def test_went_back(self) -> None:
        """Who has read a word reads it again, unless another member began to serve."""
        self.did("APPEND", Outcome.DOUBT)
        self.did("READ", text=b"<0>", who="bob")
        self.did("READ", who="bob")
        self.kept(b"<0>")
        self.assertEqual(self.wrong(), ["I9"])
        self.switches = [self.now - 1.0]
        self.assertEqual(self.wrong(), [])

    def test_version_went_back(self) -> None:
        """Nobody is told an older version than before."""
        self.did("INFO", version="5.0")
        self.did("INFO", version="4.0")
        self.assertEqual(self.wrong(), ["I9"])

    def test_not_whole(self) -> None:
        """Who reads gets whole words of this document only."""
        self.did("READ", text=b"<17> x")
        self.assertEqual(self.wrong(), ["I9", "I9"])

    def test_waits_for_ever(self) -> None:
        """Everybody gets an answer."""
        self.did("INFO", Outcome.OPEN)
        self.assertEqual(self.wrong(), ["I12"])

    def test_elsewhere(self) -> None:
        """A document stands where it was put."""
        self.path = "elsewhere"
        self.shown = frozenset({self.path})
        self.assertEqual(self.wrong(), ["log-0 stands at elsewhere, not at ['log-0']"])


class LineTests(VerdictTests):
    """
    A sentence that is locked.
    """

    kind = "line"

    def test_at_once(self) -> None:
        """Two sessions that were committed were not open at once."""
        self.did("WRITE")
        other = self.did("WRITE", text=b"<0>")
        other.began, other.opened = 0.1, 0.5
        self.kept(b"<0> <1>")
        self.assertEqual(self.wrong(), ["I8"])

    def test_goes_on(self) -> None:
        """Who locks a sentence sees what was committed before."""
        self.did("WRITE")
        self.did("WRITE")
        self.kept(b"<0> <1>")
        self.assertEqual(self.wrong(), ["I8"])
        self.kept(b"<0>", conflict=b"<1>")
        self.assertEqual(self.wrong(), [])


class SharedTests(VerdictTests):
    """
    A right that is taken away.
    """

    kind = "shared"

    def test_revoked(self) -> None:
        """Who was let in no longer reads nothing, until somebody may have let them in again."""
        self.did("REMACCESS", detail="bob")
        self.did("READ", who="bob")
        self.assertEqual(self.wrong(), ["I7"])
        again = self.did("ADDACCESS", Outcome.DOUBT, detail="bob")
        again.began = again.ended = 1.5
        self.assertEqual(self.wrong(), [])


class PageTests(VerdictTests):
    """
    A text that is written anew.
    """

    kind = "page"

    def test_lost(self) -> None:
        """The newest text that was acknowledged is kept."""
        self.did("PUT", text=b"<0>")
        self.did("PUT", text=b"<1>")
        self.kept(b"<0>")
        self.assertEqual(self.wrong(), ["I4"])

    def test_invented(self) -> None:
        """Nobody wrote this."""
        self.kept(b"invented")
        self.did("READ", text=b"half")
        self.assertEqual(self.wrong(), ["I9", "I9"])


class BriefTests(VerdictTests):
    """
    What comes and goes.
    """

    kind = "brief"

    def test_deleted(self) -> None:
        """Deleted stays deleted; nobody knows while something is in doubt."""
        self.did("CREATE")
        self.did("DELETE")
        self.assertEqual(self.wrong(), ["I6"])
        self.did("PUT", Outcome.DOUBT)
        self.assertEqual(self.wrong(), [])

    def test_made(self) -> None:
        """What was made is there, with what was written last."""
        self.did("CREATE")
        self.did("PUT", text=b"<1>")
        self.assertEqual(self.wrong(), ["I4"])
        self.home = self.backup = None
        self.shown = frozenset()
        self.assertEqual(self.wrong(), ["I4", "I4"])
