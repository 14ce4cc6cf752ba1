"""
What holds for every test under pytest.

Decides the order of the two styles of test, where files go, and that a logged failure fails a
test.  Must not know what is tested.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider


def is_trial(item: object) -> bool:
    """Whether a test is a method of a trial-style class."""
    owner = getattr(item, "cls", None)
    return owner is not None and issubclass(owner, SynchronousTestCase)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Put trial style first.

    pytest-twisted starts the reactor for its first test and never stops it; trial wants to start
    it for each test that needs one.
    """
    items.sort(key=lambda item: not is_trial(item))


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in its own empty directory; C{mktemp} of trial follows the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_logged_failures(request: pytest.FixtureRequest) -> Iterator[list[Failure]]:
    """
    Fail a plain test if a failure was logged, or a failed Deferred dropped; trial does so itself.

    A test that expects one empties the list.
    """
    seen: list[Failure] = []
    if is_trial(request.node):
        yield seen
        return

    @provider(ILogObserver)
    def observer(event: LogEvent) -> None:
        failure = event.get("log_failure")
        if failure is not None:
            seen.append(failure)

    globalLogPublisher.addObserver(observer)
    try:
        yield seen
        # A failed Deferred that nobody took is logged when it is collected.
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(observer)
    if seen:
        pytest.fail("logged: " + "; ".join(failure.getErrorMessage() for failure in seen))
