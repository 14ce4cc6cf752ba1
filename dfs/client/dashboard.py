"""
What C{dfs top} shows: the whole cluster on one screen.

Decides which figures stand where, what is left out where there is no room, and what happened
between two readings.  Pure; must not know how readings come, nor how lines get to a terminal.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import field, frozen

from dfs.client.screen import one_line
from dfs.columns import count, cut, fitted, size, span, table
from dfs.wire.messages import ServerLine

#: The smallest screen on which anything makes sense.
LEAST_WIDTH, LEAST_HEIGHT = 20, 5

#: Columns that figures take beside two names, and the fewest that a name gets.
FIGURES, LEAST_NAME = 52, 8

#: What keys do, for the help.
HELP = (
    "q, Ctrl-C   quit",
    "s           sort by name, trouble, lag, documents",
    "p, space    pause, and go on",
    "?, h        this help",
    "",
    "LAG is what the peer of a pair has not got yet, and for how long; BEHIND counts",
    "documents of which the server that is away has the newest version; CONFLICTS",
    "counts versions that lost and are kept. notes/s are commits that storage servers",
    "told the name server of, those of copies too.",
)


class Tone(enum.Enum):
    """How a line is to be seen."""

    TITLE = "title"
    HEAD = "head"
    PLAIN = "plain"
    WARN = "warn"
    BAD = "bad"
    FOOT = "foot"


class Sort(enum.Enum):
    """In which order pairs and servers stand."""

    NAME = "name"
    TROUBLE = "trouble"
    LAG = "lag"
    DOCUMENTS = "documents"

    @property
    def next(self) -> Sort:
        """The one after it."""
        every = list(Sort)
        return every[(every.index(self) + 1) % len(every)]


@frozen
class Line:
    """One line of the screen."""

    text: str
    tone: Tone = Tone.PLAIN


@frozen
class Reading:
    """
    What SERVERS and STATUS told.

    @ivar when: seconds on some clock.
    """

    servers: tuple[ServerLine, ...]
    status: Mapping[str, str]
    when: float

    def figure(self, name: str) -> int:
        """A number of STATUS; 0 if it is not there."""
        text = self.status.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else 0


@frozen
class Scene:
    """
    What there is to show.

    @ivar name_servers: where they should be.
    @ivar moment: the time of day.
    @ivar now: seconds on the clock of the readings.
    @ivar reading: the newest one; C{before} the one before it.
    @ivar silent: nothing has come for longer than it should.
    @ivar trouble: why nothing has come yet, if that is known.
    @ivar events: what happened, the oldest first.
    """

    name_servers: str
    moment: str
    now: float
    reading: Reading | None = None
    before: Reading | None = None
    silent: bool = False
    trouble: str = ""
    events: Sequence[str] = ()
    sort: Sort = Sort.NAME
    paused: bool = False
    help: bool = False


@frozen
class _Pair:
    """A pair, as its servers have it."""

    name: str
    members: list[ServerLine] = field(factory=list)

    @property
    def one(self) -> ServerLine:
        """Any member: all say the same of their pair."""
        return self.members[0]

    @property
    def active(self) -> str:
        """Who serves, or served last; empty if that one never came."""
        return next((one.name for one in self.members if one.active), "")


# ---------------------------------------------------------------------------------- the frame


def frame(scene: Scene, width: int, height: int | None) -> list[Line]:
    """
    The screen.

    @param height: lines that there are; None: as many as are needed.
    @return: exactly C{height} lines, none wider than C{width}.
    """
    top = [Line(_title(scene), Tone.TITLE), *_summary(scene), *_notice(scene)]
    foot = Line(f"q quits   s sorts (by {scene.sort.value})   p pauses   ? helps", Tone.FOOT)
    if scene.help:
        body = [Line(""), *(Line(text) for text in HELP)]
    else:
        room = None if height is None else height - len(top) - 1
        body = _body(scene, width, room)
    lines = [*top, *body]
    if height is not None:
        blank = [Line("")] * (height - 1 - len(lines))
        lines = [*lines[: height - 1], *blank, foot]
    return [Line(cut(line.text, width), line.tone) for line in lines]


def _title(scene: Scene) -> str:
    reading = scene.reading
    up = f"  up {span(reading.figure('uptime_seconds'))}" if reading is not None else ""
    paused = "  PAUSED" if scene.paused else ""
    return f"dfs top  {scene.moment}  name server {one_line(scene.name_servers)}{up}{paused}"


def _summary(scene: Scene) -> list[Line]:
    reading = scene.reading
    if reading is None:
        return [Line("")]
    rate = notes_per_second(scene.before, reading)
    return [
        Line(
            f"{count(reading.figure('documents'), 'document')}  "
            f"{reading.figure('users_online'):,} of {count(reading.figure('users'), 'user')} "
            f"online  {count(reading.figure('connections'), 'connection')}  "
            f"{'-' if rate is None else f'{rate:,.1f}'} notes/s"
        )
    ]


def _notice(scene: Scene) -> list[Line]:
    """That what is shown is old."""
    if scene.reading is None:
        why = scene.trouble or "it is asked"
        return [Line(f"Nothing is known of the cluster yet: {one_line(why)}", Tone.BAD)]
    if not scene.silent or scene.paused:
        return []
    age = span(scene.now - scene.reading.when)
    return [Line(f"The name server has not answered for {age}; trying on", Tone.BAD)]


def _body(scene: Scene, width: int, room: int | None) -> list[Line]:
    """Pairs, servers and events, each with a fair part of the room."""
    reading = scene.reading
    tables: list[list[Line]] = []
    if reading is not None:
        names = max(LEAST_NAME, (width - FIGURES) // 2)
        tables = [_pairs(scene.sort, reading, names), _servers(scene.sort, reading, names)]
    newest = [Line(one_line(text)) for text in reversed(scene.events)]
    if newest:
        tables.append([Line("LAST EVENTS", Tone.HEAD), *newest])
    if room is not None:
        tables = _fitting(tables, room - len(tables))
    return [line for rows in tables for line in (Line(""), *rows)]


def _fitting(tables: list[list[Line]], room: int) -> list[list[Line]]:
    """Tables that need no more than so many lines; of those cut it is said how much is missing."""
    left = max(0, room)
    sizes: dict[int, int] = {}
    for number, rows in sorted(enumerate(tables), key=lambda one: len(one[1])):
        share = left // (len(tables) - len(sizes))
        sizes[number] = min(len(rows), share)
        left -= sizes[number]
    return [_cropped(rows, sizes[number]) for number, rows in enumerate(tables)]


def _cropped(rows: list[Line], room: int) -> list[Line]:
    if len(rows) <= room or room < 2:
        return rows[:room]
    return [*rows[: room - 1], Line(f"… and {len(rows) - room + 1:,} more")]


# --------------------------------------------------------------------------------- the tables


def _pairs(sort: Sort, reading: Reading, names: int) -> list[Line]:
    pairs = sorted(_grouped(reading.servers), key=lambda pair: pair.name)
    orders: dict[Sort, Callable[[_Pair], float]] = {
        Sort.TROUBLE: lambda pair: -_WORST.get(pair.one.protection, 0),
        Sort.LAG: lambda pair: -pair.one.lag_documents,
        Sort.DOCUMENTS: lambda pair: -max(one.documents for one in pair.members),
    }
    if sort in orders:
        pairs.sort(key=orders[sort])
    head = ("PAIR", "STATE", "ACTIVE", "EPOCH", "LAG", "BEHIND", "CONFLICTS")
    rows = [
        (
            *(_name(pair.name, names), pair.one.protection, _name(pair.active, names)),
            *(str(pair.one.epoch), _lag(pair.one)),
            *(f"{pair.one.behind:,}", f"{pair.one.conflicts:,}"),
        )
        for pair in pairs
    ]
    tones = [_tone(_WORST.get(pair.one.protection, 0)) for pair in pairs]
    return _table(head, rows, tones, (3, 4, 5, 6))


def _servers(sort: Sort, reading: Reading, names: int) -> list[Line]:
    servers = sorted(reading.servers, key=lambda line: line.name)
    orders: dict[Sort, Callable[[ServerLine], float]] = {
        Sort.TROUBLE: lambda line: -_WORST.get(line.state, 0),
        Sort.LAG: lambda line: -line.lag_documents,
        Sort.DOCUMENTS: lambda line: -line.documents,
    }
    if sort in orders:
        servers.sort(key=orders[sort])
    head = ("SERVER", "STATE", "NOW", "SILENT", "DOCUMENTS", "SIZE", "ADDRESS")
    rows = [
        (
            *(_name(line.name, names), line.state, "active" if line.active else "peer"),
            "-" if line.silent < 0 else span(line.silent),
            *(f"{line.documents:,}", size(line.size), one_line(line.address)),
        )
        for line in servers
    ]
    tones = [_tone(_WORST.get(line.state, 0)) for line in servers]
    return _table(head, rows, tones, (3, 4, 5))


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], tones: Sequence[Tone], right: Sequence[int]
) -> list[Line]:
    first, *others = table(head, rows, right)
    lines = [Line(text, tone) for text, tone in zip(others, tones, strict=True)]
    return [Line(first, Tone.HEAD), *lines]


def _grouped(servers: Iterable[ServerLine]) -> list[_Pair]:
    pairs: dict[str, _Pair] = {}
    for line in servers:
        pairs.setdefault(line.pair, _Pair(line.pair)).members.append(line)
    return list(pairs.values())


#: How bad the states of pairs and servers are; what is not here is as it should be.
_WORST = {
    "DOWN": 3,
    "HELD": 3,
    "FAILED": 3,
    "FAILED_OVER": 2,
    "DEGRADED": 2,
    "UNPROTECTED": 2,
    "AWAITED": 2,
    "RECONCILING": 1,
    "SYNCING": 1,
    "JOINING": 1,
    "REVERSED": 1,
    "HANDBACK": 1,
}


def _tone(badness: int) -> Tone:
    return (Tone.PLAIN, Tone.PLAIN, Tone.WARN, Tone.BAD)[badness]


def _name(name: str, room: int) -> str:
    return cut(one_line(name), room) or "-"


def _lag(line: ServerLine) -> str:
    if not line.lag_documents:
        return "0"
    return f"{line.lag_documents:,} ({span(line.lag_seconds)})"


# -------------------------------------------------------------------------- between two readings


def notes_per_second(before: Reading | None, now: Reading) -> float | None:
    """How many notes the name server heard a second; None if it was started anew meanwhile."""
    if before is None or now.when <= before.when:
        return None
    heard = now.figure("notes_heard") - before.figure("notes_heard")
    if heard < 0 or now.figure("uptime_seconds") < before.figure("uptime_seconds"):
        return None
    return heard / (now.when - before.when)


def happened(before: Reading, now: Reading) -> list[str]:
    """What happened between two readings, one sentence each."""
    found = []
    if now.figure("uptime_seconds") < before.figure("uptime_seconds"):
        found.append("the name server was started anew")
    old = {pair.name: pair for pair in _grouped(before.servers)}
    for pair in _grouped(now.servers):
        found += _stepped(old.get(pair.name), pair)
    states = {line.name: line.state for line in before.servers}
    for line in now.servers:
        known = states.get(line.name)
        if known is None:
            found.append(f"{line.name} has come: {line.state}")
        elif known != line.state:
            found.append(f"{line.name} was {known} and is {line.state}")
    return found


def _stepped(old: _Pair | None, new: _Pair) -> list[str]:
    if old is None:
        return []
    found = []
    if old.one.protection != new.one.protection:
        found.append(f"pair {new.name} was {old.one.protection} and is {new.one.protection}")
    if old.one.epoch != new.one.epoch and new.active:
        found.append(f"pair {new.name} is served by {new.active}, in epoch {new.one.epoch}")
    return found


def padded(line: Line, width: int) -> str:
    """The text of a line with blanks to the right edge, so that nothing older shines through."""
    return fitted(line.text, width)
