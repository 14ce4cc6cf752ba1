"""
Which of two states of a document is newer.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.versions import Version
from dfs.errors import Invalid

versions = st.builds(Version, st.integers(0, 5), st.integers(0, 5))


class VersionTests(SynchronousTestCase):
    """
    Counters of both members.
    """

    def test_next(self) -> None:
        """Each commit counts for the member that made it."""
        self.assertEqual(Version(1, 2).next(home=True), Version(2, 2))
        self.assertEqual(Version(1, 2).next(home=False), Version(1, 3))

    @given(versions, versions)
    def test_order(self, one: Version, other: Version) -> None:
        """Of two versions one is newer, or they are equal, or neither contains the other."""
        verdicts = [one > other, other > one, one == other, one.concurrent(other)]
        self.assertEqual(verdicts.count(True), 1)

    @given(versions, st.booleans())
    def test_next_is_newer(self, version: Version, home: bool) -> None:
        """A commit is newer than what it was made on."""
        self.assertTrue(version.next(home=home) > version)
        self.assertTrue(version.next(home=home) >= version)

    @given(versions)
    def test_text(self, version: Version) -> None:
        """A version is read back from what is written of it."""
        self.assertEqual(Version.parse(str(version)), version)

    def test_no_version(self) -> None:
        """Anything else is refused."""
        for text in ("", "1", "1.", ".1", "1.2.3", "-1.0", "1.x", "\u0661.0", "1.\u00b2"):
            self.assertRaises(Invalid, Version.parse, text)
