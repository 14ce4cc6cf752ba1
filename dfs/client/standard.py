"""
Standard output and standard error of the process, which may be closed, full, or read no more.

Decides what becomes of what cannot be written.  Must not know what is written.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import NoReturn

from dfs.client.screen import Screen

#: A process whose reader went away: 128 + SIGPIPE, as other programs end.
BROKEN_PIPE = 141


class Missing(io.BytesIO):
    """Standard output of a process that was started without one."""

    def write(self, data: object) -> NoReturn:
        """
        Say so: nobody may take it for written.

        @raise OSError: always.
        """
        raise OSError(errno.EBADF, "it is closed", "standard output")


def screen_of_process(json: bool) -> Screen:
    """Where a command writes; messages go nowhere if there is no standard error."""
    out, err = sys.stdout, sys.stderr
    return Screen(
        Missing() if out is None else out.buffer,
        open(os.devnull, "wb") if err is None else err.buffer,
        json=json,
        terminal=bool(out and out.isatty()),
        messages_terminal=bool(err and err.isatty()),
        encoding=(out.encoding if out else None) or "utf-8",
    )


def reader_gone() -> int:
    """Whoever read standard output has enough: end without a word, as others do."""
    _discard()
    return BROKEN_PIPE


def let_go() -> None:
    """What could not be written is not tried once more when Python ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _discard()


def _discard() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
