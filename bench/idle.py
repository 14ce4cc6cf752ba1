"""
Holds idle connections until its standard input ends: C{python -m bench.idle ADDRESS COUNT GREET}.
"""

from __future__ import annotations

import resource
import sys

from bench.asking import dial
from bench.documents import USER
from dfs.wire.codec import encode_request
from dfs.wire.messages import PROTOCOL, Hello


def main() -> None:
    """Connect, say HELLO on each, say so, wait."""
    address, count, greet = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    hello = encode_request(Hello(PROTOCOL, "client", USER)) if greet else b"HELLO\n"
    links = []
    for _ in range(count):
        link = dial(address)
        link.sendall(hello)
        answer = link.recv(4096)
        assert answer.startswith(b"OK|"), answer
        links.append(link)
    print(f"{len(links)} connections stand", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
