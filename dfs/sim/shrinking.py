"""
The fewest faults with which a history still goes wrong.

Decides which faults are left out next.  Must not know what they do.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from dfs.sim.history import Options, Result

#: Runs a history.
Runs = Callable[[Options], Result]


def kind_of_trouble(result: Result) -> str:
    """What went wrong, in a word: the invariant, or that there was a defect."""
    return result.wrong[0].partition(":")[0] if result.wrong else ""


def shrunk(first: Result, run: Runs, tell: Callable[[str], None]) -> Result:
    """
    Leave out as many faults as possible, first half of them at once, then fewer and fewer.

    @param first: a history that went wrong.
    @param tell: is told how far it is.
    """
    best, trouble = first, kind_of_trouble(first)
    numbers = [one for one in range(1, first.struck + 1) if one not in first.options.spared]
    size = len(numbers)
    while size:
        at = 0
        while at < len(numbers):
            left_out = numbers[at : at + size]
            options = evolve(
                best.options, spared=first.options.spared | best.options.spared | set(left_out)
            )
            result = run(options)
            if kind_of_trouble(result) == trouble:
                best = result
                numbers = numbers[:at] + numbers[at + size :]
                tell(f"{len(numbers)} faults are left")
            else:
                at += size
        size //= 2
    return best
