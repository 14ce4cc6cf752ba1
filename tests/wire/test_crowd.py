"""How many connections there may be, in all and from one address."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from dfs.daemon import DaemonOptions
from dfs.errors import Busy
from dfs.wire.crowd import Crowd, origin
from dfs.wire.limits import Limits


def of(host: str) -> IAddress:
    """Somebody's address."""
    kind = IPv6Address if ":" in host else IPv4Address
    return kind("TCP", host, 4711)


class OriginTests(SynchronousTestCase):
    """What counts as one address."""

    def test_one_address(self) -> None:
        """Whoever may have one address of an IPv6 network has them all."""
        self.assertEqual(origin(of("192.0.2.7")), "192.0.2.7")
        self.assertEqual(origin(of("2001:db8::1")), origin(of("2001:db8::ffff:1")))
        self.assertNotEqual(origin(of("2001:db8::1")), origin(of("2001:db8:0:1::1")))
        self.assertEqual(origin(of("::ffff:192.0.2.7")), "192.0.2.7")
        self.assertEqual(origin(of("fe80::1%eth0")), "fe80::/64")

    def test_this_machine(self) -> None:
        """This machine is not counted, however it comes."""
        for host in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"):
            self.assertEqual(origin(of(host)), "")
        self.assertEqual(origin(UNIXAddress("/nm.sock")), "")


class CrowdTests(SynchronousTestCase):
    """Nobody takes the room of everybody else."""

    def test_one_address(self) -> None:
        """One connection too many from one address is refused; others and this machine are not."""
        crowd = Crowd(Limits(of_address=2))
        for _ in range(2):
            self.assertIsNone(crowd.come("192.0.2.7"))
        self.assertIsInstance(crowd.come("192.0.2.7"), Busy)
        self.assertIsNone(crowd.come("192.0.2.8"))
        for _ in range(5):
            self.assertIsNone(crowd.come(""))
        crowd.leave("192.0.2.7")
        self.assertIsInstance(crowd.come("192.0.2.7"), Busy)
        for _ in range(2):
            crowd.leave("192.0.2.7")
        self.assertIsNone(crowd.come("192.0.2.7"))

    def test_all(self) -> None:
        """There is an end to all of them together."""
        crowd = Crowd(Limits(connections=2))
        self.assertIsNone(crowd.come(""))
        self.assertIsNone(crowd.come("192.0.2.7"))
        self.assertIsInstance(crowd.come("192.0.2.8"), Busy)

    def test_default(self) -> None:
        """What a daemon says of its default is so."""
        self.assertEqual(DaemonOptions.optParameters[-1][0], "max-per-address")
        self.assertEqual(DaemonOptions.optParameters[-1][2], Limits().of_address)
