"""Documents survive being rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import AccessList
from dfs.core.documents import Checkpoint, Content, Document, Metadata, Revision
from dfs.core.measure import Measure
from dfs.core.versions import Version
from dfs.store.encoding import (
    decode,
    decode_head,
    decode_summary,
    encode,
    head_of,
    names,
    summarize,
)

numbers = st.integers(0, 2**62)
times = st.floats(0, 2**40)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
measures = st.builds(Measure, numbers, numbers, numbers, numbers, st.booleans())
contents = st.builds(Content, st.binary(min_size=32, max_size=32), measures)
revisions = st.builds(Revision, contents, times, texts)
histories = st.lists(revisions, max_size=4).map(tuple)
tags = st.one_of(texts, st.just("conflict-ss1-2026"))
checkpoints = st.lists(st.builds(Checkpoint, tags, revisions, times, texts), max_size=4).map(tuple)
grants = st.lists(st.tuples(texts, st.sampled_from("rw")), max_size=3).map(tuple)
metadata = st.builds(Metadata, texts, st.builds(AccessList, texts, grants), times, numbers)
documents = st.builds(
    Document,
    st.text("0123456789abcdef", min_size=16, max_size=16),
    metadata,
    st.builds(Version, numbers, numbers),
    numbers,
    revisions,
    histories,
    histories,
    checkpoints,
    st.booleans(),
)


class EncodingTests(SynchronousTestCase):
    """Rows hold everything."""

    @given(documents)
    def test_round_trip(self, document: Document) -> None:
        """A document comes back from its row as it was, whole, as a head, as a summary."""
        row = (7, *encode(document))
        # SQLite has no booleans and gives columns in the order that was asked for.
        stored = tuple(int(one) if isinstance(one, bool) else one for one in row)
        from_table = (stored[0], *stored[1:])
        self.assertEqual(decode(from_table), document)
        self.assertEqual(decode_head(from_table[:21]), head_of(7, document))
        self.assertEqual(decode_summary(from_table[:17]), summarize(7, document))

    @given(documents)
    def test_names(self, document: Document) -> None:
        """A row names each content as often as the document refers to it, but not the empty one."""
        row = (7, *encode(document))
        expected = [one.sha256 for one in document.contents() if one.size]
        self.assertEqual(list(names(row[5], row[6], *row[21:24])), expected)
