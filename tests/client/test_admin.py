"""C{dfs admin}: how an order is typed, how it reaches the name server, what is said of it."""

from __future__ import annotations

from typing import Any

import click
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.__main__ import program
from dfs.client.admin import AdminGroup, deeds
from dfs.client.operator import Operator
from dfs.client.table import table
from dfs.errors import Conflict
from dfs.wire.messages import Admin, Done, Hello
from tests.client.desk import Desk
from tests.client.stage import NAME_SERVER, OTHER_NAME_SERVER
from tests.client.test_session import SessionCase

SECRETS = {"cluster.secret": b"secret", "elsewhere": b"secret", "other": b"another secret"}


class AdminCase(SessionCase):
    """An operator, and a name server that does what a test wants."""

    def setUp(self) -> None:
        super().setUp()
        self.nm.answers[Admin] = Done()

    def order(
        self, deed: str, *words: str, name_servers: tuple[str, ...] = (NAME_SERVER,), **more: Any
    ) -> Desk:
        """Type an order; who typed it."""
        desk = self.desk(**more)
        chance = iter(range(1, 99))
        desk.work.operator = Operator(
            self.stage.clock,
            self.stage.dial,
            name_servers,
            "carol",
            lambda size: bytes([next(chance)] * size),
            SECRETS.get,
        )
        verb = deeds()[deed]
        desk.run(desk.interpreter.run(verb, verb.parse(list(words))))
        return desk

    def ordered(self) -> tuple[Any, ...]:
        """The one order that came."""
        [request] = self.nm.requests
        assert isinstance(request, Admin)
        return request.deed, request.target, request.other, request.accept_loss


class OrderTests(AdminCase):
    """What the name server is told."""

    def test_deeds(self) -> None:
        """Each order arrives as it was typed, from an operator who proved the secret."""
        for words, expected in (
            ("failover ss1", ("failover", "ss1", "", False)),
            ("handback ss1", ("handback", "ss1", "", False)),
            ("drain ss1_backup", ("drain", "ss1_backup", "", False)),
            ("promote ss1_backup", ("promote", "ss1_backup", "", False)),
            ("promote ss1_backup --accept-loss", ("promote", "ss1_backup", "", True)),
            ("replace ss1", ("replace", "ss1", "", False)),
            ("replace --accept-loss ss1", ("replace", "ss1", "", True)),
            ("pair ss1 spare", ("pair", "ss1", "spare", False)),
        ):
            roles: list[str] = []

            def take(request: Admin, exchange: Any, roles: list[str] = roles) -> Done:
                roles.append(exchange.peer.role)
                return Done()

            self.nm.answers[Admin] = take
            self.nm.requests.clear()
            desk = self.order(*words.split())
            self.assertEqual((desk.status, desk.complaints), (0, ""), words)
            self.assertEqual((self.ordered(), roles), (expected, ["admin"]))
            self.assertIn("ss1", desk.seen())
            self.assertTrue(desk.seen().endswith(".\n"))

    def test_refused(self) -> None:
        """A refusal of the name server is passed on, and nothing is tried again."""
        self.nm.answers[Admin] = Conflict("the newest version of 2 documents is on ss1 only")
        desk = self.order("promote", "ss1_backup")
        self.assertEqual(desk.status, 1)
        self.assertTrue(desk.complaints.startswith("ERROR [CONFLICT]: the newest version of 2"))
        self.assertEqual(self.nm.asked, ["ADMIN"])

    def test_secret(self) -> None:
        """The secret is that of the file which is named; a wrong or missing one is told."""
        self.assertEqual(self.order("failover", "ss1", "--secret", "elsewhere").status, 0)
        for file, code in (("other", "UNAUTHENTICATED"), ("nowhere", "NOT_FOUND")):
            desk = self.order("failover", "ss1", "--secret", file)
            self.assertEqual(desk.status, 1)
            self.assertIn(f"[{code}]", desk.complaints)
            self.assertIn(file, desk.complaints)
        self.assertEqual(self.nm.asked, ["ADMIN"])

    def test_in_turn(self) -> None:
        """A name server that is not there is passed over; if none is, the status is 3."""
        desk = self.order("failover", "ss1", name_servers=(OTHER_NAME_SERVER, NAME_SERVER))
        self.assertEqual(desk.status, 0)
        desk = self.order("failover", "ss1", name_servers=(OTHER_NAME_SERVER,))
        self.assertEqual(desk.status, 3)
        self.nm.answers[Hello] = self.nm.be_silent
        self.assertEqual(self.order("failover", "ss1").status, 3)

    def test_in_doubt(self) -> None:
        """An order whose answer was lost is not repeated; it is said how to find out."""
        for lose in (self.nm.hang_up, self.nm.be_silent):
            self.nm.asked.clear()
            self.nm.answers[Admin] = lose
            desk = self.order("drain", "ss1")
            self.assertEqual((desk.status, self.nm.asked), (1, ["ADMIN"]))
            self.assertIn("SERVERS tells", desk.complaints)

    def test_programs(self) -> None:
        """With --json the result is an object."""
        desk = self.order("pair", "ss1", "spare", json=True)
        self.assertIn('"deed": "pair", "target": "ss1", "other": "spare"', desk.seen())

    def test_connection_ends(self) -> None:
        """No connection is left behind."""
        self.order("failover", "ss1")
        self.stage.advance(1)
        self.assertEqual(len(self.nm.factory.connections), 0)


class HelpTests(SynchronousTestCase):
    """What an operator can read."""

    def test_complete(self) -> None:
        """Every deed is listed, and each explains itself and all that it takes."""
        group = AdminGroup()
        with click.Context(group, info_name="dfs admin") as context:
            listed = group.get_help(context)
        for deed, verb in deeds().items():
            self.assertIn(f"  {deed} ", listed)
            with click.Context(verb.command, info_name=deed) as context:
                explained = " ".join(verb.command.get_help(context).split())
            # What needs no server needs no secret, but a place.
            option = "--data FOLDER" if verb.offline else "--secret FILE"
            for part in (verb.usage, verb.meaning, verb.details, option):
                self.assertIn(part, explained)

    def test_part_of_dfs(self) -> None:
        """It is one of the commands of C{dfs}, in any case, and no command of the shell."""
        commands = program(table())
        context = click.Context(commands)
        self.assertIn("admin", commands.list_commands(context))
        for name in ("admin", "ADMIN"):
            self.assertIsInstance(commands.get_command(context, name), AdminGroup)
        with self.assertRaises(click.UsageError):
            table().find("admin")

    def test_unknown(self) -> None:
        """A deed that there is not is refused with those that there are."""
        group = AdminGroup()
        with self.assertRaises(click.UsageError) as caught:
            group.get_command(click.Context(group), "explode")
        self.assertIn("failover, handback", str(caught.exception))
