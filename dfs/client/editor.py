"""
The WRITE command: a person, or a script, edits one sentence; RETRY after a server was lost.

Decides what a line may say, what is answered to it, and what becomes of lines whose session ended.
Must not know sentences; the server does.
"""

from __future__ import annotations

from typing import NoReturn

from attrs import evolve
from twisted.internet.defer import CancelledError

from dfs.client.drafts import Draft, SessionEnded
from dfs.client.keyboard import Interrupted
from dfs.client.screen import spelled, typed
from dfs.client.verbs import Failed, Work
from dfs.client.writing import WriteSession
from dfs.columns import count
from dfs.errors import Conflict, DFSError, Invalid
from dfs.wire.messages import Committed

PROMPT = "WRITE> "

#: Sessions that are opened for edits that are all known, before it is given up.
RESTARTS = 3

#: Of the number of a word; the wire carries each number that has no more.
DIGITS = 18


def parse_edit(line: str) -> tuple[int, str]:
    """
    Take C{<word> <text>} apart.

    @raise Invalid: it is something else.
    """
    word, _, text = line.lstrip().partition(" ")
    if not word.removeprefix("-").isdecimal() or not word.isascii() or not text:
        raise Invalid("type <word> <text>, ETIRW to commit, or ABORT")
    if len(word) > DIGITS:
        raise Invalid(f"no sentence has so many words; a number has at most {DIGITS} digits")
    return int(word), typed(text)


async def edit(work: Work, path: str, sentence: int, edits: tuple[str, ...]) -> None:
    """
    Edit one sentence: with these edits at once, or with lines until ETIRW.

    @raise Failed: some lines were refused, though a person did not type them; or the session was
        lost, and that was said.
    """
    if edits:
        await _at_once(work, path, sentence, edits)
        return
    session = await work.session.write(path, sentence)
    work.draft = None
    _show(work, session)
    await _converse(work, session)


async def retry(work: Work) -> None:
    """
    Send what a lost session left in a new session, and go on with that.

    @raise Invalid: there is nothing.
    """
    draft = work.draft
    if draft is None:
        raise Invalid("there is nothing to send again: no WRITE session was lost in this shell")
    session = await work.session.write(draft.path, draft.sentence)
    try:
        if draft.in_doubt:
            work.screen.note(
                "Look at the sentence first: if it has these words already, ABORT, or they will "
                "be there twice."
            )
        elif session.sentence != draft.before:
            work.screen.note(f"The sentence was changed meanwhile. It was: {draft.before}")
        _show(work, session)
        await _send(work, session, draft)
    except DFSError as error:
        await session.abort()
        work.screen.error(error)
        work.screen.note("Your lines are still kept: RETRY sends them again.")
        raise Failed from None
    except BaseException:
        await session.abort()
        raise
    work.draft = None
    await _converse(work, session, draft.in_doubt)


async def _send(work: Work, session: WriteSession, draft: Draft) -> None:
    """Send edits again, up to the first that does not fit any more."""
    for number, (word, text) in enumerate(draft.edits):
        try:
            await session.edit(word, text)
        except Invalid as error:
            work.screen.error(error)
            work.screen.note("These lines were not sent:")
            for line in _typed_lines(draft.edits[number:]):
                work.screen.note(line)
            return
        _show(work, session)


def forget(work: Work) -> None:
    """
    Forget what a lost session left.

    @raise Invalid: there is nothing.
    """
    if work.draft is None:
        raise Invalid("there is nothing to forget; within WRITE, ABORT ends the session")
    path, work.draft = work.draft.path, None
    message = "Forgotten."
    work.screen.result(message, message=message, path=path)


async def _at_once(work: Work, path: str, sentence: int, edits: tuple[str, ...]) -> None:
    """Make these edits, again in a new session if the server is lost before they are committed."""
    shown, before, restarts = 0, None, RESTARTS
    while True:
        session = await work.session.write(path, sentence)
        try:
            if before is not None and session.sentence != before:
                raise Conflict(
                    "the server was lost, and the sentence was changed meanwhile; your edits were "
                    "not made"
                )
            before = session.sentence
            for number, line in enumerate(["", *edits]):
                if number:
                    await session.edit(*parse_edit(line))
                if number >= shown:
                    _show(work, session)
                    shown += 1
            committed = await session.commit()
        except (CancelledError, Interrupted):
            await _interrupted(work, session)
            raise
        except SessionEnded as error:
            restarts -= 1
            if not restarts:
                await _lost(work, session, error)
        except DFSError as error:
            await session.abort()
            if session.draft.in_doubt:
                await _lost(work, session, error)
            raise
        else:
            _done(work, path, committed)
            return


async def _converse(work: Work, session: WriteSession, doubt: bool = False) -> None:
    """
    Take lines until ETIRW, and commit.

    @param doubt: some edits of this session may have been committed by an earlier one.
    """
    try:
        refused = await _lines(work, session)
        committed = await session.commit()
    except _Aborted:
        await session.abort()
        _aborted(work, session.path)
        return
    except (CancelledError, Interrupted):
        await _interrupted(work, session)
        raise
    except _InputEnded:
        await session.abort()
        raise Invalid("the input ended without ETIRW: nothing was changed") from None
    except DFSError as error:
        await _lost(work, session, error, doubt)
    except BaseException:
        await session.abort()
        raise
    else:
        _done(work, session.path, committed)
        if refused:
            raise Failed


async def _interrupted(work: Work, session: WriteSession) -> None:
    await session.abort()
    work.screen.break_line()
    work.screen.note("Aborted: nothing was changed.")


async def _lost(
    work: Work, session: WriteSession, error: DFSError, doubt: bool = False
) -> NoReturn:
    """
    Say that a session ended before its writer wanted it to, and what becomes of the lines.

    @raise Failed: always.
    """
    await session.abort()
    draft = session.draft
    if not draft.edits:
        raise error
    draft = evolve(draft, in_doubt=draft.in_doubt or doubt)
    lines = _typed_lines(draft.edits)
    if work.screen.json:
        work.screen.record(
            error={"code": error.code, "message": str(error)},
            path=draft.path,
            sentence=draft.sentence,
            edits=lines,
            in_doubt=draft.in_doubt,
        )
        raise Failed
    work.screen.error(error)
    if work.lines.interactive:
        work.draft = draft
        work.screen.note("The session has ended; nothing that you typed is lost:")
    elif draft.in_doubt:
        work.screen.note("The session has ended. Whether these lines were written is not known:")
    else:
        work.screen.note("The session has ended. These lines were not written:")
    for line in lines:
        work.screen.note(line)
    if draft.in_doubt:
        work.screen.note(
            f"They may be in the document: READ {draft.path} or INFO {draft.path} tells. If they "
            "are and are sent again, they will be there twice."
        )
    if work.lines.interactive:
        work.screen.note("RETRY sends them again; ABORT, or another WRITE, forgets them.")
    raise Failed


def _typed_lines(edits: tuple[tuple[int, str], ...]) -> list[str]:
    """Edits as they are typed."""
    return [f"{word} {spelled(text)}" for word, text in edits]


def _done(work: Work, path: str, committed: Committed) -> None:
    work.screen.committed("Write Successful!", committed, path=path)


class _InputEnded(Exception):
    """A script has no more lines."""


class _Aborted(Exception):
    """Nothing is to be changed."""


async def _lines(work: Work, session: WriteSession) -> bool:
    """
    Take lines until ETIRW.

    @return: whether a line was refused that no person typed.
    """
    refused = False
    while True:
        work.screen.flush()
        line = await work.lines.next(PROMPT)
        if line is None and not work.lines.interactive:
            raise _InputEnded
        word = "ABORT" if line is None else line.strip().upper()
        if word == "ETIRW":
            return refused
        if word == "ABORT":
            raise _Aborted
        if not word or line is None:
            continue
        try:
            await session.edit(*parse_edit(line))
        except DFSError as error:
            if session.over:
                raise
            work.screen.error(error)
            refused = not work.lines.interactive
        else:
            _show(work, session)


def _show(work: Work, session: WriteSession) -> None:
    work.screen.result(
        f"{spelled(session.sentence)}  ({count(session.words, 'word')})".lstrip(),
        sentence=session.sentence,
        words=session.words,
    )


def _aborted(work: Work, path: str) -> None:
    message = "Aborted: nothing was changed."
    work.screen.result(message, message=message, path=path)
