"""
Tables and figures as people read them in a terminal.

Decides how wide a text is, how columns stand, and how an amount or a time is called.  Pure; must
not know what is shown, nor whether it is safe to show.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")

#: Seconds, and what so many of them are called.
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def width(text: str) -> int:
    """How many columns a terminal needs for a text."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF")
        for mark in text
    )


def cut(text: str, columns: int) -> str:
    """A text that needs no more than so many columns; one that was longer ends with C{…}."""
    if width(text) <= columns:
        return text
    shown, room = [], columns - 1
    for mark in text:
        room -= width(mark)
        if room < 0:
            break
        shown.append(mark)
    return "".join(shown) + "…" if columns > 0 else ""


def fitted(text: str, columns: int, *, right: bool = False) -> str:
    """A text that needs exactly so many columns."""
    shown = cut(text, columns)
    blank = " " * (columns - width(shown))
    return blank + shown if right else shown + blank


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()
) -> list[str]:
    """
    Rows in columns under a head.

    @param right: numbers of the columns whose figures stand to the right.
    """
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            fitted(cell, wide, right=number in right)
            for number, (cell, wide) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def size(amount: int) -> str:
    """An amount of bytes."""
    if amount < 1024:
        return f"{amount} B"
    figure = float(amount)
    unit = 0
    while figure >= 1023.95 and unit < len(_UNITS) - 1:
        figure /= 1024
        unit += 1
    return f"{figure:.1f} {_UNITS[unit]}"


def count(number: int, one: str, many: str = "") -> str:
    """A number and its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(seconds: float) -> str:
    """A time that passed or will pass: C{42 s}, C{3 min 5 s}, C{2 d 4 h}."""
    left = max(0, round(seconds))
    for place, (unit, name) in enumerate(_SPANS[:-1]):
        if left >= unit:
            smaller, small = _SPANS[place + 1]
            rest = left % unit // smaller
            return f"{left // unit} {name}" + (f" {rest} {small}" if rest else "")
    return f"{left} s"
