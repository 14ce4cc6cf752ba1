"""
The documents that everything is measured with: their names, their texts.

Decides names and contents, so that the processes which make documents and those which ask for them
agree without talking to each other.  Pure.
"""

from __future__ import annotations

import hashlib
import random

#: Size of the documents that are read and written.
CONTENT_BYTES = 4096

#: Who owns all documents.
USER = "bench"

_TEXT = (
    "the quick brown fox jumps over a lazy dog while seven wizards brew quiet potions in old "
    "towers beside slow rivers where herons wait for careless fish under pale morning light"
)
_WORDS = _TEXT.split()


def name(number: int) -> str:
    """What a document is called."""
    return f"document-{number:07d}.txt"


def content(number: int, size: int) -> bytes:
    """A text of sentences, always the same for the same number; exactly so many bytes."""
    chance = random.Random(number)
    parts: list[str] = [f"document {number} begins."]
    length = len(parts[0])
    while length < size:
        sentence = " ".join(chance.choice(_WORDS) for _ in range(chance.randint(5, 14))) + "."
        parts.append(sentence)
        length += len(sentence) + 1
    return " ".join(parts)[: size - 1].encode() + b"."


def wire_content(text: bytes) -> bytes:
    """How a small content looks as an answer to READ without a tag."""
    digest = hashlib.sha256(text).hexdigest()
    return b"DATA|%d\n%s\nSTOP|%d|%s\n" % (len(text), text, len(text), digest.encode())
