"""
What somebody types into telnet or nc, as lines.

Decides where a line ends, which keys change it, and what telnet says for itself between the keys.
Pure; must not know what a line means.

Note [Telnet].  Its client says IAC and one or more bytes when it wants to agree on something, or
for a key such as Ctrl-C (RFC 854).  We agree on nothing, but say so: after Ctrl-C it shows nothing
at all before its question about the timing mark is answered.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

#: Bytes that a line may have.
LINE = 1_024

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
_ERASE_LINE, _ERASE, _INTERRUPT, _BREAK, _EOF = 248, 247, 244, 243, 236
_CTRL_C, _CTRL_D, _BACKSPACE, _LF, _CR, _CTRL_U, _DELETE = 3, 4, 8, 10, 13, 21, 127

#: What is answered to an offer or a wish: no.
_NO = {WILL: DONT, DO: WONT}


class Key(enum.Enum):
    """
    What was typed that is no line.

    @cvar INTERRUPT: Ctrl-C.
    @cvar END: Ctrl-D, on an empty line.
    @cvar TOO_LONG: a line with too many bytes; all of it is dropped.
    """

    INTERRUPT = "interrupt"
    END = "end"
    TOO_LONG = "too long"


class _Place(enum.Enum):
    """Where the next byte belongs."""

    TEXT = "text"
    COMMAND = "command"
    OPTION = "option"
    DETAILS = "details"
    DETAILS_COMMAND = "details, command"


class Keys:
    """
    One person's keyboard.
    """

    def __init__(self, limit: int = LINE) -> None:
        self._limit = limit
        self._line = bytearray()
        self._long = False
        self._after_cr = False
        self._place = _Place.TEXT
        self._verb = 0
        self._replies = bytearray()

    def replies(self) -> bytes:
        """What telnet has to be told since this was asked last."""
        replies, self._replies = bytes(self._replies), bytearray()
        return replies

    def feed(self, data: bytes) -> Iterator[str | Key]:
        """The lines and keys that these bytes complete."""
        for byte in data:
            found = self._typed(byte) if self._place is _Place.TEXT else self._said(byte)
            if found is not None:
                yield found

    # ------------------------------------------------------------------------------- the person

    def _typed(self, byte: int) -> str | Key | None:
        after_cr, self._after_cr = self._after_cr, byte == _CR
        if byte == IAC:
            self._place = _Place.COMMAND
        elif byte in (_CR, _LF):
            return None if byte == _LF and after_cr else self._end()
        elif byte == _CTRL_C:
            return self._interrupt()
        elif byte == _CTRL_D:
            return None if self._line or self._long else Key.END
        elif byte in (_BACKSPACE, _DELETE):
            self._erase()
        elif byte == _CTRL_U:
            self._line.clear()
        elif byte:
            self._add(byte)
        return None

    def _add(self, byte: int) -> None:
        if len(self._line) >= self._limit:
            self._long = True
        else:
            self._line.append(byte)

    def _erase(self) -> None:
        """Take the last character back, which may have several bytes."""
        while self._line and 0x80 <= self._line[-1] < 0xC0:
            self._line.pop()
        if self._line:
            self._line.pop()

    def _end(self) -> str | Key:
        line, self._line = bytes(self._line), bytearray()
        long, self._long = self._long, False
        return Key.TOO_LONG if long else line.decode("utf-8", "backslashreplace")

    def _interrupt(self) -> Key:
        self._line.clear()
        self._long = False
        return Key.INTERRUPT

    # ------------------------------------------------------------------------------- telnet

    def _said(self, byte: int) -> Key | None:
        """See Note [Telnet]."""
        if self._place is _Place.COMMAND:
            return self._command(byte)
        if self._place is _Place.OPTION:
            self._place = _Place.TEXT
            if self._verb in _NO:
                self._replies += bytes((IAC, _NO[self._verb], byte))
        elif self._place is _Place.DETAILS:
            if byte == IAC:
                self._place = _Place.DETAILS_COMMAND
        else:
            self._place = _Place.TEXT if byte == SE else _Place.DETAILS
        return None

    def _command(self, byte: int) -> Key | None:
        self._place = _Place.TEXT
        if byte in (WILL, WONT, DO, DONT):
            self._verb = byte
            self._place = _Place.OPTION
        elif byte == SB:
            self._place = _Place.DETAILS
        elif byte == IAC:
            self._add(byte)
        elif byte in (_INTERRUPT, _BREAK):
            return self._interrupt()
        elif byte == _EOF:
            return Key.END
        elif byte == _ERASE:
            self._erase()
        elif byte == _ERASE_LINE:
            self._line.clear()
        return None
