"""
What CHECKPOINT, VIEWCHECKPOINT, REVERT, LISTCHECKPOINTS and DELETECHECKPOINT do.

Decides what is asked of the library and what is printed.  Must not know how a command is typed, nor
where its output goes.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dfs.client.commands import show
from dfs.client.verbs import Work

if TYPE_CHECKING:
    from dfs.wire.messages import CheckpointLine


async def checkpoint(work: Work, path: str, tag: str) -> None:
    """C{CHECKPOINT}."""
    committed = await work.session.checkpoints.make(path, tag)
    work.screen.committed("Checkpoint Successful!", committed, path=path, tag=tag)


async def revert(work: Work, path: str, tag: str) -> None:
    """C{REVERT}."""
    committed = await work.session.checkpoints.revert(path, tag)
    work.screen.committed("Revert Successful!", committed, path=path, tag=tag)


async def delete(work: Work, path: str, tag: str) -> None:
    """C{DELETECHECKPOINT}."""
    committed = await work.session.checkpoints.delete(path, tag)
    work.screen.committed("Checkpoint deleted successfully!", committed, path=path, tag=tag)


async def view(work: Work, path: str, tag: str, local: str | None, raw: bool) -> None:
    """C{VIEWCHECKPOINT}."""
    checkpoints = work.session.checkpoints
    if local is None:
        await show(work, await checkpoints.open_read(path, tag), raw, tag=tag)
        return
    from dfs.client.transfer import save

    total = None
    if work.screen.shows_progress:
        sizes = {one.tag: one.size for one in await checkpoints.lines(path)}
        total = sizes.get(tag)
    await save(work, path, local, lambda: checkpoints.open_read(path, tag), total, tag=tag)


async def list_(work: Work, path: str) -> None:
    """C{LISTCHECKPOINTS}."""
    lines = await work.session.checkpoints.lines(path)
    if work.screen.json:
        for line in lines:
            work.screen.record(**_record(line))
    elif not lines:
        work.screen.text("No checkpoints found.\n")
    else:
        work.screen.text(_table(lines) + "\n")


def _record(line: CheckpointLine) -> dict[str, Any]:
    """A checkpoint for a program."""
    from attrs import asdict

    from dfs.client.render import stamp

    return {**asdict(line), "made": stamp(line.made)}


def _table(lines: list[CheckpointLine]) -> str:
    """Checkpoints for people."""
    from dfs.client.render import moment, table

    return table(
        ("TAG", "SIZE", "WORDS", "MADE", "BY", "KIND"),
        (
            (
                line.tag,
                str(line.size),
                str(line.words),
                moment(line.made),
                line.made_by,
                "conflict" if line.conflict else "checkpoint",
            )
            for line in lines
        ),
        right=(1, 2),
    )
