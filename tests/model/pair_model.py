# mypy: disable-error-code="no-untyped-def, no-untyped-call, type-arg, var-annotated"
# mypy: disable-error-code="misc, has-type, assignment"
"""
An explicit-state model of a pair: which rules are needed so that no acknowledged write is lost.

Decides nothing about the product and imports nothing of it; L{tests.model.test_pair_model} runs it.

Two members (A = home primary, B = home replica), one name server with a durable journal, one
document, a few writes.  Every interleaving of write, note, fetch, delayed or repeated push, crash,
restart, end of a lease, promotion, registration, reconciliation and handback is visited, within
bounds.  Each rule can be switched off (a "mutant") to show that it is needed; comments in C{dfs}
name the mutants in brackets.

The state is made of tuples, so that it hashes::

    member: (alive, lease, draining, max_epoch, vv, content, conflicts)
       lease 0 = none; vv = (commits made by A, commits made by B)
       content = tuple of write ids; conflicts = frozenset of contents kept aside
    name server: (epoch, active, peer_ok, noted_vv, phase, dirty)   phase: "run" | "drain"
    acked: frozenset of write ids the client was told OK
    pend: frozenset of (write id, member, epoch, vv) committed, not yet acknowledged
    msg: None or (source epoch, target, vv, content, purpose): one push in flight
    nw, nc: writes issued and crashes used so far
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

A, B = 0, 1
MODES = ("local", "noted", "replica")
MUTANTS = (
    "put_ignores_epoch",  # replica accepts a PUT from an older epoch
    "put_ignores_version",  # PUT overwrites whatever is there
    "put_over_concurrent",  # PUT onto a concurrent version: keep ours aside, take theirs
    "promote_before_lease",  # promote without waiting for the old lease (matters in local)
    "note_ignores_epoch",  # NM accepts a note from a deposed primary
    "clear_dirty_blindly",  # queue row removed even if a newer version was noted
    "handback_no_drain",  # roles swapped while the acting primary still writes
    "handback_no_check",  # roles swapped without comparing versions
    "handback_one_way",  # only checks that A has all of B, not that both are equal
    "recover_overwrites",  # returning member is overwritten, its extra writes dropped
    "replica_promotes_stale",  # replica mode: promote although the peer was marked out
    "replica_ack_early",  # replica mode: degrade without recording it first
    "conflict_before_reconcile_lost",  # conflict copy kept only in memory
)


class Bounds(NamedTuple):
    """How far to go."""

    writes: int
    epochs: int
    crashes: int


def dom(x, y):
    """The first version contains the second."""
    return x[0] >= y[0] and x[1] >= y[1]


def init():
    """How it begins."""
    m = (True, 0, False, 1, (0, 0), (), frozenset())
    a = (True, 1, False, 1, (0, 0), (), frozenset())
    return ((a, m), (1, A, True, (0, 0), "run", False), frozenset(), frozenset(), None, 0, 0)


def setm(ms, i, **kw):
    """The members with one of them changed."""
    names = ("alive", "lease", "drain", "maxe", "vv", "content", "conf")
    cur = dict(zip(names, ms[i], strict=False))
    cur.update(kw)
    new = tuple(cur[n] for n in names)
    return (new, ms[1]) if i == 0 else (ms[0], new)


def successors(s, mode, mut, bounds):
    """Every step that is possible."""
    ms, nm, acked, pend, msg, nw, nc = s
    epoch, active, peer_ok, noted, phase, dirty = nm
    out = []

    def add(label, ms=ms, nm=nm, acked=acked, pend=pend, msg=msg, nw=nw, nc=nc):
        out.append((label, (ms, nm, acked, pend, msg, nw, nc)))

    for i in (A, B):
        alive, lease, drain, maxe, vv, content, conf = ms[i]
        1 - i
        # a member that believes it holds a lease commits a write in its journal
        if alive and lease and not drain and nw < bounds.writes:
            w = nw + 1
            nvv = (vv[0] + 1, vv[1]) if i == A else (vv[0], vv[1] + 1)
            ms2 = setm(ms, i, vv=nvv, content=(*content, w))
            if mode == "local":
                add(f"write{w}@{'AB'[i]}", ms=ms2, acked=acked | {w}, nw=w)
            else:
                add(f"write{w}@{'AB'[i]}", ms=ms2, pend=pend | {(w, i, lease, nvv)}, nw=w)
        # note: the member tells the NM what it has committed
        if alive and lease and (vv != noted):
            ok = (lease == epoch and i == active) or mut == "note_ignores_epoch"
            if ok:
                done = frozenset(p for p in pend if p[1] == i and p[2] == lease and dom(vv, p[3]))
                if mode == "noted":
                    add(
                        "note@{}".format("AB"[i]),
                        nm=(epoch, active, peer_ok, vv, phase, True),
                        acked=acked | {p[0] for p in done},
                        pend=pend - done,
                    )
                else:
                    # replica mode: a note alone is an ack only if the NM already
                    # recorded that the peer is out
                    if mode == "replica" and (not peer_ok or mut == "replica_ack_early"):
                        add(
                            "note-solo@{}".format("AB"[i]),
                            nm=(epoch, active, peer_ok, vv, phase, True),
                            acked=acked | {p[0] for p in done},
                            pend=pend - done,
                        )
                    else:
                        add("note@{}".format("AB"[i]), nm=(epoch, active, peer_ok, vv, phase, True))
        # lease expiry by the member's own clock (any time it is not renewed)
        if alive and lease:
            add("lease-expires@{}".format("AB"[i]), ms=setm(ms, i, lease=0, drain=False))
        if alive and nc < bounds.crashes:
            c2 = conf
            if mut == "conflict_before_reconcile_lost":
                c2 = frozenset()
            add(
                "crash@{}".format("AB"[i]),
                ms=setm(ms, i, alive=False, lease=0, drain=False, conf=c2),
                pend=frozenset(p for p in pend if p[1] != i),
                nc=nc + 1,
            )
        if not alive:
            add("restart@{}".format("AB"[i]), ms=setm(ms, i, alive=True))

    a_alive, a_lease = ms[active][0], ms[active][1]
    peer = 1 - active
    # NM re-grants the lease to the recorded holder (start, restart, NM restart)
    if a_alive and a_lease != epoch and epoch >= ms[active][3]:
        add(
            "grant@{}".format("AB"[active]),
            ms=setm(ms, active, lease=epoch, drain=False, maxe=epoch),
        )
    # NM marks the peer out of sync (recorded before anybody relies on it)
    if peer_ok and not ms[peer][0]:
        add("mark-out", nm=(epoch, active, False, noted, phase, dirty))
    # worker: fetch from the active member, PUT later (may be delayed arbitrarily)
    if msg is None and a_alive and a_lease == epoch and ms[active][4] != ms[peer][4]:
        add("fetch", msg=(epoch, peer, ms[active][4], ms[active][5], "sync"))
    if msg is not None:
        e, dst, mvv, mcontent, _purpose = msg
        alive, lease, drain, maxe, vv, content, conf = ms[dst]
        add("put-lost", msg=None)
        if alive:
            for dup in (False, True):  # network or NM retry may deliver twice
                keep = msg if dup else None
                if e < maxe and mut != "put_ignores_epoch":
                    if not dup:
                        add("put-fenced", msg=None)
                    continue
                ms2 = setm(ms, dst, maxe=max(maxe, e))
                if mut == "put_ignores_version":
                    ms2 = setm(ms2, dst, vv=mvv, content=mcontent)
                elif dom(vv, mvv):
                    pass  # already there or newer: no-op, still OK
                elif dom(mvv, vv):
                    ms2 = setm(ms2, dst, vv=mvv, content=mcontent)
                elif mut == "put_over_concurrent":  # keep ours aside, take theirs
                    ms2 = setm(ms2, dst, vv=mvv, content=mcontent, conf=conf | {content})
                else:  # concurrent: refuse; reconcile decides
                    if not dup:
                        add("put-diverged", ms=ms2, msg=None)
                    continue
                nm2, ack2, pend2 = nm, acked, pend
                if e == epoch and dst == 1 - active:
                    if mode == "replica" and peer_ok:
                        done = frozenset(
                            p for p in pend if p[1] == active and p[2] == e and dom(mvv, p[3])
                        )
                        ack2, pend2 = acked | {p[0] for p in done}, pend - done
                    caught = dom(mvv, noted) or mut == "clear_dirty_blindly"
                    if caught:
                        ok = peer_ok or dom(mvv, ms[active][4])
                        nm2 = (epoch, active, ok, noted, phase, False)
                add(
                    "put%s" % ("-dup" if dup else ""),
                    ms=ms2,
                    nm=nm2,
                    acked=ack2,
                    pend=pend2,
                    msg=keep,
                )
    # promotion of the peer
    if epoch < bounds.epochs and phase in ("run", "drain") and ms[peer][0]:
        old_lease_gone = (not a_alive) or a_lease != epoch
        # In noted/replica mode clocks are allowed to be wrong: safety must come from epochs.
        clock_ok = old_lease_gone or mode != "local" or mut == "promote_before_lease"
        elig = True
        if mode == "replica":
            elig = peer_ok or mut == "replica_promotes_stale"
        if clock_ok and elig:
            ms2 = setm(ms, peer, lease=epoch + 1, maxe=epoch + 1, drain=False)
            add(
                "promote@{}".format("AB"[peer]),
                ms=ms2,
                nm=(epoch + 1, peer, False, noted, "run", True),
            )
    # reconcile a returned, deposed member with the active one (both reachable)
    if a_alive and a_lease == epoch and ms[peer][0] and not ms[peer][1]:
        avv, acont, aconf = ms[active][4:7]
        pvv, pcont, pconf = ms[peer][4:7]
        if not dom(avv, pvv) or pconf:
            if mut == "recover_overwrites":
                add("overwrite-returning", ms=setm(ms, peer, vv=avv, content=acont, maxe=epoch))
            elif dom(pvv, avv) and not pconf:
                # nobody touched the file since: adopt the late write as a new commit
                nvv = (pvv[0] + 1, pvv[1]) if active == A else (pvv[0], pvv[1] + 1)
                add("adopt", ms=setm(ms, active, vv=nvv, content=pcont))
            else:
                # keep the divergent text as a conflict version on the active member,
                # with a version above both, then let normal replication carry it
                extra = set(pconf)
                if not dom(avv, pvv):
                    extra.add(pcont)
                mvv = (max(avv[0], pvv[0]), max(avv[1], pvv[1]))
                mvv = (mvv[0] + 1, mvv[1]) if active == A else (mvv[0], mvv[1] + 1)
                ms2 = setm(ms, active, vv=mvv, conf=aconf | frozenset(extra))
                ms2 = setm(ms2, peer, conf=frozenset())
                add("conflict-copy", ms=ms2)
    # handback to A
    if active == B and phase == "run" and ms[A][0] and a_alive and a_lease == epoch:
        if mut == "handback_no_drain":
            if dom(ms[A][4], ms[B][4]) and epoch < bounds.epochs:
                add(
                    "handback",
                    ms=setm(ms, A, lease=epoch + 1, maxe=epoch + 1),
                    nm=(epoch + 1, A, False, noted, "run", True),
                )
        else:
            add(
                "drain",
                ms=setm(ms, B, drain=True),
                nm=(epoch, active, peer_ok, noted, "drain", dirty),
            )
    if phase == "drain":
        if not (a_alive and ms[active][2]):
            add("drain-cancel", nm=(epoch, active, peer_ok, noted, "run", dirty))
        elif (
            ms[A][0]
            and epoch < bounds.epochs
            and (
                ms[A][4] == ms[B][4]
                or mut == "handback_no_check"
                or (mut == "handback_one_way" and dom(ms[A][4], ms[B][4]))
            )
        ):
            ms2 = setm(ms, B, lease=0, drain=False)
            ms2 = setm(ms2, A, lease=epoch + 1, maxe=epoch + 1)
            # the queue row stays unless the version just compared covers what was noted
            add(
                "handback-done",
                ms=ms2,
                nm=(
                    epoch + 1,
                    A,
                    True,
                    noted,
                    "run",
                    not dom(ms[B][4], noted) and mut != "handback_one_way",
                ),
            )
        else:
            add(
                "drain-abort",
                ms=setm(ms, active, drain=False),
                nm=(epoch, active, peer_ok, noted, "run", dirty),
            )
    return out


def check(s, mode):
    """What is wrong with a state; None if nothing is."""
    ms, nm, acked, _pend, msg, _nw, _nc = s
    _epoch, active, peer_ok, noted, _phase, dirty = nm
    everywhere = set()
    for m in ms:
        everywhere |= set(m[5])
        for c in m[6]:
            everywhere |= set(c)
    lost = acked - everywhere
    if lost:
        return f"acked write(s) {sorted(lost)} are nowhere"
    if mode == "local":
        holders = [i for i in (A, B) if ms[i][0] and ms[i][1]]
        if len(holders) == 2:
            return "two members hold leases at once"
    if mode == "replica" and peer_ok:
        for i in (A, B):
            here = set(ms[i][5])
            for c in ms[i][6]:
                here |= set(c)
            if acked - here:
                return "peer marked in sync but {} lacks acked {}".format(
                    "AB"[i], sorted(acked - here)
                )
    if not dirty and not dom(ms[1 - active][4], noted):
        return "queue is empty but the peer misses a noted version"
    # what a user can reach: once both are up and equal, everything acked is on the active one
    if all(m[0] for m in ms) and ms[A][4] == ms[B][4] and msg is None:
        act = set(ms[active][5])
        for c in ms[active][6] | ms[1 - active][6]:
            act |= set(c)
        if ms[A][5] != ms[B][5]:
            return "equal versions, different bytes"
        if acked - act:
            return f"settled pair lacks acked {sorted(acked - act)}"
    return None


def explore(mode, bounds, mut=None, limit=3_000_000):
    """How many states there are; the first violation, and the steps to it."""
    s0 = init()
    seen = {s0: None}
    q = deque([s0])
    while q:
        s = q.popleft()
        bad = check(s, mode)
        if bad:
            path = []
            while seen[s] is not None:
                label, s = seen[s]
                path.append(label)
            return len(seen), bad, path[::-1]
        for label, t in successors(s, mode, mut, bounds):
            if t not in seen:
                seen[t] = (label, s)
                q.append(t)
        if len(seen) > limit:
            return len(seen), "LIMIT", []
    return len(seen), None, []
