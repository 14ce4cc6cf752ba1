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
    from dfs.offline.gathering import Rebuilt

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
    from dfs.columns import count
    from dfs.offline.export import Watcher, export

    watch = _Watch(screen)
    try:
        report = export(store, folder, Watcher(watch.begin, watch.progress, watch.damaged), now)
    finally:
        watch.close()
    damaged = [f"{one.path}: {one.what}" for one in report.damaged]
    said = (
        f"Exported {count(report.documents, 'document')} of {report.server} in "
        f"{count(report.folders, 'folder')} to {folder}: {count(report.texts, 'text')}, "
        f"{count(report.size, 'byte')}."
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


# ------------------------------------------------------------------------------------- rebuild


def _rebuild(
    screen: Screen,
    now: float,
    stores: tuple[str, ...],
    data: str,
    pair: tuple[tuple[str, str], ...],
    dry_run: bool,
) -> int:
    from dfs.offline.rebuild import rebuild as make

    rebuilt = make(data, stores, pair, dry=dry_run)
    if screen.json:
        screen.record(**_rebuilt_fields(rebuilt, data, dry_run))
        return 0
    for text in rebuilt.said:
        screen.note(f"NOTE {text}")
    screen.text(_rebuilt_text(rebuilt, data, dry_run) + "\n")
    return 0


def _rebuilt_text(rebuilt: Rebuilt, data: str, dry_run: bool) -> str:
    from dfs.columns import count, table

    rows = [
        (
            one.pair.name,
            ", ".join(store.identity.name for store in one.stores),
            one.pair.active,
            str(one.pair.epoch),
            str(one.documents),
            str(one.lacking) if not one.alone else "-",
            str(one.behind),
            str(one.buried),
        )
        for one in rebuilt.remnants
    ]
    head = (
        *("PAIR", "STORES", "ACTIVE", "EPOCH"),
        *("DOCUMENTS", "TO COPY", "TO JUDGE", "TO DELETE"),
    )
    folders = sum(not one.gone for one in rebuilt.tree.folders.values())
    done = "Would rebuild" if dry_run else "Rebuilt"
    return "\n".join(
        (
            *table(head, rows, right=(3, 4, 5, 6, 7)),
            f"{done} the journal of the cluster {rebuilt.cluster_id} in {data}: "
            f"{count(len(rebuilt.documents), 'document')}, {count(folders, 'folder')}, "
            f"{count(len(rebuilt.users), 'user')}.",
            "Not rebuilt: access requests; users who own nothing, may read nothing and wrote "
            "nothing.",
        )
    )


def _rebuilt_fields(rebuilt: Rebuilt, data: str, dry_run: bool) -> dict[str, Any]:
    return {
        "data": data,
        "written": not dry_run,
        "cluster": rebuilt.cluster_id,
        "documents": len(rebuilt.documents),
        "folders": sum(not one.gone for one in rebuilt.tree.folders.values()),
        "users": len(rebuilt.users),
        "pairs": [
            {
                "pair": one.pair.name,
                "stores": [store.identity.name for store in one.stores],
                "missing": one.missing,
                "active": one.pair.active,
                "epoch": one.pair.epoch,
                "documents": one.documents,
                "lacking": one.lacking,
                "behind": one.behind,
                "buried": one.buried,
            }
            for one in rebuilt.remnants
        ],
        "notes": rebuilt.said,
    }


def rebuild() -> Verb:
    """C{dfs admin rebuild}."""
    return Verb(
        "dfs admin rebuild",
        "--data <folder> <store>...",
        "Make the journal of a lost name server anew, of the storage folders alone.",
        _never,
        (
            click.Argument(["stores"], metavar="<store>...", type=_FOLDER, nargs=-1, required=True),
            click.Option(
                ["--data"],
                required=True,
                metavar="FOLDER",
                type=click.Path(file_okay=False),
                help="The folder of the new journal, as the name server's --data.",
            ),
            click.Option(
                ["--pair"],
                nargs=2,
                multiple=True,
                metavar="HOME BACKUP",
                help="Two servers are a pair, though their names do not say it.",
            ),
            click.Option(["--dry-run"], is_flag=True, help="Say what would come of it, only."),
        ),
        examples=("dfs admin rebuild --data dfs-nm dfs-ss1 dfs-ss1_backup",),
        details="Stop all servers before, and give the storage folders of all of them, both "
        "members of each pair: what only one of them has is found by that. Needs neither a server "
        "nor the secret; nothing in the storage folders is changed, and a journal that is there is "
        "never overwritten. Then start the name server on FOLDER.",
        offline=_rebuild,
    )
