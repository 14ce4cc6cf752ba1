"""
C{twistd dfs-ss}: options, and the storage server that they describe.

Decides what an operator can choose, and where a storage server meets the reactor, the disk and
the network.  Must not know how any of the parts works.

Note [In this order]
====================
Nothing is opened before the service starts, because C{twistd} forks before that and threads do not
survive a fork.  Nothing is served before the secret of the cluster is there: without it no ticket
can be told from a forgery.  Then the store is opened, the address is listened on, and when it is
known the name server hears of it.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Callable
from typing import Any, ClassVar, cast

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.usage import UsageError

from dfs.console.protocol import Consoles
from dfs.core import names
from dfs.daemon import (
    DaemonOptions,
    DaemonService,
    client_description,
    connections_within,
    end,
    keep_time,
    listen,
    place,
    positive,
)
from dfs.errors import DFSError, Invalid
from dfs.secret import read_secret
from dfs.ss.service import Settings, StorageServer, Surroundings
from dfs.store.sqlite import SQLiteStore
from dfs.timing import steady
from dfs.wire.client import Connection, connect
from dfs.wire.server import Limits, ServerFactory

#: Seconds from one look for the secret to the next.
SECRET_SECONDS = 0.5

_log = Logger(namespace="dfs.ss.tap")


def _name_servers(text: str) -> list[str]:
    """One or more addresses; a client endpoint description may contain no comma."""
    addresses = [address for address in text.split(",") if address]
    if not addresses:
        raise ValueError("no name server is given")
    for address in addresses:
        client_description(address)
    return addresses


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{text!r} is not host:port")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _rate(text: str) -> float:
    return 0.0 if text == "0" else positive(text)


class Options(DaemonOptions):
    """Options of C{twistd dfs-ss}."""

    service: ClassVar[str] = "dfs-ss"
    synopsis = "--name NAME [options]"

    optParameters: ClassVar[list[list[Any]]] = [
        ["name", "n", None, "The name of this storage server; NAME_backup is the backup of NAME."],
        ["nm", None, "127.0.0.1:5000", "The name server: host:port[,host:port].", _name_servers],
        ["listen", "l", "tcp:0:interface=127.0.0.1", "Where to listen: a server endpoint."],
        ["advertise", None, None, "host:port for clients; default: where it listens.", _address],
        ["storage", "s", None, "The folder of the documents; default: dfs-NAME."],
        ["max-document", None, 1024 * 1024 * 1024, "Bytes that a document may have.", _count],
        ["undo-depth", None, 16, "Changes of a document that can be taken back.", _count],
        ["session-timeout", None, 600.0, "Seconds of silence that end an editing.", positive],
        ["verify-rate", None, 4.0, "MiB a second of what is read to find damage; 0: none.", _rate],
    ]

    def file_stem(self) -> str:
        """One for each storage server."""
        return f"dfs-{self['name']}"

    def postOptions(self) -> None:
        """
        Check the name and fill in what follows from it.

        @raise UsageError: there is no name, or no good one.
        """
        if self["name"] is None:
            raise UsageError("say which storage server this is: --name ss1")
        try:
            names.server(self["name"])
        except Invalid as error:
            raise UsageError(f"--name {self['name']!r}: {error}") from None
        if self["storage"] is None:
            self["storage"] = f"dfs-{self['name']}"
        if isinstance(self["nm"], str):
            self["nm"] = _name_servers(self["nm"])
        super().postOptions()


class Awaiting(MultiService):
    """
    A storage server that comes into being when the secret of the cluster is there.

    @ivar server: what it has become; None before.
    """

    def __init__(self, options: Options, reactor: Any) -> None:
        super().__init__()
        self._options = options
        self._reactor = reactor
        self._said = ""
        self._over = False
        self.server: StorageServer | None = None

    def startService(self) -> None:
        """
        Begin, or look for the secret until it is there.

        @raise Exception: it cannot begin, and the process is in the background: whoever started
            it is told so.
        """
        super().startService()
        parent = self._options.parent
        foreground = parent is None or parent.get("nodaemon", True)
        self._look(self._fail if foreground else _raise)
        if self.server is None:
            looking = steady(self._reactor, SECRET_SECONDS, lambda: self._look(self._fail))
            looking.setServiceParent(self)

    def _look(self, fail: Callable[[Exception], object]) -> None:
        """Look for the secret; begin if it is there."""
        if self.server is not None or self._over:
            return
        try:
            secret = read_secret(self._options["secret"])
        except Invalid as error:
            self._say(f"{error}; waiting for that")
            return
        if secret is None:
            self._say(f"waiting for {self._options['secret']}; the name server makes it")
            return
        try:
            self._begin(secret)
        except CannotListenError as error:
            fail(error)
        except (DFSError, OSError, sqlite3.Error) as error:
            _log.critical(
                "the store {storage} cannot be opened: {reason}",
                log_event="store_failed",
                storage=self._options["storage"],
                reason=str(error),
            )
            fail(error)

    def _fail(self, _: Exception) -> None:
        """Why was logged."""
        self._over = True
        end(self._reactor, 1)

    def _say(self, text: str) -> None:
        """Say once what is missing."""
        if text != self._said:
            self._said = text
            _log.info("{text}", log_event="awaiting_secret", text=text)

    def _begin(self, secret: bytes) -> None:
        self.server = server = self._server(secret)
        server.when_failed = lambda: end(self._reactor, 1)
        factory = ServerFactory(
            self._reactor,
            server.reception,
            Limits(
                connections=connections_within(Limits().connections),
                of_address=self._options["max-per-address"],
            ),
            log_reads=self._options["log-level"] == "debug",
        )
        told = self._advertise
        listen(
            self._options["listen"], factory, self._reactor, self._options["name"], told
        ).setServiceParent(self)
        if self._options["console"]:
            consoles = Consoles(server.console, self._reactor.callFromThread)
            name = f"the console of {self._options['name']}"
            listen(self._options["console"], consoles, self._reactor, name).setServiceParent(self)
        server.setServiceParent(self)

    def _server(self, secret: bytes) -> StorageServer:
        options, reactor = self._options, self._reactor
        store = SQLiteStore.open(
            options["storage"],
            options["name"],
            call_from_thread=reactor.callFromThread,
            new_store_id=lambda: os.urandom(16).hex(),
            on_fatal=self._store_failed,
        )
        surroundings = Surroundings(
            clock=reactor,
            steady=reactor.seconds,
            wall=time.time,
            entropy=os.urandom,
            work=lambda function, *arguments: deferToThreadPool(
                reactor, reactor.getThreadPool(), function, *arguments
            ),
            dial=dialler(reactor),
            name_servers=options["nm"],
            secret=secret,
        )
        settings = Settings(
            max_document=options["max-document"],
            undo_depth=options["undo-depth"],
            session_timeout=options["session-timeout"],
            verify_rate=options["verify-rate"] * 1024 * 1024,
        )
        return StorageServer(surroundings, store, settings)

    def _store_failed(self, failure: Failure) -> None:
        assert self.server is not None
        self.server.store_failed(failure)

    def _advertise(self, address: IAddress) -> None:
        assert self.server is not None
        self.server.address = self._options["advertise"] or advertised(address)


def advertised(address: IAddress) -> str:
    """Where others find what listens here."""
    host, port = place(address)
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    if ":" in host:
        host = f"[{host}]"
    return f"{host}:{port}"


def dialler(reactor: Any) -> Callable[[str], Deferred[Connection]]:
    """What connects to C{host:port}, or to a client endpoint."""

    def dial(address: str) -> Deferred[Connection]:
        return connect(clientFromString(reactor, client_description(address)), reactor)

    return dial


def _raise(error: Exception) -> None:
    raise error


def makeService(options: Options, reactor: Any = None) -> IService:
    """A storage server as C{options} say."""
    if reactor is None:
        from twisted.internet import reactor

        keep_time(reactor)
    daemon = DaemonService(options)
    Awaiting(options, reactor).setServiceParent(daemon)
    return cast(IService, daemon)
