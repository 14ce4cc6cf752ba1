"""
What operators are told at the console of the name server, and what they can order there.

Decides which facts make which line.  Whatever is ordered goes through L{dfs.nm.admin}, with its
refusals.  Must not know how a console reads and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from itertools import islice

from attrs import define
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.columns import count, size, span
from dfs.console.commands import MOST, Asked, Command, listed
from dfs.core.pairs import PairState
from dfs.errors import DFSError, Invalid, NotFound
from dfs.nm.admin import Operators
from dfs.nm.entries import Entry, Place
from dfs.nm.explanations import Explanations
from dfs.nm.fleet import Fleet, Server, State
from dfs.nm.index import Index
from dfs.nm.kept import Grave
from dfs.nm.pairing import Pairing
from dfs.nm.replicator import Replicator, Retry
from dfs.nm.storage import NoAnswer
from dfs.wire.exchange import Peer
from dfs.wire.locks import LockLine, Locks
from dfs.wire.messages import Admin

#: Seconds that storage servers have to say what is locked.
LOCKS_SECONDS = 2.0

#: Storage servers that are asked at once; the others can be asked one by one.
ASKED = 50


@define(eq=False)
class NameServerConsole:
    """
    A L{dfs.console.commands.Role}.

    @ivar _facts: what STATUS tells.
    @ivar _connections: everybody who is connected, and since when.
    """

    name: str
    _index: Index
    _fleet: Fleet
    _pairing: Pairing
    _replicator: Replicator
    _operators: Operators
    _explanations: Explanations
    _clock: IReactorTime
    _facts: Callable[[], Mapping[str, object]]
    _connections: Callable[[], Collection[tuple[Peer, float]]]
    _log = Logger(namespace="dfs.nm")

    @property
    def greeting(self) -> str:
        """Who this is, in one sentence."""
        return (
            f"Name server of the cluster {self._fleet.cluster_id}, with "
            f"{count(len(self._index), 'document')}; type help."
        )

    def commands(self) -> Sequence[Command]:
        """What can be asked and ordered."""
        return (
            Command("status", "", "How this name server is.", self._status),
            Command("servers", "[WORD] [N]", "The storage servers.", self._servers),
            Command("pairs", "[WORD] [N]", "The pairs, and what becomes of them.", self._pairs),
            Command("queue", "[PAIR] [N]", "What is to be copied, the oldest first.", self._queue),
            Command("locks", "[SERVER] [N]", "Who edits which sentence, everywhere.", self._locks),
            Command("sessions", "[WORD] [N]", "Who is connected.", self._sessions),
            Command("why", "PATH", "Why a document can be used now, or not.", self._why),
            Command("failover", "PAIR", "Let the other member serve.", self._failover),
            Command("handback", "PAIR", "Let the home primary serve again.", self._handback),
            Command("drain", "SERVER", "Let a server finish, to stop it.", self._drain),
        )

    def also(self, word: str) -> Sequence[str]:
        """The id of a document for its path, and the other way round."""
        try:
            return [self._index.document(word).key]
        except DFSError:
            pass
        try:
            entry = self._index.by_id(int(word, 16))
        except ValueError:
            return []
        return [] if entry is None else [entry.path]

    # ---------------------------------------------------------------------------- questions

    def _status(self, asked: Asked) -> Iterable[str]:
        facts = {name.replace("_", " "): str(value) for name, value in self._facts().items()}
        wide = max(map(len, facts)) + 2
        return [f"{name + ':':{wide}}{value}" for name, value in facts.items()]

    def _servers(self, asked: Asked) -> Iterable[str]:
        word, limit = asked.limit()
        found = [line for line in self._fleet.lines(self._clock.seconds()) if word in line.name]
        rows = (
            (
                *(line.name, line.state, "active" if line.active else "peer", line.pair),
                *("-" if line.silent < 0 else span(line.silent), f"{line.documents:,}"),
                *(size(line.size), line.address, self._drained(line.name)),
            )
            for line in found
        )
        head = ("SERVER", "STATE", "NOW", "PAIR", "SILENT", "DOCUMENTS", "SIZE", "ADDRESS", "")
        none = "No storage server has registered yet." if not word else f"None is called {word}."
        return listed(head, rows, limit, len(found), (4, 5, 6), none)

    def _drained(self, name: str) -> str:
        return "drained" if self._fleet.servers[name].known.drained else ""

    def _pairs(self, asked: Asked) -> Iterable[str]:
        word, limit = asked.limit()
        places = sorted(
            (place for place in self._index.places.values() if word in place.pair.name),
            key=lambda place: place.pair.name,
        )
        head = ("PAIR", "STATE", "ACTIVE", "EPOCH", "DOCUMENTS", "LAG", "BEHIND", "CONFLICTS", "")
        rows = map(self._pair, places)
        return listed(head, rows, limit, len(places), (3, 4, 5, 6, 7), "There is no such pair.")

    def _pair(self, place: Place) -> Sequence[str]:
        documents, seconds = self._replicator.lag(place, self._clock.seconds())
        return (
            *(place.pair.name, place.pair.protection, place.pair.active, str(place.pair.epoch)),
            f"{place.documents:,}",
            f"{documents:,} ({span(seconds)})" if documents else "0",
            *(f"{len(place.behind):,}", f"{place.conflicts:,}", self._next(place)),
        )

    def _next(self, place: Place) -> str:
        """What becomes of a pair."""
        if place.draining:
            return f"{place.pair.active} finishes"
        seconds = self._pairing.handback_in(place)
        if place.pair.state is PairState.REVERSED and seconds is not None:
            return f"{place.pair.home} serves in {span(seconds)}"
        running = self._replicator.running(place)
        return f"{running} under way" if running else ""

    def _queue(self, asked: Asked) -> Iterable[str]:
        word, limit = asked.limit()
        places = [self._place(word)] if word else list(self._index.places.values())
        total = sum(len(one.dirty) + len(one.behind) + len(one.graves) for one in places)
        head = ("WAITS", "PAIR", "TODO", "DOCUMENT", "TRIES", "LAST ERROR")
        rows = (row for rows in (self._dirty, self._behind, self._graves) for row in rows(places))
        lines = listed(head, rows, limit, total, (0, 4), "Nothing is to be copied.")
        troubles = [
            f"{place.pair.name}: everything waits, {_tried(problem)}"
            for place in islice((one for one in places if not self._replicator.equal(one)), limit)
            if (problem := self._replicator.trouble(place)) is not None
        ]
        return lines + troubles

    def _dirty(self, places: Iterable[Place]) -> Iterator[Sequence[str]]:
        """What the peer lacks, the oldest of all pairs first."""
        now = self._clock.seconds()
        each = [
            ((since, entry.id, entry) for entry, since in place.dirty.items()) for place in places
        ]
        for since, _, entry in merge(*each):
            todo = f"copy to {entry.place.pair.peer}"
            yield self._todo(entry.place, entry, todo, span(now - since))

    def _behind(self, places: Iterable[Place]) -> Iterator[Sequence[str]]:
        for place in places:
            for entry in place.behind:
                yield self._todo(place, entry, f"judge what {place.pair.peer} has", "-")

    def _graves(self, places: Iterable[Place]) -> Iterator[Sequence[str]]:
        for place in places:
            for grave in place.graves.values():
                yield self._todo(place, grave, "remove everywhere", "-")

    def _todo(self, place: Place, thing: Entry | Grave, todo: str, waits: str) -> Sequence[str]:
        retry = self._replicator.failed(place, thing)
        tries, error = (str(retry.tries), retry.error) if retry is not None else ("0", "")
        return (waits, place.pair.name, todo, thing.path, tries, error)

    def _sessions(self, asked: Asked) -> Iterable[str]:
        word, limit = asked.limit()
        now = self._clock.seconds()
        everybody = [
            (peer.user or peer.machine or "-", _role(peer), peer.address, now - since)
            for peer, since in self._connections()
        ]
        found = [one for one in everybody if word in one[:3] or not word]
        found.sort(key=lambda one: -one[3])
        rows = ((who, role, address, span(age)) for who, role, address, age in found)
        head = ("WHO", "ROLE", "FROM", "FOR")
        return listed(head, rows, limit, len(found), (3,), "Nobody is connected.")

    # -------------------------------------------------------------------------------- locks

    async def _locks(self, asked: Asked) -> Iterable[str]:
        word, limit = asked.limit()
        servers = [self._server(word)] if word else self._serving()
        asking = [self._ask(server, limit) for server in servers[:ASKED]]
        try:
            answers = await gatherResults(asking, consumeErrors=True)
        except FirstError as error:
            error.subFailure.raiseException()  # they were interrupted
        found = [(server, line) for server, lines, _ in answers for line in lines]
        found.sort(key=lambda one: -one[1].held)
        rows = (
            (
                *(line.path or line.document, repr(line.sentence), line.user, span(line.held)),
                *(span(line.idle), span(line.left), server),
            )
            for server, line in found
        )
        head = ("DOCUMENT", "SENTENCE", "HELD BY", "FOR", "IDLE", "ENDS IN", "SERVER")
        right = (3, 4, 5)
        lines = listed(head, rows, limit, len(found), right, "Nobody edits anything.")
        silent = [f"Not known: {error}." for _, _, error in answers if error]
        if len(servers) > ASKED:
            silent.append(f"Only {ASKED} of {len(servers)} servers were asked; name one.")
        return lines + silent

    def _serving(self) -> list[Server]:
        """The active members that are live, one for each pair."""
        servers = (self._fleet.servers.get(p.pair.active) for p in self._index.places.values())
        return [one for one in servers if one is not None and one.state is State.LIVE]

    def _ask(
        self, server: Server, most: int, document: str = ""
    ) -> Deferred[tuple[str, list[LockLine], str]]:
        """
        Ask a storage server for its locks.

        @return: its name, its locks, and why it did not tell them; never fails.
        """
        asking = Deferred.fromCoroutine(server.link.items(Locks(most, document), LOCKS_SECONDS))

        def refused(failure: Failure) -> tuple[str, list[LockLine], str]:
            failure.trap(DFSError)
            return server.name, [], failure.getErrorMessage()

        def told(lines: list[LockLine]) -> tuple[str, list[LockLine], str]:
            return server.name, lines, ""

        # Reaching it has a limit of its own, which is longer.
        asking.addTimeout(LOCKS_SECONDS, self._clock, partial(_too_late, server.name))
        return asking.addCallbacks(told, refused)

    # ----------------------------------------------------------------------------------- why

    async def _why(self, asked: Asked) -> Iterable[str]:
        if not asked.words:
            raise Invalid("say which document: why reports/q3.txt")
        entry = self._explanations.entry(asked.text)
        if entry is None:
            return [self._explanations.absent(asked.text)]
        server = self._fleet.servers.get(entry.place.pair.active)
        lines: list[LockLine] = []
        if server is not None and self._explanations.answers(server):
            _, lines, _ = await self._ask(server, MOST, entry.key)
        return [self._explanations.document(entry, lines)]

    # -------------------------------------------------------------------------------- orders

    async def _failover(self, asked: Asked) -> Iterable[str]:
        pair = self._place(asked.one("pair")).pair
        await self._order(Admin("failover", pair.name), asked)
        return [f"Done: {pair.peer} serves {pair.name} now."]

    async def _handback(self, asked: Asked) -> Iterable[str]:
        pair = self._place(asked.one("pair")).pair
        await self._order(Admin("handback", pair.name), asked)
        return [f"Ordered: {pair.home} serves again as soon as it has everything; see pairs."]

    async def _drain(self, asked: Asked) -> Iterable[str]:
        server = self._server(asked.one("server"))
        await self._order(Admin("drain", server.name), asked)
        active = server.place.pair.active
        return [f"Done: {server.name} gets no new documents, and {active} serves its pair."]

    def _order(self, order: Admin, asked: Asked) -> Deferred[None]:
        """
        Have something done, to its end even if whoever ordered it goes away.

        @return: what they wait for.
        """
        waiting: Deferred[None] = Deferred(lambda _: None)
        ordering = Deferred.fromCoroutine(self._operators.order(order))
        ordering.addBoth(self._ordered, order, asked.who, waiting)
        return waiting

    def _ordered(
        self, result: Failure | None, order: Admin, who: str, waiting: Deferred[None]
    ) -> None:
        outcome, reason = "OK", ""
        if isinstance(result, Failure):
            outcome = getattr(result.value, "code", "INTERNAL")
            reason = result.getErrorMessage()
        self._log.info(
            "{peer} ordered {deed} {target} at the console: {outcome} {reason}",
            log_event="console_order",
            peer=who,
            deed=order.deed,
            target=order.target,
            outcome=outcome,
            reason=reason,
        )
        if not waiting.called:
            waiting.callback(result)

    # ---------------------------------------------------------------------------------- names

    def _place(self, name: str) -> Place:
        """
        A pair, by its name or that of a member.

        @raise NotFound: there is none.
        """
        place = self._index.place_of(name)
        if place is None:
            raise NotFound(f"there is no pair or server {name!r}; pairs lists them")
        return place

    def _server(self, name: str) -> Server:
        server = self._fleet.servers.get(name)
        if server is None:
            raise NotFound(f"there is no storage server {name!r}; servers lists them")
        return server


def _tried(problem: Retry) -> str:
    """How often something failed, and why."""
    return f"after {count(problem.tries, 'try', 'tries')}: {problem.error}"


def _role(peer: Peer) -> str:
    """What somebody is to this name server."""
    if peer.machine:
        return {"ss": "storage server", "admin": "operator"}.get(peer.role, peer.role)
    if not peer.user:
        return "has not said who it is"
    return "program" if peer.role == "client" else "person"


def _too_late(server: str, result: object, seconds: float) -> list[LockLine]:
    raise NoAnswer(f"{server} did not answer within {seconds:g} s")
