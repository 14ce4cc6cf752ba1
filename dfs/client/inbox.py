"""
What REQUESTACCESS, VIEWREQUESTS, APPROVE and DENY do.

Decides what is asked of the library and what is printed.  Must not know how a command is typed, nor
where its output goes.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfs.client.commands import right_of
from dfs.client.outcomes import done
from dfs.client.verbs import Work

if TYPE_CHECKING:
    from dfs.wire.messages import RequestLine

_WANTS = {"r": "read", "w": "read, write"}


async def request(work: Work, path: str, read: bool, write: bool) -> None:
    """C{REQUESTACCESS}."""
    right = right_of(read, write)
    number = await work.session.requests.ask(path, right)
    message = "Access requested successfully!"
    done(work, f"{message} (request {number})", path=path, right=right, id=number)


async def view(work: Work, mine: bool) -> None:
    """C{VIEWREQUESTS}."""
    requests = work.session.requests
    lines = await (requests.mine() if mine else requests.inbox())
    if work.screen.json:
        from attrs import asdict

        from dfs.client.render import stamp

        for line in lines:
            work.screen.record(**{**asdict(line), "when": stamp(line.when)})
    elif not lines:
        work.screen.text("No requests found.\n")
    else:
        work.screen.text(_table(lines, mine) + "\n")


def _table(lines: list[RequestLine], mine: bool) -> str:
    """Requests for people: who asks, or whom they asked."""
    from dfs.client.render import moment, table

    return table(
        ("ID", "NAME", "OWNER" if mine else "USER", "WANTS TO", "SINCE"),
        (
            (
                str(line.id),
                line.path,
                line.owner if mine else line.user,
                _WANTS.get(line.right, line.right),
                moment(line.when),
            )
            for line in lines
        ),
        right=(0,),
    )


async def approve(work: Work, number: int) -> None:
    """C{APPROVE}."""
    about = await work.session.requests.approve(number)
    message = "Access granted successfully!"
    done(work, message, id=number, path=about.path, user=about.user, right=about.right)


async def deny(work: Work, number: int) -> None:
    """C{DENY}."""
    about = await work.session.requests.deny(number)
    message = "Request denied successfully!"
    done(work, message, id=number, path=about.path, user=about.user, right=about.right)
