"""
Where documents stand and what is kept under their tags, against what people were told.

Decides what MOVE, CHECKPOINT and DELETECHECKPOINT promise when everything has settled.  Must not
know how anything is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dfs.sim.ledger import Deed, Ledger


def misplaced(ledger: Ledger, path: str, found: Sequence[str]) -> Iterator[str]:
    """
    I10: a document stands in one place, where it was moved last.

    @param found: where it stands.
    """
    if len(found) != 1:
        yield f"I10: {path} stands at {found}"
        return
    moves = list(ledger.on(path, "MOVE"))
    shifts = [one for one in ledger.deeds if one.verb == "MOVEFOLDER"]
    for last in moves:
        others = [one for one in (*moves, *shifts) if one is not last and one.possible]
        newest = last.done and all(one.before(last) for one in others)
        if newest and found[0] != last.answer:
            yield f"I4: {path} stands at {found[0]}: {last}, to {last.answer}"


def mislaid(ledger: Ledger, path: str, tags: Mapping[str, set[bytes]]) -> Iterator[str]:
    """
    I4: each checkpoint is kept under its tag until it is deleted, with what was there then.

    One that was deleted may come back: when both members of a pair have changed a document apart,
    the tags of both are kept.

    @param tags: what is kept: the words under each tag.
    """
    drops = list(ledger.on(path, "DELETECHECKPOINT"))
    for made in ledger.on(path, "CHECKPOINT"):
        ends = [one for one in drops if one.tag == made.tag and one.possible]
        if made.done and not ends and made.tag not in tags:
            yield f"I4: lost: {made}, {made.tag}"
        if made.tag in tags:
            yield from _lacking(ledger, made, tags[made.tag])
            if not made.possible:
                yield f"I2: refused and done: {made}"


def _lacking(ledger: Ledger, made: Deed, words: set[bytes]) -> Iterator[str]:
    """What a checkpoint must hold: all that was added before, and not reverted since."""
    reverts = [one for one in ledger.on(made.path, "REVERT") if one.possible]
    for added in ledger.on(made.path, "APPEND"):
        if not added.done or not added.before(made) or added.era != made.era:
            continue
        undone = any(not one.before(added) and one.began < made.ended for one in reverts)
        if not undone and added.word not in words:
            yield f"I4: {made}, {made.tag}, lacks {added}"
