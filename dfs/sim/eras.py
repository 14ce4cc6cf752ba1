"""
Since when nobody had to take a pair over from a member that was lost.

Decides what counts as such a loss: a handback is none, because both members have the same then.
Must not know who asks.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from dfs.core.pairs import Pair, PairState


@define(eq=False)
class Eras:
    """
    Counts, for all pairs together.

    @ivar pairs: as the name server has them in its journal.
    """

    pairs: Mapping[str, Pair]
    _seen: dict[str, Pair] = field(factory=dict, init=False)
    _handbacks: int = field(default=0, init=False)

    def now(self) -> int:
        """
        A number that rises when another member becomes active without a handback.

        To be asked at least whenever somebody says something, so that no state is missed.
        """
        for name, pair in self.pairs.items():
            before = self._seen.get(name, pair)
            handed = before.state is PairState.HANDBACK and pair.state is PairState.PROTECTED
            if handed and pair.epoch == before.epoch + 1:
                self._handbacks += 1
            self._seen[name] = pair
        return sum(pair.epoch for pair in self.pairs.values()) - self._handbacks
