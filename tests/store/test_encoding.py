"""Documents survive being rows."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import AccessList
from dfs.core.documents import Checkpoint, Content, Document, Metadata, Revision
from dfs.core.measure import Measure
from dfs.core.versions import Version
from dfs.errors import Invalid
from dfs.store.encoding import (
    decode,
    decode_head,
    decode_record,
    decode_summary,
    encode,
    encode_record,
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
metadata = st.builds(
    Metadata, numbers, texts, st.builds(AccessList, texts, grants), times, numbers, numbers
)
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
        self.assertEqual(decode_head(from_table[:23]), head_of(7, document))
        self.assertEqual(decode_summary(from_table[:17]), summarize(7, document))

    @given(documents)
    def test_names(self, document: Document) -> None:
        """A row names each content as often as the document refers to it, but not the empty one."""
        row = (7, *encode(document))
        expected = [one.sha256 for one in document.contents() if one.size]
        self.assertEqual(list(names(row[5], row[6], *row[23:26])), expected)


class RecordTests(SynchronousTestCase):
    """Documents survive travelling."""

    def setUp(self) -> None:
        content = Content(b"h" * 32, Measure(1, 2, 3, 4, True))
        self.document = Document(
            "00000000000000d1",
            Metadata(5, "ä.txt", AccessList("alice", (("bob", "r"),)), 1.0, 7, 6),
            Version(3, 4),
            5,
            Revision(content, 6.0, "bob"),
            undo=(Revision(content, 2.0, "alice"),),
            checkpoints=(Checkpoint("tag", Revision(content, 2.5, "carol"), 3.0, "dave"),),
        )
        self.record = encode_record(self.document)

    @given(documents)
    def test_round_trip(self, document: Document) -> None:
        """A document comes back from its record as it was."""
        self.assertEqual(decode_record(encode_record(document)), document)

    def refused(self, record: bytes) -> None:
        """It is no record, and that is all that happens."""
        self.assertRaises(Invalid, decode_record, record)

    def test_cut(self) -> None:
        """A record that is too short or too long is refused, wherever it was cut."""
        for length in range(len(self.record)):
            self.refused(self.record[:length])
        self.refused(self.record + b"\0")

    @given(st.data())
    def test_damaged(self, data: st.DataObject) -> None:
        """A damaged record is refused, or is another document that is as good as any."""
        at = data.draw(st.integers(0, len(self.record) - 1))
        byte = data.draw(st.binary(min_size=1, max_size=4))
        damaged = self.record[:at] + byte + self.record[at + len(byte) :]
        try:
            document = decode_record(damaged)
        except Invalid:
            return
        self.assertEqual(encode_record(document), damaged)
        encode(document)

    @given(st.binary(max_size=200))
    def test_anything(self, data: bytes) -> None:
        """Anything else is refused."""
        self.refused(data)
        self.refused(self.record[:24] + data)

    def test_values(self) -> None:
        """Values that no store can keep are refused, although they can be written down."""
        metadata, current = self.document.metadata, self.document.current
        for changes in (
            {"id": "../../etc/passwd"},
            {"epoch": 2**63},
            {"epoch": -1},
            {"version": Version(10**30, 0)},
            {"metadata": evolve(metadata, created=float("nan"))},
            {"metadata": evolve(metadata, number=2**63)},
            {"metadata": evolve(metadata, access=AccessList("alice", (("bob", "x"),)))},
            {"current": evolve(current, modified=float("inf"))},
            {"current": evolve(current, content=Content(b"h" * 32, Measure(2**63, 0, 0, 0, True)))},
        ):
            self.refused(encode_record(evolve(self.document, **changes)))

    def test_kinds(self) -> None:
        """Values of other kinds than they should be are refused."""
        start = 24
        length = int.from_bytes(self.record[4:8], "little")
        values = json.loads(self.record[start : start + length])
        strange: list[Any] = [None, True, "x", "\ud800", 1.5, -1, [], {}, [["a"]], [1], 10**400]
        for place in range(len(values)):
            for value in strange:
                if type(value) is type(values[place]) and value != -1:
                    continue
                changed = [*values[:place], value, *values[place + 1 :]]
                described = json.dumps(changed, ensure_ascii=True, separators=(",", ":")).encode()
                lengths = len(described).to_bytes(4, "little") + self.record[8:start]
                rest = self.record[start + length :]
                self.refused(self.record[:4] + lengths + described + rest)
