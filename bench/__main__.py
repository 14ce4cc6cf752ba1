"""
C{python -m bench [names …] [--quick]}: measure, print a table, write a file.

Decides what is measured when nothing is said, and how thoroughly.  The exit status is 0 whether
targets were reached or not: figures are to be read, not to turn a light red.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from bench.checkpoints import checkpoints
from bench.failover import failover
from bench.folders import folders
from bench.processes import ROOT, Died
from bench.report import Figure, machine, save, table
from bench.requests import SUBJECTS, Stand
from bench.scale import connections, documents
from bench.startup import disk, help_time
from bench.transfers import transfers

#: Where files with figures go; git ignores them.
RESULTS = ROOT / "bench" / "results"


@frozen
class Thoroughness:
    """
    How much is done.

    @ivar repetitions: of everything that is short.
    @ivar seconds: of a window.
    @ivar documents: that INFO and LOCATE choose from.
    @ivar many: documents to judge memory and starts by.
    @ivar transfer: bytes of the large document.
    @ivar transfers: repetitions of large transfers.
    @ivar connections: idle ones.
    @ivar checkpoints: of the large document.
    """

    repetitions: int
    seconds: float
    documents: int
    many: int
    transfer: int
    transfers: int
    connections: int
    checkpoints: int


FULL = Thoroughness(5, 3.0, 10_000, 200_000, 1024**3, 3, 10_000, 1_000)
QUICK = Thoroughness(1, 0.7, 3_072, 2_000, 32 * 1024**2, 1, 1_000, 100)


def _requests(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    stand = Stand(folder, how.documents, how.repetitions, how.seconds)
    try:
        stand.start()
        for subject in SUBJECTS:
            if subject.kind in names:
                yield stand.figure(subject)
    finally:
        stand.stop()


def _transfers(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    yield from transfers(folder, how.transfer, how.transfers)


def _checkpoints(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    yield from checkpoints(folder, how.transfer, how.repetitions, how.checkpoints)


def _documents(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    yield from documents(folder, how.many, how.transfers)


def _folders(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    yield from folders(folder, how.many // 2, how.repetitions)


def _connections(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    yield from connections(folder, how.connections)


def _failover(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    yield from failover(folder, how.repetitions, how.documents, how.transfer, how.transfers)


def _startup(names: frozenset[str], how: Thoroughness, folder: Path) -> Iterator[Figure]:
    yield disk(folder)
    yield help_time(folder, 10)


_Measure = Callable[[frozenset[str], Thoroughness, Path], Iterator[Figure]]

#: Which names belong together, and who measures them.
PARTS: tuple[tuple[frozenset[str], _Measure], ...] = (
    (frozenset({"startup"}), _startup),
    (frozenset(subject.kind for subject in SUBJECTS), _requests),
    (frozenset({"transfers"}), _transfers),
    (frozenset({"checkpoints"}), _checkpoints),
    (frozenset({"documents"}), _documents),
    (frozenset({"folders"}), _folders),
    (frozenset({"connections"}), _connections),
    (frozenset({"failover"}), _failover),
)

NAMES = [name for names, _ in PARTS for name in sorted(names)]


@contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """A folder on the disk where the data of a server would be, gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(names: frozenset[str], how: Thoroughness, folder: Path) -> list[Figure]:
    figures: list[Figure] = []
    for part, measure in PARTS:
        wanted = part & names
        if not wanted:
            continue
        place = folder / "-".join(sorted(wanted))
        place.mkdir()
        try:
            for figure in measure(wanted, how, place):
                figures.append(figure)
                print(f"  {figure.name}: {statistics.median(figure.values):,.4g} {figure.unit}")
                sys.stdout.flush()
        except (Died, OSError, AssertionError) as error:
            # The other figures are worth having all the same.
            print(f"  {', '.join(sorted(wanted))} FAILED: {type(error).__name__}: {error}")
        shutil.rmtree(place, ignore_errors=True)
    return figures


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure dfs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="everything small, once: a minute")
    parser.add_argument(
        "--directory", type=Path, default=RESULTS, help="where the servers keep their data"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return arguments


def main() -> None:
    """Measure what is asked for."""
    arguments = _arguments()
    names = frozenset(arguments.names or NAMES)
    began = time.time()
    with _workshop(arguments.directory) as folder:
        about = machine(folder)
        print(
            f"{about['processors']} processors ({about['processor']}), Python {about['python']}, "
            f"Twisted {about['twisted']}, data on {about['file system']}\n"
            "Servers and load generators share these processors; the bare server is measured "
            "under the same conditions.",
            flush=True,
        )
        figures = _measure(names, QUICK if arguments.quick else FULL, folder)
    print()
    print(table(figures))
    if arguments.quick:
        print("\nThis was quick: too little and too short to judge targets by.")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y-%m-%dT%H%M%S.json", time.localtime(began))
    about["quick"] = arguments.quick
    save(path, about, figures)
    print(f"\n{time.time() - began:.0f} s; everything is in {path}")


if __name__ == "__main__":
    main()
