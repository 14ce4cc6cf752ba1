"""
Whom a server has to do with: how many connections there are, in all and from one address.

Decides what counts as one address, and that nobody takes the room of everybody else.  Must not know
what becomes of a connection that is one too many.

Note [One address]
==================
All of an IPv4 address is one, and all of an IPv6 network of 64 bits, because whoever has one
address there has them all.  This machine is no address: many clients, servers and tests live on
it, and whoever is there can do worse.
"""

from __future__ import annotations

import ipaddress
from collections import Counter

from attrs import define, field
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress

from dfs.errors import Busy, DFSError
from dfs.wire.limits import Limits

#: Bits of an IPv6 address that one customer shares with nobody.
_NETWORK = 64


def origin(address: IAddress) -> str:
    """See Note [One address]; empty if it is not counted."""
    if not isinstance(address, IPv4Address | IPv6Address):
        return ""
    try:
        known = ipaddress.ip_address(address.host.partition("%")[0])
    except ValueError:
        return str(address.host)
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            if known.is_loopback:
                return ""
            return str(ipaddress.IPv6Network((known, _NETWORK), strict=False))
        known = known.ipv4_mapped
    return "" if known.is_loopback else str(known)


@define(eq=False)
class Crowd:
    """How many are here."""

    _limits: Limits
    _all: int = field(default=0, init=False)
    _from: Counter[str] = field(factory=Counter, init=False)

    def come(self, place: str) -> DFSError | None:
        """
        One more is here.

        @param place: its L{origin}.
        @return: why it may not stay, if so; it counts until it has left.
        """
        limits, here, same = self._limits, self._all, self._from[place]
        self._all += 1
        self._from[place] += 1
        if here >= limits.connections:
            return Busy(f"{limits.connections} connections are open; try again in a moment")
        if place and same >= limits.of_address:
            return Busy(
                f"{limits.of_address} connections from {place} are open; end one of them first"
            )
        return None

    def leave(self, place: str) -> None:
        """One less is here."""
        self._all -= 1
        self._from[place] -= 1
        if not self._from[place]:
            del self._from[place]
