"""Names of the specification, as tables."""

from __future__ import annotations

from dfs.core import paths
from dfs.errors import (
    DFSError,
    Exists,
    Invalid,
)
from dfs.wire.messages import (
    AddAccess,
    Create,
    Delete,
    GetInfo,
    Locate,
    Login,
    RemAccess,
)
from tests.spec.people import PeopleCase
from tests.spec.test_rights import RIGHTS, Deed


class NameTests(PeopleCase):
    """Paths."""

    LEGAL = (
        "a",
        "a b",
        " a",
        "a ",
        "a|b",
        "|",
        "c,d",
        "x=y",
        "all=1",
        "#1",
        "%41",
        "%7C",
        "A",
        "'quoted'",
        '"twice"',
        "back\\slash",
        "-a",
        "...",
        ".hidden",
        "a.",
        "~",
        "*",
        "$(x)",
        "grüße.txt",
        "日本/語.txt",
        "🙂",
        "reports/2026/q3.txt",
        "x" * 255,
        "ä" * 127,
        " a /\u00a0b ",
        "/".join(["y" * 255] * 4),
        "/".join(["z"] * 512),
    )

    ILLEGAL = (
        "",
        "/",
        ".",
        "..",
        "a//b",
        "a/",
        "a/./b",
        "a/../b",
        "../a",
        "/../a",
        "a/..",
        "a\0b",
        "a\nb",
        "a\rb",
        "a\tb",
        "a\x01b",
        "a\x1fb",
        "a\x7fb",
        "a\x85b",
        "a\udcffb",
        "x" * 256,
        "ä" * 128,
        "/".join(["y" * 200] * 6),
    )

    def test_legal(self) -> None:
        """H44: each legal name is a document of its own, after a restart too."""
        for path in self.LEGAL:
            self.put(path, path.encode())
        self.cluster.stop_nm()
        self.cluster.stop("ss1")
        self.cluster.start("ss1")
        self.cluster.start_nm()
        self.cluster.advance(5.0)
        self.assertEqual(
            sorted(line.path for line in self.run_(self.alice.view())), sorted(self.LEGAL)
        )
        for path in self.LEGAL:
            self.assertEqual(self.read(path), path.encode())
            self.assertEqual(self.run_(self.alice.info(path)).index.path, path)
            self.run_(self.alice.add_access(path, "bob", "r"))
            self.assertEqual(self.read(path, self.bob), path.encode())
            self.run_(self.alice.delete(path))
        self.assertEqual(self.run_(self.alice.view(True)), [])

    def test_leading_slash(self) -> None:
        """A leading slash means the same path without it."""
        self.put("/a/b.txt", b"one")
        self.assertEqual(self.read("a/b.txt"), b"one")
        self.refused(self.alice.create("a/b.txt"), Exists)
        [line] = self.run_(self.alice.view())
        self.assertEqual(line.path, "a/b.txt")

    def test_same_spelling(self) -> None:
        """Two ways to write one accent are one name; both reach the document."""
        self.put("caf\u00e9", b"one")
        self.assertEqual(self.read("cafe\u0301"), b"one")

    def test_illegal(self) -> None:
        """H61: other names are refused by the library, with INVALID, in every verb."""
        for path in self.ILLEGAL:
            for verb, deed, _ in RIGHTS:
                with self.subTest(path=path[:20], verb=verb):
                    self.assertEqual(self.illegal(deed, path), "INVALID")
        self.assertEqual(self.run_(self.alice.view(True)), [])

    def illegal(self, deed: Deed, path: str) -> str:
        """The code of a refusal, at once or later."""
        try:
            return self.code(deed(self.alice, path))
        except DFSError as error:
            return error.code

    def test_illegal_on_the_wire(self) -> None:
        """H61: a client that does not look at names itself is refused by the name server."""
        desk = self.cluster.dial()
        self.run_(desk.ask(Login("alice")))
        for path in self.ILLEGAL:
            if "\udcff" in path:
                continue
            for request in (
                Create(path),
                Locate(path, "r"),
                GetInfo(path),
                Delete(path),
                AddAccess(path, "bob", "r"),
                RemAccess(path, "bob"),
            ):
                with self.subTest(path=path[:20], verb=request.verb):
                    self.refused(desk.ask(request), Invalid)
        desk.close()

    def test_deep(self) -> None:
        """1,024 bytes are a path, 1,025 are none."""
        path = "/".join(["z" * 204] * 5)
        self.assertEqual(len(path), 1_024)
        self.put(path, b"deep")
        self.assertEqual(self.read(path), b"deep")
        self.refused(self.alice.create(path + "z"), Invalid)
        self.assertRaises(Invalid, paths.normalize, path + "z")
