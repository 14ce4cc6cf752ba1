"""
Short contents that are held in memory until it is their turn.

Decides how many bytes all of them may have together.  Must not know what they are for.
"""

from __future__ import annotations

from attrs import define, field

from dfs.errors import Busy

#: Bytes that APPENDs and edits on their way may take, of all connections together.
INTAKE_BYTES = 256 * 1024 * 1024


@define(eq=False)
class Intake:
    """
    All that is held.

    @ivar limit: bytes.
    @ivar held: bytes.
    """

    limit: int = INTAKE_BYTES
    held: int = field(default=0, init=False)

    def take(self, size: int) -> None:
        """
        Hold so many bytes more.

        @raise Busy: that would be too many.
        """
        if self.held + size > self.limit:
            raise Busy(
                f"{self.held} bytes of other texts are waiting to be added here; try again in a "
                "moment, or PUT a large text"
            )
        self.held += size

    def give_back(self, size: int) -> None:
        """Hold so many less."""
        self.held -= size


@define(eq=False)
class Share:
    """
    What one request holds of it, until its C{with} block ends.

    @ivar held: bytes.
    """

    _intake: Intake
    held: int = field(default=0, init=False)

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        self._intake.give_back(self.held)
        self.held = 0

    def take(self, size: int) -> None:
        """
        Hold so many bytes more.

        @raise Busy: all requests together would hold too many.
        """
        self._intake.take(size)
        self.held += size
