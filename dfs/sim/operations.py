"""
What people do to documents in a simulated history: one table.

Decides which kinds of documents there are, what is done to each, and how it is done with the
library.  Must not know what should come of it; L{dfs.sim.verdicts} does.

A new operation is a coroutine function and its line in L{OPERATIONS}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from attrs import frozen

from dfs.client.session import Session
from dfs.errors import NotFound
from dfs.sim.chance import Random
from dfs.sim.ledger import Deed

T = TypeVar("T")

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


# ----------------------------------------------------------------------------- checkpoints


async def checkpoint(hand: Hand, deed: Deed) -> object:
    """Keep what there is under a tag that nobody else takes."""
    deed.tag = f"t{deed.number}"
    return await hand.session.checkpoints.make(deed.path, deed.tag)


async def revert(hand: Hand, deed: Deed) -> object:
    """Go back to one of the checkpoints."""
    deed.tag = await _any_tag(hand, deed)
    return await hand.session.checkpoints.revert(deed.path, deed.tag)


async def drop(hand: Hand, deed: Deed) -> object:
    """Keep one of them no longer."""
    deed.tag = await _any_tag(hand, deed)
    return await hand.session.checkpoints.delete(deed.path, deed.tag)


async def _any_tag(hand: Hand, deed: Deed) -> str:
    """
    One of the tags that people gave.

    @raise NotFound: there is none yet.
    """
    lines = await hand.session.checkpoints.lines(deed.path)
    tags = [line.tag for line in lines if line.tag.startswith("t")]
    if not tags:
        raise NotFound("there is no checkpoint yet")
    return hand.random.choice(tags)


# --------------------------------------------------------------------------------- folders


def names(path: str) -> tuple[str, ...]:
    """Where a document that is moved stands, most likely."""
    inside = f"{BESIDE}/{ASIDE}"
    return (path, f"{ASIDE}/{path}", f"{BESIDE}/{path}", f"{inside}/{path}")


async def _wherever(hand: Hand, deed: Deed, does: Callable[[str], Awaitable[T]]) -> T:
    """
    Do something to a document, wherever it stands.

    @raise NotFound: it was moved meanwhile, or stands deeper.
    """
    for name in names(deed.path):
        try:
            return await does(name)
        except NotFound:
            continue
    raise NotFound(f"{deed.path} is not to be found")


async def append_there(hand: Hand, deed: Deed) -> object:
    """Add a word, wherever the document stands."""
    return await _wherever(hand, deed, lambda name: hand.session.append(name, deed.word))


async def read_there(hand: Hand, deed: Deed) -> object:
    """Read all, wherever the document stands."""
    deed.text = await _wherever(hand, deed, hand.session.read)
    return len(deed.text)


async def move(hand: Hand, deed: Deed) -> object:
    """Let it stand somewhere else, maybe where it stands."""
    target = hand.random.choice(names(deed.path)[:3])
    return await _wherever(hand, deed, lambda name: hand.session.folders.move(name, target))


async def move_folder(hand: Hand, deed: Deed) -> object:
    """Let a folder stand in another one, or in none, with all that is in it."""
    inside = f"{BESIDE}/{ASIDE}"
    if hand.random.random() < 0.5:
        return await hand.session.folders.move(ASIDE, inside)
    return await hand.session.folders.move(inside, ASIDE)


# -------------------------------------------------------------------------------- requests


async def ask(hand: Hand, deed: Deed) -> object:
    """Ask to be let in."""
    return await hand.session.requests.ask(deed.path, "w")


async def decide(hand: Hand, deed: Deed) -> object:
    """Let in whoever has asked first."""
    lines = await hand.session.requests.inbox()
    if not lines:
        raise NotFound("nobody asks")
    deed.path, deed.whom = lines[0].path, lines[0].user
    return await hand.session.requests.approve(lines[0].id)


async def grant(hand: Hand, deed: Deed) -> None:
    """Let somebody in."""
    deed.whom = hand.random.choice(hand.others)
    await hand.session.add_access(deed.path, deed.whom, "w")


async def revoke(hand: Hand, deed: Deed) -> None:
    """Let somebody in no longer."""
    deed.whom = hand.random.choice(hand.others)
    await hand.session.rem_access(deed.path, deed.whom)


#: Folders of the first person's.
ASIDE, BESIDE = FOLDERS = ("aside", "beside")

#: What is only added to, by APPEND; by WRITE; what is written anew; what comes and goes; what is
#: open to some and then closed; what is moved; what is added to and reverted.
LOG, LINE, PAGE, BRIEF, SHARED, ROAM, MARKED = KINDS = (
    *("log", "line", "page", "brief", "shared", "roam", "marked"),
)

CREATE = Operation("CREATE", create, (BRIEF,))

OPERATIONS = (
    Operation("APPEND", append, (LOG, BRIEF, SHARED, MARKED), 4.0),
    Operation("APPEND", append_there, (ROAM,), 4.0),
    Operation("WRITE", write, (LINE,), 6.0),
    Operation("PUT", put, (PAGE,), 2.0),
    Operation("UNDO", undo, (PAGE,), 0.5),
    Operation("REDO", redo, (PAGE,), 0.5),
    Operation("READ", read, (LOG, LINE, PAGE, BRIEF, SHARED, MARKED), 1.5),
    Operation("READ", read_there, (ROAM,), 1.5),
    CREATE,
    Operation("DELETE", delete, (BRIEF,)),
    Operation("ADDACCESS", grant, (SHARED,), 3.0),
    Operation("REMACCESS", revoke, (SHARED,), 3.0),
    Operation("REQUESTACCESS", ask, (SHARED,)),
    Operation("APPROVE", decide, (SHARED,), 2.0),
    Operation("CHECKPOINT", checkpoint, (MARKED,), 2.0),
    Operation("REVERT", revert, (MARKED,)),
    Operation("DELETECHECKPOINT", drop, (MARKED,)),
    Operation("MOVE", move, (ROAM,), 2.0),
    Operation("MOVEFOLDER", move_folder, (ROAM,)),
)

#: What only an owner does.
OWNERS = frozenset({"CREATE", "DELETE", "ADDACCESS", "REMACCESS", "APPROVE", "MOVE", "MOVEFOLDER"})


def kind_of(path: str) -> str:
    """Which kind of document this is."""
    return path.rstrip("0123456789")


def choose(
    random: Random, paths: Mapping[str, float], owner: str, who: str
) -> tuple[Operation, str]:
    """
    What somebody does next, to which document.

    @param paths: how much each is liked.
    """
    [path] = random.choices(list(paths), list(paths.values()))
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
