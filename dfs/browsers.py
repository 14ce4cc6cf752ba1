"""
Lines of web browsers, which any page that somebody looks at can send to this machine.

Decides what such a line looks like.  Must not know who reads lines.

Note [Pages that type]
======================
A page may have the browser of whoever looks at it send a request to any port of their own machine,
loopback included.  What the page chose is the body of that request, and would be taken for lines
that somebody typed.  But before it come two lines that no page can leave out; whoever gets one of
them hears no more.  The second one counts because the first may be too long to be looked at.
"""

from __future__ import annotations

import re

_LINES = re.compile(r"\S+ .* HTTP/[0-9.]+\s*\Z|host:", re.DOTALL | re.IGNORECASE)


def is_request(line: str) -> bool:
    """Whether a line is one of those two."""
    return _LINES.match(line) is not None
