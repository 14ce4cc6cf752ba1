"""
A plain blocking connection to a server, for everything around the measurements.

Decides nothing about speed: what is measured is asked by L{bench.load}.  Speaks the public wire;
must not use the client library, whose cost is not the server's.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from bench.documents import USER
from dfs.errors import error_for
from dfs.wire.codec import Answer, decode_answer, encode_request, read_record, unescape
from dfs.wire.messages import PROTOCOL, Hello, Record, Request

A = TypeVar("A", bound=Record)

#: Requests that are asked before the first is answered; a server reads no more than 64.
WINDOW = 60


def dial(address: str, timeout: float | None = 60.0) -> socket.socket:
    """A TCP connection without delay of small packets."""
    host, _, port = address.rpartition(":")
    link = socket.create_connection((host, int(port)), timeout)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


class Asking:
    """
    A connection that has said HELLO.
    """

    def __init__(self, address: str, user: str = USER, timeout: float | None = 60.0) -> None:
        """
        @param address: C{host:port}.
        @param timeout: seconds that anything may take.
        """
        self.link = dial(address, timeout)
        self._file = self.link.makefile("rb", buffering=1024 * 1024)
        self.ask(Hello(PROTOCOL, "client", user))

    def ask(self, request: Request[A], body: bytes | None = None) -> A:
        """
        The answer to one request.

        @raise DFSError: it was refused.
        """
        [answer] = self.ask_all([(request, body)])
        return answer

    def ask_items(self, request: Request[Any]) -> list[Record]:
        """All entries of a list."""
        assert request.item is not None
        self.link.sendall(encode_request(request))
        entries: list[Record] = []
        while True:
            answer = self._answer()
            if answer.word != "ITEM":
                return entries
            entries.append(read_record(request.item, answer.fields))

    def ask_all(self, requests: Iterable[tuple[Request[A], bytes | None]]) -> list[A]:
        """
        The answers to many requests, which are worked on side by side.

        @raise DFSError: one was refused.
        """
        found: dict[int, A] = {}
        waiting: dict[str, tuple[int, Request[A]]] = {}
        batch: list[bytes] = []
        for number, (request, body) in enumerate(requests):
            tag = str(number)
            waiting[tag] = number, request
            batch.append(encode_request(request, tag, None if body is None else len(body)))
            batch.append(body or b"")
            if len(waiting) >= WINDOW:
                self.link.sendall(b"".join(batch))
                batch.clear()
                while len(waiting) > WINDOW // 2:
                    self._collect(waiting, found)
        self.link.sendall(b"".join(batch))
        while waiting:
            self._collect(waiting, found)
        return [found[number] for number in range(len(found))]

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self.link.close()

    def _collect(self, waiting: dict[str, tuple[int, Request[A]]], found: dict[int, A]) -> None:
        answer = self._answer()
        number, request = waiting.pop(answer.tag)
        found[number] = read_record(request.answer, answer.fields)  # type: ignore[assignment]

    def _answer(self) -> Answer:
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the server closed the connection")
        answer = decode_answer(line[:-1])
        if answer.word == "ERROR":
            code, message = [unescape(text) for text in answer.fields[:2]]
            raise error_for(code, message)
        return answer


def ask_once(address: str, requests: Sequence[tuple[Request[A], bytes | None]]) -> list[A]:
    """Answers over a connection that is made for this."""
    asking = Asking(address)
    try:
        return asking.ask_all(requests)
    finally:
        asking.close()
