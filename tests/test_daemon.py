"""
What both daemons share when they start.
"""

from __future__ import annotations

import resource
import time
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.application.service import Application, Service
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, capturedLogs
from twisted.python.usage import UsageError
from twisted.scripts._twistd_unix import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from dfs import daemon, loopback


class NodeOptions(daemon.DaemonOptions):
    """A daemon that has a name."""

    optParameters: ClassVar[list[list[Any]]] = [
        ["listen", None, "tcp:0:interface=127.0.0.1", "Where.", daemon.server_description],
        ["name", None, "ss1", "Who."],
    ]

    def file_stem(self) -> str:
        """Several of them may run in one directory."""
        return f"dfs-{self['name']}"


def parse(*words: str, **above: object) -> NodeOptions:
    """The options of a daemon, under a C{twistd} with these options of its own."""
    options = NodeOptions()
    options.parent = ServerOptions()
    options.parent.update(above)
    options.parseOptions(list(words))
    return options


def key_and_certificate() -> bytes:
    """A key and its own certificate, as a TLS endpoint reads them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(2120, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8
    key_text = key.private_bytes(pem, private, serialization.NoEncryption())
    return key_text + certificate.public_bytes(pem)


class OwnFilesTests(SynchronousTestCase):
    """
    L{daemon.own_files}
    """

    def files(self, **above: object) -> tuple[object, object]:
        """Pid file and log file."""
        parent = parse("--name", "ss2_backup", **above).parent
        assert parent is not None
        return parent["pidfile"], parent["logfile"]

    def test_in_the_background(self) -> None:
        """A daemon has a pid file and a log file named after it."""
        self.assertEqual(self.files(), ("dfs-ss2_backup.pid", "dfs-ss2_backup.log"))

    def test_in_the_foreground(self) -> None:
        """With C{-n} it logs to standard output as any other."""
        self.assertEqual(self.files(nodaemon=1), ("dfs-ss2_backup.pid", None))

    def test_chosen(self) -> None:
        """What a person chose stays, also if it is no pid file at all."""
        self.assertEqual(self.files(pidfile="", logfile="x"), ("", "x"))

    def test_no_standard_output(self) -> None:
        """A daemon that would log to a standard output it has not is refused."""
        self.assertRaises(UsageError, self.files, logfile="-")
        self.assertEqual(self.files(nodaemon=1, logfile="-")[1], "-")

    def test_without_twistd(self) -> None:
        """Options read by a tac file have nothing above them."""
        options = NodeOptions()
        options.parseOptions([])
        self.assertIsNone(options.parent)


class OptionsTests(SynchronousTestCase):
    """
    L{daemon.DaemonOptions} and its coercers
    """

    def test_bad_values(self) -> None:
        """A value that makes no sense is a usage error."""
        for words in (
            ["--log-format", "xml"],
            ["--log-level", "loud"],
            ["--listen", "tcp:x"],
            ["--listen", "nonsense"],
            ["surplus"],
        ):
            self.assertRaises(UsageError, parse, *words)

    def test_words_in_any_case(self) -> None:
        """Formats and levels may be shouted."""
        options = parse("--log-format", "JSON", "--log-level", "WARN")
        self.assertEqual((options["log-format"], options["log-level"]), ("json", "warn"))

    def test_client_description(self) -> None:
        """A short address becomes an endpoint, an endpoint stays, all else is an error."""
        for text, description in (
            ("127.0.0.1:5000", "tcp:127.0.0.1:5000"),
            ("nm.example:5000", "tcp:nm.example:5000"),
            ("[::1]:5000", "tcp:\\:\\:1:5000"),
            ("tcp:localhost:5000", "tcp:localhost:5000"),
            ("unix:/run/nm", "unix:/run/nm"),
        ):
            self.assertEqual(daemon.client_description(text), description)
        for text in ("", "5000", "nm", "nm:", ":5000", "tcp:", "what:ever:5000"):
            self.assertRaises(ValueError, daemon.client_description, text)

    def test_positive(self) -> None:
        """Only a finite number above zero will do."""
        self.assertEqual(daemon.positive("0.5"), 0.5)
        for text in ("0", "-1", "inf", "nan", "x"):
            self.assertRaises(ValueError, daemon.positive, text)


class LoopbackTests(SynchronousTestCase):
    """
    L{loopback.refuse_beyond_loopback}
    """

    def test_loopback(self) -> None:
        """What only this machine can reach is accepted, however it is written."""
        for description in (
            "tcp:5000:interface=127.0.0.1",
            "tcp:5000:127.0.0.1",
            "tcp:interface=127.0.0.1:port=0",
            "tcp:5000:interface=127.7.7.7",
            "tcp:5000:interface=localhost",
            "tcp6:5000:interface=\\:\\:1",
            "unix:nm.sock",
            "unix:nm.sock:mode=660",
        ):
            loopback.refuse_beyond_loopback(description)

    def test_beyond(self) -> None:
        """What others could reach, or nobody can tell, is refused."""
        for description in (
            "tcp:5000",
            "tcp:5000:interface=",
            "tcp:5000:interface=0.0.0.0",
            "tcp:5000:interface=10.0.0.1",
            "tcp:5000:interface=127.0.0.1.example.org",
            "tcp6:5000",
            "tcp6:5000:interface=\\:\\:",
            "systemd:domain=INET:index=0",
            "stdio:",
        ):
            with self.assertRaises(UsageError):
                loopback.refuse_beyond_loopback(description)

    def test_encrypted(self) -> None:
        """TLS does not make a network trusted: both of its endpoints are looked at alike."""
        pem = Path(self.mktemp())
        pem.mkdir()
        (pem / "key.pem").write_bytes(key_and_certificate())
        ssl = f"ssl:5000:privateKey={pem}/key.pem"
        for description in (f"{ssl}:interface=127.0.0.1", f"tls:{pem}:5000:interface=127.0.0.1"):
            loopback.refuse_beyond_loopback(description)
        for description in (ssl, f"{ssl}:interface=0.0.0.0", f"tls:{pem}:5000"):
            with self.assertRaises(UsageError):
                loopback.refuse_beyond_loopback(description)

    def test_console(self) -> None:
        """A console stays on loopback, too, and there is none unless it is asked for."""
        self.assertIsNone(parse()["console"])
        self.assertRaises(UsageError, parse, "--console", "tcp:5001")
        for words in (
            ("--console", "tcp:5001:interface=127.0.0.1"),
            ("--console", "unix:console:mode=666"),
            ("--console", "tcp:5001", "--insecure"),
        ):
            self.assertEqual(parse(*words)["console"], words[1])

    def test_private_console(self) -> None:
        """A console on a UNIX socket is for its owner alone, unless a mode is given."""
        for text in ("unix:console", r"unix:odd\:mode\=666"):
            self.assertEqual(parse("--console", text)["console"], f"{text}:mode=600")

    def test_insecure(self) -> None:
        """C{--insecure}, and only that, opens the door."""
        self.assertRaises(UsageError, parse, "--listen", "tcp:5000")
        self.assertEqual(parse("--listen", "tcp:5000", "--insecure")["listen"], "tcp:5000")


class DaemonServiceTests(SynchronousTestCase):
    """
    L{daemon.DaemonService}
    """

    def component(self, **above: object) -> object:
        """The log observer that an application was given."""
        application = Application("test")
        daemon.DaemonService(parse(**above)).setServiceParent(application)
        return application.getComponent(ILogObserver, None)

    def test_brings_its_log(self) -> None:
        """The application logs where C{twistd} was told to, unless that is the system's log."""
        self.assertTrue(ILogObserver.providedBy(self.component(logfile="own.log")))
        self.assertTrue(Path("own.log").exists())
        Path("own.log").unlink()
        self.assertIsNone(self.component(syslog=1))

    def test_of_a_tac_file(self) -> None:
        """Without C{twistd} above, the application that a tac file makes decides."""
        options = NodeOptions()
        options.parseOptions([])
        application = Application("test")
        daemon.DaemonService(options).setServiceParent(application)
        self.assertIsNone(application.getComponent(ILogObserver, None))
        daemon.observe(application, options)
        self.assertTrue(ILogObserver.providedBy(application.getComponent(ILogObserver, None)))

    def test_environment(self) -> None:
        """A tac file is configured by its environment, with the same checks."""
        options = NodeOptions()
        environ = {"DFS_LOG_FORMAT": "json", "DFS_NAME": "ss1", "DFS_LISTEN": "", "OTHER": "1"}
        daemon.read_environment(options, environ, "--name", "ss2")
        self.assertEqual(
            (options["log-format"], options["name"], options["listen"], options["insecure"]),
            ("json", "ss2", "tcp:0:interface=127.0.0.1", 0),
        )
        far = {"DFS_LISTEN": "tcp:5000"}
        self.assertRaises(UsageError, daemon.read_environment, NodeOptions(), far)
        daemon.read_environment(NodeOptions(), {**far, "DFS_INSECURE": "1"})
        self.assertRaises(
            UsageError, daemon.read_environment, NodeOptions(), {**far, "DFS_INSECURE": "0"}
        )

    def test_many_files(self) -> None:
        """At its start the soft limit of open files becomes the hard one, before services begin."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        seen: list[int] = []

        class First(Service):
            """What is below."""

            def privilegedStartService(self) -> None:
                """Look at the limit."""
                seen.append(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

        root = daemon.DaemonService(parse())
        First().setServiceParent(root)
        root.privilegedStartService()
        self.assertEqual(seen, [hard])


class ListenTests(SynchronousTestCase):
    """
    L{daemon.listen}
    """

    def test_tells_where(self) -> None:
        """Where it listens is logged and told as soon as it does, not before."""
        told: list[IAddress] = []
        reactor: Any = MemoryReactorClock()
        description = "tcp:5000:interface=127.0.0.1"
        service = daemon.listen(description, Factory(), reactor, "nm", told.append)
        self.assertEqual((told, reactor.tcpServers), ([], []))
        with capturedLogs() as events:
            service.privilegedStartService()
            service.startService()
        [event] = [one for one in events if one.get("log_event") == "listening"]
        self.assertEqual((event["name"], event["port"]), ("nm", 5000))
        self.assertEqual(told, [IPv4Address("TCP", event["address"], 5000)])

    def test_time(self) -> None:
        """Timers of a daemon do not follow the date."""
        reactor = MemoryReactorClock()
        daemon.keep_time(reactor)
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.assertApproximates(reactor.seconds(), now, 3600)
        self.assertGreater(time.time() - reactor.seconds(), 3600)

    def test_taken(self) -> None:
        """A port that is taken is logged with its reason and ends the start."""
        reactor: Any = MemoryReactorClock()

        def taken(*arguments: object, **options: object) -> None:
            raise CannotListenError("127.0.0.1", 5000, OSError(98, "Address already in use"))

        reactor.listenTCP = taken
        service = daemon.listen("tcp:5000:interface=127.0.0.1", Factory(), reactor, "nm")
        with capturedLogs() as events:
            self.assertRaises(CannotListenError, service.privilegedStartService)
        [event] = events
        self.assertEqual(event["log_event"], "listen_failed")
        self.assertIn("already in use", event["reason"])

    def test_place(self) -> None:
        """An address is a host and a port, or a path."""
        self.assertEqual(daemon.place(UNIXAddress(b"/run/nm")), ("/run/nm", None))
        self.assertEqual(daemon.place(IPv4Address("TCP", "127.0.0.1", 5)), ("127.0.0.1", 5))
