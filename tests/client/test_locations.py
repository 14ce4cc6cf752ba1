"""How long a location is believed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.client.locations import LONGEST, MARGIN, Locations
from tests.client.stage import STORAGE, located

WALL = 1_700_000_000.0


class LocationTests(SynchronousTestCase):
    """The cache of locations and tickets."""

    def known(self, right: str = "r", *, lasts: int = 60, wall: float = WALL) -> Locations:
        """A cache that knows a.txt, as of second 100 of its clock."""
        locations = Locations()
        locations.remember("a.txt", right, located("a.txt", STORAGE, WALL, lasts), wall, 100.0)
        return locations

    def test_until_shortly_before_the_end(self) -> None:
        """A ticket is used until shortly before it ends, and not after."""
        last = 100.0 + 60 - MARGIN
        self.assertIsNotNone(self.known().find("a.txt", "r", last - 0.1))
        self.assertIsNone(self.known().find("a.txt", "r", last))

    def test_rights(self) -> None:
        """A ticket for writing is good for reading, not the other way round."""
        self.assertIsNotNone(self.known("w").find("a.txt", "r", 100.0))
        self.assertIsNone(self.known("r").find("a.txt", "w", 100.0))

    def test_short_tickets(self) -> None:
        """A ticket that ends at once is not kept."""
        self.assertEqual(len(self.known(lasts=int(MARGIN))), 0)

    def test_wrong_clocks(self) -> None:
        """A wall clock that is an hour slow does not make a ticket last for an hour."""
        slow = self.known(wall=WALL - 3600)
        self.assertIsNone(slow.find("a.txt", "r", 100.0 + LONGEST))

    def test_forget(self) -> None:
        """What is forgotten is forgotten for every right."""
        locations = self.known("w")
        locations.forget("a.txt")
        self.assertIsNone(locations.find("a.txt", "r", 100.0))

    def test_bounded(self) -> None:
        """The least recently used location makes room."""
        locations = Locations(most=2)
        for name in ("a", "b"):
            locations.remember(name, "r", located(name, STORAGE, WALL), WALL, 0.0)
        locations.find("a", "r", 1.0)
        locations.remember("c", "r", located("c", STORAGE, WALL), WALL, 1.0)
        self.assertIsNone(locations.find("b", "r", 1.0))
        self.assertIsNotNone(locations.find("a", "r", 1.0))
