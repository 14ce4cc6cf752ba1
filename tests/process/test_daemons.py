"""
Starting and ending the daemons as an operator does.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from tests.process.processes import (
    ROOT,
    Cluster,
    Daemon,
    Process,
    dfs,
    environment,
    free_port,
    reactor,
    run,
    twistd,
    within,
)

NM = ["dfs-nm"]
SS = ["dfs-ss", "--name", "ss1_backup"]


def alive(pid: int) -> bool:
    """Whether there is such a process that is not a zombie."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter if it ends while it is read
        return False


async def until(true: Callable[[], bool], what: str) -> None:
    """Return when this is true of processes that are not our children."""
    for _ in range(600):
        if true():
            return
        await deferLater(reactor, 0.1)
    raise AssertionError(f"not within 60 s: {what}")


async def gone(pid: int) -> None:
    """Return when a process has ended."""
    await until(lambda: not alive(pid), f"process {pid} ends")


@pytest_twisted.async_yield_fixture
async def background(tmp_path: Path) -> AsyncIterator[Path]:
    """A directory in which daemons are started; those with a pid file there are ended after it."""
    yield tmp_path
    for log in tmp_path.glob("*.log"):
        print(f"==== {log}\n{log.read_text()}")
    for pidfile in tmp_path.glob("*.pid"):
        pid = int(pidfile.read_text())
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
            await gone(pid)


@pytest.mark.parametrize("order", [(NM, SS), (SS, NM)], ids=["nm first", "ss first"])
@within(120)
async def test_pair_in_one_directory(background: Path, order: tuple[list[str], ...]) -> None:
    """
    Both daemons run from one directory, each with its own files, whichever is started first.

    Typed as they stand, but for the port: another cluster may run on this machine.
    """
    address = f"127.0.0.1:{free_port()}"
    more = {
        "dfs-nm": ["--listen", f"tcp:{address.rpartition(':')[2]}:interface=127.0.0.1"],
        "dfs-ss": ["--nm", address],
    }
    for words in order:
        started = await run(twistd(*words, *more[words[0]]), background)
        assert await started.exited() == 0, started.text
        assert started.text == ""
    assert sorted(path.name for path in background.glob("*.pid")) == [
        "dfs-nm.pid",
        "dfs-ss1_backup.pid",
    ]
    assert sorted(path.name for path in background.glob("*.log")) == [
        "dfs-nm.log",
        "dfs-ss1_backup.log",
    ]
    pids = [int(path.read_text()) for path in background.glob("*.pid")]
    assert all(alive(pid) for pid in pids)

    for _ in range(100):
        servers = await run(dfs("--nm", address, "--user", "alice", "SERVERS"), background)
        if "ss1_backup" in servers.text:
            break
        await deferLater(reactor, 0.2)
    assert "ss1_backup" in servers.stdout

    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    for pid in pids:
        await gone(pid)
    assert list(background.glob("*.pid")) == []
    for log in background.glob("*.log"):
        assert "Traceback" not in log.read_text()


@within(60)
async def test_terminated(empty_cluster: Cluster) -> None:
    """H45: a daemon that is asked to end does so at once, without an error in its log."""
    await empty_cluster.start("ss1")
    for daemon in empty_cluster.processes():
        assert await daemon.stop() == -signal.SIGTERM
        assert "Traceback" not in daemon.text
        assert not [event for event in daemon.events if "failure" in event]


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize("door", ["--listen", "--console"])
@pytest.mark.parametrize("words", [NM, SS], ids=["nm", "ss"])
@pytest.mark.parametrize("own", [["-n"], []], ids=["foreground", "background"])
@within(60)
async def test_port_taken(
    background: Path, words: list[str], own: list[str], door: str, taken_port: int
) -> None:
    """A daemon whose port is taken says so and ends with status 1, instead of living on deaf."""
    (background / "cluster.secret").write_text("5" * 64 + "\n")
    (background / "cluster.secret").chmod(0o600)
    listen = [door, f"tcp:{taken_port}:interface=127.0.0.1"]
    if door == "--console":
        listen += ["--listen", "tcp:0:interface=127.0.0.1"]
    started = await run(twistd(*own, *words, *listen), background)
    assert await started.exited() == 1
    said = started.text + "".join(log.read_text() for log in background.glob("*.log"))
    assert "listen_failed" in said
    assert "Address already in use" in said
    assert not own or "Traceback" not in said
    # The one in the background tells its parent first and cleans up then.
    await until(lambda: not list(background.glob("*.pid")), "its pid file is removed")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([*NM, "--listen", "tcp:5000"], "beyond loopback"),
        ([*SS, "--listen", "tcp:0:interface=0.0.0.0"], "beyond loopback"),
        ([*NM, "--console", "tcp:5001"], "beyond loopback"),
        ([*SS, "--console", "tcp:0:interface=0.0.0.0"], "beyond loopback"),
        ([*SS, "--console", "5001:x"], "not a server endpoint"),
        ([*NM, "--listen", "tcp:x"], "not a server endpoint"),
        ([*NM, "--log-format", "xml"], "one of text, json"),
        ([*SS, "--nm", "nowhere"], "nowhere"),
        (["dfs-ss"], "--name"),
        (["dfs-ss", "--name", "a/b"], "a/b"),
        ([*NM, "surplus"], "argument"),
    ],
)
@within(60)
async def test_wrong_usage(tmp_path: Path, words: list[str], complaint: str) -> None:
    """What makes no sense is refused with a sentence, without a traceback, and leaves nothing."""
    refused = await run(twistd("-n", *words), tmp_path)
    assert await refused.exited() == 1
    assert complaint in refused.text
    assert "Traceback" not in refused.text
    assert list(tmp_path.iterdir()) == []


@within(60)
async def test_insecure(tmp_path: Path) -> None:
    """With C{--insecure} a daemon listens wherever it is told to."""
    daemon = Daemon([*NM, "--listen", "tcp:0:interface=0.0.0.0", "--insecure"], tmp_path)
    try:
        assert (await daemon.logged("listening"))["address"] == "0.0.0.0"
    finally:
        await daemon.stop()


@within(60)
async def test_text_log(tmp_path: Path) -> None:
    """Without a wish the log is text, one event a line."""
    daemon = Process(twistd("-n", *NM, "--listen", "tcp:0:interface=127.0.0.1"), tmp_path)
    try:
        await daemon.when(lambda: " listening " in daemon.text)
    finally:
        await daemon.stop()
    assert (tmp_path / "cluster.secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["nm", "ss", "cluster"])
@within(60)
async def test_tac(tmp_path: Path, name: str) -> None:
    """Each tac file of the distribution runs, and logs as it is told by the environment."""
    port = free_port()
    env = environment(
        DFS_LISTEN=f"tcp:{0 if name == 'ss' else port}:interface=127.0.0.1",
        DFS_NM=f"127.0.0.1:{port}",
        DFS_LOG_FORMAT="json",
    )
    if name == "ss":  # nobody else makes the secret that it waits for
        (tmp_path / "cluster.secret").write_text("5" * 64 + "\n")
        (tmp_path / "cluster.secret").chmod(0o600)
    tac = str(ROOT / "tac" / f"{name}.tac")
    daemon = Process(twistd("-ny", tac, "--pidfile="), tmp_path, env)
    expected = {"nm": 1, "ss": 1, "cluster": 3}[name]
    try:
        await daemon.when(lambda: daemon.text.count('"event":"listening"') == expected)
        if name == "cluster":
            await daemon.when(lambda: daemon.text.count('"event":"ss_registered"') == 2)
    finally:
        status = await daemon.stop()
    assert status == -signal.SIGTERM
    assert "Traceback" not in daemon.text
