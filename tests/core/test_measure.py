"""How much a document holds."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.measure import Measure, Measurer, measure
from dfs.core.sentences import BLOCK

crowded = st.lists(
    st.sampled_from(
        [b"a", b".", b"!", b"?", b" ", b"\r\n", "é".encode(), "日".encode(), "😀".encode(), b"\xff"]
    )
).map(b"".join)


def reference(content: bytes) -> Measure:
    """The same figures, the plain way."""
    runs = re.findall(rb"[.!?]+", content)
    rest = re.split(rb"[.!?]+", content)[-1]
    try:
        characters, is_text = len(content.decode("utf-8")), True
    except UnicodeDecodeError:
        characters, is_text = len(content), False
    return Measure(
        size=len(content),
        words=len(re.findall(rb"[^\s.!?]*[.!?]+|[^\s.!?]+", content)),
        characters=characters,
        sentences=len(runs) + (1 if rest.strip() else 0),
        is_text=is_text,
    )


class MeasureTests(SynchronousTestCase):
    """Figures that INFO and VIEW show."""

    def test_examples(self) -> None:
        """Well-known texts have well-known figures."""
        cases = [
            (b"", Measure(0, 0, 0, 0, True)),
            (b" \n", Measure(2, 0, 2, 0, True)),
            (b"e.g.", Measure(4, 2, 4, 2, True)),
            (b"Hello ... world\n", Measure(16, 3, 16, 2, True)),
            ("Grüße!".encode(), Measure(8, 1, 6, 1, True)),
            (b"a\xffb c", Measure(5, 2, 5, 1, False)),
            (b"\x00\x01", Measure(2, 1, 2, 1, True)),
            (b"cut \xc3", Measure(5, 2, 5, 1, False)),
        ]
        for content, expected in cases:
            self.assertEqual(measure(content), expected, content)

    @settings(deadline=None)
    @given(st.one_of(crowded, st.binary()))
    def test_reference(self, content: bytes) -> None:
        """All figures of any content are those found the plain way."""
        self.assertEqual(measure(content), reference(content))

    @settings(deadline=None)
    @given(st.one_of(crowded, st.binary()), st.data())
    def test_any_pieces(self, content: bytes, data: st.DataObject) -> None:
        """Where the pieces are cut makes no difference, in the middle of a character either."""
        cuts = data.draw(st.lists(st.integers(0, len(content))).map(sorted))
        measurer = Measurer()
        for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
            measurer.update(content[start:end])
        self.assertEqual(measurer.finish(), reference(content))

    @settings(deadline=None, max_examples=15)
    @given(crowded, st.integers(-3, 3))
    def test_block_borders(self, content: bytes, shift: int) -> None:
        """Content longer than a block is measured exactly too."""
        for padding in (b"x", b" ", b"."):
            long = content + padding * (BLOCK + shift) + content
            self.assertEqual(measure(long), reference(long))
