"""
What people do: one table.

Decides which kinds of documents there are, what is done to each, and how it is done with the
library.  Must not know what should come of it; L{tests.chaos.verdicts} does.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from attrs import define, frozen
from twisted.internet.task import deferLater

from dfs.client.reading import Download
from dfs.client.session import Session
from dfs.core.versions import Version
from tests.chaos.ledger import Deed, Outcome
from tests.process.processes import reactor

#: Bytes of a text that no store keeps inline.
LARGE = 70_000


@define(eq=False)
class Thing:
    """
    A document or a folder.

    @ivar subject: what it is called in the ledger.
    @ivar owner: whose it is.
    @ivar places: paths of which it has one; several, if a MOVE is in doubt.
    @ivar within: the folder that it stands in, if that is moved itself.
    @ivar id: of a document.
    """

    subject: str
    owner: str
    places: list[str]
    within: Thing | None = None
    id: str = ""

    @property
    def kind(self) -> str:
        """Which kind this is."""
        return self.subject.partition("-")[0]

    @property
    def paths(self) -> list[str]:
        """Where it may stand."""
        if self.within is None:
            return self.places
        return [f"{above}/{name}" for above in self.within.paths for name in self.places]


@define(eq=False)
class Hand:
    """
    Somebody who does things.

    @ivar tags: of checkpoints that anybody made, by subject.
    """

    name: str
    session: Session
    random: Random
    others: tuple[str, ...]
    tags: dict[str, list[str]]

    def path(self, thing: Thing) -> str:
        """Where it is looked for."""
        return self.random.choice(thing.paths)


#: Does it; the answer is kept.
Does = Callable[[Hand, Deed, Thing], Awaitable[Any]]


@frozen
class Operation:
    """
    Something that people do.

    @ivar kinds: of documents.
    @ivar weight: how often, compared with others.
    @ivar owners: only they do it.
    """

    verb: str
    does: Does
    kinds: tuple[str, ...]
    weight: float = 1.0
    owners: bool = False


async def append(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Add a word."""
    return await hand.session.append(hand.path(thing), deed.word + b" ")


async def write(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Add a word to the first sentence, in a session that lasts."""
    session = await hand.session.write(hand.path(thing), 0)
    deed.opened = time.monotonic()
    deed.text = session.sentence.encode()
    await session.edit(session.words, deed.word.decode())
    if hand.random.random() < 0.3:
        await deferLater(reactor, hand.random.uniform(0.0, 1.0))
    deed.closing = time.monotonic()
    return await session.commit()


async def put(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Write anew."""
    deed.text = deed.word
    if hand.random.random() < 0.1:
        deed.text += b"." * LARGE
    return await hand.session.put(hand.path(thing), deed.text)


async def undo(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Take the last change back."""
    return await hand.session.undo(hand.path(thing))


async def redo(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Bring it back."""
    return await hand.session.redo(hand.path(thing))


async def checkpoint(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Keep the text that there is."""
    deed.detail = f"t{deed.number}"
    answer = await hand.session.checkpoints.make(hand.path(thing), deed.detail)
    hand.tags.setdefault(thing.subject, []).append(deed.detail)
    return answer


async def revert(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Go back to a text that was kept."""
    deed.detail = hand.random.choice(hand.tags.get(thing.subject, ["none"]))
    return await hand.session.checkpoints.revert(hand.path(thing), deed.detail)


async def read(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Read all."""
    download: Download = await hand.session.open_read(hand.path(thing))
    deed.text = await download.whole()
    deed.behind = bool(download.newer_on)
    return None


async def stream(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Read word by word."""
    words = hand.session.stream(hand.path(thing), 0.001)
    pieces = []
    try:
        while piece := await words.read():
            pieces.append(piece)
    finally:
        words.close()
    deed.text = b"".join(pieces)
    deed.behind = bool(words.newer_on)
    deed.detail = "changed" if words.changed else ""
    return None


async def info(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Look at it."""
    found = await hand.session.info(hand.path(thing))
    deed.behind = found.index.behind
    return found.facts


async def create(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Make a new one."""
    thing.id = deed.answer = await hand.session.create(thing.places[0])
    return None


async def delete(hand: Hand, deed: Deed, thing: Thing) -> None:
    """End it."""
    await hand.session.delete(hand.path(thing))


async def grant(hand: Hand, deed: Deed, thing: Thing) -> None:
    """Let somebody in."""
    deed.detail = hand.random.choice(hand.others)
    await hand.session.add_access(hand.path(thing), deed.detail, "w")


async def revoke(hand: Hand, deed: Deed, thing: Thing) -> None:
    """Let somebody in no longer."""
    deed.detail = hand.random.choice(hand.others)
    await hand.session.rem_access(hand.path(thing), deed.detail)


async def move(hand: Hand, deed: Deed, thing: Thing) -> None:
    """Let it stand elsewhere, under a name that nothing ever had."""
    name = f"{thing.subject}-{deed.number}"
    if thing.within is None and hand.random.random() < 0.5:
        name = f"{hand.name}-{hand.random.choice('ab')}/{name}"
    source = hand.path(thing)
    above = source.rpartition("/")[0]
    target = name if thing.within is None else f"{above}/{name}"
    deed.detail = f"{source} -> {target}"
    before = list(thing.places)
    thing.places.append(name)
    try:
        await hand.session.folders.move(source, target)
    except Exception as error:
        if Outcome.of(error) is Outcome.REFUSED:
            thing.places[:] = before
        raise
    thing.places[:] = [name]


async def make_folder(hand: Hand, deed: Deed, thing: Thing) -> object:
    """Make a folder."""
    deed.detail = f"{hand.name}-c{deed.number}"
    return await hand.session.folders.make(deed.detail)


#: What is only added to, by APPEND; by WRITE; what is written anew; what comes and goes; what is
#: open to some and then closed; what is moved; a folder that is moved, and what is in it.
KINDS = ("log", "line", "page", "brief", "shared", "moved", "folder", "inner")
EVERYTHING = ("log", "line", "page", "shared", "moved", "inner", "brief")

OPERATIONS = (
    Operation("APPEND", append, ("log", "shared", "moved", "inner"), 4.0),
    Operation("WRITE", write, ("line",), 6.0),
    Operation("PUT", put, ("page", "brief"), 2.0),
    Operation("UNDO", undo, ("page",), 0.5),
    Operation("REDO", redo, ("page",), 0.5),
    Operation("CHECKPOINT", checkpoint, ("page", "log"), 0.3),
    Operation("REVERT", revert, ("page",), 0.3),
    Operation("READ", read, EVERYTHING, 1.5),
    Operation("STREAM", stream, ("log", "line", "shared", "moved"), 0.5),
    Operation("INFO", info, EVERYTHING, 0.7),
    Operation("DELETE", delete, ("brief",), 1.5, owners=True),
    Operation("ADDACCESS", grant, ("shared",), 4.0, owners=True),
    Operation("REMACCESS", revoke, ("shared",), 4.0, owners=True),
    Operation("MOVE", move, ("moved", "folder"), 2.0, owners=True),
    Operation("CREATEFOLDER", make_folder, ("folder",), 0.5, owners=True),
)

#: The same by name, and what is done at first only.
BY_VERB = {operation.verb: operation for operation in OPERATIONS}
CREATE = Operation("CREATE", create, ("brief",))


def choose(random: Random, thing: Thing, who: str) -> Operation:
    """What somebody does next to something."""
    possible = [
        one
        for one in OPERATIONS
        if thing.kind in one.kinds and (who == thing.owner or not one.owners)
    ]
    [operation] = random.choices(possible, [one.weight for one in possible])
    return operation


def version_of(answer: Any) -> Version | None:
    """The version that an answer tells, if any."""
    version = getattr(answer, "version", "")
    return Version.parse(version) if version else None
