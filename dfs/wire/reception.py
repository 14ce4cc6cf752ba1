"""
What every server does with a request before its own handlers see it: greeting, rights, help.

Decides who a connection is and which requests it may make.  Must not know what the server's own
requests do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from dfs.errors import DFSError, Invalid, Unauthenticated, Unsupported
from dfs.wire.codec import arguments
from dfs.wire.messages import (
    PROTOCOL,
    REQUESTS,
    Audience,
    Count,
    Hello,
    Help,
    HelpLine,
    Login,
    Me,
    Prove,
    Quit,
    Record,
    Request,
    Welcome,
    WhoAmI,
)
from dfs.wire.proof import NONCE_BYTES, ROLES, Claim, prove, proves
from dfs.wire.reconnects import Reconnects
from dfs.wire.server import Exchange, Outcome, Peer

#: Answers one kind of request.
Handler = Callable[[Any, Exchange], Outcome]

#: Lets a person in, or refuses; what it returns is waited for.
LogIn = Callable[[Peer, str], Deferred[None] | None]


@frozen
class _Greeting:
    """A server, or an operator, that said HELLO and has not proved anything yet."""

    role: str
    name: str
    claim: Claim


class Reception:
    """
    Greets, checks and dispatches; a L{dfs.wire.server.Receiver}.

    @ivar role: C{nm} or C{ss}.
    @ivar name: of this server.
    """

    def __init__(
        self,
        *,
        role: str,
        name: str,
        secret: bytes,
        entropy: Callable[[int], bytes],
        handlers: dict[type[Request[Any]], Handler],
        log_in: LogIn,
    ) -> None:
        """
        @param secret: of the cluster.
        @param entropy: so many random bytes.
        @param handlers: what this server answers, besides what is answered here.
        @param log_in: may refuse a user.
        """
        self.role = role
        self.name = name
        self._secret = secret
        self._entropy = entropy
        self._log_in = log_in
        self._reconnects = Reconnects()
        self._handlers: dict[type[Request[Any]], Handler] = {
            Hello: self._hello,
            Prove: self._prove,
            Login: self._login,
            WhoAmI: self._whoami,
            Help: self._help,
            Quit: self._quit,
            **handlers,
        }
        # Strangers may ask for it as often as they like; so it is made once.
        self._listing = [
            HelpLine(known.verb, arguments(known), meaning(known, whole=False))
            for known in REQUESTS
            if known in self._handlers and known.audience is not Audience.MACHINE
        ]

    def received(self, request: Request[Any], exchange: Exchange) -> Outcome:
        """
        Check and answer a request.

        @raise Unauthenticated: the peer must say who it is first.
        @raise Unsupported: this server does not answer it.
        """
        handler = self._handlers.get(type(request))
        audience = request.audience
        if audience is not Audience.ANYONE:
            self._gate(audience, exchange.peer)
        if handler is None:
            other = "storage server" if self.role == "nm" else "name server"
            raise Unsupported(f"{request.verb} is not answered here; ask a {other}")
        return handler(request, exchange)

    def _gate(self, audience: Audience, peer: Peer) -> None:
        if peer.machine:
            return
        if audience is Audience.MACHINE:
            raise Unauthenticated("only servers of this cluster may ask this")
        if not peer.user:
            raise Unauthenticated("say who you are first, with LOGIN")

    # ---------------------------------------------------------------------------- greeting

    def _hello(self, hello: Hello, exchange: Exchange) -> Outcome:
        peer = exchange.peer
        if hello.version != PROTOCOL:
            raise Unsupported(f"protocol {hello.version} is not spoken here, only {PROTOCOL}")
        if peer.known or peer.greeting is not None:
            raise Invalid("this connection has said HELLO already")
        if hello.role == "client":
            return self._client(peer, hello)
        if hello.role not in ROLES:
            raise Invalid("a role is client, ss, nm or admin")
        if hello.role == "admin" and self.role != "nm":
            raise Unsupported("operators are answered by the name server, not here")
        nonce = self._entropy(NONCE_BYTES).hex()
        claim = Claim.of(
            (hello.role, hello.name, hello.nonce),
            (self.role, self.name, nonce),
        )
        peer.greeting = _Greeting(hello.role, hello.name, claim)
        proof = prove(self._secret, "callee", claim)
        return Welcome(PROTOCOL, self.role, self.name, nonce=nonce, proof=proof)

    def _client(self, peer: Peer, hello: Hello) -> Outcome:
        """Let a person's program in; if it comes back, its connection before ends first."""
        self._reconnects.check(hello.session)

        def came() -> Record:
            self._reconnects.came(hello.name, hello.session, peer)
            return Welcome(PROTOCOL, self.role, self.name)

        return self._admit(peer, hello.name, came, "client")

    def _prove(self, request: Prove, exchange: Exchange) -> Outcome:
        peer = exchange.peer
        greeting, peer.greeting = peer.greeting, None
        if not isinstance(greeting, _Greeting):
            raise Unauthenticated("HELLO with a nonce comes before PROVE")
        if not proves(self._secret, "caller", greeting.claim, request.proof):
            raise Unauthenticated("the proof is wrong: is the cluster secret the same?")
        peer.machine = greeting.name
        peer.role = greeting.role
        return None

    def _login(self, request: Login, exchange: Exchange) -> Outcome:
        return self._admit(exchange.peer, request.user, lambda: Me(request.user), "")

    def _admit(self, peer: Peer, user: str, welcome: Callable[[], Record], role: str) -> Outcome:
        """Let a person in, now or when they have been written down."""
        if peer.machine or peer.greeting is not None:
            raise Invalid("this connection belongs to a server")

        def admitted(_: object) -> Record:
            peer.user = user
            peer.role = role
            return welcome()

        wait = self._log_in(peer, user)
        return admitted(None) if wait is None else wait.addCallback(admitted)

    def _whoami(self, request: WhoAmI, exchange: Exchange) -> Outcome:
        return Me(exchange.peer.user or exchange.peer.machine)

    # -------------------------------------------------------------------------------- help

    def _quit(self, request: Quit, exchange: Exchange) -> Outcome:
        # Closing is what happens after the answer: the transport writes before it ends.
        exchange.close_after()
        return None

    def _help(self, request: Help, exchange: Exchange) -> Outcome:
        about = request.about.upper()
        lines = self._listing
        if about:
            lines = [
                HelpLine(known.verb, arguments(known), meaning(known, whole=True))
                for known in REQUESTS
                if known in self._handlers and about in (known.verb, *known.aliases)
            ]
        if not lines:
            raise _no_such_verb(about)
        for line in lines:
            exchange.item(line)
        return Count(len(lines))


def _no_such_verb(about: str) -> DFSError:
    return Invalid(f"there is no verb {about[:40]!r} here; HELP lists what there is")


def meaning(request: type[Request[Any]], *, whole: bool) -> str:
    """
    What a request is for, from its class's docstring.

    @param whole: all of it, not just the first sentence.
    """
    text = " ".join(inspect.cleandoc(request.__doc__ or "").split())
    # The docstring begins with the form between double backquotes, which HELP shows anyway.
    form, colon, rest = text.partition("``: ")
    if form.startswith("``") and colon:
        text = rest
    text = text.replace("``", "")
    text = text.split("@ivar")[0].strip()
    if not whole:
        text = text.split(". ")[0].split(" Roles:")[0].rstrip(".")
    return text.replace("C{", "").replace("}", "")
