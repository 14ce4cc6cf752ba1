"""
Pairs of servers on their way through the states of L{dfs.core.pairs}.

Decides when the next step of a pair is taken, that it is in the journal before anybody hears of it,
and who is told then.  Must not know how servers are watched or documents copied.

Note [Looking].  L{Pairing.look} may be called at any time and any number of times: it compares what
is known with the state of the pair.  Every second each pair is looked at, so nothing that went
wrong, the journal's disk included, is left half done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.handback import Hold
from dfs.core.pairs import TABLE, Action, Event, Facts, Pair, PairState, due, step
from dfs.errors import Busy, Conflict, DFSError, Unavailable
from dfs.nm.entries import Place
from dfs.nm.fleet import Fleet, Server
from dfs.nm.index import Index
from dfs.nm.journal import Change, DropPair, IJournal, PutPair
from dfs.nm.promotions import Promotions
from dfs.nm.replicator import Replicator
from dfs.nm.surveys import Surveys
from dfs.nm.switching import Switching
from dfs.nm.teller import Teller
from dfs.nm.turns import Turns
from dfs.wire.messages import Promote

#: Seconds that a member has to hear that there is news.
NEWS_SECONDS = 5.0

#: How many pairs are looked at before others have their turn.
AT_ONCE = 500

#: A peer that lags no more than this, in seconds, follows closely.
CLOSE_SECONDS = 1.0

#: When to give the home primary its place back: seconds after it follows; None: never.
HandbackAfter = float | None


@frozen
class Policy:
    """
    What an operator may choose about pairs.

    @ivar handback_after: seconds for which the home primary has to follow; None: never.
    @ivar strict: a peer that was away must have everything before it may lead again.
    """

    handback_after: HandbackAfter = 30.0
    strict: bool = False


@define(eq=False)
class Pairing:
    """
    The pairs.

    @ivar _settled: called with a pair that has taken a step.
    """

    _index: Index
    _journal: IJournal
    _fleet: Fleet
    _teller: Teller
    _replicator: Replicator
    _clock: IReactorTime
    _policy: Policy
    _settled: Callable[[Place], None]
    _turns: Turns = field(factory=Turns, init=False)
    _looking: set[Place] = field(factory=set, init=False)
    _again: set[Place] = field(factory=set, init=False)
    _telling: set[str] = field(factory=set, init=False)
    _handing: dict[Place, object] = field(factory=dict, init=False)
    _holds: dict[Place, Hold] = field(factory=dict, init=False)
    _surveys: Surveys = field(init=False)
    _switching: Switching = field(init=False)
    _promotions: Promotions = field(init=False)
    _stopped: bool = field(default=False, init=False)
    _log = Logger(namespace="dfs.nm")

    def __attrs_post_init__(self) -> None:
        self._surveys = Surveys(self._index, self._clock)
        self._switching = Switching(self._fleet, self._replicator, self._clock, self._surveys.pause)
        self._promotions = Promotions(self._index, self._fleet, self._teller)

    def stop(self) -> None:
        """Take no step any more; what was begun fails."""
        self._stopped = True
        self._surveys.stop()

    # ------------------------------------------------------------------------------ looking

    def sweep(self) -> None:
        """Look at everybody; for a loop of a second."""
        self._promotions.sweep()
        sweeping = Deferred.fromCoroutine(self._sweep(list(self._index.places.values())))
        sweeping.addErrback(self._not_swept)

    def _not_swept(self, failure: Failure) -> None:
        """It is done again within a second, if this name server does not stop."""
        if not failure.check(Unavailable):
            self._log.failure("a defect", failure, log_event="internal_error")

    async def _sweep(self, places: Sequence[Place]) -> None:
        for number, place in enumerate(places, 1):
            if self._due(place) is not None or self._untold(place):
                self.look(place)
            self._replicator.wake(place)
            if number % AT_ONCE == 0:
                await self._surveys.pause()

    def look(self, place: Place) -> None:
        """Take the steps that are due, and tell those who have not heard of the last one."""
        if self._stopped:
            return
        if place in self._looking:
            self._again.add(place)
            return
        self._looking.add(place)
        looking = Deferred.fromCoroutine(self._look(place))
        looking.addErrback(self._failed, place)

    async def _look(self, place: Place) -> None:
        try:
            while True:
                self._again.discard(place)
                await self._settle(place)
                self._tell(place)
                if place not in self._again:
                    return
        finally:
            self._looking.discard(place)

    async def _settle(self, place: Place) -> None:
        async with self._turns.at(place.pair.name):
            # It may have been given up while this waited.
            while self._index.places.get(place.pair.name) is place:
                event = self._due(place)
                if event is None:
                    return
                await self._happen(place, event)

    def _due(self, place: Place) -> Event | None:
        event = due(place.pair, self._facts(place))
        if event is None and place.pair.state is PairState.HANDBACK:
            # It was begun by a name server that is gone: from the beginning, then.
            return None if place in self._handing else Event.UNDONE
        return event

    def _facts(self, place: Place) -> Facts:
        pair = place.pair
        active, peer = self._fleet.servers.get(pair.active), self._fleet.servers.get(pair.peer)
        complete = all(one is not None and one.complete for one in (active, peer))
        return Facts(
            self._fleet.presence(pair.active),
            self._fleet.presence(pair.peer),
            equal=complete and self._replicator.equal(place),
            # Only a pair that is down asks for it, and there may be very much to look at.
            clean=pair.state is PairState.DOWN and not any(place.lacking()),
            stable=complete and self._stable(place),
            strict=self._policy.strict,
        )

    def _stable(self, place: Place) -> bool:
        """The home primary may serve again."""
        if place.pair.state is not PairState.REVERSED or place.draining:
            return False
        home = self._fleet.servers.get(place.pair.home)
        if home is None or home.known.drained:
            return False
        now = self._clock.seconds()
        hold = self._hold(place)
        if not hold.begun and self._policy.handback_after is not None:
            hold.begin(now)  # it followed when this name server started
        _, lag = self._replicator.lag(place, now)
        return hold.over(now) and lag <= CLOSE_SECONDS

    def _hold(self, place: Place) -> Hold:
        return self._holds.setdefault(place, Hold(self._policy.handback_after or 0.0))

    async def _happen(self, place: Place, event: Event, also: Sequence[Change] = ()) -> None:
        """
        Take a step: the journal first, then this name server, then everybody else.

        @param also: what has to be in the journal with it.
        @raise DFSError: the journal does not take it; nothing has happened.
        """
        old = place.pair
        new, action = step(old, event)
        place.moving = new.active != old.active
        try:
            await self._journal.commit([*also, PutPair(new)])
            self._index.found(new)
            self._settled(place)
            self._pace(place, old, event)
            await self._surveys.after_step(place, old)
        finally:
            place.moving = False
        self._log.info(
            "{pair}: {cause}; it is {state} now",
            log_event="pair_state",
            pair=new.name,
            cause=event.value,
            before=old.state.value,
            state=new.state.value,
            epoch=new.epoch,
            active=new.active,
        )
        self._act(place, old, event, action)

    def _pace(self, place: Place, old: Pair, event: Event) -> None:
        """When the home primary may serve again."""
        now, hold = self._clock.seconds(), self._hold(place)
        if place.pair.state is not PairState.REVERSED:
            hold.stop()
        if place.pair.state is PairState.FAILED_OVER and old.home_active:
            hold.failed(now)
        elif place.pair.state is PairState.REVERSED:
            if event is Event.UNDONE:
                hold.undone(now)
            elif self._policy.handback_after is not None:
                hold.begin(now)

    # ------------------------------------------------------------------------------- acting

    def _act(self, place: Place, old: Pair, event: Event, action: Action) -> None:
        if action is Action.COPY or event is Event.FORCED:
            self._log.info(
                "{pair}: {lag} of {documents} documents are to be copied from {source} to {server}",
                log_event="replication_assign",
                source=place.pair.active,
                **self._sums(place),
            )
        if place.pair.active != old.active:
            self._promotions.promoted(place, old, event)
        if place.pair.state is PairState.RECONCILING:
            self._log.info(
                "{pair}: {server} is back; it catches up",
                log_event="recovery_started",
                **self._sums(place),
            )
        elif event is Event.EQUAL:
            self._log.info(
                "{pair}: {server} has everything",
                log_event="recovery_complete",
                **self._sums(place),
            )
        if action is Action.DRAIN:
            self._handing[place] = this = object()
            switching = Deferred.fromCoroutine(self._hand_back(place, this))
            switching.addErrback(self._failed, place)

    def _sums(self, place: Place) -> dict[str, object]:
        """What is told of the peer."""
        return {
            "pair": place.pair.name,
            "server": place.pair.peer,
            "documents": place.documents,
            "lag": len(place.dirty),
            "behind": len(place.behind),
        }

    # ------------------------------------------------------------------------------ telling

    def _tell(self, place: Place) -> None:
        """Make the members ask, whose last answer was another than it would be now."""
        for server in self._untold(place):
            self._telling.add(server.name)
            telling = Deferred.fromCoroutine(self._news(server))
            telling.addErrback(self._unheard, server)

    def _untold(self, place: Place) -> list[Server]:
        """The members for whom there is news."""
        untold = []
        for name in (place.pair.active, place.pair.peer):
            server = self._fleet.servers.get(name)
            if server is None or not server.here or name in self._telling:
                continue
            # Else its first heartbeat is on its way.
            if server.answered is not None and server.answered != self._fleet.beaten(server):
                untold.append(server)
        return untold

    async def _news(self, server: Server) -> None:
        try:
            await server.link.ask(Promote(server.place.pair.epoch), NEWS_SECONDS)
        finally:
            self._telling.discard(server.name)

    def _unheard(self, failure: Failure, server: Server) -> None:
        """It will be told again; its next heartbeat is answered with the same."""
        failure.trap(DFSError)

    # ----------------------------------------------------------------------------- handback

    async def _hand_back(self, place: Place, this: object) -> None:
        """
        Give the home primary its place back, or leave everything as it was.

        @param this: another try may begin before this one has noticed that it is over; then the
            active member has been told to go on meanwhile.
        """
        try:
            ready = await self._switching.ready(place)
            async with self._turns.at(place.pair.name):
                if self._handing.get(place) is this and place.pair.state is PairState.HANDBACK:
                    home = self._fleet.servers[place.pair.home]
                    ready = ready and self._switching.settled(place) and not home.known.drained
                    await self._happen(place, Event.SWITCHED if ready else Event.UNDONE)
        finally:
            if self._handing.get(place) is this:
                del self._handing[place]
            self.look(place)

    def hasten(self, place: Place) -> None:
        """
        Give the home primary its place back as soon as possible, on an operator's order.

        @raise Conflict: it does not follow.
        """
        if place.pair.state is not PairState.REVERSED:
            raise Conflict(
                f"{place.pair.name} is {place.pair.state.value}: only when it is REVERSED can "
                f"{place.pair.home} serve again"
            )
        self._hold(place).skip(self._clock.seconds())
        self.look(place)

    def handback_in(self, place: Place) -> float | None:
        """Seconds until the home primary may serve again; None: it is not known, or never."""
        hold = self._holds.get(place)
        return None if hold is None else hold.left(self._clock.seconds())

    async def switch(self, place: Place) -> None:
        """
        Let the backup serve, on an operator's order, without losing anything.

        @raise Conflict: it cannot take over now.
        @raise DFSError: the home primary could not finish; nothing has changed.
        """
        if place.pair.state is not PairState.PROTECTED or place.draining:
            raise Conflict(
                f"{place.pair.name} is {place.pair.state.value}: only when it is PROTECTED can "
                f"{place.pair.backup} take over"
            )
        epoch = place.pair.epoch
        place.draining = True
        try:
            await self._switching.finish(place)
            async with self._turns.at(place.pair.name):
                self._switching.demand_settled(place)
                if place.pair.epoch != epoch or place.pair.state is not PairState.PROTECTED:
                    raise Busy(f"{place.pair.name} is {place.pair.state.value} by now")
                await self._happen(place, Event.SWITCHED)
        finally:
            place.draining = False
            self.look(place)

    async def force(self, server: Server, check: Callable[[], None]) -> None:
        """
        Let the member serve that is here, whatever it lacks, on an operator's order.

        @param check: raises why it may not, called when nothing else happens to the pair.
        """
        place = server.place
        async with self._turns.at(place.pair.name):
            check()
            await self._happen(place, Event.FORCED)
        self.look(place)

    async def replaced(
        self, server: Server, forgetting: Callable[[], Sequence[Change]], check: Callable[[], None]
    ) -> None:
        """
        The store of the peer is gone, says an operator.

        @param forgetting: tells, then, what the journal has to forget with it.
        @param check: raises why this cannot be, called when nothing else happens to the pair.
        """
        place = server.place
        async with self._turns.at(place.pair.name):
            check()
            if (place.pair.state, Event.REPLACED) not in TABLE:
                raise Conflict(
                    f"{place.pair.name} is {place.pair.state.value}: the store of a member can be "
                    "replaced when the other one serves alone"
                )
            place.forgetting = place.is_home(server.name)
            try:
                await self._happen(place, Event.REPLACED, forgetting())
                server.known = evolve(server.known, store_id="", noted=0)
                server.applied = 0
                if server.here:
                    self._fleet.fail(server)  # it came meanwhile; it has to say what it has
                await self._surveys.forget(place, home=place.is_home(server.name))
            finally:
                place.forgetting = None

    async def paired(self, place: Place, other: Server, check: Callable[[], None]) -> None:
        """
        A server gives up its own pair and becomes the backup of another one.

        @param check: raises why this cannot be, called when nothing else happens to either.
        """
        own = other.place
        first, second = sorted((place.pair.name, own.pair.name))
        async with self._turns.at(first), self._turns.at(second):
            check()
            new = evolve(place.pair, backup=other.name)
            own.moving = True  # nothing new is placed there
            try:
                await self._journal.commit([DropPair(own.pair.name), PutPair(new)])
            finally:
                own.moving = False
            del self._index.places[own.pair.name]
            self._index.found(new)
            other.place = place
            self._fleet.fail(other)  # it registers again and is told what it is now

    def _failed(self, failure: Failure, place: Place) -> None:
        """It is tried again within a second."""
        self._log.warn(
            "the next step of {pair} was not taken: {reason}",
            log_event="pair_late",
            pair=place.pair.name,
            reason=failure.getErrorMessage(),
        )
        if not failure.check(DFSError):
            self._log.failure("a defect", failure, log_event="internal_error")
