"""
The closed list of errors: one class per code, the same on the wire, in the library and in logs.

This module decides which refusals exist and what they are called.  It must not know who raises
them, how they travel, or how they are shown.
"""

from __future__ import annotations

from typing import ClassVar


class DFSError(Exception):
    """
    A refusal or failure that a person can be told about.

    The message (C{str(error)}) says what was refused and what to do.

    @cvar code: the word that stands for this error on the wire, in logs and in the shell.
    """

    code: ClassVar[str] = "INTERNAL"


class Invalid(DFSError):
    """The request makes no sense as it stands: mend it, then send it again."""

    code = "INVALID"


class Unauthenticated(DFSError):
    """Say who you are first."""

    code = "UNAUTHENTICATED"


class Unauthorized(DFSError):
    """You may not do this; ask the owner."""

    code = "UNAUTHORIZED"


class NotFound(DFSError):
    """There is no such thing."""

    code = "NOT_FOUND"


class Exists(DFSError):
    """The name is taken already."""

    code = "EXISTS"


class Locked(DFSError):
    """Somebody is editing this; wait until they are done."""

    code = "LOCKED"


class Conflict(DFSError):
    """What you changed was changed by somebody else meanwhile."""

    code = "CONFLICT"


class TooLarge(DFSError):
    """A limit would be exceeded."""

    code = "TOO_LARGE"


class Unavailable(DFSError):
    """No live server can do this now; try again later."""

    code = "UNAVAILABLE"


class Moved(DFSError):
    """Another server is in charge of this document; ask the name server again."""

    code = "MOVED"


class Busy(DFSError):
    """The server has too much to do; try again in a moment."""

    code = "BUSY"


class Unsupported(DFSError):
    """This server does not do that."""

    code = "UNSUPPORTED"


class Corrupt(DFSError):
    """Stored bytes are damaged; they are not served."""

    code = "CORRUPT"


class Internal(DFSError):
    """A defect of the server; its log says more."""

    code = "INTERNAL"


#: Every error that may travel, in the order of the specification.
ERRORS: tuple[type[DFSError], ...] = (
    Invalid,
    Unauthenticated,
    Unauthorized,
    NotFound,
    Exists,
    Locked,
    Conflict,
    TooLarge,
    Unavailable,
    Moved,
    Busy,
    Unsupported,
    Corrupt,
    Internal,
)

_BY_CODE: dict[str, type[DFSError]] = {error.code: error for error in ERRORS}


def error_for(code: str, message: str) -> DFSError:
    """
    The error that a peer reported.

    @param code: the word from the wire; an unknown one becomes L{Internal} and keeps its name.
    @param message: what the peer said.
    """
    known = _BY_CODE.get(code)
    if known is None:
        return Internal(f"{code}: {message}")
    return known(message)
