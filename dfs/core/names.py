"""
What users, servers and checkpoints may be called.

Decides which names are legal.  Must not know who exists: a user called C{owner}, C{nm}, C{ss1} or
C{R} is a user like any other.
"""

from __future__ import annotations

import re

from dfs.core.paths import composed
from dfs.errors import Invalid

#: The most bytes of a user's name, in UTF-8.
MAX_USER_BYTES = 64

#: The most characters of a checkpoint's tag.
MAX_TAG = 64

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def user(text: str) -> str:
    """
    The one spelling (NFC) of a user's name.

    @raise Invalid: nobody can be called so.
    """
    name = composed(text, "A user name")
    if not 1 <= len(name.encode("utf-8")) <= MAX_USER_BYTES:
        raise Invalid(f"A user name has 1 to {MAX_USER_BYTES} bytes.")
    if name != name.strip():
        raise Invalid("A user name may not begin or end with white space.")
    return name


def server(text: str) -> str:
    """
    The name of a storage server, as it was given.

    @raise Invalid: no server can be called so.
    """
    # Operators make folders and files of these names; two of the legal words cannot be that.
    if text in (".", "..") or not _PLAIN.fullmatch(text):
        raise Invalid(
            "A server name has 1 to 64 letters (A-Z, a-z), digits, '.', '_' or '-', "
            "and is not '.' or '..'."
        )
    return text


def tag(text: str) -> str:
    """
    The tag of a checkpoint, as it was given.

    @raise Invalid: no checkpoint can be tagged so.
    """
    if not _PLAIN.fullmatch(text):
        raise Invalid("A checkpoint tag has 1 to 64 letters (A-Z, a-z), digits, '.', '_' or '-'.")
    return text


def shortened(name: str, most: int) -> str:
    """
    A name with so many characters at most, by leaving out its middle.

    Both ends tell names apart: C{ss1} and C{ss1_backup} begin alike, C{ss1} and C{ss2} end so.
    """
    if len(name) <= most:
        return name
    end = (most - 2) // 2
    return f"{name[: most - 2 - end]}..{name[len(name) - end :]}"
