"""
C{dfs sim}: simulated histories, for whoever looks for defects, or has found one.

Decides how it is typed and what is printed.  Imports no Twisted before it runs, so that C{dfs
--help} is quick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dfs.sim.history import Options, Result

#: Seconds on any steady clock.
Timer = Callable[[], float]


def command(timer: Timer, prepare: Callable[[], None]) -> click.Command:
    """
    The command.

    @param prepare: called before anything runs: where Twisted logs.
    """

    def act(**values: Any) -> int:
        prepare()
        return _run(timer, **values)

    return click.Command(
        "sim",
        callback=act,
        short_help="Look for defects of this software in simulated clusters.",
        help="Run whole clusters in memory, on a simulated clock, network and disks, with people "
        "who work and everything going wrong, and judge them. A seed decides everything: the "
        "same seed does the same again. Exit status: 0 nothing found, 1 something is wrong.",
        params=[
            click.Option(["--seed"], type=int, help="One history."),
            click.Option(["--seeds"], metavar="FIRST-LAST", help="Several; default 0-99."),
            click.Option(
                ["--faults"],
                metavar="NAME,…",
                help="Only of these kinds; LIST shows which there are. Default: all.",
            ),
            click.Option(
                ["--seconds"],
                type=click.FloatRange(1, 3600),
                default=45.0,
                help="How long the storm lasts, in simulated seconds; default 45.",
            ),
            click.Option(["--spare"], metavar="N,…", help="Leave out faults, by their numbers."),
            click.Option(["--trace"], is_flag=True, help="Print everything that happens."),
            click.Option(
                ["--shrink"], is_flag=True, help="Leave out faults as long as it still fails."
            ),
        ],
    )


def _run(
    timer: Timer,
    *,
    seed: int | None,
    seeds: str | None,
    faults: str | None,
    seconds: float,
    spare: str | None,
    trace: bool,
    shrink: bool,
) -> int:
    from dfs.sim.faults import FAULTS, TRAITS
    from dfs.sim.history import Options, run
    from dfs.sim.losses import LOSSES
    from dfs.sim.orders import ORDERS

    known = (*FAULTS, *LOSSES, *ORDERS, *TRAITS)
    if faults == "LIST":
        click.echo("\n".join(known))
        return 0
    chosen = None if faults is None else tuple(word for word in faults.split(",") if word)
    if unknown := set(chosen or ()) - set(known):
        raise click.UsageError(f"no such faults: {', '.join(sorted(unknown))}; LIST shows all")
    first, last = (seed, seed) if seed is not None else _range(seeds or "0-99")
    spared = frozenset(_numbers(spare or ""))
    report = Report(timer)
    for number in range(first, last + 1):
        options = Options(number, chosen, seconds, spared)
        result = run(options, click.echo if trace else _nothing)
        report.add(result)
        if result.wrong and shrink:
            from dfs.sim.shrinking import shrunk

            result = shrunk(result, run, click.echo)
        if result.wrong:
            report.explain(result)
    report.end()
    return 1 if report.bad else 0


def _nothing(line: str) -> None:
    """Nobody wants to see it."""


def _range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if first.isdigit() and (not dash or last.isdigit()):
        return int(first), int(last or first)
    raise click.UsageError(f"{text!r} is no range of seeds; it looks like 0-99")


def _numbers(text: str) -> list[int]:
    words = [word for word in text.split(",") if word]
    if not all(word.isdigit() for word in words):
        raise click.UsageError(f"{text!r} are no numbers; they look like 3,5,8")
    return [int(word) for word in words]


class Report:
    """
    What is printed.

    @ivar bad: the seeds that went wrong.
    """

    def __init__(self, timer: Timer) -> None:
        self.bad: list[int] = []
        self._timer = timer
        self._began = self._last = timer()
        self._histories = 0
        self._virtual = 0.0
        self._faults: Counter[str] = Counter()

    def add(self, result: Result) -> None:
        """A history is over."""
        now = self._timer()
        took, self._last = now - self._last, now
        self._histories += 1
        self._virtual += result.virtual
        self._faults += result.faults
        if result.wrong:
            self.bad.append(result.options.seed)
        click.echo(
            f"seed {result.options.seed} {'WRONG' if result.wrong else 'ok'} {result.digest}"
            f" {took:.2f} s for {result.virtual:.0f} s, {result.struck} faults"
        )

    def explain(self, result: Result) -> None:
        """Everything about a history that went wrong."""
        click.echo(f"\nThe last events of seed {result.options.seed}:\n")
        for line in result.last:
            click.echo(line)
        click.echo(f"\nSeed {result.options.seed} ({result.setting}) is wrong:\n")
        for wrong in result.wrong:
            click.echo(f"  {wrong}")
        click.echo(f"\nTo see it again: dfs sim {_typed(result.options)} --trace\n")

    def end(self) -> None:
        """All are over."""
        took = self._timer() - self._began
        faults = ", ".join(f"{kind} {count}" for kind, count in sorted(self._faults.items()))
        click.echo(
            f"{self._histories} histories of {self._virtual:.0f} simulated seconds in {took:.1f} s;"
            f" faults: {faults or 'none'}"
        )
        if self.bad:
            click.echo(f"WRONG: {', '.join(map(str, self.bad))}")


def _typed(options: Options) -> str:
    words = [f"--seed {options.seed} --seconds {options.seconds:g}"]
    if options.faults is not None:
        words.append(f"--faults {','.join(options.faults)}")
    if options.spared:
        words.append(f"--spare {','.join(map(str, sorted(options.spared)))}")
    return " ".join(words)
