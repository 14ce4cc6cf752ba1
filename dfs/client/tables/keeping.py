"""
Commands about checkpoints.

Decides what each is called, how it is typed and what is said about it.  Must not know what it does.
Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import click

from dfs.client import tags
from dfs.client.arguments import flag, path_argument
from dfs.client.verbs import Verb


def verbs() -> tuple[Verb, ...]:
    """In the order of HELP."""
    path, tag = path_argument(), click.Argument(["tag"], metavar="<tag>")
    return (
        Verb(
            "CHECKPOINT",
            "<path> <tag>",
            "Keep the present text under a name.",
            tags.checkpoint,
            (path, tag),
            examples=("CHECKPOINT notes.txt v1",),
            details="A tag has 1 to 64 letters (A-Z, a-z), digits, '.', '_' or '-'. A checkpoint"
            " is kept until DELETECHECKPOINT removes it, or DELETE the document.",
        ),
        Verb(
            "VIEWCHECKPOINT",
            "[--raw] <path> <tag> [<local>]",
            "Print a text that was kept, or copy it into a local file.",
            tags.view,
            (
                flag("--raw", help="Do not escape control characters on a terminal."),
                path,
                tag,
                click.Argument(["local"], type=click.Path(allow_dash=True), required=False),
            ),
            examples=("VIEWCHECKPOINT notes.txt v1", "VIEWCHECKPOINT notes.txt v1 old.txt"),
            details="As GET does, it replaces a local file at once and as a whole; the local name"
            " - is standard output.",
        ),
        Verb(
            "REVERT",
            "<path> <tag>",
            "Make a text that was kept the present one.",
            tags.revert,
            (path, tag),
            examples=("REVERT notes.txt v1",),
            details="One change, which UNDO takes back. It restores the text, never rights.",
        ),
        Verb(
            "LISTCHECKPOINTS",
            "<path>",
            "List the texts that were kept.",
            tags.list_,
            (path,),
            examples=("LISTCHECKPOINTS notes.txt",),
            details="Those of the kind 'conflict' were changed on one server of a pair while the"
            " other one served: look at them, REVERT to them or DELETECHECKPOINT them.",
        ),
        Verb(
            "DELETECHECKPOINT",
            "<path> <tag>",
            "Keep a text no longer.",
            tags.delete,
            (path, tag),
            examples=("DELETECHECKPOINT notes.txt v1",),
        ),
    )
