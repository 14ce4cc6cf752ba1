"""What users, servers and checkpoints may be called."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.core import names
from dfs.errors import Invalid


class NameTests(SynchronousTestCase):
    """Legal names, and reasons for refusals."""

    def test_users(self) -> None:
        """A user may have any visible name, also one that looks like a word of ours (H11)."""
        for name in ("alice", "owner", "nm", "ss1", "R", "CLIENT", "a|b", "Zoë", "x y", "=", "-"):
            self.assertEqual(names.user(name), name)
        self.assertEqual(names.user("Zoe\u0308"), "Zo\u00eb")
        self.assertEqual(names.user("x" * 64), "x" * 64)

    def test_refused_users(self) -> None:
        """A name that is empty, too long, or hides something is refused."""
        for name in ("", "x" * 65, "é" * 33, " a", "a ", "a\n", "a\x00", "a\u2028b", "\ud800"):
            error = self.assertRaises(Invalid, names.user, name)
            self.assertIn("user name", str(error))

    def test_servers(self) -> None:
        """A server name is one plain word."""
        for name in ("ss1", "ss1_backup", "a.b-c", "X" * 64):
            self.assertEqual(names.server(name), name)
        for name in ("", "X" * 65, "a b", "a/b", "ss1\n", "é", "٣", ".", ".."):
            error = self.assertRaises(Invalid, names.server, name)
            self.assertIn("1 to 64", str(error))

    def test_shortened(self) -> None:
        """A long name keeps both ends, and servers of a pair stay different."""
        self.assertEqual(names.shortened("ss1_backup", 10), "ss1_backup")
        self.assertEqual(names.shortened("abcdefghij", 9), "abcd..hij")
        long = "x" * 57
        self.assertEqual(names.shortened(f"{long}_backup", 20), "xxxxxxxxx..xx_backup")
        self.assertNotEqual(names.shortened(f"{long}_backup", 39), names.shortened(long, 39))

    def test_tags(self) -> None:
        """A checkpoint tag is one plain word."""
        for tag in ("v1", "conflict-ss1-20260102T030405Z", "1.0_rc-2", "t" * 64):
            self.assertEqual(names.tag(tag), tag)
        for tag in ("", "t" * 65, "a b", "a:b", "v1\n", "ü"):
            error = self.assertRaises(Invalid, names.tag, tag)
            self.assertIn("1 to 64", str(error))
