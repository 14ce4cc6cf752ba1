"""
How whoever wants a script run gets to a sandbox.

Decides the command that is started, which backends a machine may have, and what shows that all
walls of one stand.  Must not know who asks, nor how a process is started.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dfs.sandbox import policy

#: What may shut a script in, the best first.
BACKENDS = ("bubblewrap", "namespaces")

#: The module is found by its place: C{-I} lets nobody's environment lead this Python elsewhere.
_BEGIN = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from dfs.sandbox.helper import main; main()"
)

#: What the test of a sandbox writes, and nothing else, if all walls stand.
PROOF = b"all walls stand\n"

#: The test, a script that only needs a shell.
TEST = rb"""
fail() { echo "$1"; exit 1; }
[ "$(pwd)" = /tmp ] || fail "it is not in a folder of its own"
(: >/tmp/mine) 2>/dev/null || fail "it cannot write to its own folder"
(: >/usr/mine) 2>/dev/null && fail "it can write outside of its folder"
for path in /home /root /var /run /sys /mnt; do
    [ -e "$path" ] && fail "it sees $path"
done
while read -r name value rest; do
    case $name$value in
        CapEff:0000000000000000 | NoNewPrivs:1 | Seccomp:2) stands="${stands}x" ;;
    esac
done </proc/self/status
[ "$stands" = xxx ] || fail "it has capabilities, or no filter of calls"
while read -r name rest; do
    case $name in
        Inter-* | face* | lo:*) ;;
        *) fail "it sees a network" ;;
    esac
done </proc/net/dev
count=0
for process in /proc/[0-9]*; do count=$((count + 1)); done
[ $count -le 4 ] || fail "it sees $count processes"
(i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i + 1)); done; : >/tmp/many) 2>/dev/null
[ -e /tmp/many ] && fail "it can have any number of processes"
echo "all walls stand"
"""


def command(backend: str) -> list[str]:
    """The command line of L{dfs.sandbox.helper}, for this process to start."""
    root = str(Path(__file__).resolve().parents[2])
    python = [sys.executable, "-I", "-S", "-B", "-c", _BEGIN]
    return [*python, root, backend, str(os.getpid())]


def seen(paths: list[str]) -> list[str]:
    """Which of these files and folders a script could see."""
    shown = [os.path.realpath(step.source) for step in policy.steps() if step.kind == "bind"]
    return [
        path
        for path in paths
        if any(Path(os.path.realpath(path)).is_relative_to(folder) for folder in shown)
    ]
