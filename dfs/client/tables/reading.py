"""
Commands that read: VIEW, READ, STREAM, EXEC, INFO.

Decides what each is called, how it is typed and what is said about it.  Must not know what it does.
Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import click

from dfs.client import commands
from dfs.client.arguments import flag, path_argument, paths_argument
from dfs.client.verbs import Verb


def verbs() -> tuple[Verb, ...]:
    """In the order of HELP."""
    return (
        Verb(
            "VIEW",
            "[-a] [-l]",
            "List the documents that you may read.",
            commands.view,
            (
                flag("-a", "all", help="Also those that you may not read."),
                flag("-l", "long", help="With words, size, last change, owner, server …"),
            ),
            examples=("VIEW", "VIEW -al"),
        ),
        Verb(
            "READ",
            "[--raw] <path>…",
            "Print a document, byte for byte.",
            commands.read,
            (
                flag("--raw", help="Do not escape control characters on a terminal."),
                paths_argument(),
            ),
            aliases=("cat",),
            examples=("READ notes.txt", "READ 'to do.txt' reports/q3.txt"),
        ),
        Verb(
            "STREAM",
            "<path> [-d <seconds>]",
            "Print a document word by word.",
            commands.stream,
            (
                path_argument(),
                click.Option(
                    ["-d", "delay"],
                    type=click.FloatRange(0, 3600),
                    default=0.1,
                    help="Seconds from one word to the next; 0.1 by default.",
                ),
            ),
            examples=("STREAM story.txt", "STREAM story.txt -d 0.5"),
        ),
        Verb(
            "EXEC",
            "<path>",
            "Run a document as a shell script.",
            commands.execute,
            (path_argument(),),
            examples=("EXEC hello.sh",),
            details="It is run by /bin/sh on the name server's machine, in a sandbox: without a"
            " network, without the files of that machine, in an empty folder of 16 MiB that is gone"
            " afterwards, for at most 10 s. Its output is shown as it comes, up to 1 MiB. dfs ends"
            " with status 0 only if the script does. Off unless the name server was started with"
            " --enable-exec.",
        ),
        Verb(
            "INFO",
            "<path>…",
            "Tell everything about a document.",
            commands.info,
            (paths_argument(),),
            aliases=("stat",),
            examples=("INFO notes.txt",),
        ),
    )
