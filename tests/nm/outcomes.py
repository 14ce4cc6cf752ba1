"""
What became of something that may have failed.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred


def outcome(deferred: Deferred[Any]) -> list[Any]:
    """Where it will be said how a question ended: the class of the answer, or an error's code."""
    results: list[Any] = []
    deferred.addCallbacks(
        lambda answer: results.append(type(answer).__name__),
        lambda failure: results.append(failure.value.code),
    )
    return results
