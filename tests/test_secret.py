"""
The file with the secret of the cluster.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Invalid
from dfs.secret import make_secret, read_secret


def ones(count: int) -> bytes:
    """Randomness that is none."""
    return b"\x11" * count


class SecretTests(SynchronousTestCase):
    """
    Making and reading it.
    """

    def setUp(self) -> None:
        """Each test has a folder of its own."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "cluster.secret"

    def refused(self, text: str) -> str:
        """Why a file with this text is refused."""
        self.path.write_text(text)
        self.path.chmod(0o600)
        return str(self.assertRaises(Invalid, read_secret, str(self.path)))

    def test_missing(self) -> None:
        """A secret that was not made yet is not an error."""
        self.assertIsNone(read_secret(str(self.path)))

    def test_made(self) -> None:
        """A secret is made once, for its owner alone, and read back."""
        secret = make_secret(str(self.path), ones)
        self.assertEqual(len(secret), 32)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(read_secret(str(self.path)), secret)
        self.assertEqual(os.listdir(self.folder), ["cluster.secret"])

    def test_kept(self) -> None:
        """A secret that somebody else made first is never replaced."""
        first = make_secret(str(self.path), ones)
        self.assertEqual(make_secret(str(self.path), lambda count: b"\x22" * count), first)
        self.assertEqual(os.listdir(self.folder), ["cluster.secret"])

    def test_readable_by_others(self) -> None:
        """A secret that others can read is refused, and the message says how to mend it."""
        make_secret(str(self.path), ones)
        for mode in (0o640, 0o604, 0o620):
            self.path.chmod(mode)
            refusal = self.assertRaises(Invalid, read_secret, str(self.path))
            self.assertIn("chmod 600", str(refusal))

    def test_no_secret(self) -> None:
        """A file with anything else in it is refused, an empty one too."""
        for text in ("", "\n", "11" * 31, "zz" * 32, "11" * 33, "\u00e4" * 64):
            self.assertIn("holds no secret", self.refused(text))

    def test_no_folder(self) -> None:
        """A secret that cannot be made is refused with the reason."""
        path = str(self.folder / "none" / "cluster.secret")
        self.assertIn("cannot be made", str(self.assertRaises(Invalid, make_secret, path, ones)))
