"""
What the files of an export are called.

Decides which file stands for which document or folder, and which for a text of its history, so that
no two share one and none is anywhere else.  Must not know what is in them, nor the disk.

Note [Names are data].  A document C{a} needs three names in its folder: C{a}, C{a.meta} and, if it
has a history, C{a.history}.  So a file has the name of its document or folder, unless that ends
like one of those, or like a name that was made here; is too long to be followed by them; is the
same as the name of something else in the same folder but for capitals, because the disk, or the
next one that the export is copied to, may not tell them apart; or can be no name of a file at all.
Then it is the beginning of the name, followed by C{~dfs-} and the id, which nothing else has and no
plain name ends with.  The rule looks at nothing but names, so it gives the same on every disk and
in any order.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from attrs import frozen

from dfs.core.paths import MAX_PART_BYTES

#: What stands beside a document.
META, HISTORY = ".meta", ".history"

#: Folders and files at the top of an export.
DOCUMENTS, LOST, FOLDERS, MANIFEST, README = (
    *("documents", "lost-folders", "folders.json", "dfs-export.json", "README.txt"),
)

#: The most bytes of the name of a document's file.
_MOST = MAX_PART_BYTES - len(HISTORY)

_MADE = re.compile(r"~dfs-(folder-)?[0-9a-f]{16}\Z", re.IGNORECASE)
_UNFIT = re.compile(r"[\x00-\x1f\x7f/\ud800-\udfff]")


@frozen
class Thing:
    """
    A document or a folder in a folder.

    @ivar id: 16 hex digits.
    @ivar name: its own.
    @ivar folder: it is one; a document may have the same id.
    """

    id: str
    name: str
    folder: bool = False

    @property
    def bare(self) -> str:
        """The name of the file of something of which the disk does not take the name."""
        return f"~dfs-folder-{self.id}" if self.folder else f"~dfs-{self.id}"

    @property
    def made(self) -> str:
        """The name of the file of something that cannot have its own."""
        room = _MOST - len(self.bare)
        return _UNFIT.sub("", self.name).encode()[:room].decode(errors="ignore") + self.bare


def is_plain(name: str) -> bool:
    """Whether a file may have this name if nothing else wants it."""
    folded = name.casefold()
    return not (
        folded in ("", ".", "..")
        or folded.endswith((META, HISTORY))
        or _MADE.search(name)
        or _UNFIT.search(name)
        or len(name.encode()) > _MOST
    )


def files(things: Sequence[Thing]) -> list[str]:
    """The names of the files of everything that stands in one folder, in the same order."""
    wanted = Counter(_alike(one.name) for one in things)
    return [
        one.name if wanted[_alike(one.name)] == 1 and is_plain(one.name) else one.made
        for one in things
    ]


def _alike(name: str) -> str:
    """The same for names that some disk cannot tell apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def past(kind: str, number: int, tag: str = "") -> str:
    """
    The name of a text in the history of a document.

    @param kind: C{undo}, C{redo} or C{checkpoint}.
    @param number: from 1 on, so that tags which differ in capitals do not meet.
    """
    return f"{kind}-{number:04d}" + (f"-{tag}" if tag else "")


#: What is written into the export, so that it explains itself.
EXPLANATION = f"""\
This folder was written by 'dfs export'.  Everything in it can be read without that program.

{MANIFEST}     written last: an export without it was interrupted.  What was exported, and what
                    could not be read (damaged)
{FOLDERS}        every folder, with its owner
{DOCUMENTS}/          every document, at its path
{LOST}/ID/    documents whose folder this store does not know, by the id of the folder

Of each document NAME:

NAME                its present text, byte for byte
NAME{META}           JSON: owner, access list, times, figures, SHA-256 of each text, and which file
                    holds which text
NAME{HISTORY}/       its other texts, if there are any: undo-0001 is the oldest, then newer ones; of
                    redo the last one is the next to come back; checkpoint-0001-TAG.  A text that
                    occurs twice is written once

A name that would stand in the way of another one (it ends in {META} or {HISTORY}, is very long, or
differs from another one in capitals only) is NAME~dfs-ID instead; {META} has the whole name.
"""
