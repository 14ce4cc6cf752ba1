"""
C{twistd dfs-nm}: options, and what is built from them.

Decides defaults and where the name server meets this machine: reactor, clock, randomness, files.
Must not know what the name server does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.usage import UsageError

from dfs.console.protocol import Consoles
from dfs.core.liveness import Intervals
from dfs.daemon import (
    DaemonOptions,
    DaemonService,
    client_description,
    connections_within,
    end,
    how_many,
    keep_time,
    listen,
    positive,
    server_description,
)
from dfs.errors import DFSError
from dfs.nm.fleet import Promise
from dfs.nm.runs import Process, Sandbox
from dfs.nm.service import NAME, NameServer, Settings
from dfs.nm.sqlite import SQLiteJournal
from dfs.sandbox import launch
from dfs.secret import make_secret, read_secret
from dfs.wire.client import Connection, connect
from dfs.wire.server import Limits

_log = Logger(namespace="dfs.nm")


def seconds_or_never(text: str) -> float | None:
    """A coercer for how long to wait before something; C{never}: None."""
    if text == "never":
        return None
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{text!r} is neither a number of seconds nor 'never'")
    return seconds


def one_of(*words: str) -> Callable[[str], str]:
    """A coercer for one of some words."""

    def coerce(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return text

    return coerce


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
            Intervals().heartbeat,
            "Seconds between two heartbeats of a storage server.",
            positive,
        ],
        [
            "lease",
            None,
            Intervals().lease,
            "Seconds that a storage server may serve after a heartbeat that was answered.",
            positive,
        ],
        [
            "failure-after",
            None,
            Intervals().failure,
            "Seconds of silence after which a storage server has failed.",
            positive,
        ],
        [
            "crash-grace",
            None,
            Intervals().crash_grace,
            "Seconds for which the port of a lost storage server must refuse until it has crashed.",
            positive,
        ],
        [
            "handback-after",
            None,
            30.0,
            "Seconds that a returned primary follows before it serves again, or 'never'.",
            seconds_or_never,
        ],
        [
            "ack",
            None,
            "local",
            "When a change is answered: 'local', when the disk of one server has it, or 'replica', "
            "when its peer has it too.",
            one_of("local", "replica"),
        ],
        [
            "solo",
            None,
            "allow",
            "With --ack replica, when the peer is away: 'allow' changes or 'refuse' them.",
            one_of("allow", "refuse"),
        ],
        [
            "max-connections",
            None,
            Limits().connections,
            "Connections that may be open at once.",
            how_many,
        ],
        [
            "exec-backend",
            None,
            "any",
            "With --enable-exec, what shuts scripts in: 'bubblewrap', 'namespaces', or 'any', the "
            "first of them that works.",
            one_of("any", *launch.BACKENDS),
        ],
    ]

    optFlags: ClassVar[list[list[Any]]] = [
        ["enable-exec", None, "Let readers run documents as shell scripts, in a sandbox here."],
    ]

    def postOptions(self) -> None:
        """
        Check what only makes sense together.

        @raise UsageError: a server would have failed before it could be heard, for example.
        """
        super().postOptions()
        if self["solo"] == "refuse" and self["ack"] != "replica":
            raise UsageError("--solo refuse needs --ack replica")
        complaint = self.intervals.complaint()
        if complaint:
            raise UsageError(complaint)

    @property
    def intervals(self) -> Intervals:
        """How often who is heard."""
        return Intervals(
            self["heartbeat-interval"], self["lease"], self["failure-after"], self["crash-grace"]
        )


def _sandbox(options: Options, reactor: Any) -> Sandbox:
    """How scripts are run here."""

    def spawn(protocol: ProcessProtocol, backend: str) -> Process:
        words = launch.command(backend)
        channels: Any = {0: "w", 1: "r", 2: "r"}
        process: Process = reactor.spawnProcess(
            protocol, words[0], words, env={}, childFDs=channels
        )
        return process

    seen = launch.seen([options["data"], options["secret"]])
    obstacle = f"they could see {seen[0]}; move it" if seen else ""
    wanted = options["exec-backend"]
    backends = launch.BACKENDS if wanted == "any" else (wanted,)
    return Sandbox(spawn, backends, launch.TEST, launch.PROOF, obstacle)


def makeService(options: Options, reactor: Any = None) -> IService:
    """
    The name server that the options describe.

    @param reactor: the one that runs, if none is given; its timers follow a steady clock then.
    @raise SystemExit: its journal or secret cannot be used; says why.
    """
    if reactor is None:
        from twisted.internet import reactor

        keep_time(reactor)

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
                options.intervals,
                options["handback-after"],
                Promise(options["ack"] == "replica", options["solo"] == "refuse"),
                Limits(
                    connections=connections_within(options["max-connections"]),
                    of_address=options["max-per-address"],
                ),
                log_reads=options["log-level"] == "debug",
                sandbox=_sandbox(options, reactor) if options["enable-exec"] else None,
            ),
        )
    except DFSError as error:
        raise SystemExit(f"dfs-nm: {error}") from None
    root = DaemonService(options)
    node.setServiceParent(root)
    listen(options["listen"], node.factory, reactor, NAME).setServiceParent(root)
    if options["console"]:
        consoles = Consoles(node.console, reactor.callFromThread)
        name = f"the console of {NAME}"
        listen(options["console"], consoles, reactor, name).setServiceParent(root)
    return root
