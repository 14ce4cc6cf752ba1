"""
A process that commits as fast as it can until it is killed.

C{python -m tests.store.crasher FOLDER FIRST}: one line on standard output for each commit that
was answered: the id of the document and its version.
"""

from __future__ import annotations

import os
import sys

from twisted.internet.defer import Deferred

from dfs.core.documents import Content, Document, Summary
from dfs.store.interfaces import IIncoming, IStore
from dfs.store.sqlite import SQLiteStore
from tests.store.pump import Pump
from tests.store.samples import new, with_text

#: Documents that are written side by side.
DOCUMENTS = 16


def text_of(number: int, version: int) -> bytes:
    """What a document has at some version; each sixteenth text is a large one."""
    size = 70_000 if (number + version) % 16 == 0 else 300
    return b"%d.%d " % (number, version) * (size // 4)


def main(path: str) -> None:
    """Commit for ever."""
    pump = Pump()
    store: IStore = SQLiteStore.open(
        path,
        "ss1",
        call_from_thread=pump.call_from_thread,
        new_store_id=lambda: "0" * 32,
        on_fatal=lambda _: os._exit(3),
    )

    def write(document: Document, number: int) -> None:
        text = text_of(number, document.version.a + 1)
        incoming = store.receive(len(text))
        incoming.write(text)
        incoming.finish().addCallback(received, document, number, incoming)

    def received(content: Content, document: Document, number: int, incoming: IIncoming) -> None:
        document = with_text(document, content, 2)
        done: Deferred[Summary] = store.commit(document)
        incoming.release()
        done.addCallback(answered, document, number)

    def answered(summary: Summary, document: Document, number: int) -> None:
        os.write(1, f"{document.id} {document.version.a}\n".encode())
        write(document, number)

    for number in range(DOCUMENTS):
        write(store.document(new(number).id) or new(number), number)
    while True:
        pump.step()


if __name__ == "__main__":
    main(sys.argv[1])
