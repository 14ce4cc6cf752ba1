"""
How a log event becomes a line, and into which file.

Decides the two formats (C{json}: one object a line; C{text}: for people), what of an event is
written, and that nothing inside an event can forge or break a line.  Must not know which events
exist, who emits them, or how a daemon is started.

Note [Which keys]
=================

An event of ours is C{log.info("…", log_event="listening", port=5000)}.  C{log_event} is its stable
name, every other key of a plain type is a field of the line.  Keys that start with C{log_} belong
to C{twisted.logger}, and a handful of others are left by the older C{twisted.python.log}.  An event
without C{log_event} (those of libraries) is called C{log} and says which logger it came from.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any, cast

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
)
from twisted.python.failure import Failure
from twisted.python.logfile import LogFile

#: The names of the formats, the default first.
FORMATS: tuple[str, ...] = ("text", "json")

#: The names of the levels, from the talkative one on.
LEVELS: tuple[str, ...] = ("debug", "info", "warn", "error")

#: Bytes after which a log file is rotated.
ROTATE_BYTES = 50 * 1024 * 1024

#: Rotated files that are kept; older ones are removed.
ROTATED_FILES = 9

#: Who may read a log file: it has the names of users and documents.
MODE = 0o640

# See Note [Which keys].
_OURS = frozenset({"time", "level", "event", "message", "logger", "failure"})
_LEGACY = frozenset({"format", "isError", "printed", "system", "why"})
_HIDDEN = _OURS | _LEGACY

_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def json_line(event: LogEvent) -> str:
    """
    The event as one JSON object and a newline, in ASCII.

    Always there: C{time}, C{level}, C{event}, C{message}.  A failure is the string C{failure}.
    """
    record: dict[str, Any] = {
        "time": _moment(event),
        "level": _level(event),
        "event": _name(event),
        "message": formatEvent(event),
    }
    if "log_event" not in event:
        record["logger"] = str(event.get("log_namespace", ""))
    record.update(_fields(event))
    failure = event.get("log_failure")
    if failure is not None:
        record["failure"] = _traceback(failure)
    return _json(record) + "\n"


def text_line(event: LogEvent) -> str:
    """
    The event as C{time level event message key=value…}, its failure indented below.
    """
    parts = [_moment(event), f"{_level(event):5}", _name(event), printable(formatEvent(event))]
    parts.extend(f"{key}={_word(value)}" for key, value in _fields(event))
    line = " ".join(part for part in parts if part) + "\n"
    failure = event.get("log_failure")
    if failure is None:
        return line
    indented = (f"    {printable(row)}\n" for row in _traceback(failure).splitlines())
    return line + "".join(indented)


def printable(text: str) -> str:
    """
    The same text with everything that a terminal or a line reader would act on escaped.

    Line breaks of all sorts, other controls, marks that turn the direction of writing, and
    halves of surrogate pairs become C{\\n}, C{\\x1b}, C{\\u2028} …
    """
    if text.isprintable():
        return text
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode("ascii")
        for mark in text
    )


def observer(form: str, level: str, path: str | None) -> ILogObserver:
    """
    What writes events into a file that rotates, or to standard output.

    @param form: one of L{FORMATS}.
    @param level: one of L{LEVELS}; what is below it is not written.
    @param path: the file; C{None} or C{-} is standard output.
    """
    lines = json_line if form == "json" else text_line
    file = _standard_output() if path is None or path == "-" else _rotating(path)
    atLeast = LogLevelFilterPredicate(defaultLogLevel=LogLevel.levelWithName(level))
    return FilteringLogObserver(FileLogObserver(file, lines), [atLeast])


class RotatingLog(LogFile):
    """
    A log file that rotates by size, and on request at the next line.

    A request comes from a signal handler, which may interrupt a write; so it only leaves a mark.
    """

    _asked = False

    def ask(self) -> None:
        """Begin a new file at the next line."""
        self._asked = True

    def write(self, data: str | bytes) -> None:
        """Write a line, after what was asked for."""
        if self._asked:
            self._asked = False
            self._renew()
        super().write(data)

    def _renew(self) -> None:
        """Rotate; or just reopen, if somebody else moved the file away already."""
        try:
            ours = os.path.samestat(os.stat(self.path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            ours = False
        if ours:
            self.rotate()
        else:
            self.reopen()


def _rotating(path: str) -> IO[Any]:
    """The log file at C{path}, renewed by SIGUSR1 unless somebody else uses that signal."""
    where = os.path.abspath(path)
    file = RotatingLog(
        os.path.basename(where),
        os.path.dirname(where),
        rotateLength=ROTATE_BYTES,
        defaultMode=MODE,
        maxRotatedFiles=ROTATED_FILES,
    )
    if signal.getsignal(signal.SIGUSR1) in (None, signal.SIG_DFL):
        signal.signal(signal.SIGUSR1, lambda number, frame: file.ask())
    return cast(IO[Any], file)


def _standard_output() -> IO[Any]:
    """
    The standard output as it is now, in bytes.

    Logging redirects C{sys.stdout} to itself later; and what encoding the terminal claims must
    not decide whether an event can be written.
    """
    return cast(IO[Any], getattr(sys.stdout, "buffer", sys.stdout))


def _moment(event: LogEvent) -> str:
    """When it happened: UTC, with milliseconds."""
    when = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level(event: LogEvent) -> str:
    level = event.get("log_level")
    return "info" if level is None else str(level.name)


def _name(event: LogEvent) -> str:
    return printable(str(event.get("log_event", "log")))


def _fields(event: LogEvent) -> Iterator[tuple[str, str | int | float | None]]:
    """The fields of an event that are plain values; see Note [Which keys]."""
    for key, value in event.items():
        if key.startswith("log_") or key in _HIDDEN:
            continue
        if isinstance(value, bytes):
            value = value.decode("utf-8", "backslashreplace")
        elif isinstance(value, float) and not math.isfinite(value):
            value = str(value)
        if value is None or isinstance(value, str | int | float):
            yield key, value


def _word(value: str | int | float | None) -> str:
    """A value as one word: quoted where a reader could not tell where it ends."""
    if not isinstance(value, str):
        return _json(value)
    if value and value.isprintable() and not any(mark in value for mark in ' "=\\'):
        return value
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(quoted)}"'


def _traceback(failure: Failure) -> str:
    """What went wrong, as Python prints it; never an exception of its own."""
    text: Callable[[], str] = failure.getTraceback
    try:
        return text()
    except Exception as broken:
        return f"(traceback cannot be shown: {type(broken).__name__})"
