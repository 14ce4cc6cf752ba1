"""
What a document or folder may be called.

Decides which paths are legal and which two spellings are the same path.  Must not know what
stands at a path, or that there is a disk: a path is data and never becomes a file name.
"""

from __future__ import annotations

import unicodedata

from dfs.errors import Invalid

#: The most bytes of a whole path, in UTF-8.
MAX_PATH_BYTES = 1_024

#: The most bytes of one part, in UTF-8.
MAX_PART_BYTES = 255

_LINE_BREAKS = "\u2028\u2029"


def composed(text: str, what: str) -> str:
    """
    The one spelling (NFC) of a name that a person can see as one line.

    @param what: what the text names, for the message.
    @raise Invalid: it holds control characters, or is no text.
    """
    for character in text:
        category = unicodedata.category(character)
        if category == "Cc" or character in _LINE_BREAKS:
            raise Invalid(f"{what} may not contain control characters or line breaks.")
        if category == "Cs":
            raise Invalid(f"{what} must be valid UTF-8.")
    return unicodedata.normalize("NFC", text)


def normalize(text: str) -> str:
    """
    The one spelling of a path: NFC, without the leading slash.

    @raise Invalid: no document or folder can have this path.
    """
    path = composed(text.removeprefix("/"), "A path")
    if not path:
        raise Invalid("A path may not be empty.")
    if len(path.encode("utf-8")) > MAX_PATH_BYTES:
        raise Invalid(f"A path may have at most {MAX_PATH_BYTES} bytes.")
    for part in parts(path):
        _check_part(part)
    return path


def folder(text: str) -> str:
    """
    The one spelling of the path of a folder, which may end with a slash; empty for the root.

    @raise Invalid: no folder can have this path.
    """
    path = text.removesuffix("/")
    return normalize(path) if path.removeprefix("/") else ""


def parts(path: str) -> list[str]:
    """The names along a normalized path."""
    return path.split("/")


def split(path: str) -> tuple[str, str]:
    """
    The folder of a normalized path, and the name in it.

    @return: the folder is empty at the root.
    """
    parent, _, name = path.rpartition("/")
    return parent, name


def beside(path: str, ending: str) -> str:
    """
    A path for something that belongs beside a document: its own with an ending, cut to fit.

    @param ending: ASCII, short.
    """
    folder, name = split(path)
    room = min(MAX_PART_BYTES, MAX_PATH_BYTES - len(folder.encode()) - 1) - len(ending)
    # A character that is cut through is left out.
    cut = name.encode()[: max(1, room)].decode(errors="ignore")
    return f"{folder}/{cut}{ending}" if folder else cut + ending


def _check_part(part: str) -> None:
    if not part:
        raise Invalid("A path may not have empty parts: it has one slash between two names.")
    if part in (".", ".."):
        raise Invalid("A path may not have the parts '.' and '..'.")
    if len(part.encode("utf-8")) > MAX_PART_BYTES:
        raise Invalid(f"Each part of a path may have at most {MAX_PART_BYTES} bytes.")
