"""
C{twistd dfs-nm}: options, and what is built from them.

Decides defaults and where the name server meets this machine: reactor, clock, randomness, files.
Must not know what the name server does.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.usage import UsageError

from dfs.daemon import (
    DaemonOptions,
    DaemonService,
    client_description,
    connections_within,
    end,
    listen,
    positive,
    server_description,
)
from dfs.errors import DFSError
from dfs.nm.service import NameServer, Settings
from dfs.nm.sqlite import SQLiteJournal
from dfs.secret import make_secret, read_secret
from dfs.wire.client import Connection, connect
from dfs.wire.server import Limits

_log = Logger(namespace="dfs.nm")


def connections(text: str) -> int:
    """A coercer for how many connections there may be."""
    number = int(text)
    if number < 1:
        raise ValueError(f"{text!r} is not a number above 0")
    return number


class Options(DaemonOptions):
    """
    What can be said on the command line.
    """

    service: ClassVar[str] = "dfs-nm"

    optParameters: ClassVar[list[list[Any]]] = [
        [
            "listen",
            None,
            "tcp:5000:interface=127.0.0.1",
            "Where to listen, a server endpoint.",
            server_description,
        ],
        ["data", None, "dfs-nm", "The folder of the journal."],
        [
            "heartbeat-interval",
            None,
            5.0,
            "Seconds between two looks at who is silent.",
            positive,
        ],
        [
            "failure-after",
            None,
            15.0,
            "Seconds of silence after which a storage server has failed.",
            positive,
        ],
        [
            "max-connections",
            None,
            Limits().connections,
            "Connections that may be open at once.",
            connections,
        ],
    ]

    def postOptions(self) -> None:
        """
        Check what only makes sense together.

        @raise UsageError: a server would have failed before it could be heard.
        """
        super().postOptions()
        if self["failure-after"] <= self["heartbeat-interval"]:
            raise UsageError("--failure-after must be longer than --heartbeat-interval")


def makeService(options: Options) -> IService:
    """
    The name server that the options describe.

    @raise SystemExit: its journal or secret cannot be used; says why.
    """
    from twisted.internet import reactor as _reactor

    reactor: Any = _reactor

    def dial(address: str) -> Deferred[Connection]:
        return connect(clientFromString(reactor, client_description(address)), reactor)

    def give_up(failure: Failure) -> None:
        _log.critical(
            "the journal failed, so this name server stops: {reason}",
            log_event="store_failed",
            reason=failure.getErrorMessage(),
        )
        end(reactor, 1)

    # What was typed is meant here, wherever twistd goes before the service starts.
    secret_path = os.path.abspath(options["secret"])
    journal = SQLiteJournal(
        Path(options["data"]).absolute(),
        entropy=os.urandom,
        call_from_thread=reactor.callFromThread,
        on_fatal=give_up,
    )
    try:
        secret = read_secret(secret_path) or make_secret(secret_path, os.urandom)
        node = NameServer(
            reactor,
            wall=time.time,
            journal=journal,
            dial=dial,
            secret=secret,
            entropy=os.urandom,
            settings=Settings(
                options["heartbeat-interval"],
                options["failure-after"],
                Limits(connections=connections_within(options["max-connections"])),
                log_reads=options["log-level"] == "debug",
            ),
        )
    except DFSError as error:
        raise SystemExit(f"dfs-nm: {error}") from None
    root = DaemonService(options)
    node.setServiceParent(root)
    listen(options["listen"], node.factory, reactor, "nm").setServiceParent(root)
    return root
