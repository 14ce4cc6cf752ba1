"""Options, environment, file, default: in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dfs.client.settings import Settings, address, config_path, decide, state_folder
from dfs.errors import Invalid


class SettingsTests(SynchronousTestCase):
    """What the command is told about its surroundings."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        (self.folder / "dfs").mkdir(parents=True)
        self.file = self.folder / "dfs" / "config.toml"

    def decide(self, environment: dict[str, str] | None = None, **options: Any) -> Settings:
        """Decide with a folder of its own for the file."""
        surroundings = {
            "XDG_CONFIG_HOME": str(self.folder),
            "USER": "system",
            **(environment or {}),
        }
        given = {"nm": None, "user": None, "patience": None, "config": None, **options}
        return decide(environment=surroundings, **given)

    def test_defaults(self) -> None:
        """Without any setting it is the name server on this machine, and the system's user."""
        self.assertEqual(self.decide(), Settings(("127.0.0.1:5000",), "system", 30.0))

    def test_order(self) -> None:
        """Each source covers the ones after it."""
        self.file.write_text('nm = ["f:1", "g"]\nuser = "file"\npatience = 1')
        self.assertEqual(self.decide(), Settings(("f:1", "g:5000"), "file", 1.0))
        environment = {"DFS_NM": "e:2", "DFS_USER": "env", "DFS_PATIENCE": "2"}
        self.assertEqual(self.decide(environment), Settings(("e:2",), "env", 2.0))
        given = self.decide(environment, nm="o:3,p:4", user="option", patience=0.0)
        self.assertEqual(given, Settings(("o:3", "p:4"), "option", 0.0))

    def test_bad_files(self) -> None:
        """A file that makes no sense is named in the message."""
        for text in ("nm = ", "color = 1", 'patience = "x"', 'nm = "a:b:c"', "nm = 5", "nm = [5]"):
            self.file.write_text(text)
            with self.assertRaises(Invalid):
                self.decide()
        with self.assertRaises(Invalid) as caught:
            self.decide(config="/no/such/file")
        self.assertIn("/no/such/file", str(caught.exception))

    def test_addresses(self) -> None:
        """A port may be left out; an IPv6 address stands in brackets."""
        for text, found in (
            ("nm", "nm:5000"),
            ("nm:6", "nm:6"),
            ("[::1]", "[::1]:5000"),
            ("[::1]:6", "[::1]:6"),
        ):
            self.assertEqual(address(text), found)
        for text in ("", ":5", "a:", "a:b", "a:0", "a:65536", "::1", "a b:5", "a:-1", "[]:5"):
            with self.assertRaises(Invalid, msg=text):
                address(text)

    def test_nobody(self) -> None:
        """Without any name of a user, one is asked for."""
        with self.assertRaises(Invalid):
            self.decide({"USER": ""})

    def test_folders(self) -> None:
        """Files stand where the surroundings say, else at home."""
        self.assertEqual(config_path({}), Path.home() / ".config/dfs/config.toml")
        self.assertEqual(state_folder({"XDG_STATE_HOME": "/s"}), Path("/s/dfs"))
