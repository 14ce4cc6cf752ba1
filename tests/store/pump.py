"""A reactor's C{callFromThread} without a reactor: the test runs what threads hand over."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

#: Seconds that a test waits for a thread before it fails.
PATIENCE = 30.0


@define
class Pump:
    """Calls that came from threads and wait for the test's thread."""

    _calls: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = field(factory=SimpleQueue)

    def call_from_thread(self, call: Callable[..., object], *arguments: Any) -> None:
        """What stores are given in place of C{reactor.callFromThread}."""
        self._calls.put((call, arguments))

    def step(self) -> None:
        """Wait for one call and run it."""
        call, arguments = self._calls.get(timeout=PATIENCE)
        call(*arguments)

    def outcome(self, deferred: Deferred[Any]) -> Any:
        """Run calls until the Deferred fires; what it fired with, a Failure too."""
        results: list[Any] = []
        deferred.addBoth(results.append)
        while not results:
            self.step()
        return results[0]

    def result(self, deferred: Deferred[T]) -> T:
        """
        Run calls until the Deferred fires.

        @raise Exception: what it failed with.
        """
        outcome = self.outcome(deferred)
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return cast(T, outcome)
