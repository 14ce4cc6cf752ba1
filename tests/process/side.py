"""
Somebody who asks a server how it is, again and again, in a process of their own.

C{python -m tests.process.side HOST PORT}: whenever a line is typed, one line says how often was
asked since the last one and how long that took; it ends with its input.
"""

from __future__ import annotations

import select
import socket
import sys
import time

#: Seconds between two questions.
PAUSE = 0.003


def ask(link: socket.socket) -> float:
    """Ask once; the seconds that it took."""
    begun = time.monotonic()
    link.sendall(b"WHOAMI\n")
    if not link.recv(1_000):
        raise SystemExit("the server has hung up")
    return time.monotonic() - begun


def main(host: str, port: str) -> None:
    """Ask until the input ends."""
    link = socket.create_connection((host, int(port)), 60)
    link.sendall(b"LOGIN|side\n")
    link.recv(1_000)
    waits: list[float] = []
    print("asking", flush=True)
    while True:
        waits.append(ask(link) * 1000)
        if not select.select([sys.stdin], [], [], PAUSE)[0]:
            continue
        if not sys.stdin.readline():
            return
        waits.sort()
        over = sum(wait > 50 for wait in waits)
        high, worst = waits[len(waits) * 99 // 100], waits[-1]
        print(
            f"side: asked {len(waits)} times, p99 {high:.1f} ms, worst {worst:.1f} ms,"
            f" {over} over 50 ms",
            flush=True,
        )
        waits.clear()


if __name__ == "__main__":
    main(*sys.argv[1:])
