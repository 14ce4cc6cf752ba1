"""
How folders travel from the name server to storage servers: one line of JSON for each.

Decides what is written and what is refused.  Must not know what a folder is for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from attrs import frozen

from dfs.errors import Invalid

#: No whole number may be as large: databases take no larger ones.
_LIMIT = 2**63

#: Bytes that one message may have, so that it comes as a whole.
MOST_BYTES = 48 * 1024


@frozen
class Branch:
    """
    A folder.

    @ivar id: of 63 bits, as C{parent} and C{number}.
    @ivar gone: when it was deleted, seconds since the epoch; 0 if it was not.
    """

    id: int
    parent: int
    name: str
    owner: str
    created: float
    number: int
    gone: float


def write(branch: Branch) -> bytes:
    """A line."""
    fields = [branch.id, branch.parent, branch.name, branch.owner]
    fields += [float(branch.created), branch.number, float(branch.gone)]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(body: bytes) -> Iterable[Branch]:
    """
    What L{write} wrote, any number of times.

    @raise Invalid: it is something else.
    """
    try:
        branches = [Branch(*json.loads(line)) for line in body.splitlines()]
    except (ValueError, TypeError, RecursionError) as error:
        raise Invalid(f"these are no folders: {error}") from None
    for one in branches:
        whole, times = (one.id, one.parent, one.number), (one.created, one.gone)
        if (
            not all(type(number) is int and 0 <= number < _LIMIT for number in whole)
            or not all(type(time) is float and math.isfinite(time) for time in times)
            or not (isinstance(one.name, str) and isinstance(one.owner, str))
        ):
            raise Invalid("these are no folders: they are damaged")
    return branches
