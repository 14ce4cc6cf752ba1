"""Lines and messages, both ways."""

from __future__ import annotations

import math
import types
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import ERRORS, DFSError, Invalid, Unsupported, error_for
from dfs.wire import codec
from dfs.wire.codec import (
    UNKNOWN_LENGTH,
    BadRequest,
    decode_answer,
    decode_request,
    encode_answer,
    encode_error,
    encode_request,
    escape,
    read_number,
    read_record,
    unescape,
)
from dfs.wire.messages import (
    REQUESTS,
    Append,
    Create,
    Deny,
    Done,
    Edit,
    Facts,
    Help,
    Info,
    Locate,
    Me,
    Put,
    PutMetadata,
    Record,
    Request,
    RequestAccess,
    Stream,
    View,
    Write,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", "|", "%", "%25", ",", ",,", "a,b", "=", "bytes=5", "#1", "\n", "\r", "\0", "\x7f", "é"]
)

VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63) + 1, 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    tuple: st.lists(TEXT, max_size=4).map(tuple),
}

RECORDS = sorted(
    {kind for request in REQUESTS for kind in (request.answer, request.item) if kind is not None},
    key=lambda kind: kind.__name__,
)


def values_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Messages of a class, from the annotations of its attributes."""
    hints = get_type_hints(kind)
    names = [attribute.name for attribute in attrs.fields(kind)]
    values = {name: VALUES[get_origin(hints[name]) or hints[name]] for name in names}
    return st.builds(kind, **values)


def bad(line: bytes) -> BadRequest:
    """Why a line is refused."""
    try:
        found = decode_request(line)
    except BadRequest as error:
        return error
    raise AssertionError(f"{line!r} was read as {found}")


class RoundTripTests(SynchronousTestCase):
    """What is written is read as the same, for every message there is."""

    @settings(max_examples=800, deadline=None)
    @given(st.sampled_from(REQUESTS).flatmap(values_of))
    def test_requests(self, request: Request[Any]) -> None:
        """Every request survives the way over the wire, whatever its fields hold."""
        line = encode_request(request)
        self.assertEqual(line.count(b"\n"), 1)
        found = decode_request(line.removesuffix(b"\n"))
        self.assertEqual(found, codec.Line("", request, None))

    @settings(max_examples=200, deadline=None)
    @given(
        st.sampled_from([kind for kind in REQUESTS if kind.takes_content]).flatmap(values_of),
        st.integers(0, 10**14) | st.just(UNKNOWN_LENGTH),
        st.text(st.sampled_from("abc019-_#.%"), min_size=1, max_size=32),
    )
    def test_tags_and_content(self, request: Request[Any], length: int, tag: str) -> None:
        """A tag and the length of the content come along."""
        line = encode_request(request, tag, length).removesuffix(b"\n")
        self.assertEqual(decode_request(line), codec.Line(f"#{tag}|", request, length))

    @settings(max_examples=800, deadline=None)
    @given(st.sampled_from(RECORDS).flatmap(values_of))
    def test_answers(self, record: Record) -> None:
        """Every answer survives the way over the wire."""
        for word in (record.heading, "ITEM"):
            line = encode_answer(record, "#7|", word)
            self.assertEqual(line.count(b"\n"), 1)
            answer = decode_answer(line.removesuffix(b"\n"))
            self.assertEqual((answer.tag, answer.word), ("7", word))
            self.assertEqual(read_record(type(record), answer.fields), record)

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(ERRORS), TEXT)
    def test_errors(self, kind: type[DFSError], message: str) -> None:
        """Every error arrives as the same class with the same words."""
        answer = decode_answer(encode_error(kind(message)).removesuffix(b"\n"))
        code, words = answer.fields
        found = error_for(code, unescape(words))
        self.assertIs(type(found), kind)
        self.assertEqual(str(found), message)

    @given(TEXT)
    def test_fields(self, text: str) -> None:
        """A field holds any text, in printable characters without a separator."""
        field = escape(text)
        self.assertEqual(unescape(field), text)
        self.assertNotIn("|", field)
        self.assertFalse(any(ord(letter) < 32 or ord(letter) == 127 for letter in field))


class RequestTests(SynchronousTestCase):
    """Lines that a person might type."""

    def test_good(self) -> None:
        """Verbs are read in any case, and by other names; options come last; defaults are kept."""
        info = codec.Line
        for line, expected in [
            (b"LOCATE|/a|r", info("", Locate("/a", "r"), None)),
            (b"locate|/a|r", info("", Locate("/a", "r"), None)),
            (b" Locate |/a|r", info("", Locate("/a", "r"), None)),
            (b"#1|VIEW", info("#1|", View(), None)),
            (b"RACC|a|r", info("", RequestAccess("a", "r"), None)),
            (b"#1|disaccr|7", info("#1|", Deny(7), None)),
            (b"VIEW|all=1", info("", View(True), None)),
            (b"STREAM|t|start=3", info("", Stream("t", 0.1, 3), None)),
            (b"STREAM|t|start=3|delay=.5", info("", Stream("t", 0.5, 3), None)),
            (b"HELP|read", info("", Help("read"), None)),
            (b"HELP|about=read", info("", Help("read"), None)),
            (b"CREATE|a%7Cb", info("", Create("a|b"), None)),
            (b"CREATE|c,d", info("", Create("c,d"), None)),
            (b"CREATE|x=y", info("", Create("x=y"), None)),
            (b"CREATE|bytes=3", info("", Create("bytes=3"), None)),
            (b'CREATE|"q" \x01', info("", Create('"q" \x01'), None)),
            (b"CREATE|%41%c3%A9", info("", Create("Aé"), None)),
            (b"PUT|t|bytes=0", info("", Put("t"), 0)),
            (b"PUT|t|bytes=*", info("", Put("t"), UNKNOWN_LENGTH)),
            (b"APPEND|t|bytes=3", info("", Append("t", "bytes=3"), None)),
            (b"APPEND|t||bytes=3", info("", Append("t", ""), 3)),
            (b"EDIT|-1|hello|session=s1", info("", Edit(-1, "hello", "s1"), None)),
            (b"EDIT|1||session=s|bytes=9", info("", Edit(1, "", "s"), 9)),
            (b"WRITE|t|007", info("", Write("t", 7), None)),
        ]:
            self.assertEqual(decode_request(line), expected)

    def test_bad(self) -> None:
        """What makes no sense is refused with a sentence that says what would."""
        for line, words in [
            (b"", "unknown verb ''"),
            (b"|", "unknown verb ''"),
            (b"FROB|x", "unknown verb 'FROB'; HELP lists what there is"),
            (b"create a.txt", "unknown verb 'CREATE A.TXT'; vertical bars, not spaces,"),
            (b"CREATE", "missing: path; CREATE takes <path>"),
            (b"CREATE|a|b", "one field too many: 'b'"),
            (b"WHOAMI|x", "one field too many"),
            (b"STREAM|t|fast", "'fast' is not an option; options are delay=, start="),
            (b"STREAM|t|start=1|start=2", "start= is given twice"),
            (b"STREAM|t|start=", "'' is not a whole number"),
            (b"CREATE|%", "two hex digits"),
            (b"CREATE|%4", "two hex digits"),
            (b"CREATE|%zz", "two hex digits"),
            (b"CREATE|% 1", "two hex digits"),
            (b"CREATE|%+1", "two hex digits"),
            ("CREATE|%é1".encode(), "two hex digits"),
            (b"CREATE|%ff", "not UTF-8"),
            (b"CREATE|%c0%af", "not UTF-8"),
            (b"CREATE|%ed%a0%80", "not UTF-8"),
            (b"CREATE|\xff\xfb\x03", "must be UTF-8"),
            (b"\xff\xf4\xff\xfd\x06", "must be UTF-8"),
            (b"CREATE|a|bytes=3", "CREATE takes no content"),
            (b"PUT|t|bytes=3|x", "one field too many"),
        ]:
            error = bad(line).error
            self.assertIn(words, str(error), line)
            self.assertIsInstance(error, Unsupported if "unknown verb" in words else Invalid)

    def test_tags(self) -> None:
        """A tag is echoed; a malformed one is refused without being echoed."""
        self.assertEqual(bad(b"#x|FROB").tag, "#x|")
        self.assertEqual(bad(b"#~!|CREATE").tag, "#~!|")
        for line in (b"#|VIEW", b"# |VIEW", b"#a b|VIEW", b"#\xc3\xa9|VIEW", b"#a\x01|VIEW"):
            self.assertEqual((bad(line).tag, bad(line).error.code), ("", "INVALID"), line)
        self.assertEqual(decode_request(b"#" + b"t" * 32 + b"|VIEW").tag, "#" + "t" * 32 + "|")
        self.assertEqual(bad(b"#" + b"t" * 33 + b"|VIEW").tag, "")
        self.assertEqual(bad(b"#1").tag, "")

    def test_content_of_bad_lines(self) -> None:
        """Content is found behind every bad line, so that it is not taken for requests."""
        for line in (
            b"FROB|a|bytes=5",
            b"FROB|bytes=5",
            b"CREATE|a|bytes=5",
            b"# bad|PUT|t|bytes=5",
            b"APPEND|t|\xff|bytes=5",
            b"EDIT|x|y|bytes=5",
        ):
            self.assertEqual((bad(line).length, bad(line).hopeless), (5, False), line)
        self.assertEqual(bad(b"FROB|bytes=*").length, UNKNOWN_LENGTH)

    def test_hopeless(self) -> None:
        """If nobody can know how much content follows, the connection cannot go on."""
        for end in (b"", b"x", b"-1", b"1_0", b"+5", b" 5", b"9" * 16, "\u0665".encode(), b"**"):
            self.assertTrue(bad(b"#4|PUT|t|bytes=" + end).hopeless, end)
            self.assertEqual(bad(b"#4|PUT|t|bytes=" + end).tag, "#4|")

    def test_no_separator_in_messages(self) -> None:
        """Refusals read well in telnet: no word of theirs must be escaped."""
        for line in (b"", b"#", b"# |x", b"CREATE", b"CREATE|%", b"\xff", b"PUT|t|bytes=x"):
            self.assertNotIn(b"%", encode_error(bad(line).error).replace(b"%25", b""))

    @settings(max_examples=1500, deadline=None)
    @given(st.binary(max_size=60))
    @example(b"#" * 60)
    @example(b"HELP|%")
    def test_any_bytes(self, raw: bytes) -> None:
        """Any line is a request or a bad request; nothing else can happen."""
        try:
            decode_request(raw)
        except BadRequest as error:
            self.assertIsInstance(error.error, DFSError)

    @settings(max_examples=1500, deadline=None)
    @given(
        st.sampled_from([request.verb for request in REQUESTS]),
        st.lists(
            st.sampled_from(["", "a", "1", "1.5", "%", "%4", "%41", "=", "all=1", "bytes=2", ","])
            | st.text(max_size=5),
            max_size=20,
        ),
    )
    def test_any_fields(self, verb: str, fields: list[str]) -> None:
        """Any fields behind a known verb are a request or a bad request."""
        try:
            decode_request("|".join([verb, *fields]).encode(errors="surrogatepass"))
        except BadRequest as error:
            self.assertIsInstance(error.error, DFSError)

    def test_what_is_no_text(self) -> None:
        """A program that passes half a surrogate pair is told so before anything is sent."""
        with self.assertRaises(Invalid):
            encode_request(Create("\udc80"))
        self.assertIn(b"\\udc80", encode_error(Invalid("\udc80")))


class ValueTests(SynchronousTestCase):
    """Fields with a type."""

    def read(self, field: str, kind: type[Record], **others: str) -> Any:
        """One field of a message, read."""
        fields = [others.get(name.name, "1") for name in attrs.fields(kind)]  # type: ignore[arg-type]
        names = [name.name for name in attrs.fields(kind)]  # type: ignore[arg-type]
        fields[names.index(field)] = others[field]
        return getattr(read_record(kind, fields), field)

    def test_whole_numbers(self) -> None:
        """Whole numbers are ASCII digits and fit into 64 bits."""
        for text, number in [("0", 0), ("-0", 0), ("-7", -7), (str(2**63 - 1), 2**63 - 1)]:
            self.assertEqual(self.read("words", Info, words=text), number)
        for text in ("", "+1", " 1", "1 ", "1_0", "0x1", "1.0", "\u0661", "--1", str(2**63)):
            with self.assertRaises(Invalid, msg=text):
                self.read("words", Info, words=text)
        with self.assertRaises(Invalid):
            self.read("words", Info, words="9" * 5000)

    def test_numbers(self) -> None:
        """Numbers are finite and written in ASCII."""
        for text, number in [("1", 1.0), ("-1.5", -1.5), (".5", 0.5), ("5.", 5.0), ("1e-3", 0.001)]:
            self.assertEqual(self.read("created", Info, created=text), number)
        bad = ["", ".", "nan", "inf", "-inf", "infinity", "1_0", " 1", "1e999", "0x1p3", "\u0661"]
        for text in [*bad, "1" * 400, "e5", "-", "1e"]:
            with self.assertRaises(Invalid, msg=text):
                self.read("created", Info, created=text)
        self.assertTrue(math.isclose(self.read("created", Info, created="1e16"), 1e16))

    def test_truths(self) -> None:
        """Yes is 1, no is 0, and nothing else is either."""
        self.assertIs(self.read("is_text", Facts, is_text="1"), True)
        self.assertIs(self.read("is_text", Facts, is_text="0"), False)
        for text in ("", "2", "01", "true", "yes", "\u0661"):
            with self.assertRaises(Invalid, msg=text):
                self.read("is_text", Facts, is_text=text)

    def test_lists(self) -> None:
        """A list may be empty, and so may its items; commas inside them are escaped."""
        for items, field in [
            ((), ""),
            (("",), ","),
            (("", ""), ",,"),
            (("a",), "a,"),
            (("a,b", "c"), "a%252Cb,c,"),
            (("%",), "%2525,"),
        ]:
            message = PutMetadata("i", 1, "0", "p", "o", items, 1.0, 1, 1)
            line = encode_request(message).decode().removesuffix("\n")
            self.assertEqual(line.split("|")[6], field)
            self.assertEqual(decode_request(line.encode()).request, message)
        typed = decode_request(b"PUT_METADATA|i|1|0|p|o|r:a,w:b|1|1|1").request
        assert isinstance(typed, PutMetadata)
        self.assertEqual(typed.grants, ("r:a", "w:b"))

    def test_count_of_data(self) -> None:
        """DATA carries one count that is not negative."""
        self.assertEqual(read_number(["0"]), 0)
        for fields in ([], ["1", "2"], ["-1"], [""], ["x"], ["\u0661"], ["9" * 20]):
            with self.assertRaises(Invalid):
                read_number(fields)

    def test_answers_that_do_not_fit(self) -> None:
        """An answer with too few, too many or wrong fields is not read."""
        for kind, fields in [(Me, []), (Me, ["a", "b"]), (Done, ["x"]), (Me, ["%"])]:
            with self.assertRaises(Invalid):
                read_record(kind, fields)
        with self.assertRaises(Invalid):
            decode_answer(b"OK|\xff")


class LayoutTests(SynchronousTestCase):
    """Every message class can be written."""

    def test_unknown_kinds(self) -> None:
        """A message with a field that no codec knows is a defect that shows at import."""

        @attrs.frozen
        class Odd(Record):
            heading: ClassVar[str] = "OK"
            value: int | None

        with self.assertRaises(TypeError):
            codec.Layout.of(Odd)

    def test_fixed_before_options(self) -> None:
        """In every class attributes with a default come last, and have one of five kinds."""
        for kind in (*REQUESTS, *RECORDS):
            hints = get_type_hints(kind)
            for attribute in attrs.fields(kind):  # type: ignore[arg-type]
                hint = hints[attribute.name]
                self.assertNotIsInstance(hint, types.UnionType)
                self.assertIn(get_origin(hint) or hint, VALUES, get_args(hint))

    def test_verbs_are_unique(self) -> None:
        """No two requests share a verb."""
        verbs = [request.verb for request in REQUESTS]
        self.assertEqual(len(verbs), len(set(verbs)))
