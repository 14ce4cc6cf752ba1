"""
What the side that dials says first.

Decides how a client names itself, and how a server, or an operator, and the server that it dialled
prove to each other that they belong together.  Must not know why a connection was made.
"""

from __future__ import annotations

from collections.abc import Callable

from dfs.errors import Unauthenticated
from dfs.wire.client import Connection
from dfs.wire.messages import PROTOCOL, Hello, Prove, Welcome
from dfs.wire.proof import NONCE_BYTES, Claim, prove, proves


async def greet_as_client(connection: Connection, user: str, session: str = "") -> Welcome:
    """
    Say who one is.

    @param session: of which this is the newest connection; see L{dfs.wire.reconnects}.
    @raise DFSError: the server refuses.
    """
    return await connection.ask(Hello(PROTOCOL, "client", user, session=session))


async def greet(
    connection: Connection,
    *,
    role: str,
    name: str,
    peer_role: str,
    secret: bytes,
    entropy: Callable[[int], bytes],
) -> Welcome:
    """
    Prove to another server of the cluster that this is one, after it has proved it.

    @param role: of this server, C{nm} or C{ss}; C{admin}: this is an operator.
    @param peer_role: what the other side must be.
    @raise Unauthenticated: the other side does not know the secret, or is something else.
    """
    nonce = entropy(NONCE_BYTES).hex()
    welcome = await connection.ask(Hello(PROTOCOL, role, name, nonce=nonce))
    claim = Claim.of((role, name, nonce), (welcome.role, welcome.name, welcome.nonce))
    proven = proves(secret, "callee", claim, welcome.proof)
    if welcome.role != peer_role or not proven:
        raise Unauthenticated("the other server does not know this cluster's secret")
    await connection.ask(Prove(prove(secret, "caller", claim)))
    return welcome
