"""The C{dfs} process itself: imports, options, exit states, a terminal."""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Seconds within which anything here has happened on the slowest machine.
PATIENCE = 60.0


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """An environment without settings, and the address of a name server that is not there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = taken.getsockname()[1]
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "DFS_NM": f"127.0.0.1:{nobody}",
        "DFS_USER": "alice",
        "LANG": "C.UTF-8",
        "TERM": "xterm",
    }


def dfs(
    surroundings: dict[str, str], *arguments: str, input: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "dfs.client", *arguments],
        env={**surroundings, **more},
        input=input,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_help_is_light(surroundings: dict[str, str]) -> None:
    """Help and completion import neither Twisted nor what the shell and the bar need."""
    code = (
        "import sys; from dfs.client.__main__ import _main; _main(sys.argv[1:]);"
        "print(sorted({'twisted', 'prompt_toolkit', 'tqdm', 'asyncio'} & set(sys.modules)))"
    )
    for arguments in (
        ["--help"],
        ["--version"],
        ["READ", "--help"],
        ["admin", "drain", "--help"],
        ["export", "--help"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]", arguments


def test_completion(surroundings: dict[str, str]) -> None:
    """The completion of bash knows the commands, in the case that was begun."""
    done = dfs(surroundings, _DFS_COMPLETE="bash_complete", COMP_WORDS="dfs rem", COMP_CWORD="1")
    assert done.stdout.split() == ["plain,remaccess"]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["WHOAMI"], 3, "is it running"),
        (["FROBNICATE"], 2, "HELP"),
        (["READ"], 2, "READ [--raw]"),
        (["--nm", "a:b:c", "VIEW"], 2, "a:b:c"),
        (["--config", "/no/such/file", "VIEW"], 2, "/no/such/file"),
        (["--color", "VIEW"], 2, "--color"),
        (["--patience", "soon", "VIEW"], 2, "soon"),
        (["WRITE", "a", "x"], 2, "<sentence>"),
        (["admin"], 2, "command"),
        (["admin", "explode"], 2, "failover, handback"),
        (["export", "/no/such/store", "out"], 2, "dfs export <store> <folder>"),
        (["export", "/usr", "/proc/nowhere"], 1, "/proc/nowhere cannot be made"),
        (["export", "/usr", "/tmp/dfs-nowhere"], 1, "no store in /usr"),
        (["admin", "rebuild", "/usr"], 2, "--data"),
        (["admin", "rebuild", "--data", "/proc/nowhere", "/usr"], 1, "/proc"),
        (["admin", "pair", "ss1"], 2, "dfs admin pair <home> <backup>"),
        (["admin", "--secret", "/no/such", "failover", "ss1"], 1, "/no/such"),
        (["admin", "failover", "ss1", "--secret", "/no/such"], 1, "/no/such"),
    ],
)
def test_failures(
    surroundings: dict[str, str], arguments: list[str], status: int, says: str
) -> None:
    """Each failure is one line with a code, never a traceback, and has its exit status."""
    done = dfs(surroundings, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("ERROR [")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_failures_as_json(surroundings: dict[str, str]) -> None:
    """With --json a failure is an object on standard output."""
    for arguments, status in ((["WHOAMI"], 3), (["READ"], 2), (["X"], 2)):
        done = dfs(surroundings, "--json", *arguments)
        assert (done.returncode, done.stderr) == (status, "")
        assert done.stdout.startswith('{"error": {"code": ')


def test_commands_from_a_pipe(surroundings: dict[str, str]) -> None:
    """Without a terminal commands are read line by line, up to the first that fails."""
    done = dfs(surroundings, input="# nothing\n\nHELP EXIT\nEXIT\nFROBNICATE\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Leave the shell." in done.stdout
    assert dfs(surroundings, input="FROBNICATE\nHELP\n").returncode == 2
    assert dfs(surroundings).returncode == 0


def test_broken_pipe(surroundings: dict[str, str]) -> None:
    """A reader that has enough ends the command without a word."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "dfs.client", "HELP"],
        env=surroundings,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("HELP", ">&-"),
        ("--json HELP", ">&-"),
        ("HELP", "> /dev/full"),
        ("--json HELP", "> /dev/full"),
        ("--help", "> /dev/full"),
        ("READ --help", "> /dev/full"),
        ("sim --seed 1 --seconds 1", "> /dev/full"),
    ],
)
def test_no_output(surroundings: dict[str, str], words: str, where: str) -> None:
    """Who cannot be shown anything is told so, and the command has failed."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m dfs.client {words} {where}"],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("ERROR [UNAVAILABLE]: "), done.stderr


@pytest.fixture
def terminal(surroundings: dict[str, str]) -> Iterator[int]:
    """The interactive shell at a terminal of its own."""
    child, terminal = pty.fork()
    if not child:
        os.execve(sys.executable, [sys.executable, "-m", "dfs.client"], surroundings)
    yield terminal
    os.close(terminal)
    os.waitpid(child, 0)


def wait_for(terminal: int, text: bytes) -> bytes:
    """What a terminal shows, up to this text; empty text waits for its end."""
    shown = b""
    while not text or text not in shown:
        ready, _, _ = select.select([terminal], [], [], PATIENCE)
        assert ready, f"{text!r} never came after {shown!r}"
        try:
            piece = os.read(terminal, 65_536)
        except OSError:
            piece = b""
        if not piece:
            assert not text, f"the shell ended: {shown!r}"
            break
        if b"\x1b[6n" in piece:  # it asks where the cursor is
            os.write(terminal, b"\x1b[1;1R")
        shown += piece
    return shown


def test_shell(terminal: int) -> None:
    """The shell has a prompt, completes commands, survives Ctrl-C, and ends with Ctrl-D."""
    wait_for(terminal, b"alice@dfs>")
    os.write(terminal, b"garbage\x03")
    wait_for(terminal, b"alice@dfs>")
    os.write(terminal, b"HELP WHOA\t")
    wait_for(terminal, b"MI")
    os.write(terminal, b"\r")
    wait_for(terminal, b"Tell who you are here.")
    wait_for(terminal, b"alice@dfs>")
    os.write(terminal, b"\x04")
    wait_for(terminal, b"")
