"""
What people do to documents in a simulated history: one table.

Decides which kinds of documents there are, what is done to each, and how it is done with the
library.  Must not know what should come of it; L{dfs.sim.verdicts} does.

A new operation is a coroutine function and its line in L{OPERATIONS}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen

from dfs.client.session import Session
from dfs.sim.chance import Random
from dfs.sim.ledger import Deed

#: Bytes of a text that no store keeps inline.
LARGE = 70_000

#: Waits so many seconds.
Pause = Callable[[float], Awaitable[None]]

#: The time.
Now = Callable[[], float]


@frozen
class Hand:
    """What somebody has to do something with."""

    session: Session
    random: Random
    pause: Pause
    now: Now
    others: tuple[str, ...]


#: Does it; the answer is kept.
Does = Callable[[Hand, Deed], Awaitable[object]]


@frozen
class Operation:
    """
    Something that people do.

    @ivar kinds: of documents, by the beginnings of their paths.
    @ivar weight: how often, compared with others.
    """

    verb: str
    does: Does
    kinds: tuple[str, ...]
    weight: float = 1.0


async def append(hand: Hand, deed: Deed) -> object:
    """Add a word."""
    return await hand.session.append(deed.path, deed.word)


async def write(hand: Hand, deed: Deed) -> object:
    """Add a word to the first sentence, in a session that lasts."""
    session = await hand.session.write(deed.path, 0)
    deed.opened = hand.now()
    deed.text = session.sentence.encode()
    await session.edit(session.words, deed.word.decode())
    if hand.random.random() < 0.5:
        await hand.pause(hand.random.uniform(0.0, 3.0))
    deed.closing = hand.now()
    return await session.commit()


async def put(hand: Hand, deed: Deed) -> object:
    """Write anew."""
    deed.text = deed.word
    if hand.random.random() < 0.05:
        deed.text += b"." * LARGE
    return await hand.session.put(deed.path, deed.text)


async def undo(hand: Hand, deed: Deed) -> object:
    """Take the last change back."""
    return await hand.session.undo(deed.path)


async def redo(hand: Hand, deed: Deed) -> object:
    """Bring it back."""
    return await hand.session.redo(deed.path)


async def read(hand: Hand, deed: Deed) -> object:
    """Read all."""
    deed.text = await hand.session.read(deed.path)
    return len(deed.text)


async def create(hand: Hand, deed: Deed) -> object:
    """Make a new one."""
    return await hand.session.create(deed.path)


async def delete(hand: Hand, deed: Deed) -> None:
    """End it."""
    await hand.session.delete(deed.path)


async def grant(hand: Hand, deed: Deed) -> None:
    """Let somebody in."""
    deed.whom = hand.random.choice(hand.others)
    await hand.session.add_access(deed.path, deed.whom, "w")


async def revoke(hand: Hand, deed: Deed) -> None:
    """Let somebody in no longer."""
    deed.whom = hand.random.choice(hand.others)
    await hand.session.rem_access(deed.path, deed.whom)


#: What is only added to, by APPEND; by WRITE; what is written anew; what comes and goes; what is
#: open to some and then closed.
LOG, LINE, PAGE, BRIEF, SHARED = KINDS = ("log", "line", "page", "brief", "shared")

OPERATIONS = (
    Operation("APPEND", append, (LOG, BRIEF, SHARED), 4.0),
    Operation("WRITE", write, (LINE,), 6.0),
    Operation("PUT", put, (PAGE,), 2.0),
    Operation("UNDO", undo, (PAGE,), 0.5),
    Operation("REDO", redo, (PAGE,), 0.5),
    Operation("READ", read, (LOG, LINE, PAGE, BRIEF, SHARED), 1.5),
    Operation("CREATE", create, (BRIEF,)),
    Operation("DELETE", delete, (BRIEF,)),
    Operation("ADDACCESS", grant, (SHARED,)),
    Operation("REMACCESS", revoke, (SHARED,)),
)

#: The same by name.
BY_VERB = {operation.verb: operation for operation in OPERATIONS}

#: What only an owner does.
OWNERS = frozenset({"CREATE", "DELETE", "ADDACCESS", "REMACCESS"})


def kind_of(path: str) -> str:
    """Which kind of document this is."""
    return path.rstrip("0123456789")


def choose(random: Random, paths: tuple[str, ...], owner: str, who: str) -> tuple[Operation, str]:
    """What somebody does next, to which document."""
    path = random.choice(paths)
    kind = kind_of(path)
    possible = [
        one for one in OPERATIONS if kind in one.kinds and (who == owner or _anybody(one, kind))
    ]
    [operation] = random.choices(possible, [one.weight for one in possible])
    return operation, path


def _anybody(operation: Operation, kind: str) -> bool:
    """It takes no owner; what comes and goes belongs to one, who never lets anybody in."""
    return operation.verb not in OWNERS and (kind != BRIEF or operation.verb == "READ")


def version_of(answer: Any) -> str:
    """The version that an answer tells, if any."""
    return getattr(answer, "version", "")
