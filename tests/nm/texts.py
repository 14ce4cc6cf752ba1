"""
Texts that members of a pair have, for those who copy.
"""

from __future__ import annotations

import hashlib

from tests.nm.pairs import key

#: Texts that do not travel with the record, and one that does not fit into memory.
MEDIUM, LARGE = b"m" * 100_000, b"0123456789abcdef" * 262_144


ID = key(1)


#: The hash of what only the backup has of a document that is gone.
TEXT = hashlib.sha256(b"unseen").hexdigest()
