"""
How much one server puts up with.

Decides the numbers that hold if nobody says otherwise.  Must not know who keeps to them.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Limits:
    """
    What one server puts up with.

    @ivar connections: in all.
    @ivar of_address: connections from one address, see L{dfs.wire.crowd}.
    @ivar strangers: connections that have not said who they are.
    @ivar login_seconds: for saying who one is.
    @ivar stranger_line: bytes of a line before that.
    @ivar line: bytes of a line after it.
    @ivar machine_line: bytes of a line of a proven server.
    @ivar unanswered: requests of one connection.
    @ivar machine_unanswered: requests of one proven server.
    @ivar stall_seconds: for taking what was sent.
    """

    connections: int = 12_000
    of_address: int = 64
    strangers: int = 4_096
    login_seconds: float = 120.0
    stranger_line: int = 1_024
    line: int = 16 * 1_024
    machine_line: int = 1_024 * 1_024
    unanswered: int = 64
    machine_unanswered: int = 1_000
    stall_seconds: float = 60.0
