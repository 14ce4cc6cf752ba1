"""
The servers under measure: one name server and its storage servers, on the disk of the folder.

Decides how they are started, filled and ended.  Must not know what is measured.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import define, field

from bench.asking import Asking
from bench.documents import CONTENT_BYTES, content, name
from bench.processes import Died, Process, python, twistd
from dfs.errors import DFSError
from dfs.wire.messages import Create, Locate, Put, ServerLine, Servers

#: Seconds that starting anything may take, an inventory of 200,000 documents included.
PATIENCE = 180.0

_LISTENS = re.compile(r"listens on ([0-9.]+:[0-9]+)")


def listening(process: Process, after: int = 0) -> str:
    """The address where a server listens, once it does; its log says so."""
    found = _LISTENS.search(process.wait_for("listens on", PATIENCE, after))
    assert found is not None
    return found[1]


def start_bare(kind: str, folder: Path) -> tuple[Process, str]:
    """
    Start a reference server.

    @return: the process, and where it listens.
    """
    process = Process.start(f"bare-{kind}", python("bench.bare", kind), folder)
    return process, listening(process)


def eventually(look: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """
    Ask again and again until it is so.

    @raise Died: it did not become so.
    """
    until = time.monotonic() + seconds
    error: object = ""
    while time.monotonic() < until:
        try:
            if look():
                return
        except (OSError, DFSError) as problem:
            error = problem
        time.sleep(0.01)
    raise Died(f"{what} did not happen within {seconds:g} s {error}")


@define(eq=False)
class Cluster:
    """
    Servers in a folder.

    @ivar address: of the name server.
    @ivar options: of the name server, beside those that are always there.
    @ivar servers: the storage servers that run, by name.
    """

    folder: Path
    address: str = "127.0.0.1:0"
    options: Sequence[str] = field(default=(), kw_only=True)
    nm: Process | None = None
    servers: dict[str, Process] = field(factory=dict)

    def start(self, *names: str) -> None:
        """Start the name server and these storage servers, and wait until all are in service."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start_nm()
        for server in names:
            self.start_ss(server)
        eventually(lambda: self.live() >= set(names), "registration")

    def start_nm(self) -> Process:
        """Start the name server, again on the port that it had, and wait until it listens."""
        port = self.address.rpartition(":")[2]
        log = self.folder / "nm.log"
        after = len(log.read_text("utf-8", "replace")) if log.exists() else 0
        self.nm = Process.start(
            "nm",
            twistd(
                *("dfs-nm", "--listen", f"tcp:{port}:interface=127.0.0.1"),
                *("--data", "nm", "--secret", "cluster.secret"),
                *self.options,
            ),
            self.folder,
        )
        self.address = listening(self.nm, after)
        return self.nm

    def start_ss(self, server: str) -> Process:
        """Start a storage server; does not wait for it."""
        process = Process.start(
            server,
            twistd(
                *("dfs-ss", "--name", server, "--nm", self.address),
                *("--listen", "tcp:0:interface=127.0.0.1"),
                *("--storage", server, "--secret", "cluster.secret"),
            ),
            self.folder,
        )
        self.servers[server] = process
        return process

    def live(self) -> set[str]:
        """The storage servers that the name server counts on, and whose pair is served."""
        asking = Asking(self.address)
        try:
            lines = asking.ask_items(Servers())
        finally:
            asking.close()
        return {
            line.name
            for line in lines
            if isinstance(line, ServerLine) and line.state == "LIVE" and line.protection != "DOWN"
        }

    def storage(self) -> str:
        """Where document 0 is."""
        asking = Asking(self.address)
        try:
            return asking.ask(Locate(name(0), "r")).address
        finally:
            asking.close()

    def processes(self) -> list[Process]:
        """All servers, the name server last."""
        return [*self.servers.values(), *([self.nm] if self.nm else [])]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End everything."""
        for process in self.processes():
            process.stop(number)
        self.servers.clear()
        self.nm = None

    # ---------------------------------------------------------------------------- filling

    def create(self, numbers: Iterable[int]) -> None:
        """Make empty documents."""
        asking = Asking(self.address)
        asking.ask_all((Create(name(number)), None) for number in numbers)
        asking.close()

    def put(self, numbers: Iterable[int]) -> None:
        """Give documents of L{content}, which were made before, their content."""
        wanted = list(numbers)
        asking = Asking(self.address)
        storage: dict[str, Asking] = {}
        # A ticket is good for a minute, hence in portions.
        for start in range(0, len(wanted), 1000):
            portion = wanted[start : start + 1000]
            found = asking.ask_all([(Locate(name(number), "w"), None) for number in portion])
            for address in {located.address for located in found}:
                if address not in storage:
                    storage[address] = Asking(address)
                storage[address].ask_all(
                    (Put(located.ticket), content(number, CONTENT_BYTES))
                    for number, located in zip(portion, found, strict=True)
                    if located.address == address
                )
        for each in [asking, *storage.values()]:
            each.close()
