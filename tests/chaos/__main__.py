"""
C{python -m tests.chaos}: a run, or several, for somebody who watches.

Decides what can be said on the command line.  Must not know what a run is.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from tests.chaos.runs import Run


async def _main(words: argparse.Namespace) -> None:
    seed = secrets.randbelow(1_000_000) if words.seed is None else words.seed
    folder = Path(tempfile.mkdtemp(prefix=f"dfs-chaos-{seed}-", dir=words.folder))
    options = ("--ack", "replica") if words.replica else ()
    run = Run(seed, words.seconds, folder, lambda line: print(line, flush=True), options)
    await run.all()
    print(run.report())
    if run.wrong:
        raise SystemExit(run.complaints())
    print("nothing is wrong")


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="decides everything; drawn if it is not given")
    parser.add_argument("--seconds", type=float, default=180.0, help="that the storm lasts")
    parser.add_argument(
        "--folder", help="for stores and logs; they stay there if something is wrong"
    )
    parser.add_argument("--replica", action="store_true", help="with --ack replica")
    return parser.parse_args()


if __name__ == "__main__":
    words = _words()
    react(lambda reactor: Deferred.fromCoroutine(_main(words)))
