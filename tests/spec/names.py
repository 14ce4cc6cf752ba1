"""
Names that are as good as any, names that are none, and what folders are told.
"""

from __future__ import annotations

import shlex

GONE = "Folder deleted successfully!\n"


#: Names that are as good as any, for folders too.
NAMES = (
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
    "'quoted'",
    '"twice"',
    "back\\slash",
    "-r",
    "...",
    ".hidden",
    "~",
    "*",
    "grüße",
    "日本",
    "🙂",
    "x" * 255,
    "ä" * 127,
)


#: Paths that nothing may have.
BAD = (
    "..",
    ".",
    "a//b",
    "a/../b",
    "../a",
    "/../a",
    "a/./b",
    "a\tb",
    "a\x01b",
    "a\x7fb",
    "x" * 256,
    "ä" * 128,
    "/".join(["y" * 200] * 6),
)


q = shlex.quote
