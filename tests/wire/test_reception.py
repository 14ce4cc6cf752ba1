"""Who is let in, and who may ask what."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Invalid, Unauthorized
from dfs.wire.codec import arguments
from dfs.wire.messages import REQUESTS, Audience, Create, Heartbeat, Record, Request
from dfs.wire.proof import Claim, prove, proves
from dfs.wire.server import Exchange, Limits, Peer
from tests.wire.talking import SECRET, House, Visitor

NONCE = "0123456789abcdef" * 2


def code(lines: list[str]) -> str:
    """Of the one refusal that came."""
    (line,) = lines
    word, code, _ = line.split("|", 2)
    assert word == "ERROR", line
    return code


def hello(visitor: Visitor, name: str = "ss1", role: str = "ss", nonce: str = NONCE) -> Claim:
    """Say HELLO as a server; what is to be proved."""
    (answer,) = visitor.say(f"HELLO|1|{role}|{name}|nonce={nonce}")
    word, version, its_role, its_name, its_nonce, proof = answer.split("|")
    assert (word, version) == ("OK", "1"), answer
    claim = Claim.of((role, name, nonce), (its_role, its_name, its_nonce.partition("=")[2]))
    assert proves(SECRET, "callee", claim, proof.partition("=")[2])
    return claim


def machine(house: House, name: str = "ss1") -> Visitor:
    """A connection of a server that proved itself."""
    visitor = house.visitor()
    assert visitor.say(f"PROVE|{prove(SECRET, 'caller', hello(visitor, name))}") == ["OK"]
    return visitor


class ProofTests(SynchronousTestCase):
    """Servers show each other that they know the secret."""

    def test_right(self) -> None:
        """A server that proves the secret is known by the name that it proved."""
        done: list[tuple[str, str]] = []

        def beat(request: Heartbeat, exchange: Exchange) -> None:
            done.append((exchange.peer.machine, exchange.peer.role))

        visitor = machine(House({Heartbeat: beat}))
        self.assertEqual(visitor.say("HEARTBEAT|1|2|3"), ["OK"])
        self.assertEqual(done, [("ss1", "ss")])

    def test_strangers(self) -> None:
        """No verb of servers is done for anybody else (H60)."""
        machines = [one for one in REQUESTS if one.audience is Audience.MACHINE]
        self.assertGreater(len(machines), 5)
        done: list[Any] = []

        def do(request: Request[Any], exchange: Exchange) -> None:
            done.append(request)

        house = House(dict.fromkeys(REQUESTS[7:], do))
        proved_wrong = house.visitor()
        hello(proved_wrong)
        self.assertEqual(code(proved_wrong.say("PROVE|" + "0" * 64)), "UNAUTHENTICATED")
        half = house.visitor()
        hello(half)
        for visitor in (house.visitor(), house.user(), proved_wrong, half):
            for one in machines:
                line = one.verb + "|1" * arguments(one).count("<")
                self.assertEqual(code(visitor.say(line)), "UNAUTHENTICATED", one)
        self.assertEqual(done, [])

    def test_wrong(self) -> None:
        """After a wrong proof one is a stranger still, and the greeting is used up."""
        visitor = House().visitor()
        claim = hello(visitor)
        self.assertEqual(code(visitor.say("PROVE|x")), "UNAUTHENTICATED")
        self.assertEqual(
            code(visitor.say(f"PROVE|{prove(SECRET, 'caller', claim)}")), "UNAUTHENTICATED"
        )
        self.assertFalse(visitor.peer.known)
        again = hello(visitor)
        self.assertNotEqual(again, claim)
        self.assertEqual(visitor.say(f"PROVE|{prove(SECRET, 'caller', again)}"), ["OK"])

    def test_reflected(self) -> None:
        """What this server proved cannot be sent back to it as the other side's proof."""
        visitor = House().visitor()
        claim = hello(visitor)
        for stolen in (
            prove(SECRET, "callee", claim),
            prove(SECRET, "caller", Claim(claim.callee, claim.caller)),
            prove(b"other secret", "caller", claim),
        ):
            fresh = House().visitor()
            hello(fresh)
            self.assertEqual(code(fresh.say(f"PROVE|{stolen}")), "UNAUTHENTICATED")

    def test_every_part_counts(self) -> None:
        """A proof is worth nothing for another name, role, nonce or server."""
        mine, its = ("ss", "ss1", NONCE), ("nm", "nm1", "f" * 32)
        claim = Claim.of(mine, its)
        proof = prove(SECRET, "caller", claim)
        self.assertTrue(proves(SECRET, "caller", claim, proof))
        for other in (
            Claim.of(("nm", "ss1", NONCE), its),
            Claim.of(("ss", "ss2", NONCE), its),
            Claim.of(("ss", "ss1", "e" * 32), its),
            Claim.of(mine, ("ss", "nm1", "f" * 32)),
            Claim.of(mine, ("nm", "nm2", "f" * 32)),
            Claim.of(mine, ("nm", "nm1", "d" * 32)),
        ):
            self.assertFalse(proves(SECRET, "caller", other, proof))
        self.assertFalse(proves(SECRET, "caller", claim, "é"))

    def test_claims(self) -> None:
        """Names and nonces that could pass for something else are refused."""
        good = ("nm", "nm1", "f" * 32)
        for bad in (
            ("ss", "a\nb", NONCE),
            ("ss", "", NONCE),
            ("ss\n", "a", NONCE),
            ("client", "a", NONCE),
            ("ss", "a", ""),
            ("ss", "a", NONCE.upper()),
            ("ss", "a", NONCE + "\n"),
            ("ss", "a", "\n" * 32),
            ("ss", "a", good[2]),
        ):
            with self.assertRaises(Invalid, msg=repr(bad)):
                Claim.of(bad, good)

    def test_hello(self) -> None:
        """HELLO with a wrong version, role, name or nonce is refused."""
        for line, expected in [
            ("HELLO|2|client|a", "UNSUPPORTED"),
            ("HELLO|1|king|a", "INVALID"),
            ("HELLO|1|ss|a", "INVALID"),
            ("HELLO|1|ss|a|nonce=abc", "INVALID"),
            (f"HELLO|1|ss||nonce={NONCE}", "INVALID"),
            (f"HELLO|1|ss|a%0Ab|nonce={NONCE}", "INVALID"),
        ]:
            visitor = House().visitor()
            self.assertEqual(code(visitor.say(line)), expected, line)
            self.assertFalse(visitor.peer.known)

    def test_operator(self) -> None:
        """An operator proves the secret to a name server, and is no server to it."""
        visitor = House().visitor()
        claim = hello(visitor, "carol", "admin")
        self.assertEqual(visitor.say(f"PROVE|{prove(SECRET, 'caller', claim)}"), ["OK"])
        self.assertEqual((visitor.peer.machine, visitor.peer.role), ("carol", "admin"))

    def test_operator_at_storage(self) -> None:
        """A storage server takes no orders from operators."""
        visitor = House(role="ss").visitor()
        said = visitor.say(f"HELLO|1|admin|carol|nonce={NONCE}")
        self.assertEqual(code(said), "UNSUPPORTED")

    def test_twice(self) -> None:
        """One connection greets once, as one thing."""
        visitor = House().visitor()
        hello(visitor)
        self.assertEqual(code(visitor.say(f"HELLO|1|ss|b|nonce={NONCE}")), "INVALID")
        self.assertEqual(code(visitor.say("LOGIN|alice")), "INVALID")
        server = machine(House())
        self.assertEqual(code(server.say("LOGIN|alice")), "INVALID")
        self.assertEqual(code(server.say("HELLO|1|client|alice")), "INVALID")
        self.assertEqual(code(House().user().say(f"HELLO|1|ss|a|nonce={NONCE}")), "INVALID")
        self.assertEqual(code(House().visitor().say("PROVE|x")), "UNAUTHENTICATED")

    def test_limits_of_machines(self) -> None:
        """A proven server may send long lines and ask much at once."""
        waiting: list[Deferred[None]] = []

        def beat(request: Heartbeat, exchange: Exchange) -> Deferred[None]:
            waiting.append(Deferred())
            return waiting[-1]

        server = machine(House({Heartbeat: beat}, Limits(machine_unanswered=100)))
        server.say(*(f"#{number}|HEARTBEAT|1|2|3" for number in range(101)))
        self.assertEqual(len(waiting), 100)
        self.assertEqual(code(machine(House()).say("CREATE|" + "x" * 10**6)), "UNSUPPORTED")


class ReconnectTests(SynchronousTestCase):
    """A client that comes back takes the place of itself."""

    HELLO = "HELLO|1|client|alice|session=0123456789abcdef"

    def setUp(self) -> None:
        self.done: list[str] = []
        self.house = House({Create: lambda request, exchange: self.done.append(request.path)})

    def visitor(self, hello: str = HELLO) -> Visitor:
        """A client that was let in."""
        visitor = self.house.visitor()
        self.assertEqual(visitor.say(hello), ["OK|1|nm|nm1"])
        return visitor

    def test_late(self) -> None:
        """What a network kept until its sender had come back another way is not done."""
        before = self.visitor()
        after = self.visitor()
        self.assertFalse(before.wire.open)
        self.assertEqual(before.say("CREATE|late"), [])
        self.assertEqual(after.say("CREATE|new"), ["OK"])
        self.assertEqual(self.done, ["new"])

    def test_again(self) -> None:
        """It may come back any number of times; the oldest one's end does not matter then."""
        first, second = self.visitor(), self.visitor()
        first.leave()
        third = self.visitor()
        self.assertFalse(second.wire.open)
        self.assertTrue(third.wire.open)
        third.leave()
        second.leave()
        self.assertTrue(self.visitor().wire.open)

    def test_others(self) -> None:
        """Other users, other sessions, and who names none, are left alone."""
        visitors = [
            self.visitor(hello)
            for hello in (
                self.HELLO,
                self.HELLO.replace("alice", "bob"),
                self.HELLO.replace("=0", "=1"),
                *("HELLO|1|client|alice",) * 2,
            )
        ]
        self.assertEqual([visitor.wire.open for visitor in visitors], [True] * 5)

    def test_slow(self) -> None:
        """The connection before ends when its user is let in, not when somebody asks for it."""
        asked: list[Deferred[None]] = []

        def log_in(peer: Peer, user: str) -> Deferred[None]:
            asked.append(Deferred())
            return asked[-1]

        house = House({}, log_in=log_in)
        before, after = house.visitor(), house.visitor()
        before.say(self.HELLO)
        asked.pop().callback(None)
        after.say(self.HELLO)
        self.assertTrue(before.wire.open)
        asked.pop().callback(None)
        self.assertEqual(after.heard(), ["OK|1|nm|nm1"])
        self.assertFalse(before.wire.open)

    def test_names(self) -> None:
        """A session is so many hex digits."""
        for bad in ("0123456789ABCDEF", "0" * 15, "0" * 17, "x" * 16, "0" * 15 + "%0A"):
            visitor = self.house.visitor()
            said = visitor.say(f"HELLO|1|client|alice|session={bad}")
            self.assertEqual(code(said), "INVALID", bad)
            self.assertFalse(visitor.peer.known)


class PeopleTests(SynchronousTestCase):
    """People say who they are."""

    def test_login(self) -> None:
        """Before LOGIN one is nobody; after it, or HELLO as a client, one is somebody."""
        visitor = House().visitor()
        self.assertEqual(visitor.say("WHOAMI", "LOGIN|alice", "WHOAMI"), ["OK|", *["OK|alice"] * 2])
        self.assertEqual(visitor.say("LOGIN|bob", "WHOAMI"), ["OK|bob", "OK|bob"])
        program = House().visitor()
        self.assertEqual(program.say("HELLO|1|client|alice"), ["OK|1|nm|nm1"])
        self.assertEqual((program.peer.user, program.peer.role), ("alice", "client"))

    def test_refused(self) -> None:
        """Who is not let in stays nobody."""

        def no(peer: Peer, user: str) -> None:
            raise Unauthorized("not you")

        visitor = House(log_in=no).visitor()
        self.assertEqual(code(visitor.say("LOGIN|alice")), "UNAUTHORIZED")
        self.assertEqual(code(visitor.say("HELLO|1|client|alice")), "UNAUTHORIZED")
        self.assertEqual(visitor.say("WHOAMI"), ["OK|"])

    def test_gate(self) -> None:
        """A verb for users is refused to nobody; a verb of the other server is refused to all."""

        def created(request: Create, exchange: Exchange) -> Record | None:
            return None

        handlers: dict[type[Request[Any]], Any] = {Create: created}
        self.assertEqual(code(House(handlers).visitor().say("CREATE|a")), "UNAUTHENTICATED")
        self.assertEqual(House(handlers).user().say("CREATE|a"), ["OK"])
        (refusal,) = House(role="ss").user().say("CREATE|a")
        self.assertIn("name server", refusal)

    def test_help(self) -> None:
        """HELP lists what can be asked here; HELP with a verb explains it."""
        visitor = House().visitor()
        heard = visitor.say("HELP")
        self.assertEqual(heard[-1], f"OK|{len(heard) - 1}")
        self.assertEqual([line.split("|")[1] for line in heard[:2]], ["HELLO", "PROVE"])
        self.assertNotIn("HEARTBEAT", "".join(heard))
        self.assertEqual(len(visitor.say("help|login")), 2)
        self.assertEqual(code(visitor.say("HELP|CREATE")), "INVALID")
