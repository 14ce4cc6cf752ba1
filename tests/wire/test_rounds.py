"""How the connections of a server share the time of a turn of the reactor."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dfs.wire.exchange import Exchange
from dfs.wire.messages import Create, Record, WhoAmI
from dfs.wire.rounds import ROUND_SECONDS, Rounds
from tests.wire.talking import House


class Ticking(Clock):
    """A clock on which every look takes a millisecond, and whose turns are like a reactor's."""

    def seconds(self) -> float:
        self.rightNow += 0.001
        return super().seconds()

    def turn(self) -> None:
        """Do what is due now, and nothing of what becomes due by that."""
        now = self.rightNow
        for call in [one for one in self.calls if one.getTime() <= now]:
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


@define(eq=False)
class Busy:
    """Somebody who has to work so many turns on something."""

    rounds: Rounds
    clock: Clock
    turns: int
    worked: list[float] = field(factory=list)

    def go_on(self) -> None:
        """Work until the time is up."""
        end = self.rounds.until()
        self.worked.append(round(end - self.clock.rightNow, 3))
        self.clock.rightNow = max(end, self.clock.rightNow)
        self.turns -= 1
        if self.turns:
            self.rounds.rest(self)


class RoundsTests(SynchronousTestCase):
    """The line of those who have more to do."""

    def setUp(self) -> None:
        self.clock = Ticking()
        self.rounds = Rounds(self.clock)

    def left(self) -> float:
        """How long somebody may work who begins now, in seconds."""
        return max(0.0, round(self.rounds.until() - self.clock.rightNow, 3))

    def test_alone(self) -> None:
        """Who is alone has the whole time, as often as something arrives."""
        for _ in range(3):
            self.assertEqual(self.left(), ROUND_SECONDS)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_shared(self) -> None:
        """In each turn so many go on as there is time for; the next one begins where it ended."""
        people = [Busy(self.rounds, self.clock, 2) for _ in range(3)]
        for one in people:
            self.rounds.rest(one)
        seen = []
        for _ in range(6):
            self.clock.turn()
            seen.append([len(one.worked) for one in people])
        self.assertEqual(seen, [[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2]])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.left(), ROUND_SECONDS)

    def test_one_thing(self) -> None:
        """While somebody waits, the others have no time but for one thing."""
        self.rounds.rest(Busy(self.rounds, self.clock, 1))
        self.assertEqual(self.left(), 0)
        self.clock.turn()
        self.assertEqual(self.left(), ROUND_SECONDS)

    def test_leaves(self) -> None:
        """Who has left is not asked to go on, and nothing is left of the last one."""
        gone, stays = (Busy(self.rounds, self.clock, 1) for _ in range(2))
        for one in (gone, stays):
            self.rounds.rest(one)
        self.rounds.leave(gone)
        self.clock.turn()
        self.assertEqual((len(gone.worked), len(stays.worked)), (0, 1))
        self.rounds.rest(gone)
        self.rounds.leave(gone)
        self.rounds.leave(gone)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.left(), ROUND_SECONDS)

    def test_one_ends_another(self) -> None:
        """Who goes on may end those behind, even the last one."""
        behind = Busy(self.rounds, self.clock, 1)

        def end() -> None:
            self.rounds.leave(behind)

        self.rounds.rest(Doing(end))
        self.rounds.rest(behind)
        self.clock.turn()
        self.assertEqual(behind.worked, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_breaks(self) -> None:
        """A defect of one does not keep the others from going on."""

        def broken() -> None:
            raise KeyError

        behind = Busy(self.rounds, self.clock, 1)
        self.rounds.rest(Doing(broken))
        self.rounds.rest(behind)
        self.assertRaises(KeyError, self.clock.turn)
        self.clock.turn()
        self.assertEqual(len(behind.worked), 1)


@define(eq=False)
class Doing:
    """Somebody who does something once."""

    what: Callable[[], None]

    def go_on(self) -> None:
        """Do it."""
        self.what()


class ConnectionsTests(SynchronousTestCase):
    """People who have typed very much."""

    def setUp(self) -> None:
        self.waiting: list[Deferred[None]] = []
        self.done = 0
        self.clock = Ticking()
        self.house = House({Create: self.create, WhoAmI: self.who}, clock=self.clock)

    def create(self, request: Create, exchange: Exchange) -> Deferred[None]:
        """Takes long."""
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def who(self, request: WhoAmI, exchange: Exchange) -> Record | None:
        """Is quick."""
        self.done += 1
        return None

    def turn(self) -> int:
        """How much is done in one turn."""
        before = self.done
        self.clock.turn()
        return self.done - before

    def test_told_in_one_call(self) -> None:
        """Those who wait for one thing do not all work on in the call that tells them of it."""
        people = [self.house.user(f"user{number}") for number in range(20)]
        for one in people:
            one.send(b"CREATE|x\n" + b"WHOAMI\n" * 50)
        for waiting in self.waiting:
            waiting.callback(None)
        self.assertEqual(self.done, 0)
        self.assertLess(self.turn(), 10)
        while self.clock.getDelayedCalls():
            self.assertLess(self.turn(), 25)
        self.assertEqual(self.done, 20 * 50)
        for one in people:
            self.assertEqual(one.heard(), ["OK"] * 51)

    def test_arrives_at_once(self) -> None:
        """When very much arrives on many connections in one turn, one may work on, each begins."""
        people = [self.house.user(f"user{number}") for number in range(20)]
        heard = [len(one.send(b"WHOAMI\n" * 50)) for one in people]
        self.assertGreater(heard[0], 1)
        self.assertEqual(heard[1:], [1] * 19)
        asks = self.house.user("bystander")
        for _ in range(10):
            self.turn()
            self.assertEqual(asks.say("WHOAMI"), ["OK"])
        for one in people[:10]:
            one.leave()
        while self.clock.getDelayedCalls():
            self.turn()
        for number, one in enumerate(people[10:], 10):
            self.assertEqual(heard[number] + len(one.heard()), 50)
