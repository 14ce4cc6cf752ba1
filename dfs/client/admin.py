"""
C{dfs admin}: what operators order.

Decides how an order is typed, what is said about it, and what is printed when it was done.  Must
not know how it travels.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

from typing import Any

import click

from dfs.client import offline
from dfs.client.verbs import Does, Verb, Work
from dfs.errors import Invalid

#: Where the secret is unless it is named; the daemons' own default.
SECRET = "cluster.secret"

_META = "dfs.secret"

#: What is said when a deed was done.
_DONE = {
    "failover": "Done: the other member of {target} serves now.",
    "handback": "Ordered: {target} serves again as soon as it has everything; SERVERS shows it.",
    "drain": "Done: {target} gets no new documents; SERVERS shows who serves its pair.",
    "promote": "Done: {target} serves its pair now.",
    "replace": "Done: the next store under the name {target} is taken for its own, and is filled.",
    "pair": "Done: {other} is the backup of {target} now, and is filled.",
}


def _does(deed: str) -> Does:
    """What a deed's command does."""

    async def order(
        work: Work, target: str, secret: str, other: str = "", accept_loss: bool = False
    ) -> None:
        from dfs.wire.messages import Admin

        if work.operator is None:
            raise Invalid("this is ordered with 'dfs admin', not in the shell")
        await work.operator.order(Admin(deed, target, other=other, accept_loss=accept_loss), secret)
        message = _DONE[deed].format(target=target, other=other)
        fields = {"deed": deed, "target": target}
        work.screen.result(
            message, message=message, **fields, **({"other": other} if other else {})
        )

    return order


def _secret_of(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The file that was named, after the deed or before it."""
    found: str = value or context.meta.get(_META) or SECRET
    context.meta[_META] = found
    return found


def _secret_option() -> click.Option:
    return click.Option(
        ["--secret"],
        metavar="FILE",
        envvar="DFS_SECRET",
        callback=_secret_of,
        help=f"The secret of the cluster. [DFS_SECRET; default: {SECRET}]",
    )


def _deed(deed: str, form: str, meaning: str, *more: click.Parameter, details: str) -> Verb:
    target = click.Argument(["target"], metavar=form.split()[0])
    return Verb(
        f"dfs admin {deed}",
        form,
        meaning,
        _does(deed),
        (target, *more, _secret_option()),
        details=details,
    )


def _accept_loss(help: str) -> click.Option:
    return click.Option(["--accept-loss"], is_flag=True, help=help)


def deeds() -> dict[str, Verb]:
    """Every deed, in the order of the help."""
    verbs = (
        _deed(
            "failover",
            "<pair>",
            "Let the other member of a pair serve, now.",
            details="The member that serves finishes first, and the other one gets everything: no "
            "change is lost. Refused unless the pair is PROTECTED.",
        ),
        _deed(
            "handback",
            "<pair>",
            "Let the home primary serve again.",
            details="Without waiting for --handback-after; also with a name server that never "
            "hands back by itself, and after 'drain'. It happens as soon as both members are "
            "equal, and every change is kept.",
        ),
        _deed(
            "drain",
            "<server>",
            "Prepare a server for being stopped.",
            details="It gets no new documents; if it serves, the other member takes over, as with "
            "'failover'. 'handback' ends it.",
        ),
        _deed(
            "promote",
            "<server> [--accept-loss]",
            "Let a member serve although the other one is away.",
            _accept_loss("Although the other one has changes that this one lacks."),
            details="For a pair that is DOWN because the server that comes back first is not the "
            "one that served last. Changes that only the other one has are judged when it returns.",
        ),
        _deed(
            "replace",
            "<server> [--accept-loss]",
            "Take an empty store for that of a server.",
            _accept_loss("Although it has changes that the other member lacks."),
            details="For a server whose disk is lost: stop it, order this, start it under the same "
            "name on an empty folder. The other member fills it. Refused for the member that "
            "served last: promote the other one first.",
        ),
        _deed(
            "pair",
            "<home> <backup>",
            "Make a server the backup of another one.",
            click.Argument(["other"], metavar="<backup>"),
            details="For names that do not say it. The backup must have no documents.",
        ),
        offline.rebuild(),
    )
    return {verb.name.split()[-1]: verb for verb in verbs}


class AdminGroup(click.Group):
    """C{dfs admin <deed> …}, in any case."""

    def __init__(self) -> None:
        super().__init__(
            "admin",
            params=[_secret_option()],
            callback=lambda secret: None,
            help="Order what operators order: who serves, and whose store is lost. Needs the "
            "secret of the cluster. What is refused would lose something, and the refusal says "
            "what.",
            short_help="Order failover, handback and the like; for operators.",
            context_settings={"help_option_names": ["-h", "--help"]},
            subcommand_metavar="DEED …",
            no_args_is_help=False,
        )
        self._deeds = deeds()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(self._deeds)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """By name; None only where click asks without wanting an explanation."""
        verb = self._deeds.get(cmd_name.lower())
        if verb is not None:
            return verb.command
        if ctx.resilient_parsing or cmd_name.startswith("-"):
            return None
        raise click.UsageError(f"nobody can order {cmd_name!r}, only {', '.join(self._deeds)}")


def group() -> dict[str, click.Command]:
    """What C{dfs} has besides its table, by name."""
    found: dict[str, Any] = {"admin": AdminGroup()}
    return found
