"""
Whether only this machine can reach what a daemon would listen on.

Decides by letting Twisted itself say where it would listen.  Must not know what listens, or why it
may be allowed to go beyond.
"""

from __future__ import annotations

import ipaddress
from typing import Any, cast

from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.python.usage import UsageError

_ADVICE = "add :interface=127.0.0.1, or say --insecure if this network may be trusted"


def refuse_beyond_loopback(description: str) -> None:
    """
    Accept an endpoint that only this machine can reach.

    @param description: a server endpoint description.
    @raise UsageError: if others could reach it, or if that cannot be told.
    """
    doors = _Doors()
    try:
        # Twisted itself says where it would listen: no second parser that may differ from it.
        listening = serverFromString(cast(Any, doors), description).listen(Factory())
    except Exception as error:
        if not doors.puzzled:
            raise UsageError(f"{description!r} is not a server endpoint: {error}") from None
    else:
        listening.addErrback(lambda reason: None)
    if doors.puzzled or not doors.interfaces:
        raise UsageError(f"whether {description} is on loopback cannot be told; {_ADVICE}")
    if not all(_is_loopback(interface) for interface in doors.interfaces):
        raise UsageError(f"{description} listens beyond loopback; {_ADVICE}")


def _is_loopback(interface: str) -> bool:
    if interface == "localhost":
        return True
    try:
        return ipaddress.ip_address(interface).is_loopback
    except ValueError:
        return False


class _Doors:
    """
    A reactor that opens nothing and remembers where it was asked to.

    @ivar interfaces: the interfaces asked for; a UNIX socket counts as C{localhost}.
    @ivar puzzled: whether an endpoint asked for something else than to listen.
    """

    def __init__(self) -> None:
        self.interfaces: list[str] = []
        self.puzzled = False

    def listenTCP(self, port: int, factory: object, backlog: int = 50, interface: str = "") -> None:
        """Remember the interface."""
        self.interfaces.append(interface)

    def listenSSL(
        self,
        port: int,
        factory: object,
        contextFactory: object,
        backlog: int = 50,
        interface: str = "",
    ) -> None:
        """Remember the interface."""
        self.interfaces.append(interface)

    def listenUNIX(
        self,
        address: str,
        factory: object,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> None:
        """Only this machine can reach a UNIX socket."""
        self.interfaces.append("localhost")

    def __getattr__(self, name: str) -> Any:
        """Whatever else an endpoint wants, what comes of it is not known."""
        self.puzzled = True
        raise AttributeError(name)
