"""
Commands about folders and places.

Decides what each is called, how it is typed and what is said about it.  Must not know what it does.
Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import click

from dfs.client import places
from dfs.client.arguments import flag, paths_argument
from dfs.client.verbs import RemotePath, Verb


def verbs() -> tuple[Verb, ...]:
    """In the order of HELP."""
    return (
        Verb(
            "CREATEFOLDER",
            "[-p] <path>…",
            "Make a new, empty folder, and those above it.",
            places.create_folder,
            (
                flag("-p", "parents", help="One that is there already is no error."),
                paths_argument(),
            ),
            aliases=("mkdir",),
            examples=("CREATEFOLDER reports/2026",),
            details="Documents make the folders that they are put into, too. A folder stays when"
            " it is empty.",
        ),
        Verb(
            "VIEWFOLDER",
            "[-a] [-l] [-R] [-d] [<path>…]",
            "List what stands in a folder.",
            places.view_folder,
            (
                flag("-a", "all", help="Also documents that you may not read."),
                flag("-l", "long", help="With words, size, last change, owner, server …"),
                flag("-R", "deep", help="Also what stands in the folders there."),
                flag("-d", "itself", help="The folder itself, not what stands in it."),
                click.Argument(["paths"], type=RemotePath(), nargs=-1),
            ),
            aliases=("ls",),
            examples=("VIEWFOLDER", "VIEWFOLDER -l reports", "ls -lR reports"),
            details="Without a path: the root, in which everything stands. Names of folders end"
            " with /. In text the names alone are shown, with -R and -d their paths.",
        ),
        Verb(
            "MOVE",
            "<path>… <folder or new path>",
            "Let documents or folders stand elsewhere.",
            places.move,
            (
                click.Argument(
                    ["names"],
                    type=RemotePath(),
                    nargs=-1,
                    required=True,
                    callback=_two,
                    metavar="<path>…",
                ),
            ),
            aliases=("mv",),
            examples=("MOVE notes.txt reports/", "MOVE notes.txt old.txt", "MOVE reports archive/"),
            details="A target that is a folder, or ends with /, gets them inside; any other one is"
            " the new path. Several are put into a folder, which is made if need be. Nothing is"
            " ever overwritten. History, access lists and checkpoints stay as they are, and so"
            " does who is editing. Only the owner of a document, or of a folder, may move it; a"
            " folder is moved with all that is in it.",
        ),
        Verb(
            "DELETEFOLDER",
            "[-r] <path>…",
            "Remove a folder, which must be empty.",
            places.delete_folder,
            (
                flag("-r", "-R", "recursive", help="With everything in it, if all of it is yours."),
                paths_argument(),
            ),
            aliases=("rmdir",),
            examples=("DELETEFOLDER reports/2025", "DELETEFOLDER -r reports"),
        ),
    )


def _two(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """At least two names."""
    if len(value) < 2 and not context.resilient_parsing:
        raise click.UsageError("say what is moved, and where to")
    return value
