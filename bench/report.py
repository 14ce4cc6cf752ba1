"""
What was measured, as a table for people and as a file for later comparison.

Decides how figures are summed up: medians, smallest and largest, the ratio to the bare server.
Must not know how they were measured.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from bench.processes import ROOT


@frozen
class Target:
    """
    What a figure should be.

    @ivar value: the bound.
    @ivar at_least: it is a lower bound.
    @ivar of_ratio: it is about the ratio to the bare server.
    """

    value: float
    at_least: bool = True
    of_ratio: bool = False

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {number(self.value)}" + (" x bare" if self.of_ratio else "")

    def reached(self, value: float) -> bool:
        """Whether this value is good enough."""
        return value >= self.value if self.at_least else value <= self.value


@frozen
class Figure:
    """
    One thing that was measured several times.

    @ivar unit: such as C{/s}, C{MB/s}, C{KiB}.
    @ivar values: one for each repetition.
    @ivar bare: the same of the bare server, measured right before each; may be empty.
    @ivar note: what a reader has to know, one line.
    @ivar details: whatever else is known, for the file.
    """

    name: str
    unit: str
    values: Sequence[float]
    bare: Sequence[float] = ()
    target: Target | None = None
    note: str = ""
    details: Any = None

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float | None:
        """The median of the ratios of neighbours, so that a disturbance hits both."""
        if not self.bare:
            return None
        return statistics.median(a / b for a, b in zip(self.values, self.bare, strict=True))

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached, if there is one."""
        if self.target is None:
            return None
        value = self.ratio if self.target.of_ratio else self.median
        return None if value is None else self.target.reached(value)


def number(value: float) -> str:
    """A number with as many digits as a reader needs."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


_COLUMNS = ("figure", "median", "min … max", "bare", "ratio", "target", "")


def row(figure: Figure) -> tuple[str, ...]:
    """One line of the table."""
    unit = figure.unit if figure.unit[:1] in ("/", "") else " " + figure.unit
    ratio = figure.ratio
    reached = {True: "reached", False: "MISSED", None: ""}[figure.reached]
    return (
        figure.name,
        number(figure.median) + unit,
        f"{number(min(figure.values))} … {number(max(figure.values))}",
        number(statistics.median(figure.bare)) if figure.bare else "",
        f"{ratio:.2f}" if ratio is not None else "",
        str(figure.target) if figure.target else "",
        reached,
    )


def table(figures: Iterable[Figure]) -> str:
    """All figures, and below each what there is to say about it."""
    kept = list(figures)
    rows = [_COLUMNS, *map(row, kept)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for index, cells in enumerate(rows):
        padded = [
            cell.ljust(width) if place in (0, 5, 6) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
        if index and kept[index - 1].note:
            lines.append("    " + kept[index - 1].note)
    return "\n".join(lines)


def machine(folder: Path) -> dict[str, Any]:
    """Where this was measured."""
    return {
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "changed": bool(_said("git", "status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "twisted": version("twisted"),
        "kernel": platform.release(),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "file system": _said("stat", "-f", "-c", "%T", str(folder)),
        "load before": os.getloadavg()[0],
    }


def save(path: Path, about: dict[str, Any], figures: Iterable[Figure]) -> None:
    """Write everything that is known."""
    kept = [
        asdict(figure) | {"median": figure.median, "ratio": figure.ratio, "reached": figure.reached}
        for figure in figures
    ]
    text = json.dumps({"machine": about, "figures": kept}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
