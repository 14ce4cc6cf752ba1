"""
The EXEC command.

Decides how a script's output and its end are shown.  Must not know how they come.
"""

from __future__ import annotations

import codecs

from attrs import asdict

from dfs.client.verbs import Failed, Work


async def execute(work: Work, path: str) -> None:
    """
    Show what a script writes, as it comes.

    @raise Failed: it ended with another status than 0.
    """
    screen = work.screen
    output = work.session.execute(path)
    # Characters may be torn apart between two pieces.
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    try:
        while piece := await output.read():
            if not screen.json:
                screen.data(piece)
            elif text := decoder.decode(piece):
                screen.record(text=text)
            screen.flush()
        if screen.json and (text := decoder.decode(b"", final=True)):
            screen.record(text=text)
    finally:
        output.close()
        if not screen.json:
            screen.data_end()
    assert output.ran is not None
    if screen.json:
        screen.record(path=path, **asdict(output.ran))
    elif output.ran.status:
        note = output.ran.note or "the script says that it failed"
        screen.note(f"{path}: status {output.ran.status}: {note}")
    if output.ran.status:
        raise Failed
