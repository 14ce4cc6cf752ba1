"""What was answered is there after the process was killed."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

import tests.store
from dfs.store.interfaces import IStore
from dfs.store.sqlite import SQLiteStore
from tests.store.crasher import DOCUMENTS, text_of
from tests.store.pump import Pump
from tests.store.samples import new

#: Commits that are answered before each kill.
KILLS = (1, 40, 300, 900)


class CrashTests(SynchronousTestCase):
    """Nobody is told OK for what is lost."""

    def crash(self, path: str, answers: int) -> dict[str, int]:
        """Kill a writing process after so many answers; the newest answer for each document."""
        root = tests.store.__path__[0].removesuffix("/tests/store")
        command = [sys.executable, "-m", "tests.store.crasher", path]
        environment = {"PYTHONPATH": root}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(answers)]
            process.kill()
            lines += process.stdout.readlines()
        self.assertEqual(process.returncode, -9)
        newest = {}
        for line in lines:
            document_id, version = line.decode().split()
            newest[document_id] = int(version)
        return newest

    def check(self, store: IStore, pump: Pump, newest: dict[str, int]) -> None:
        """Every answer is there, every text is whole, every position counts one state."""
        for number in range(DOCUMENTS):
            document = store.document(new(number).id)
            answered = newest.get(new(number).id, 0)
            if document is None:
                self.assertEqual(answered, 0)
                continue
            # The last commit may have become durable although its answer was not read any more.
            self.assertIn(document.version.a, (answered, answered + 1))
            reader = store.reader(document.current.content)
            text = b""
            while piece := pump.result(reader.read()):
                text += piece
            reader.close()
            self.assertEqual(text, text_of(number, document.version.a))
        seqs = [one.seq for one in store.changes_after(0, 1_000)]
        self.assertEqual(seqs, sorted(set(seqs)))

    def test_killed(self) -> None:
        """Killed at any moment, a store has every commit that was answered, and whole texts."""
        path = self.mktemp()
        newest: dict[str, int] = {}
        seq = 0
        for answers in KILLS:
            newest.update(self.crash(path, answers))
            pump = Pump()
            store = SQLiteStore.open(
                path,
                "ss1",
                call_from_thread=pump.call_from_thread,
                new_store_id=lambda: "0" * 32,
                on_fatal=self.fail,
            )
            self.check(store, pump, newest)
            newest = {one.id: one.version.a for one in store.changes_after(0, 1_000)}
            self.assertGreater(store.last_seq(), seq)
            seq = store.last_seq()
            pump.result(store.close())
