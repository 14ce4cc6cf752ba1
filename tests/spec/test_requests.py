"""Requests for access of the specification, from the outside."""

from __future__ import annotations

import json
from typing import ClassVar

from dfs.errors import Unauthorized
from tests.spec.people import DeskCase

GRANTED = "Access granted successfully!\n"


class RequestTests(DeskCase):
    """REQUESTACCESS, VIEWREQUESTS, APPROVE, DENY, and their short names."""

    def asks(self, user: str, path: str, right: str = "-R") -> int:
        """Ask; the number of the request."""
        return int(self.record(user, f"REQUESTACCESS {path} {right}")["id"])

    def inbox(self, user: str = "alice", options: str = "") -> list[tuple[str, str, str]]:
        """What waits for somebody: path, who, right."""
        lines = self.records(user, f"VIEWREQUESTS {options}")
        return [(one["path"], one["user"], one["right"]) for one in lines]

    def test_a_life(self) -> None:
        """Somebody asks, the owner sees it and approves, and they are in."""
        self.put("a", b"text")
        self.refuses("bob", "READ a", "UNAUTHORIZED", "REQUESTACCESS")
        said = self.types("bob", "REQUESTACCESS a -R")
        self.assertTrue(said.startswith("Access requested successfully!"), said)
        shown = self.types("alice", "VIEWREQUESTS")
        for word in ("1", "a", "bob", "read"):
            self.assertIn(word, shown)
        self.refuses("bob", "READ a", "UNAUTHORIZED")
        self.assertEqual(self.types("alice", "APPROVE 1"), GRANTED)
        self.assertEqual(self.types("bob", "READ a"), "text")
        self.refuses("bob", "APPEND a x", "UNAUTHORIZED")
        self.assertEqual(self.inbox(), [])

    def test_short_names(self) -> None:
        """RACC, VIEWACCR, APPROVEACCR and DISACCR do the same, in any case, options anywhere."""
        self.put("a", b"text")
        self.types("bob", "RACC a -W")
        self.types("carol", "racc -R a")
        self.assertEqual(self.types("alice", "VIEWACCR"), self.types("alice", "VIEWREQUESTS"))
        self.types("alice", "ApproveAccr 1")
        self.types("alice", "disaccr 2")
        self.types("bob", "APPEND a !")
        self.refuses("carol", "READ a", "UNAUTHORIZED")
        self.assertEqual(self.inbox(), [])

    def test_deny(self) -> None:
        """DENY ends a request and grants nothing; it may be asked again, under a new number."""
        self.put("a", b"text")
        first = self.asks("bob", "a")
        self.types("alice", f"DENY {first}")
        self.refuses("bob", "READ a", "UNAUTHORIZED")
        self.refuses("alice", f"DENY {first}", "NOT_FOUND", str(first))
        self.refuses("alice", f"APPROVE {first}", "NOT_FOUND", str(first))
        second = self.asks("bob", "a")
        self.assertNotEqual(first, second)
        self.types("alice", f"APPROVE {second}")
        self.assertEqual(self.read("a", self.bob), b"text")

    def test_owner_only(self) -> None:
        """Only the owner sees and decides; neither who asks, nor a writer, nor another owner."""
        self.shared("a", b"text", writers=["carol"])
        self.run_(self.carol.put("c", b"of carol"))
        number = self.asks("bob", "a")
        self.assertEqual((self.inbox("bob"), self.inbox("carol")), ([], []))
        for user in ("bob", "carol"):
            self.refuses(user, f"APPROVE {number}", "UNAUTHORIZED")
            self.refuses(user, f"DENY {number}", "UNAUTHORIZED")
        self.assertEqual(self.inbox(), [("a", "bob", "r")])
        self.assertEqual(self.inbox("bob", "--mine"), [("a", "bob", "r")])
        self.assertEqual(self.inbox("alice", "--mine"), [])

    def test_who_may_ask(self) -> None:
        """Whoever lacks the right asks for it: a reader to write, too; who has it need not."""
        self.shared("a", b"text", "bob", writers=["carol"])
        self.refuses("bob", "REQUESTACCESS a -R", "INVALID", "a")
        for right in ("-R", "-W"):
            self.refuses("carol", f"REQUESTACCESS a {right}", "INVALID", "a")
            self.refuses("alice", f"REQUESTACCESS a {right}", "INVALID", "a")
        self.asks("bob", "a", "-W")
        self.types("alice", "APPROVE 1")
        self.types("bob", "APPEND a !")
        self.refuses("bob", "REQUESTACCESS nothing -R", "NOT_FOUND", "nothing")
        self.types("alice", "mkdir box")
        self.desks["bob"].type("REQUESTACCESS box -R")
        self.assertRegex(self.desks["bob"].complaints, r"^ERROR \[\w+\]: .*folder")

    def test_usage(self) -> None:
        """H12: what cannot be asked or approved is an error, and grants nothing."""
        self.put("a", b"text")
        for line in (
            "REQUESTACCESS a",
            "REQUESTACCESS -R",
            "REQUESTACCESS a -X",
            "REQUESTACCESS a -R -W",
            "APPROVE",
            "APPROVE one",
            "DENY",
        ):
            self.refuses("bob", line, "INVALID", status=2)
        for number in ("99", "0", "9223372036854775807"):
            self.refuses("alice", f"APPROVE {number}", "NOT_FOUND", number)
        for number in ("9223372036854775808", "99999999999999999999999"):
            self.desks["alice"].type(f"APPROVE {number}")
            self.assertIn(self.desks["alice"].status, (1, 2))
            self.assertRegex(self.desks["alice"].complaints, r"^ERROR \[(INVALID|NOT_FOUND)\]")
        self.assertEqual(self.inbox(), [])
        self.assertEqual(self.run_(self.alice.info("a")).index.grants, ())

    def test_one_for_each(self) -> None:
        """The same again is the same request; another right replaces it under another number."""
        self.put("a", b"text")
        first = self.asks("bob", "a", "-R")
        self.assertEqual(self.asks("bob", "a", "-R"), first)
        second = self.asks("bob", "a", "-W")
        self.assertNotEqual(second, first)
        self.assertEqual(self.inbox(), [("a", "bob", "w")])
        self.refuses("alice", f"APPROVE {first}", "NOT_FOUND")
        self.refuses("bob", "READ a", "UNAUTHORIZED")

    def test_granted_otherwise(self) -> None:
        """ADDACCESS of what is asked ends the request; of less, it does not."""
        self.put("a", b"text")
        self.asks("bob", "a", "-W")
        self.types("alice", "ADDACCESS -R a bob")
        self.assertEqual(self.inbox(), [("a", "bob", "w")])
        self.types("alice", "ADDACCESS -W a bob")
        self.assertEqual(self.inbox(), [])

    def test_approval_never_takes_away(self) -> None:
        """Who got more meanwhile keeps it when a smaller request is approved."""
        self.put("a", b"text")
        number = self.asks("bob", "a", "-R")
        self.types("alice", "ADDACCESS -W a bob")
        self.desks["alice"].type(f"APPROVE {number}")
        self.types("bob", "APPEND a !")

    def test_with_its_document(self) -> None:
        """H9: requests end with DELETE, stay with MOVE, and never reach another of the name."""
        self.put("a", b"old")
        self.put("b", b"kept")
        gone, moved = self.asks("bob", "a"), self.asks("bob", "b")
        self.types("alice", "DELETE a")
        self.types("alice", "MOVE b box/")
        self.assertEqual(self.inbox(), [("box/b", "bob", "r")])
        self.types("carol", "CREATE a")
        self.types("carol", "CREATE b")
        self.assertEqual(self.inbox("carol"), [])
        self.refuses("alice", f"APPROVE {gone}", "NOT_FOUND")
        self.refuses("carol", f"APPROVE {gone}", "NOT_FOUND")
        self.types("alice", f"APPROVE {moved}")
        self.assertEqual(self.read("box/b", self.bob), b"kept")
        self.refused(self.bob.read("a"), Unauthorized)
        self.refused(self.bob.read("b"), Unauthorized)

    def test_names_that_mean_nothing(self) -> None:
        """H11: users called owner, nm, ss1, R, CLIENT ask and are let in like anybody."""
        self.put("a", b"text")
        for user in ("owner", "nm", "ss1", "ss1_backup", "R", "-W", "CLIENT", "admin", "*"):
            person = self.person(user)
            self.refused(person.read("a"), Unauthorized)
            number = self.run_(person.requests.ask("a", "r"))
            self.assertIn(("a", user, "r"), self.inbox())
            self.refused(person.requests.approve(number), Unauthorized)
            self.types("alice", f"APPROVE {number}")
            self.assertEqual(self.read("a", person), b"text")

    def test_names_of_documents(self) -> None:
        """H44: requests about any name are shown and decided."""
        for path in ("a b", "a|b", "c,d", "grüße/日本 🙂", "%41", "'q'"):
            self.put(path, path.encode())
            number = self.run_(self.bob.requests.ask(path, "r"))
            self.assertIn((path, "bob", "r"), self.inbox())
            self.types("alice", f"APPROVE {number}")
            self.assertEqual(self.read(path, self.bob), path.encode())

    def test_json(self) -> None:
        """--json writes an object for each request and each decision."""
        self.put("a", b"text")
        self.asks("bob", "a", "-W")
        [line] = self.records("alice", "VIEWREQUESTS")
        self.assertEqual(
            {key: line[key] for key in ("id", "path", "user", "right")},
            {"id": 1, "path": "a", "user": "bob", "right": "w"},
        )
        record = self.record("alice", "DENY 1")
        self.assertEqual((record["path"], record["user"]), ("a", "bob"))
        desk = self.desks["alice"]
        said = desk.type("APPROVE --json 1")
        self.assertEqual((json.loads(said)["error"]["code"], desk.status), ("NOT_FOUND", 1))

    def test_survives(self) -> None:
        """H41: requests survive restarts and kill -9; what was decided stays decided."""
        self.put("a", b"text")
        denied, waiting, granted = self.asks("bob", "a"), self.asks("carol", "a"), 0
        self.desks["dave"] = self.desk("dave")
        granted = self.asks("dave", "a", "-W")
        self.types("alice", f"DENY {denied}")
        self.types("alice", f"APPROVE {granted}")
        self.restart()
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.cluster.advance(5.0)
        self.assertEqual(self.inbox(), [("a", "carol", "r")])
        self.types("dave", "APPEND a !")
        self.refuses("bob", "READ a", "UNAUTHORIZED")
        self.types("alice", f"APPROVE {waiting}")
        self.assertEqual(self.read("a", self.carol), b"text!")
        again = self.asks("bob", "a")
        self.assertNotIn(again, (denied, waiting, granted))


class LimitTests(DeskCase):
    """The inbox has an end."""

    def test_about_one_document(self) -> None:
        """H12: beyond a hundred requests about a document the next is TOO_LARGE, until one goes."""
        self.put("a", b"text")
        crowd = [self.person(f"user{number}") for number in range(101)]
        numbers = [self.run_(one.requests.ask("a", "r")) for one in crowd[:100]]
        self.assertEqual(self.code(crowd[100].requests.ask("a", "r")), "TOO_LARGE")
        self.types("alice", f"DENY {numbers[0]}")
        self.assertEqual(self.code(crowd[100].requests.ask("a", "r")), "OK")
        self.assertEqual(len(self.records("alice", "VIEWREQUESTS")), 100)

    def test_of_one_user(self) -> None:
        """H12: beyond a hundred requests of a user the next is TOO_LARGE, others still ask."""
        for number in range(101):
            self.put(f"{number}", b"")
        for number in range(100):
            self.run_(self.bob.requests.ask(f"{number}", "r"))
        self.assertEqual(self.code(self.bob.requests.ask("100", "r")), "TOO_LARGE")
        self.assertEqual(self.code(self.carol.requests.ask("100", "r")), "OK")
        self.assertEqual(self.code(self.bob.requests.ask("99", "w")), "OK")


class PairTests(DeskCase):
    """H28: requests through failover."""

    names: ClassVar[tuple[str, ...]] = ("ss1", "ss1_backup")

    def test_failover(self) -> None:
        """A request from before a crash is decided after it; an approval right before it holds."""
        self.put("a", b"text")
        self.cluster.advance(5.0)
        self.types("bob", "RACC a -W")
        self.types("carol", "RACC a -R")
        self.types("alice", "APPROVE 1")
        self.cluster.crash("ss1")
        self.types("bob", "APPEND a !")
        self.types("alice", "APPROVE 2")
        self.assertEqual(self.read("a", self.carol), b"text!")
        self.cluster.start("ss1")
        self.cluster.advance(120.0)
        self.assertEqual(self.read("a", self.carol), b"text!")
        self.types("bob", "APPEND a !")

    def test_nobody_there(self) -> None:
        """Asking and denying need no storage server; an approval then holds when it returns."""
        self.put("a", b"text")
        self.cluster.advance(5.0)
        self.cluster.stop("ss1_backup")
        self.cluster.stop("ss1")
        self.cluster.advance(20.0)
        self.types("bob", "RACC a -R")
        self.types("carol", "RACC a -R")
        self.types("alice", "DENY 2")
        self.types("alice", "APPROVE 1")
        self.cluster.start("ss1")
        self.cluster.start("ss1_backup")
        self.cluster.advance(30.0)
        self.assertEqual(self.read("a", self.bob), b"text")
        self.refuses("carol", "READ a", "UNAUTHORIZED")
