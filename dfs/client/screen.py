"""
What the C{dfs} command writes, and where.

Decides that data goes to standard output byte for byte, that messages go to standard error, that
a terminal is never sent control characters from a document, and the shape of C{--json}.  Must not
know what any command does.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, Protocol

from dfs.errors import DFSError
from dfs.wire.records import Committed

if TYPE_CHECKING:
    from tqdm import tqdm

# Controls, marks that end a line or turn the direction of writing or show nothing at all, halves of
# surrogate pairs.  What joins letters, or does not, is needed by some scripts.
_UNSAFE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u2028\u2029\u200e\u200f\u202a-\u202e"
    r"\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f"
)
_IN_TEXT = re.compile(f"[{_UNSAFE}]")
_IN_LINE = re.compile(f"[{_UNSAFE}\t\n]")
_TYPED = re.compile(r"\\([nt\\])")


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def visible(text: str) -> str:
    """A text of many lines as a terminal may show it: controls other than \\n and \\t escaped."""
    return _IN_TEXT.sub(_escaped, text)


def one_line(text: str) -> str:
    """A text as one line: every control escaped."""
    return _IN_LINE.sub(_escaped, text)


def spelled(text: str) -> str:
    """A text as one line in the notation that WRITE and APPEND take: C{\\n}, C{\\t}, C{\\\\}."""
    return one_line(text.replace("\\", "\\\\"))


def typed(text: str) -> str:
    """What somebody means who types C{\\n}, C{\\t} or C{\\\\}; any other backslash is itself."""
    return _TYPED.sub(lambda found: {"n": "\n", "t": "\t", "\\": "\\"}[found[1]], text)


class Progress(Protocol):
    """How far a transfer is."""

    def update(self, amount: int) -> object:
        """So many more bytes are done."""

    def reset(self) -> object:
        """It begins again."""

    def close(self) -> object:
        """It is over."""


class _NoProgress:
    """Shown to nobody."""

    def update(self, amount: int) -> None:
        """Nobody looks."""

    def reset(self) -> None:
        """Nobody looks."""

    def close(self) -> None:
        """Nobody looks."""


class _Bar:
    """
    Shown after a moment, and nothing of it stays.

    The bar's own C{reset} would draw it at once, and C{close} would leave what is drawn too soon.
    """

    def __init__(self, bar: tqdm[NoReturn]) -> None:
        self._bar = bar

    def update(self, amount: int) -> None:
        """So many more bytes are done."""
        self._bar.update(amount)

    def reset(self) -> None:
        """It begins again."""
        self._bar.update(-self._bar.n)

    def close(self) -> None:
        """It is over."""
        self._bar.close()


class Screen:
    """
    Standard output and standard error of one command after another.

    @ivar json: write results as JSON objects.
    @ivar terminal: a person looks at the output.
    """

    def __init__(
        self,
        out: BinaryIO,
        err: BinaryIO,
        *,
        json: bool = False,
        terminal: bool = False,
        messages_terminal: bool = False,
        encoding: str = "utf-8",
    ) -> None:
        """
        @param terminal: standard output is a terminal.
        @param messages_terminal: standard error is one.
        @param encoding: of the terminal.
        """
        self.json = json
        self.terminal = terminal
        self._out = out
        self._err = err
        self._messages_terminal = messages_terminal
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._line_open = False
        self._lost = False

    def result(self, text: str, /, **fields: Any) -> None:
        """
        What came of a command.

        @param text: for a person; lines that are shown as they are, controls escaped.
        @param fields: for a program.
        """
        if self.json:
            self.record(**fields)
        else:
            self.text(text + "\n")

    def record(self, /, **fields: Any) -> None:
        """One JSON object, on one line, in ASCII."""
        self._write(json.dumps(fields, separators=(", ", ": ")).encode("ascii") + b"\n")

    def text(self, text: str) -> None:
        """Lines for a person."""
        self._write(self._shown(text) if self.terminal else _bytes(text))

    def data(self, piece: bytes, *, raw: bool = False) -> None:
        """
        A piece of a document.

        @param raw: send a terminal the bytes themselves.
        """
        if self.terminal and not raw:
            text = self._decoder.decode(piece)
            if text:
                self._line_open = not text.endswith("\n")
                self._write(self._shown(text))
        else:
            self._write(piece)

    def data_end(self) -> None:
        """The document is complete; a prompt can follow on a line of its own."""
        if self.terminal:
            text = self._decoder.decode(b"", final=True)
            if text or self._line_open:
                self._write(self._shown(text + "\n"))
            self._decoder.reset()
            self._line_open = False

    def break_line(self) -> None:
        """Leave the line that a terminal has begun, with a prompt and perhaps ^C."""
        if self.terminal and not self.json:
            self._write(b"\n")

    def flush(self) -> None:
        """Let everything be seen now."""
        with self._writing():
            self._out.flush()
        self._err.flush()

    def committed(self, message: str, committed: Committed, **fields: Any) -> None:
        """Say that a text was changed, and what is not as it should be about that."""
        said = {"message": message, **fields}
        said |= {"version": committed.version, "size": committed.size}
        if committed.solo:
            said["solo"] = True
            self.note("it is on one server only (SOLO): the other one of its pair is away")
        self.result(message, **said)

    def note(self, text: str) -> None:
        """A message that is not the result."""
        if self._line_open:
            self.break_line()
            self._line_open = False
        with self._writing():
            self._out.flush()
        self._err.write(_bytes(one_line(text) + "\n"))
        self._err.flush()

    def error(self, error: DFSError) -> None:
        """A refusal or failure."""
        if self.json and not self._lost:
            self.record(error={"code": error.code, "message": str(error)})
        else:
            self.note(f"ERROR [{error.code}]: {error}")

    @property
    def shows_progress(self) -> bool:
        """Somebody looks at a bar."""
        return self._messages_terminal and not self.json

    def progress(self, what: str, total: int | None, unit: str = "B") -> Progress:
        """
        A bar, if there is somebody to look at it.

        @param total: bytes, or whatever C{unit} says, if known.
        """
        if not self.shows_progress:
            return _NoProgress()
        from tqdm import tqdm

        return _Bar(
            tqdm(
                total=total, desc=one_line(what), unit=unit, unit_scale=True, leave=False, delay=0.3
            )
        )

    def _write(self, data: bytes) -> None:
        with self._writing():
            self._out.write(data)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Something goes to standard output; once that fails nothing more does."""
        try:
            yield
        except OSError:
            self._lost = True
            self._out = open(os.devnull, "wb")  # noqa: SIM115
            raise

    def _shown(self, text: str) -> bytes:
        return visible(text).encode(self._encoding, "backslashreplace")


def _bytes(text: str) -> bytes:
    """Names keep the bytes that the file system gave them, whatever these are."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")
