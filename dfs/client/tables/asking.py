"""
Commands about requests for access.

Decides what each is called, how it is typed and what is said about it.  Must not know what it does.
Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

from dfs.client import inbox
from dfs.client.arguments import flag, number_argument, path_argument, right_flags
from dfs.client.verbs import Verb


def verbs() -> tuple[Verb, ...]:
    """In the order of HELP."""
    number = number_argument("number", "<id>")
    return (
        Verb(
            "REQUESTACCESS",
            "<path> -R|-W",
            "Ask the owner to let you read, or read and write.",
            inbox.request,
            (path_argument(), *right_flags()),
            aliases=("racc",),
            examples=("REQUESTACCESS notes.txt -R",),
            details="There is one request of yours for each document: asking for another right"
            " replaces it.",
        ),
        Verb(
            "VIEWREQUESTS",
            "[--mine]",
            "List who asks to be let into your documents.",
            inbox.view,
            (flag("--mine", help="What you asked for, and nobody decided yet."),),
            aliases=("viewaccr",),
            examples=("VIEWREQUESTS", "VIEWREQUESTS --mine"),
        ),
        Verb(
            "APPROVE",
            "<id>",
            "Grant what a request asks for.",
            inbox.approve,
            (number,),
            aliases=("approveaccr",),
            examples=("APPROVE 7",),
            details="The same as ADDACCESS, which ends a request too.",
        ),
        Verb(
            "DENY",
            "<id>",
            "Remove a request and grant nothing.",
            inbox.deny,
            (number,),
            aliases=("disaccr",),
            examples=("DENY 7",),
        ),
    )
