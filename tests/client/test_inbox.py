"""The commands about access requests, and the library under them."""

from __future__ import annotations

from dfs.client.failures import Unanswered
from dfs.wire.messages import Approve, Deny, RequestAccess, Requested
from tests.client.people import CommandCase
from tests.client.test_session import SessionCase


class TextTests(CommandCase):
    """What is printed."""

    def test_a_life(self) -> None:
        """Somebody asks, the owner looks and decides, by long names and by short ones."""
        alice, bob = self.alice, self.bob
        asked = "Access requested successfully! (request {})\n"
        for desk, line, says in (
            (alice, "CREATE notes.txt", "File Created Successfully!\n"),
            (alice, "VIEWREQUESTS", "No requests found.\n"),
            (bob, "REQUESTACCESS notes.txt -R", asked.format(1)),
            (bob, "racc /notes.txt -r", asked.format(1)),
            (bob, "RACC -W notes.txt", asked.format(2)),
            (alice, "APPROVE 2", "Access granted successfully!\n"),
            (bob, "APPEND notes.txt Hello.", "Append Successful!\n"),
            (alice, "VIEWACCR", "No requests found.\n"),
            (alice, "REMACCESS notes.txt bob", "Access removed successfully!\n"),
            (bob, "RACC notes.txt -R", asked.format(3)),
            (alice, "DISACCR 3", "Request denied successfully!\n"),
            (bob, "RACC notes.txt -R", asked.format(4)),
            (alice, "approveaccr 4", "Access granted successfully!\n"),
            (bob, "READ notes.txt", "Hello."),
            (bob, "VIEWREQUESTS --mine", "No requests found.\n"),
        ):
            self.done(line, says=says, desk=desk)

    def test_tables(self) -> None:
        """The owner sees who asks, and who asks sees whom; nothing in a name breaks the table."""
        self.alice.type("CREATE 'to do.txt'")
        self.bob.type("RACC 'to do.txt' -W")
        for desk, line, heading, who in (
            (self.alice, "VIEWREQUESTS", "USER", "bob"),
            (self.bob, "VIEWREQUESTS --mine", "OWNER", "alice"),
        ):
            head, row = desk.type(line).splitlines()
            self.assertEqual(head.split(), ["ID", "NAME", heading, "WANTS", "TO", "SINCE"])
            self.assertRegex(row, rf"^ 1  to do\.txt  {who} +read, write  2023-11-1\d ")

    def test_refusals(self) -> None:
        """Refusals say what to do."""
        self.alice.type("CREATE notes.txt")
        self.bob.type("RACC notes.txt -R")
        for desk, line, code, says in (
            (self.alice, "RACC notes.txt -R", "INVALID", "you own"),
            (self.bob, "RACC nothing.txt -R", "NOT_FOUND", "nothing.txt"),
            (self.bob, "APPROVE 1", "UNAUTHORIZED", "owner"),
            (self.bob, "DENY 1", "UNAUTHORIZED", "owner"),
            (self.alice, "APPROVE 7", "NOT_FOUND", "VIEWREQUESTS"),
        ):
            self.refused(line, code=code, says=says, by=desk)
        for line in ("RACC notes.txt", "RACC notes.txt -R -W", "APPROVE", "APPROVE x", "DENY 1.5"):
            self.refused(line, code="INVALID", says="usage: ", status=2)


class JSONTests(CommandCase):
    """What programs read."""

    def test_records(self) -> None:
        """Each command writes objects that say what was done, or what there is."""
        alice, bob = self.desk("alice", json=True), self.desk("bob", json=True)
        alice.type("CREATE a")
        [asked] = bob.records("REQUESTACCESS a -W")
        self.assertEqual((asked["path"], asked["right"], asked["id"]), ("a", "w", 1))
        for desk, line in ((alice, "VIEWREQUESTS"), (bob, "VIEWREQUESTS --mine")):
            [shown] = desk.records(line)
            self.assertRegex(shown.pop("when"), r"^2023-11-14T.*Z$")
            self.assertEqual(
                shown, {"id": 1, "path": "a", "user": "bob", "right": "w", "owner": "alice"}
            )
        [approved] = alice.records("APPROVE 1")
        self.assertEqual(
            approved,
            {
                "message": "Access granted successfully!",
                "id": 1,
                "path": "a",
                "user": "bob",
                "right": "w",
            },
        )
        [refused] = alice.records("DENY 1")
        self.assertEqual(refused["error"]["code"], "NOT_FOUND")
        self.assertEqual(alice.records("VIEWREQUESTS"), [])


class LostServerTests(SessionCase):
    """When the name server is lost."""

    def test_ask_again(self) -> None:
        """Asking is repeated: twice is once."""
        self.nm.answers[RequestAccess] = [self.nm.hang_up, Requested(7)]
        self.assertEqual(self.run_(self.alice.requests.ask("/a.txt", "r")), 7)
        self.assertEqual(self.nm.asked, ["REQUESTACCESS"] * 2)

    def test_in_doubt(self) -> None:
        """A decision whose answer was lost is not repeated; its failure says how to find out."""
        for request, decide in (
            (Approve, self.alice.requests.approve),
            (Deny, self.alice.requests.deny),
        ):
            self.nm.answers[request] = self.nm.hang_up
            said = self.refused(decide(7), Unanswered)
            self.assertIn(f"whether {request.verb} 7 was done is not known", said)
            self.assertIn("VIEWREQUESTS tells", said)
            self.assertEqual(self.nm.asked.count(request.verb), 1)
