"""
Real processes, and what they cost: their share of the processors and their memory.

Decides how a process is started, watched and ended.  Must not know what it does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from attrs import define, field, frozen

#: The top of the checkout.
ROOT = Path(__file__).resolve().parent.parent

#: Seconds that a process may take to end after SIGTERM.
PATIENCE = 30.0

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def environment() -> dict[str, str]:
    """The environment of every process: without settings of the person who measures."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DFS_")}
    kept["PYTHONPATH"] = str(ROOT)
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


class Died(Exception):
    """A process that is needed ended, or did not get ready."""


@define(eq=False)
class Process:
    """
    A running process.

    @ivar name: for tables.
    @ivar log: what it wrote.
    """

    name: str
    log: Path
    _popen: subprocess.Popen[bytes]
    _opened: IO[bytes] = field(repr=False)

    @classmethod
    def start(cls, name: str, command: Sequence[str], folder: Path) -> Process:
        """Start a command, with its input open and its output in a file of the folder."""
        log = folder / f"{name}.log"
        opened = log.open("ab")
        popen = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=subprocess.STDOUT,
        )
        return cls(name, log, popen, opened)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """It has not ended."""
        return self._popen.poll() is None

    def text(self) -> str:
        """Its whole log."""
        return self.log.read_text("utf-8", "replace")

    def wait_for(self, word: str, seconds: float = 60.0, after: int = 0) -> str:
        """
        The first line of its log that contains a word, as soon as there is one.

        @param after: characters at the beginning of the log that do not count.
        """
        until = time.monotonic() + seconds
        while True:
            text = self.text()[after:]
            for line in text.splitlines(keepends=True):
                if word in line and line.endswith("\n"):
                    return line
            if not self.running or time.monotonic() > until:
                tail = "\n".join(text.splitlines()[-15:])
                raise Died(f"{self.name} did not say {word!r}:\n{tail}")
            time.sleep(0.01)

    def send(self, number: int) -> None:
        """Send a signal, by pid."""
        self._popen.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, and insist."""
        if self.running:
            self._popen.send_signal(number)
            try:
                self._popen.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        self._opened.close()

    def cpu_seconds(self) -> float:
        """Processor time that it used so far, all threads."""
        return cpu_seconds(self.pid)

    def resident(self) -> int:
        """Bytes of memory that it has now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE

    def peak(self) -> int:
        """The most bytes of memory that it had since L{forget_peak}."""
        return peak(self.pid)

    def forget_peak(self) -> None:
        """Begin to look for the peak anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


def python(module: str, *words: str) -> list[str]:
    """The command line of a module of this package."""
    return [sys.executable, "-m", module, *words]


def twistd(*words: str) -> list[str]:
    """The command line of the C{twistd} that belongs to this Python, in the foreground."""
    script = Path(sys.executable).with_name("twistd")
    return [sys.executable, str(script), "-n", "--pidfile=", "--logfile=-", *words]


def cpu_seconds(pid: int) -> float:
    """Processor time that a process used so far, all threads; 0 if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # The name in brackets may contain anything, so count from behind it.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak(pid: int) -> int:
    """The most bytes of memory that a process had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def machine_seconds() -> float:
    """Processor time that the whole machine used so far."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / _TICKS


@frozen
class Load:
    """
    How busy the machine was in a window; 1.0 is one processor.

    @ivar shares: of each watched process, by name.
    @ivar others: of everything that was not watched.
    """

    shares: dict[str, float]
    others: float


class Watch:
    """What watched processes use between two moments."""

    def __init__(self, processes: Iterable[tuple[str, int]]) -> None:
        """
        @param processes: names and process ids.
        """
        self._processes = list(processes)
        self._begun = time.monotonic()
        self._machine = machine_seconds()
        self._used = [cpu_seconds(pid) for _, pid in self._processes]

    def seconds(self) -> dict[str, float]:
        """Processor time that each process used since then."""
        return {
            name: cpu_seconds(pid) - before
            for (name, pid), before in zip(self._processes, self._used, strict=True)
        }

    def load(self) -> Load:
        """How busy it was since then."""
        passed = time.monotonic() - self._begun
        used = self.seconds()
        machine = machine_seconds() - self._machine
        others = max(0.0, machine - sum(used.values()))
        return Load({name: spent / passed for name, spent in used.items()}, others / passed)
