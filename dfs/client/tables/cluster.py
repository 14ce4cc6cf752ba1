"""
Commands about the cluster and the shell itself.

Decides what each is called, how it is typed and what is said about it.  Must not know what it does.
Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import click

from dfs.client import commands
from dfs.client.verbs import Verb, VerbName


def verbs() -> tuple[Verb, ...]:
    """In the order of HELP."""
    return (
        Verb("LIST", "", "List all users, and who is online.", commands.list_users),
        Verb("WHOAMI", "", "Tell who you are here.", commands.whoami),
        Verb("SERVERS", "", "List the storage servers.", commands.servers),
        Verb(
            "STATUS",
            "[<server>]",
            "Tell how the name server is, or a storage server.",
            commands.status,
            (click.Argument(["server"], default=""),),
            examples=("STATUS", "STATUS ss1"),
        ),
        Verb(
            "HELP",
            "[<command>]",
            "List the commands, or explain one.",
            commands.help,
            (click.Argument(["about"], type=VerbName(), default=""),),
            examples=("HELP", "HELP WRITE"),
        ),
        Verb("EXIT", "", "Leave the shell.", commands.leave, aliases=("quit",)),
    )
