"""
What the members of a pair lack, copied from one to the other.

Decides which document of a pair is next, how many are under way, and when what failed is tried
again.  What there is to do stands in the index (L{dfs.nm.entries}, Note [Two members]) and nowhere
else: so jobs coalesce, nothing can be full, and a restart forgets nothing.  Must not know when a
pair takes which step.

A job is a flat chain: fetch the document from the member that has it, push it to the one that lacks
it, with what that says it lacks, confirm.  There are several kinds of it, see L{dfs.nm.jobs}.

Note [Trouble].  A document that fails waits, longer from try to try, and the others go on.  When a
member itself cannot be reached everything waits, and then one document is tried before the others
follow.  A member that registers anew is not made to wait for what its former life did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.pairs import PairState
from dfs.errors import Busy, DFSError, Unavailable
from dfs.nm.entries import Entry, Place
from dfs.nm.fleet import Fleet, Server
from dfs.nm.index import Index
from dfs.nm.jobs import SMALL_BYTES, Asking, Copying, Job, Judging, Laying, Rescuing
from dfs.nm.kept import Grave
from dfs.nm.notes import Notes
from dfs.nm.relay import CutOff
from dfs.nm.rescue import Rescuer
from dfs.nm.teller import Teller
from dfs.wire.exchange import Peer

#: Jobs of one pair that are under way at once.
IN_FLIGHT = 8

#: At most one of so many of them is about a large document: others need room, too.
LARGE_SHARE = 2

#: Large documents that are passed over while others like them are under way.
PASSED = 100

#: Seconds before something that failed is tried again, at first and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0

#: What a job is about.
Thing = Entry | Grave

#: It by id, and whether the document is gone: what failed before that does not matter then.
Key = tuple[int, bool]


def _ignore(place: Place) -> None:
    """Nobody waits for it."""


@define
class Retry:
    """
    Something that failed.

    @ivar tries: how often.
    @ivar due: when it may be tried again.
    @ivar error: why, at the last try.
    """

    tries: int = 0
    due: float = 0.0
    error: str = ""

    def failed(self, now: float, chance: float, error: str) -> None:
        """
        It failed; what fails while it waits was begun before, and says nothing new.

        @param chance: a number from 0 to 1.
        """
        if self.due > now:
            return
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.tries, 20))
        self.tries += 1
        self.due = now + pause * (0.5 + chance / 2)
        self.error = error


@frozen
class Problem:
    """
    What stands against a document, or against a whole pair.

    @ivar document: its id; empty: a member cannot be reached.
    @ivar tries: how often it was tried.
    """

    document: str
    tries: int
    error: str


@define(eq=False)
class Work:
    """
    What is done for one pair.

    @ivar running: the ids of the documents that are worked on, and how.
    @ivar large: which of them are large.
    @ivar failed: what failed.
    @ivar trouble: a member cannot be reached: everything waits.
    @ivar lives: the connections that spoke for both members when this was found out.
    """

    place: Place
    running: dict[int, Deferred[None]] = field(factory=dict)
    large: set[int] = field(factory=set)
    failed: dict[Key, Retry] = field(factory=dict)
    trouble: Retry = field(factory=Retry)
    lives: tuple[Peer | None, Peer | None] = (None, None)
    timer: IDelayedCall | None = None
    filling: bool = False

    def over(self, job: Job) -> None:
        """A job is under way no more."""
        self.running.pop(job.id, None)
        self.large.discard(job.id)


@define(eq=False)
class Replicator:
    """
    Copies, for all pairs; none waits for another one.

    @ivar on_equal: called with a pair when nothing is left to do for it.
    @ivar _random: a number from 0 to 1, a new one at each call.
    """

    _index: Index
    _fleet: Fleet
    _teller: Teller
    _notes: Notes
    _rescuer: Rescuer
    _clock: IReactorTime
    _random: Callable[[], float]
    _in_flight: int = IN_FLIGHT
    on_equal: Callable[[Place], None] = field(default=_ignore, init=False)
    _works: dict[Place, Work] = field(factory=dict, init=False)
    _stopped: bool = field(default=False, init=False)
    _log = Logger(namespace="dfs.nm")

    # ------------------------------------------------------------------------------ questions

    def equal(self, place: Place) -> bool:
        """Whether both members are known to have the same of every document."""
        return not place.dirty and not place.behind and not place.graves

    def lag(self, place: Place, now: float) -> tuple[int, float]:
        """How many documents the peer lacks something of, and since when, in seconds."""
        since = next(iter(place.dirty.values()), now)
        return len(place.dirty), max(0.0, now - since)

    def errors(self, place: Place) -> list[Problem]:
        """What stands against copying, the most stubborn first."""
        work = self._works.get(place)
        if work is None or self.equal(place):
            return []
        self._forget_settled(work)
        trouble = (
            [Problem("", work.trouble.tries, work.trouble.error)] if work.trouble.tries else []
        )
        failed = [
            Problem(f"{document_id:016x}", one.tries, one.error)
            for (document_id, _), one in work.failed.items()
        ]
        return trouble + sorted(failed, key=lambda one: -one.tries)

    def stubborn(self, place: Place) -> str:
        """What failed most often, in few words; empty if nothing did."""
        work = self._works.get(place)
        if work is None or self.equal(place):
            return ""
        if work.trouble.tries:
            return f"everything, {work.trouble.tries} tries, {work.trouble.error}"
        self._forget_settled(work)
        if not work.failed:
            return ""
        (document, _), worst = max(work.failed.items(), key=lambda one: one[1].tries)
        return f"{document:016x}, {worst.tries} tries, {worst.error}"

    def failed(self, place: Place, thing: Thing) -> Retry | None:
        """How often the work on one document failed, and why; None if it did not."""
        work = self._works.get(place)
        return None if work is None else work.failed.get((thing.id, isinstance(thing, Grave)))

    def trouble(self, place: Place) -> Retry | None:
        """Why everything of a pair waits; None if it does not."""
        work = self._works.get(place)
        return work.trouble if work is not None and work.trouble.tries else None

    def running(self, place: Place) -> int:
        """How many documents of a pair are being worked on."""
        work = self._works.get(place)
        return len(work.running) if work is not None else 0

    def stop(self) -> None:
        """End everything."""
        self._stopped = True
        for work in self._works.values():
            if work.timer is not None:
                work.timer.cancel()
                work.timer = None
            for job in list(work.running.values()):
                job.cancel()

    # ------------------------------------------------------------------------------- choosing

    def wake(self, place: Place) -> None:
        """There may be something to do for a pair; harmless at any time."""
        if self._stopped:
            return
        work = self._works.get(place)
        if work is None:
            work = self._works[place] = Work(place)
        if work.filling:
            return
        work.filling = True
        try:
            self._fill(work)
        finally:
            work.filling = False

    def _fill(self, work: Work) -> None:
        members = self._members(work.place)
        if members is None:
            return
        active, peer = members
        lives = (active.peer, peer.peer)
        if work.lives != lives:
            work.lives, work.trouble = lives, Retry()
            work.failed.clear()
        now = self._clock.seconds()
        while work.trouble.due <= now and len(work.running) < self._room(work):
            job = next(self._jobs(work, active, peer, now), None)
            if job is None:
                return
            self._begin(work, job)

    def _room(self, work: Work) -> int:
        """How many jobs may be under way; see Note [Trouble]."""
        return 1 + len(work.large) if work.trouble.tries else self._in_flight

    def _room_for_large(self, work: Work) -> int:
        """How many of them may be about large documents."""
        return 1 if work.trouble.tries else max(1, self._in_flight // LARGE_SHARE)

    def _members(self, place: Place) -> tuple[Server, Server] | None:
        """The active member and its peer, if both are here."""
        pair = place.pair
        if pair.state is PairState.DOWN or place.moving:
            return None
        active = self._fleet.servers.get(pair.active)
        peer = self._fleet.servers.get(pair.peer)
        if active is None or peer is None or not active.here or not peer.here:
            return None
        return active, peer

    def _jobs(self, work: Work, active: Server, peer: Server, now: float) -> Iterator[Job]:
        """What can be done now, in the order in which it should be."""
        place = work.place
        if peer.complete:
            # Before that it may have more than we know of.
            for entry in place.behind:
                if self._free(work, entry, now):
                    yield Judging(self._index, self._notes, self._clock, entry, active, peer)
            for grave in place.graves.values():
                if not self._free(work, grave, now):
                    continue
                yield from self._burial(place, grave, active, peer)
        full = len(work.large) >= self._room_for_large(work)
        passed = 0
        for entry in place.dirty:
            if entry in place.behind or not self._free(work, entry, now):
                continue
            if full and _is_large(entry):
                passed += 1
                if passed > PASSED:
                    return
                continue
            yield Copying(self._index, self._notes, self._clock, entry, active, peer, self._teller)

    def _burial(self, place: Place, grave: Grave, active: Server, peer: Server) -> Iterator[Job]:
        """What is to be done about a document that is gone, if anything is."""
        there = grave.may_be_at(home=place.is_home(peer.name))
        # The active member has it, if it was promoted before this could be done.
        member = peer if there else active
        missed = place.missed.get(grave.id)
        if missed is not None:
            having = peer if missed.home == place.is_home(peer.name) else active
            yield Rescuing(grave, self._rescuer, active, having)
        elif (grave.id, place.is_home(member.name)) in place.doubted:
            yield Asking(grave, member)
        elif there:
            yield Laying(grave, self._teller, peer)

    def _free(self, work: Work, thing: Thing, now: float) -> bool:
        """Nobody works on it, and it need not wait."""
        if thing.id in work.running:
            return False
        retry = work.failed.get((thing.id, isinstance(thing, Grave)))
        return retry is None or retry.due <= now

    # -------------------------------------------------------------------------------- running

    def _begin(self, work: Work, job: Job) -> None:
        began, epoch = self._clock.seconds(), work.place.pair.epoch
        if isinstance(job, Copying) and _is_large(job.entry):
            work.large.add(job.id)
        work.running[job.id] = running = maybeDeferred(job.start)
        running.addCallbacks(self._done, self._failed, (work, job, began), {}, (work, job, epoch))
        running.addErrback(self._defect, work, job)
        running.addBoth(self._ended, work)

    def _ended(self, result: object, work: Work) -> None:
        self.wake(work.place)
        if self.equal(work.place) and not self._stopped:
            self.on_equal(work.place)

    def _done(self, _: object, work: Work, job: Job, began: float) -> None:
        work.over(job)
        work.failed.pop((job.id, job.buried), None)
        work.trouble = Retry()
        if isinstance(job, Copying):
            self._index.requeue(job.entry)
        self._log.debug(
            "{pair}: {kind} of {document} is done",
            log_event="replication_job_done",
            pair=work.place.pair.name,
            kind=job.kind,
            document=f"{job.id:016x}",
            version=job.version,
            bytes=job.size,
            milliseconds=round(1000 * (self._clock.seconds() - began), 3),
        )

    def _failed(self, failure: Failure, work: Work, job: Job, epoch: int) -> None:
        work.over(job)
        if self._stopped or failure.check(CancelledError):
            return
        failure.trap(DFSError)
        error = failure.value
        if epoch != work.place.pair.epoch or not self._waits(work.place, (job.id, job.buried)):
            return  # it has to be done otherwise, or not at all
        now, text = self._clock.seconds(), str(error)
        retry = work.failed.setdefault((job.id, job.buried), Retry())
        retry.failed(now, self._random(), text)
        # Then others would fare no better; a document that is locked is an affair of its own.
        if isinstance(error, Unavailable | Busy) and not isinstance(error, CutOff):
            work.trouble.failed(now, self._random(), text)
        self._log.warn(
            "{pair}: {kind} of {document} failed, it will be tried again: {code} {reason}",
            log_event="replication_job_failed",
            pair=work.place.pair.name,
            kind=job.kind,
            document=f"{job.id:016x}",
            code=getattr(error, "code", ""),
            reason=text,
            tries=retry.tries,
        )
        self._alarm(work, max(retry.due, work.trouble.due))

    def _defect(self, failure: Failure, work: Work, job: Job) -> None:
        """Something that no server said: it must not stop the others, nor be tried without end."""
        self._log.failure(
            "a job failed", failure, log_event="internal_error", document=f"{job.id:016x}"
        )
        work.over(job)
        retry = work.failed.setdefault((job.id, job.buried), Retry())
        retry.tries, retry.error = retry.tries + 1, failure.getErrorMessage()
        retry.due = self._clock.seconds() + LONGEST_PAUSE
        self._alarm(work, retry.due)

    def _alarm(self, work: Work, due: float) -> None:
        """Wake up when something may be tried again, but not for each of very many."""
        if self._stopped:
            return
        pause = max(due - self._clock.seconds(), FIRST_PAUSE / 2)
        if work.timer is None:
            work.timer = self._clock.callLater(pause, self._ring, work)
        elif work.timer.getTime() > self._clock.seconds() + pause:
            work.timer.reset(pause)

    def _ring(self, work: Work) -> None:
        work.timer = None
        self._forget_settled(work)
        self.wake(work.place)
        now = self._clock.seconds()
        dues = [work.trouble.due, *(retry.due for retry in work.failed.values())]
        later = [due for due in dues if due > now]
        if later:
            self._alarm(work, min(later))

    def _forget_settled(self, work: Work) -> None:
        """Something that failed may have been settled otherwise, or be gone."""
        for key in list(work.failed):
            if not self._waits(work.place, key):
                del work.failed[key]

    def _waits(self, place: Place, key: Key) -> bool:
        """There still is something to do."""
        document_id, buried = key
        if buried:
            return document_id in place.graves
        entry = self._index.by_id(document_id)
        return entry in place.dirty or entry in place.behind


def _is_large(entry: Entry) -> bool:
    """Its text takes connections of its own."""
    return entry.noted.size > SMALL_BYTES
