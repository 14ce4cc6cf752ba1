"""
A name server, a storage server, and two people who arrange what they have.

Decides how a test says what stands where.
"""

from __future__ import annotations

from typing import Any

from dfs.errors import (
    DFSError,
)
from dfs.wire.client import Connection
from dfs.wire.messages import (
    DeleteFolder,
    ViewFolder,
)
from tests.nm.rig import Rig


class ArrangementCase(Rig):
    """
    One storage server; alice and bob.
    """

    def setUp(self) -> None:
        super().setUp()
        self.ss1 = self.registered()
        self.alice, self.bob = self.person("alice"), self.person("bob")

    def again(self) -> None:
        """The name server is restarted, and everybody is back."""
        self.restart()
        self.ss1.register(cluster_id=self.disk.cluster_id)
        self.alice, self.bob = self.person("alice"), self.person("bob")

    def folder(self, path: str, who: Connection | None = None, **options: bool) -> list[str]:
        """What stands in a folder; folders end with a slash."""
        lines = self.items(who or self.alice, ViewFolder(path, **options))
        return [line.path + "/" * line.folder for line in lines]

    def everything(self) -> list[str]:
        """All folders and documents, whoever may read them."""
        return self.folder("/", all=True, deep=True)

    def said(self, who: Connection, request: Any) -> list[object]:
        """What somebody is answered, once they are."""
        answers: list[object] = []
        who.ask(request).addBoth(answers.append)
        return answers

    def removed(self, who: Connection, request: DeleteFolder) -> list[str]:
        """What is deleted."""
        return [line.path for line in self.items(who, request)]

    def removal_refused(
        self, error: type[DFSError], who: Connection, request: DeleteFolder, pattern: str
    ) -> None:
        """A deletion is refused, for this reason."""
        with self.assertRaisesRegex(error, pattern):
            self.items(who, request)
