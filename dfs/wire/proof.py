"""
How two servers show each other that they know the cluster's secret.

Decides what is proved: both names, both roles, both nonces, and the direction, so that no proof
can be sent back or used elsewhere (challenge-response with HMAC-SHA-256, after ISO/IEC 9798-4).
Pure; must not know how the words travel.
"""

from __future__ import annotations

import hmac
import re

from attrs import frozen

from dfs.errors import Invalid

#: Bytes of randomness that each side adds.
NONCE_BYTES = 16

#: Who can prove anything: servers, and an operator to a name server.
ROLES = ("nm", "ss", "admin")

_NONCE = re.compile(rf"[0-9a-f]{{{NONCE_BYTES * 2}}}\Z")


@frozen
class Claim:
    """
    What both sides said in HELLO.

    @ivar caller: C{<role>|<name>|<nonce, hex>} of the side that dialled.
    @ivar callee: the same of the side that answered.
    """

    caller: str
    callee: str

    @classmethod
    def of(cls, caller: tuple[str, str, str], callee: tuple[str, str, str]) -> Claim:
        """
        Join role, name and nonce of both sides.

        @raise Invalid: one of them could pass for something else when it is joined.
        """
        for role, name, nonce in (caller, callee):
            if role not in ROLES or not name or "\n" in name:
                raise Invalid("a role is ss, nm or admin, and a name has one line")
            if _NONCE.match(nonce) is None:
                raise Invalid(f"a nonce is {NONCE_BYTES * 2} hex digits in small letters")
        if caller[2] == callee[2]:
            raise Invalid("both sides have the same nonce")
        return cls("\n".join(caller), "\n".join(callee))


def prove(secret: bytes, side: str, claim: Claim) -> str:
    """
    The proof of one side, hex.

    @param side: C{caller} or C{callee}.
    """
    key = hmac.digest(secret, b"dfs hello", "sha256")
    text = f"{side}\n\n{claim.caller}\n\n{claim.callee}"
    return hmac.digest(key, text.encode(), "sha256").hex()


def proves(secret: bytes, side: str, claim: Claim, proof: str) -> bool:
    """Whether a proof is right, in constant time."""
    return hmac.compare_digest(prove(secret, side, claim).encode(), proof.encode())
