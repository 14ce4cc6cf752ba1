"""
How arguments of commands are taken apart that many of them have.

Decides their names and types.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import click

from dfs.client.verbs import RemotePath

#: The largest whole number of the wire.
LARGEST = 2**63 - 1


def path_argument() -> click.Argument:
    """One document."""
    return click.Argument(["path"], type=RemotePath(), metavar="<path>")


def paths_argument() -> click.Argument:
    """Documents."""
    return click.Argument(["paths"], type=RemotePath(), nargs=-1, required=True, metavar="<path>…")


def number_argument(name: str, metavar: str) -> click.Argument:
    """A whole number that the wire can carry; whether there is one below 0 is not known here."""
    return click.Argument([name], type=click.IntRange(-LARGEST, LARGEST), metavar=metavar)


def flag(*names: str, help: str) -> click.Option:
    """Something that is asked for or not."""
    return click.Option(list(names), is_flag=True, help=help)


def right_flags() -> tuple[click.Option, click.Option]:
    """A right that is granted or asked for."""
    return (
        flag("-R", "-r", "read", help="To read."),
        flag("-W", "-w", "write", help="To read and write."),
    )
