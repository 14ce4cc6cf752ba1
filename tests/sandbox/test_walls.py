"""
What scripts are given and refused, as values; nothing is run here.
"""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dfs.sandbox import bubblewrap, helper, launch, namespaces, policy, seccomp

ALLOW, REFUSE, KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
NATIVE = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}


def judged(machine: str, number: int, first: int = 0, native: int = 0) -> int:
    """What the program for a machine says to a call."""
    data = struct.pack("=IIQQ", number, native or NATIVE[machine], 0, first)
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    at = found = 0
    while True:
        kind, true, false, value = code[at]
        at += 1
        if kind == 0x20:
            [found] = struct.unpack_from("=I", data, value)
        elif kind == 0x06:
            return int(value)
        else:
            met = {0x15: found == value, 0x35: found >= value, 0x45: bool(found & value)}[kind]
            at += true if met else false


#: A process whose first thread has ended; another one has a lot of memory, and waits.
HEADLESS = """
import ctypes, sys, threading

def hold():
    held = bytearray(64 * 1024 * 1024)
    held[::4096] = bytes(len(held[::4096]))
    print("held", flush=True)
    sys.stdin.read()

threading.Thread(target=hold).start()
ctypes.CDLL(None).pthread_exit(None)
"""


class MemoryTests(SynchronousTestCase):
    """How much memory a process has."""

    def test_without_its_first_thread(self) -> None:
        """A process has what it has, also when the thread that it began with has ended."""
        with subprocess.Popen(
            [sys.executable, "-c", HEADLESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            try:
                self.assertEqual(process.stdout.readline(), b"held\n")
                self.assertGreater(helper._memory(process.pid), 60 * 1024 * 1024)
            finally:
                process.kill()


class CallTests(SynchronousTestCase):
    """The program for the kernel, run here."""

    def test_allowed(self) -> None:
        """What every program needs is allowed: read, write, fork, execve, exit, wait."""
        for machine, numbers in {
            "x86_64": (0, 1, 2, 57, 59, 60, 61, 231, 257),
            "aarch64": (56, 63, 64, 93, 94, 221, 260),
        }.items():
            for number in numbers:
                self.assertEqual(judged(machine, number), ALLOW, (machine, number))

    def test_refused(self) -> None:
        """Mounts, namespaces, sockets, memory of others, and memory nobody counts are refused."""
        for machine, numbers in {
            "x86_64": (
                29,
                41,
                53,
                101,
                154,
                165,
                173,
                206,
                272,
                300,
                308,
                312,
                319,
                321,
                425,
                428,
                442,
            ),
            "aarch64": (0, 40, 97, 117, 194, 198, 199, 262, 268, 272, 279, 280, 425, 428, 442, 447),
        }.items():
            for number in numbers:
                self.assertEqual(judged(machine, number), REFUSE | errno.EPERM, (machine, number))

    def test_clone(self) -> None:
        """A process may begin threads and processes, and no namespace."""
        for machine, clone in {"x86_64": 56, "aarch64": 220}.items():
            self.assertEqual(judged(machine, clone, 17), ALLOW)
            self.assertEqual(judged(machine, clone, 0x3D0F00), ALLOW)
            for flag in (0x20000, 0x2000000, 0x10000000, 0x20000000, 0x40000000):
                self.assertEqual(judged(machine, clone, flag | 17), REFUSE | errno.EPERM)
            # Its flags cannot be seen; libraries take clone instead.
            self.assertEqual(judged(machine, 435), REFUSE | errno.ENOSYS)

    def test_other_machines(self) -> None:
        """Calls with the numbers of another architecture end the process."""
        self.assertEqual(judged("x86_64", 1, native=0x4000_0003), KILL)
        self.assertEqual(judged("x86_64", 0x4000_0001), KILL)
        self.assertEqual(judged("aarch64", 64, native=0x4000_0028), KILL)

    def test_unknown_machine(self) -> None:
        """On a machine whose calls nobody knows there is no filter, and so no sandbox."""
        with self.assertRaisesRegex(OSError, "calls of a pdp11 are not known"):
            seccomp.program("pdp11")


class LeftTests(SynchronousTestCase):
    """Nothing runs that nobody watches."""

    def test_left(self) -> None:
        """A process whose parent ended before it could ask to be told of that ends, too."""
        parent, here = os.pipe()
        self.addCleanup(os.close, parent)
        namespaces.refuse_to_be_left(parent)
        os.close(here)
        with self.assertRaisesRegex(OSError, "parent has ended"):
            namespaces.refuse_to_be_left(parent)


class LayoutTests(SynchronousTestCase):
    """What a script sees of the machine."""

    def test_nothing_of_ours(self) -> None:
        """Of the machine a script sees programs and devices that hold nothing."""
        for step in policy.steps():
            if step.kind == "bind":
                top = "/" + step.source.split("/")[1]
                allowed = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc")
                self.assertIn(top, allowed)
            elif step.kind == "device":
                self.assertIn(Path(step.source).name, ("null", "zero", "full", "random", "urandom"))
        etc = [step.source for step in policy.steps() if step.source.startswith("/etc")]
        self.assertLessEqual(set(etc), {"/etc/alternatives", "/etc/ld.so.cache"})

    def test_bubblewrap(self) -> None:
        """Bubblewrap is told all of it, and which walls there are."""
        files = {step.source: 7 for step in policy.steps() if step.kind == "file"}
        words = list(bubblewrap.words(files, 8, 9))
        for step in policy.steps():
            self.assertIn(step.place, words)
        for wall in ("ipc", "pid", "net", "uts"):
            self.assertIn(f"--unshare-{wall}", words)
        for word in ("--die-with-parent", "--new-session", "--clearenv", "--cap-drop"):
            self.assertIn(word, words)
        self.assertEqual(words[words.index("--seccomp") + 1], "9")
        self.assertEqual(words[-3:], ["--", "/bin/sh", "/script"])
        self.assertNotIn("--share-net", words)

    def test_seen(self) -> None:
        """Data that a script could see is noticed, whichever way its path is written."""
        seen = ["/usr/local/dfs", "/usr/../usr/share/x", "/bin/secret"]
        self.assertEqual(launch.seen(["/srv/dfs", *seen, "/usrlocal"]), seen)

    def test_command(self) -> None:
        """The helper runs in a Python that nobody's environment or folder can lead elsewhere."""
        command = launch.command("namespaces")
        self.assertIn("-I", command)
        self.assertEqual(command[-2], "namespaces")
