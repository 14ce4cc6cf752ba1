"""
The commands: one table, from which the command line, the shell, HELP and completion are made.

Decides in which order they come.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

from dfs.client.tables import arranging, asking, changing, cluster, keeping, reading
from dfs.client.verbs import Table


def table() -> Table:
    """Every command."""
    groups = (reading, changing, keeping, arranging, asking, cluster)
    return Table([verb for group in groups for verb in group.verbs()])
