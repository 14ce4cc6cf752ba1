"""
C{dfs export} and C{dfs admin rebuild}: what is done with folders of servers that do not run.

Decides how they are typed and what is printed.  Must not know how they do it (L{dfs.offline}), and
imports that when one really runs, so that C{dfs --help} is quick.  Needs no server and no reactor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from dfs.client.screen import Progress, Screen
from dfs.client.verbs import Verb, Work
from dfs.errors import DFSError, Internal, Unavailable

if TYPE_CHECKING:
    from dfs.offline.export import Damage

_FOLDER = click.Path(exists=True, file_okay=False)


async def _never(work: Work, **values: Any) -> None:
    raise AssertionError("this is done without a server")


def run(act: Callable[[], int], screen: Screen, *, debug: bool) -> int:
    """
    Do something; the exit status.

    @param debug: show where an unexpected error came from.
    """
    try:
        status = act()
        screen.flush()
        return status
    except BrokenPipeError:
        raise
    except DFSError as error:
        screen.error(error)
    except OSError as error:
        screen.error(Unavailable(f"{error.filename or 'the disk'}: {error.strerror or error}"))
    except Exception as error:
        if debug:
            import traceback

            for line in traceback.format_exception(error):
                for row in line.rstrip().splitlines():
                    screen.note(row)
        screen.error(
            Internal(
                f"unexpected {type(error).__name__}: {error}; this is a defect of the program, "
                "dfs --debug shows more"
            )
        )
    return 1


# -------------------------------------------------------------------------------------- export


class _Watch:
    """Shows how far an export is, and what was damaged."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._bar: Progress | None = None

    def begin(self, total: int) -> None:
        """It is known how much there is."""
        self._bar = self._screen.progress("exported", total)

    def progress(self, size: int) -> None:
        """So many more bytes are written."""
        if self._bar is not None:
            self._bar.update(size)

    def damaged(self, damage: Damage) -> None:
        """Something cannot be read."""
        if not self._screen.json:
            self._screen.note(f"DAMAGED {damage.path}: {damage.what}: {damage.reason}")

    def close(self) -> None:
        """It is over."""
        if self._bar is not None:
            self._bar.close()


def _export(screen: Screen, now: float, store: str, folder: str) -> int:
    from dfs.offline.export import Watcher, export

    watch = _Watch(screen)
    try:
        report = export(store, folder, Watcher(watch.begin, watch.progress, watch.damaged), now)
    finally:
        watch.close()
    damaged = [f"{one.path}: {one.what}" for one in report.damaged]
    said = (
        f"Exported {report.documents:,} documents of {report.server} in {report.folders:,} folders "
        f"to {folder}: {report.texts:,} texts, {report.size:,} bytes."
    )
    if report.lost:
        said += f"\nThe folders of {report.lost:,} are not known: see lost-folders."
    if damaged:
        said += f"\n{len(damaged):,} could not be read, and are named above and in dfs-export.json."
    screen.result(
        said,
        server=report.server,
        folder=folder,
        documents=report.documents,
        folders=report.folders,
        texts=report.texts,
        size=report.size,
        deleted=report.deleted,
        lost=report.lost,
        damaged=damaged,
    )
    return 1 if damaged else 0


def export() -> Verb:
    """C{dfs export}."""
    return Verb(
        "dfs export",
        "<store> <folder>",
        "Write all documents of a stopped storage server as plain files.",
        _never,
        (
            click.Argument(["store"], metavar="<store>", type=_FOLDER),
            click.Argument(["folder"], metavar="<folder>", type=click.Path()),
        ),
        examples=("dfs export dfs-ss1 /mnt/usb/documents",),
        details="STORE is the storage folder of a server that does not run; nothing in it is "
        "changed. FOLDER has to be new or empty. Each document becomes a file at its path, with a "
        "file .meta (owner, access list, times, ...) and a folder .history (undo, redo, "
        "checkpoints) beside it; README.txt there explains it. Deleted documents are left out. "
        "What is damaged is named, and the status is 1.",
        offline=_export,
    )


def group() -> dict[str, click.Command]:
    """What C{dfs} has of this, by name."""
    return {"export": export().command}
