"""
What one connection of a load generator asks, one thing after the other.

Decides what counts as one unit of each kind of load, and whether an answer is right.  Must not
know sockets or time.  Requests are encoded beforehand, because the generator shares the processors
with what it measures.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

from bench.asking import ask_once
from bench.documents import CONTENT_BYTES, content, name, wire_content
from dfs.wire.codec import encode_request
from dfs.wire.messages import Create, Edit, Etirw, GetInfo, Locate, Located, Put, Read, Write

#: Prepared documents for each connection that reads or writes content.
DOCUMENTS_EACH = 32


class Work:
    """
    Something to ask again and again.

    @ivar units: how many times the whole was done.
    @ivar errors: how many answers were not what they should have been.
    @ivar strange: one of those.
    """

    def __init__(self) -> None:
        self.units = 0
        self.errors = 0
        self.strange = b""

    def first(self) -> bytes:
        """What is asked first."""
        raise NotImplementedError

    def step(self, answer: bytes) -> bytes | None:
        """
        What is asked next.

        @param answer: everything that arrived since the last question.
        @return: None if more has to arrive.
        """
        raise NotImplementedError

    def wrong(self, answer: bytes) -> None:
        """Remember an answer that is not what it should be."""
        self.errors += 1
        self.strange = self.strange or answer[:200]


class Lines(Work):
    """Lines that are answered with one line."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        super().__init__()
        self._lines = lines

    def first(self) -> bytes:
        return next(self._lines)

    def step(self, answer: bytes) -> bytes | None:
        if answer[-1] != 10:
            return None
        if answer[:3] == b"OK|":
            self.units += 1
        else:
            self.wrong(answer)
        return next(self._lines)


class Contents(Work):
    """Lines that are answered with content, which is compared byte for byte."""

    def __init__(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """
        @param pairs: what is asked, and what must be answered.
        """
        super().__init__()
        self._pairs = cycle(pairs)
        self._expected = b""

    def first(self) -> bytes:
        line, self._expected = next(self._pairs)
        return line

    def step(self, answer: bytes) -> bytes | None:
        if answer == self._expected:
            self.units += 1
        elif answer[-1] != 10 or self._expected.startswith(answer):
            return None
        else:
            self.wrong(answer)
        return self.first()


class Puts(Work):
    """
    Whole new contents, no two of them alike: equal ones are stored once.
    """

    def __init__(self, tickets: Sequence[str], seed: str) -> None:
        super().__init__()
        self._heads = cycle([encode_request(Put(t), length=CONTENT_BYTES) for t in tickets])
        self._seed = seed.encode()
        self._tail = content(0, CONTENT_BYTES - len(self._seed) - 11)
        self._number = 0

    def first(self) -> bytes:
        self._number += 1
        return b"%s%s%010d %s" % (next(self._heads), self._seed, self._number, self._tail)

    def step(self, answer: bytes) -> bytes | None:
        if answer[-1] != 10:
            return None
        if answer[:3] == b"OK|":
            self.units += 1
        else:
            self.wrong(answer)
        return self.first()


class Sessions(Work):
    """
    WRITE, one EDIT, ETIRW, each asked when the one before was answered.
    """

    def __init__(self, tickets: Sequence[str]) -> None:
        super().__init__()
        # Different sentences too: a person does not always edit the first.
        self._opening = cycle(
            [encode_request(Write(ticket, 1 + n % 7)) for n, ticket in enumerate(tickets)]
        )
        self._edit = encode_request(Edit(1, "swiftly", session="s")).rstrip(b"\n")[:-1]
        self._commit = encode_request(Etirw(session="s")).rstrip(b"\n")[:-1]
        self._session = b""
        self._stage = 0

    def first(self) -> bytes:
        self._stage = 0
        return next(self._opening)

    def step(self, answer: bytes) -> bytes | None:
        if answer[-1] != 10:
            return None
        if answer[:3] != b"OK|":
            self.wrong(answer)
            return self.first()
        if self._stage == 0:
            self._stage = 1
            self._session = answer.split(b"|", 2)[1] + b"\n"
            return self._edit + self._session
        if self._stage == 1:
            self._stage = 2
            return self._commit + self._session
        self.units += 1
        return self.first()


def creations(seed: str) -> Iterator[bytes]:
    """Requests for new documents, without end."""
    number = 0
    while True:
        number += 1
        yield encode_request(Create(f"new-{seed}-{number}.txt"))


# ------------------------------------------------------------------------------------ kinds


def prepare(spec: dict[str, Any]) -> list[Work]:
    """
    The work of each connection of one generator.

    @param spec: see L{bench.window.Spec}.
    """
    connections = int(spec["connections"])
    seeds = [f"{spec['seed']}-{number}" for number in range(connections)]
    kind = spec["kind"]
    if kind == "create":
        return [Lines(creations(seed)) for seed in seeds]
    if kind in ("info", "locate"):
        return [Lines(_asked(kind, seed, int(spec["documents"]))) for seed in seeds]
    first = int(spec["first"])
    return [
        _with_tickets(spec, seed, range(start, start + DOCUMENTS_EACH))
        for seed, start in zip(
            seeds, range(first, first + connections * DOCUMENTS_EACH, DOCUMENTS_EACH), strict=True
        )
    ]


def _asked(kind: str, seed: str, documents: int) -> Iterator[bytes]:
    """Questions to the name server in a random order, each connection in another."""
    order = list(range(documents))
    random.Random(seed).shuffle(order)
    if kind == "info":
        return cycle([encode_request(GetInfo(name(number))) for number in order])
    return cycle([encode_request(Locate(name(number), "r")) for number in order])


def _with_tickets(spec: dict[str, Any], seed: str, documents: range) -> Work:
    kind = spec["kind"]
    # The bare server gets the same requests, and knows one content only.
    tickets = ["x" * 80] * len(documents)
    texts = [content(0 if spec["bare"] else number, CONTENT_BYTES) for number in documents]
    if not spec["bare"]:
        right = "r" if kind == "read" else "w"
        located: list[Located] = ask_once(
            spec["name_server"], [(Locate(name(number), right), None) for number in documents]
        )
        tickets = [found.ticket for found in located]
    if kind == "read":
        lines = [encode_request(Read(ticket)) for ticket in tickets]
        return Contents(list(zip(lines, map(wire_content, texts), strict=True)))
    if kind == "put":
        return Puts(tickets, seed)
    assert kind == "write", kind
    return Sessions(tickets)
