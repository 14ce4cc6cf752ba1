"""
Why a storage server lets people use a document, or does not, and when that changes.

Decides one plain sentence for operators, from what the server knows of itself.  What only the name
server knows is in L{dfs.core.reasons}.  Must not know where facts come from.
"""

from __future__ import annotations

from attrs import frozen

from dfs.core.reasons import Held, seconds


@frozen
class Here:
    """
    What a storage server knows about one document and itself.

    @ivar exists: it has the document; C{deleted}: it had.
    @ivar failure: why its disk is of no use; empty if it is.
    @ivar registered: the name server knows it.
    @ivar lease: seconds that it may serve; 0 if it may not.
    @ivar expired: it was allowed to serve, and nobody renewed that.
    @ivar draining: it finishes; C{drained}: it has finished.
    @ivar refuse: nothing may be changed, because its peer is away.
    """

    document: str
    server: str
    exists: bool
    deleted: bool
    failure: str = ""
    registered: bool = True
    lease: float = 0.0
    expired: bool = False
    draining: bool = False
    drained: bool = False
    refuse: bool = False
    locks: tuple[Held, ...] = ()


def why_here(now: Here) -> str:
    """Why a storage server lets people use a document, or does not, and when that changes."""
    return f"{now.document} {_here(now)}."


def _here(now: Here) -> str:
    me = now.server
    if now.deleted:
        return "was deleted"
    if not now.exists:
        return f"is not on {me}; the name server tells where it is"
    if now.failure:
        return f"cannot be used here, because the disk of {me} failed ({now.failure})"
    if not now.lease:
        return _fenced(now)
    if now.drained or now.draining:
        how = "has finished" if now.drained else "finishes"
        return f"can be read here; changes wait: {me} {how}, so that its peer can serve"
    if now.refuse:
        return "can be read here but not changed before the peer is back (--solo refuse)"
    end = f"{me} may serve for {seconds(now.lease)} more, and longer if the name server answers"
    if not now.locks:
        return f"can be read and changed here: {end}"
    first = now.locks[0]
    return (
        f"can be read and changed here, but {first.user} has been editing {first.sentence!r} for "
        f"{seconds(first.seconds)}: {end}"
    )


def _fenced(now: Here) -> str:
    me = now.server
    if now.expired:
        return (
            f"cannot be used here, because {me} has not heard the name server and may not serve; "
            "it can when the name server answers and wants it to"
        )
    if not now.registered:
        return f"cannot be used here before the name server knows {me}"
    return f"is used on the other member of the pair: {me} follows and does not serve"
