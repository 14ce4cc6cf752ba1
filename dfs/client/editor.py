"""
The WRITE command: a person, or a script, edits one sentence.

Decides what a line may say and what is answered to it.  Must not know sentences; the server does.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from dfs.client.keyboard import Interrupted
from dfs.client.render import count
from dfs.client.screen import spelled, typed
from dfs.client.verbs import Failed, Work
from dfs.client.writing import WriteSession
from dfs.errors import DFSError, Invalid

PROMPT = "WRITE> "


def parse_edit(line: str) -> tuple[int, str]:
    """
    Take C{<word> <text>} apart.

    @raise Invalid: it is something else.
    """
    word, _, text = line.lstrip().partition(" ")
    if not word.removeprefix("-").isdecimal() or not word.isascii() or not text:
        raise Invalid("type <word> <text>, ETIRW to commit, or ABORT")
    return int(word), typed(text)


async def edit(work: Work, path: str, sentence: int, edits: tuple[str, ...]) -> None:
    """
    Edit one sentence: with these edits at once, or with lines until ETIRW.

    @raise Failed: some lines were refused, though a person did not type them.
    """
    session = await work.session.write(path, sentence)
    try:
        _show(work, session)
        if edits:
            for line in edits:
                await session.edit(*parse_edit(line))
                _show(work, session)
            refused = False
        else:
            refused = await _lines(work, session)
        committed = await session.commit()
    except _Aborted:
        await session.abort()
        _aborted(work, path)
        return
    except (CancelledError, Interrupted):
        await session.abort()
        work.screen.break_line()
        work.screen.note("Aborted: nothing was changed.")
        raise
    except BaseException:
        await session.abort()
        raise
    message = "Write Successful!"
    work.screen.result(
        message, message=message, path=path, version=committed.version, size=committed.size
    )
    if refused:
        raise Failed


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
            raise Invalid("the input ended without ETIRW: nothing was changed")
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
