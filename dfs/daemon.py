"""
What both daemons have in common when they start.

Decides the options that both take, which pid and log file a daemon owns, that it stays on loopback
unless told otherwise, how it tells where it listens, and how many files it may open.  Must not know
what a name server or a storage server does; its users are the C{tap} modules and C{tac} files.

Note [Own files]
================

C{twistd} writes C{twistd.pid} and C{twistd.log} whatever it runs, so two daemons started in one
directory would clash.  Options of a subcommand are parsed before C{twistd} looks at its own, so
L{own_files} can still give other defaults there; what a person typed is never changed.

The log is handed over as C{ILogObserver} component of the application, at the only moment when
a service gets to see its application: C{setServiceParent}.  C{twistd} asks for that component
unless C{--logger} was given, and whether it daemonizes or not.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

from twisted.application import strports
from twisted.application.service import IService, MultiService
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IReactorCore,
    IStreamServerEndpoint,
)
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized
from twisted.python.failure import Failure
from twisted.python.usage import Options, UsageError
from zope.interface import implementer

from dfs import logs
from dfs.loopback import refuse_beyond_loopback

_log = Logger(namespace="dfs.daemon")

#: Files that a daemon needs beside its connections: databases, contents, logs.
OTHER_FILES = 128


def server_description(text: str) -> str:
    """
    A server endpoint description, checked.

    @raise ValueError: if Twisted cannot read it.
    """
    try:
        serverFromString(cast(Any, None), text)
    except Exception as error:
        raise ValueError(f"{text!r} is not a server endpoint: {error}") from None
    return text


def console_description(text: str) -> str:
    """
    The same for a console; a UNIX socket is its owner's alone, unless a mode is given.

    @raise ValueError: if Twisted cannot read it.
    """
    server_description(text)
    if text.startswith("unix:") and ":mode=" not in text:
        text += ":mode=600"
    return text


def client_description(text: str) -> str:
    """
    A client endpoint description, also from the short form C{host:port}, checked.

    @raise ValueError: if it is neither.
    """
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and host and ":" not in host.strip("[]"):
        text = f"tcp:{host}:{port}"
    elif host.startswith("[") and host.endswith("]") and port.isdigit():
        text = "tcp:" + host[1:-1].replace(":", "\\:") + f":{port}"
    try:
        clientFromString(cast(Any, None), text)
    except Exception as error:
        raise ValueError(f"{text!r} is neither host:port nor a client endpoint: {error}") from None
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """A coercer that takes only these words, in any case."""

    def coerce(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return text.lower()

    return coerce


def positive(text: str) -> float:
    """A coercer for a number of seconds, bytes or the like that cannot be zero or less."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(f"{text!r} is not a number above 0")
    return number


def how_many(text: str) -> int:
    """A coercer for how many of something there may be."""
    number = int(text)
    if number < 1:
        raise ValueError(f"{text!r} is not a number above 0")
    return number


class DaemonOptions(Options):
    """
    The options that both daemons take; a subclass adds C{listen} with its own default.

    @cvar service: the name of this daemon, the stem of its pid and log file.
    """

    service: ClassVar[str] = "dfs"

    optParameters: ClassVar[list[list[Any]]] = [
        ["secret", None, "cluster.secret", "The file with the secret of the cluster."],
        ["log-format", None, "text", "How to log: text or json.", one_of(*logs.FORMATS)],
        [
            "log-level",
            None,
            "info",
            f"What to log: {', '.join(logs.LEVELS)}, and what is above.",
            one_of(*logs.LEVELS),
        ],
        [
            "console",
            None,
            None,
            "Where operators may come with telnet, a server endpoint; nowhere by default.",
            console_description,
        ],
        [
            "max-per-address",
            None,
            64,
            "Connections from one address that may be open at once; this machine is not counted.",
            how_many,
        ],
    ]

    optFlags: ClassVar[list[list[Any]]] = [
        ["insecure", None, "Listen beyond loopback, although users have no passwords."],
    ]

    def file_stem(self) -> str:
        """The name that this daemon's pid and log file begin with."""
        return self.service

    def parseArgs(self) -> None:
        """Take no arguments beside the options."""

    def postOptions(self) -> None:
        """
        Check what only makes sense together.

        @raise UsageError: if this daemon would listen beyond loopback unasked.
        """
        for where in (self["listen"], self["console"]):
            if where and not self["insecure"]:
                refuse_beyond_loopback(where)
        own_files(self, self.file_stem())


def own_files(options: Options, name: str) -> None:
    """
    Let a daemon have its own pid and log file by default; see Note [Own files].

    @param options: of the subcommand; nothing happens if they have no parent.
    @param name: the stem of both names.
    @raise UsageError: if a daemon in the background was told to log to standard output.
    """
    parent = options.parent
    if parent is None:
        return
    if parent.get("pidfile") == "twistd.pid":
        parent["pidfile"] = f"{name}.pid"
    if parent.get("nodaemon", True) or parent.get("debug"):
        return
    if parent.get("logfile") == "-":
        raise UsageError("a daemon in the background cannot log to -; say twistd -n as well")
    if parent.get("logfile") is None:
        parent["logfile"] = f"{name}.log"


class DaemonService(MultiService):
    """
    The root of a daemon: brings its log with it, and may open as many files as the system allows.

    C{makeService} makes one of it, hangs the node and its listener below it, and returns it.

    @ivar _options: where to log and how; without a parent the application decides.
    """

    def __init__(self, options: Options) -> None:
        super().__init__()
        self._options = options

    def setServiceParent(self, parent: Any) -> None:
        """Take the log to the application; see Note [Own files]."""
        above = self._options.parent
        if above is not None and not above.get("syslog") and isinstance(parent, Componentized):
            observe(parent, self._options, above.get("logfile"))
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """
        Ask for more files before anything below opens one.

        @raise SystemExit: a port is taken, which was logged.  In the background C{twistd} has to
            hear of the error itself: it tells the process that waits at the terminal.
        """
        raise_file_limit()
        try:
            super().privilegedStartService()
        except CannotListenError:
            above = self._options.parent
            if above is None or not above.get("nodaemon"):
                raise
            with contextlib.suppress(OSError):
                os.unlink(above["pidfile"] or "")
            raise SystemExit(1) from None


def read_environment(options: Options, environ: Mapping[str, str], *words: str) -> None:
    """
    Let the environment take the place of a command line, for applications made by hand.

    C{DFS_LOG_FORMAT=json} is C{--log-format json}, and so on; C{DFS_INSECURE=1} sets a flag.

    @param words: options that count more than the environment.
    @raise UsageError: as a command line would.
    """
    given: list[str] = []
    for option, default in options.defaults.items():
        value = environ.get("DFS_" + option.upper().replace("-", "_"), "")
        if value and isinstance(default, int):
            given += [f"--{option}"] if value != "0" else []
        elif value:
            given += [f"--{option}", value]
    options.parseOptions([*given, *words])


def observe(application: Componentized, options: Options, path: str | None = None) -> None:
    """
    Let an application made by hand log as the daemons do.

    A C{tac} file cannot see C{twistd}'s own options, so C{--logfile} has no effect beside this.

    @param options: of a daemon in it.
    @param path: the log file; C{None} or C{-} for standard output.
    """
    observer = logs.observer(options["log-format"], options["log-level"], path)
    application.setComponent(ILogObserver, observer)


def raise_file_limit() -> int:
    """
    Raise the soft limit of open files to the hard one: each connection takes one.

    @return: the limit that now holds.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        _log.warn(
            "the limit of {limit} open files stays: {reason}",
            log_event="file_limit_kept",
            limit=soft,
            reason=str(error),
        )
        return soft
    return hard


def connections_within(wanted: int) -> int:
    """
    As many connections as the system lets this process have, and some files beside them: one too
    many can then be refused in words instead of being dropped.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, hard - OTHER_FILES))


def listen(
    description: str,
    factory: IProtocolFactory,
    reactor: IReactorCore,
    name: str,
    told: Callable[[IAddress], None] | None = None,
) -> IService:
    """
    A service that listens, logs where, and ends the process with status 1 if it cannot.

    @param description: a server endpoint description.
    @param name: who listens; part of the event.
    @param told: called once with the address as soon as it is known, before anything that comes
        later in the service tree starts: with C{tcp:0} only then the port is known.
    """
    service = strports.service(description, factory, reactor)
    service.endpoint = _Announced(service.endpoint, description, name, told)
    return cast(IService, service)


@implementer(IStreamServerEndpoint)
class _Announced:
    """
    An endpoint that says where it listens, or why it cannot.
    """

    def __init__(
        self,
        endpoint: IStreamServerEndpoint,
        description: str,
        name: str,
        told: Callable[[IAddress], None] | None,
    ) -> None:
        self._endpoint = endpoint
        self._description = description
        self._name = name
        self._told = told

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen, and tell."""
        listening = self._endpoint.listen(protocolFactory)
        return listening.addCallbacks(self._announce, self._complain)

    def _announce(self, port: IListeningPort) -> IListeningPort:
        address = port.getHost()
        where, number = place(address)
        _log.info(
            "{name} listens on {address}" + (":{port}" if number else ""),
            log_event="listening",
            name=self._name,
            address=where,
            port=number,
        )
        if self._told is not None:
            self._told(address)
        return port

    def _complain(self, reason: Failure) -> Failure:
        _log.error(
            "{name} cannot listen on {endpoint}: {reason}",
            log_event="listen_failed",
            name=self._name,
            endpoint=self._description,
            reason=reason.getErrorMessage(),
        )
        return reason


def place(address: IAddress) -> tuple[str, int | None]:
    """
    An address as host and port; the path and C{None} for a UNIX socket.
    """
    if isinstance(address, IPv4Address | IPv6Address):
        return address.host, address.port
    if isinstance(address, UNIXAddress):
        return (address.name or b"").decode("utf-8", "backslashreplace"), None
    return str(address), None


def keep_time(reactor: Any) -> None:
    """
    Let the timers of a reactor follow a clock that nobody sets; call it before anything waits.

    Those of Twisted follow the date: if that is set back by an hour, no timer ends for an hour.
    This one goes on while the machine sleeps, as leases have to.
    """
    reactor.seconds = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)


def end(reactor: Any, status: int) -> None:
    """
    Stop the process in good order, with an exit status.

    C{twistd} itself ends with status 0 whatever happened while it ran.
    """
    atexit.register(_exit, status)
    if reactor.running:
        reactor.stop()
    else:
        reactor.callWhenRunning(reactor.stop)


def _exit(status: int) -> None:
    for stream in _standard_streams():
        stream.flush()
    os._exit(status)


def _standard_streams() -> Iterable[Any]:
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None]
