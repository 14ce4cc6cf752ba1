"""
Whether this server may serve: its lease, and what the name server says with it.

Decides who is answered, what may be committed, and who may be told that it was.  Must not know how
heartbeats travel, nor what is committed.

Note [Twice]
============
It is asked before a commit, and after it before the client is told: the process may have been
stopped in between, and the other member may serve since.  Who finds that out after the commit does
not know whether the change will be kept, and says so.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen
from twisted.logger import Logger

from dfs.core.leases import Lease
from dfs.errors import DFSError, Internal, Moved, Unavailable
from dfs.ss.draining import Draining
from dfs.ss.membership import Membership
from dfs.wire.messages import Beaten


@frozen
class Beat:
    """
    A heartbeat that was sent.

    @ivar number: counted from 1 since this process began.
    @ivar sent: when, on the lease clock.
    """

    number: int
    sent: float


@define(eq=False)
class Serving:
    """
    The right to serve.

    @ivar now: the lease clock; it goes on while the machine sleeps.
    @ivar lease: until when this server may serve.
    @ivar draining: who may begin a change.
    @ivar wait: clients wait until the peer has their change too.
    @ivar failure: why the disk is of no use any more; empty if it is.
    @ivar on_fenced: called when this server may not serve any more, in this epoch or for now.
    @ivar _promoted: it was told that it serves.
    @ivar _refuse: nothing may be changed now.
    @ivar _newest: the newest heartbeat whose answer is known.
    """

    _membership: Membership
    draining: Draining
    now: Callable[[], float]
    lease: Lease = field(factory=Lease, init=False)
    wait: bool = field(default=False, init=False)
    failure: str = field(default="", init=False)
    on_fenced: Callable[[], object] = field(default=lambda: None, init=False)
    _promoted: bool = field(default=False, init=False)
    _refuse: bool = field(default=False, init=False)
    _newest: int = field(default=0, init=False)
    _heard: float = field(default=0.0, init=False)
    _over: bool = field(default=False, init=False)
    _parted: bool = field(default=False, init=False)
    _log = Logger(namespace="dfs.ss.serving")

    # ------------------------------------------------------------------------------ news

    def beat(self) -> Beat:
        """A heartbeat is sent now."""
        self.draining.beats += 1
        return Beat(self.draining.beats, self.now())

    def told(self, beat: Beat, answer: Beaten) -> None:
        """
        A heartbeat was answered, and the epoch of the answer is durable.

        An answer that others have overtaken, or that is of an older epoch, says nothing any more.
        """
        late = beat.number < self._newest or answer.epoch != self._membership.newest
        if late or self._parted:
            return
        self._newest = beat.number
        self.wait, self._refuse = answer.wait, answer.refuse
        if not answer.serve:
            self._demote("the name server says so")
            return
        self.lease.grant(beat.sent)
        self._heard, self._over = beat.sent, False
        if not self._promoted:
            self._promoted = True
            self._log.info(
                "{name} serves, in epoch {epoch}",
                log_event="promoted",
                name=self._membership.name,
                epoch=answer.epoch,
            )
        self.draining.told(beat.number, drain=answer.drain)

    def new_epoch(self) -> None:
        """There is a higher epoch: whatever was allowed is not allowed any more."""
        self._demote("there is a new epoch")
        self.draining.resume(Moved("there is a new epoch"))

    def part(self) -> None:
        """Give the lease back, for good."""
        self._parted = True
        self._demote("it says goodbye")

    def watch(self) -> None:
        """Notice that the lease is over; to be called several times a second."""
        if not self.lease.expired(self.now()) or self._over:
            return
        self._over = True
        self._log.warn(
            "{name} has not heard the name server for {seconds} s and serves nobody until it does",
            log_event="lease_expired",
            name=self._membership.name,
            epoch=self._membership.epoch,
            seconds=round(self.now() - self._heard, 1),
        )
        self.on_fenced()

    def _demote(self, why: str) -> None:
        self.lease.revoke()
        if self._promoted:
            self._promoted = False
            self._log.info(
                "{name} does not serve any more: {why}",
                log_event="demoted",
                name=self._membership.name,
                epoch=self._membership.newest,
                why=why,
            )
        self.on_fenced()

    # --------------------------------------------------------------------------- questions

    @property
    def serves(self) -> bool:
        """Whether there is a lease now."""
        return self.lease.holds(self.now())

    @property
    def refuses(self) -> bool:
        """Nothing may be changed now, because the peer is away."""
        return self._refuse

    @property
    def silence(self) -> float:
        """Seconds since the last heartbeat was sent that let this server serve."""
        return max(0.0, self.now() - self._heard)

    def check(self, epoch: int) -> None:
        """
        Whether a ticket of that epoch is good here, now.

        @raise Moved: another server may be in charge.
        @raise Unavailable: this one is, as far as it knows, but it has to be told again.
        """
        self._membership.check(epoch)
        self._check_lease()
        self.draining.may_answer()

    def may_begin(self) -> None:
        """
        Whether something may be changed outside of a session, or a session be opened.

        @raise DFSError: why not.
        """
        self.draining.may_begin()
        self._check_refuse()

    def may_commit(self) -> None:
        """
        Whether a client's change may be committed now.

        @raise DFSError: why not; nothing was changed.
        """
        self.check_disk()
        self._check_lease()
        self.draining.may_finish()
        self._check_refuse()

    def may_speak(self, epoch: int, document_id: str) -> None:
        """
        Whether a client may be told that its change was committed in that epoch.

        @raise Internal: nobody may be told that it was done.  Not the reason itself: a client that
            reads C{UNAVAILABLE} knows that nothing was done, and does it again.
        """
        try:
            self.check_disk()
            self.check(epoch)
        except DFSError as error:
            self._log.warn(
                "a change of {document} was committed and is not answered: {reason}",
                log_event="write_fenced",
                document=document_id,
                epoch=epoch,
                reason=str(error),
            )
            raise in_doubt(error) from error

    def check_order(self, epoch: int) -> None:
        """
        Whether an order of that epoch may still be carried out; it needs no lease.

        @raise Moved: it is of the past by now.
        """
        self._membership.check(epoch)

    def check_disk(self) -> None:
        """
        @raise Unavailable: the disk has failed.
        """
        if self.failure:
            raise Unavailable(f"the disk of {self._membership.name} failed: {self.failure}")

    def _check_lease(self) -> None:
        now = self.now()
        if self.lease.holds(now):
            return
        name = self._membership.name
        if not self.lease.expired(now):
            raise Moved(f"{name} does not serve this now; ask the name server again")
        self.watch()
        raise Unavailable(
            f"{name} has not heard the name server for {now - self._heard:.0f} s and may not serve"
            " until it does; try again in a moment"
        )

    def _check_refuse(self) -> None:
        if self._refuse:
            raise Unavailable(
                "the other server of the pair is away, and nothing is changed on one alone"
                " (--solo refuse); try again later"
            )


def in_doubt(error: DFSError) -> Internal:
    """What to say when a change was committed and may not be kept."""
    return Internal(
        f"{error}; whether the change will be kept is not known, so look before repeating"
    )
