"""
Who of a pair served last, when only its stores are left to say so.

Decides the state from which a rebuilt name server goes on.  Must not know what is in the stores.

Note [An epoch says who is active].  A pair begins with its home primary in L{FIRST_EPOCH}, and each
step that raises the epoch makes the other member active.  So in odd epochs it is the home primary.
Whoever serves in an epoch has made it durable before, so the highest epoch in any of the stores is
the last one in which anybody served; and whoever was active then has all that was acknowledged.

Note [A new life].  The rebuilt pair is in an epoch that nobody has seen, with the same member
active.  Nothing of the old life counts any more: neither orders and tickets, nor the old journal if
it is found after all, because its stores refuse it.

Note [One store].  A member that is not there may have been made active once more without the other
one hearing of it; so one epoch more is passed over, and the member that is there is active.

Note [Who may lead].  The pair is DOWN, as it is now.  It goes on as soon as the active member is
here.  The other one may take its place only if both were found to have the same; else it has to be
filled first, or an operator says so.
"""

from __future__ import annotations

from dfs.core.pairs import FIRST_EPOCH, Pair, PairState


def home_is_active(epoch: int) -> bool:
    """Whether the home primary is active in an epoch; see Note [An epoch says who is active]."""
    return (epoch - FIRST_EPOCH) % 2 == 0


def revived(name: str, backup: str, home_epoch: int | None, backup_epoch: int | None) -> Pair:
    """
    The pair as a name server begins with it; whether the members are equal is not known yet.

    @param name: of the home primary.
    @param home_epoch: the highest that its store has seen; None if there is no store.
    @param backup_epoch: the same of the backup; one of both is there.
    """
    highest = max(FIRST_EPOCH, home_epoch or 0, backup_epoch or 0)
    if home_epoch is None or backup_epoch is None:
        home_active = home_epoch is not None
        epoch = highest + 2
        if home_is_active(epoch) is not home_active:
            epoch += 1
    else:
        home_active = home_is_active(highest)
        epoch = highest + 2
    return Pair(name, epoch, name if home_active else backup, PairState.DOWN, backup=backup)
