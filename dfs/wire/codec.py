"""
Lines and messages: C{VERB|argument|...} to a request and back, answers likewise.

Decides how fields are separated, escaped and typed.  Pure; must not know who sends what when, nor
where bytes come from.

Fields are UTF-8, separated by C{|}.  C{%}, C{|} and control characters inside a field are written
C{%XX} (RFC 3986 percent-encoding).  A list is one field: its items are escaped likewise, commas
too, and joined by commas.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen

from dfs.errors import DFSError, Invalid, Unsupported
from dfs.wire.messages import REQUESTS, Record, Request

R = TypeVar("R", bound=Record)

_SPECIAL = re.compile(r"[%|\x00-\x1f\x7f]")
_ITEM_SPECIAL = re.compile(r"[%,]")
_INT = re.compile(r"-?[0-9]{1,19}\Z")
_FLOAT = re.compile(r"-?(?=\.?[0-9])[0-9]{0,20}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?\Z")
_TAG = re.compile(r"#[\x21-\x7b\x7d\x7e]{1,32}\|\Z")
_SEE_HELP = "HELP lists what there is"
_BAD_TAG = "a tag is # and 1 to 32 printable ASCII characters, without spaces"
_CONTENT = re.compile(r"bytes=([0-9]{1,15}|\*)\Z")

#: The largest whole number; a store must be able to keep it.
_MAX_INT = 2**63 - 1

#: C{bytes=*}: the length is not known, DATA blocks and a STOP follow.
UNKNOWN_LENGTH = -1


def escape(text: str) -> str:
    """Make any text fit into one field."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", text)


def unescape(field: str) -> str:
    """
    Read a field.

    @raise Invalid: a C{%} is not followed by two hex digits, or what it means is not UTF-8.
    """
    if "%" not in field:
        return field
    head, *rest = field.encode().split(b"%")
    out = bytearray(head)
    for part in rest:
        try:
            out += bytes.fromhex(part[:2].decode("ascii"))
            if len(part) < 2:
                raise ValueError
        except ValueError:
            raise Invalid(
                "a percent sign in a field must be followed by two hex digits; 25 is its own"
            ) from None
        out += part[2:]
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise Invalid("a field is not UTF-8") from None


# ------------------------------------------------------------------------------ typed fields


def _read_int(text: str) -> int:
    number = int(text) if _INT.match(text) else None
    if number is None or not -_MAX_INT <= number <= _MAX_INT:
        raise Invalid(f"{text[:40]!r} is not a whole number of at most {_MAX_INT}")
    return number


def _read_float(text: str) -> float:
    number = float(text) if _FLOAT.match(text) else math.nan
    if not math.isfinite(number):
        raise Invalid(f"{text[:40]!r} is not a number")
    return number


def _read_bool(text: str) -> bool:
    if text not in ("0", "1"):
        raise Invalid(f"{text[:40]!r} is neither 0 nor 1")
    return text == "1"


def _write_bool(value: bool) -> str:
    return "1" if value else "0"


def _write_list(items: tuple[str, ...]) -> str:
    if not items:
        return ""
    # An empty item cannot be told from an empty list, so every item is followed by a comma.
    return "".join(
        _ITEM_SPECIAL.sub(lambda found: f"%{ord(found[0]):02X}", item) + "," for item in items
    )


def _read_list(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    return tuple(unescape(item) for item in text.removesuffix(",").split(","))


def _same(text: str) -> str:
    return text


_Write = Callable[[Any], str]
_Read = Callable[[str], Any]

#: How a f-string writes a field of each kind, the same as its L{_Write} does.
_FORMS: dict[_Write, str] = {
    _same: "{m.%s}",
    str: "{m.%s}",
    repr: "{m.%s!r}",
    _write_bool: "{m.%s:d}",
    _write_list: "{_write_list(m.%s)}",
}

_KINDS: dict[Any, tuple[_Write, _Read]] = {
    str: (_same, _same),
    int: (str, _read_int),
    float: (repr, _read_float),
    bool: (_write_bool, _read_bool),
    tuple: (_write_list, _read_list),
}


@frozen
class _Field:
    """One attribute of a message and how it is written."""

    name: str
    write: _Write
    read: _Read
    is_text: bool


def _all_at_once(fields: list[_Field]) -> Callable[[Record], str]:
    """
    A function that writes these fields, each with the separator before it, and escapes nothing.

    Made of source, as attrs makes its methods: one f-string takes a third of the time of a loop.
    """
    text = "|".join(["", *(_FORMS[field.write] % field.name for field in fields)])
    made: Callable[[Record], str] = eval(f"lambda m: f'{text}'", {"_write_list": _write_list})
    return made


@frozen
class Layout:
    """
    How the fields of one message class stand in a line.

    @ivar fixed: always there, in order.
    @ivar options: C{name=value} after them, left out when they have their default.
    """

    fixed: tuple[_Field, ...]
    options: tuple[tuple[_Field, Any], ...]
    _plain: Callable[[Record], str]

    @classmethod
    def of(cls, message: type[Record]) -> Layout:
        """Read the layout off the attributes of a message class."""
        hints = get_type_hints(message)
        fixed: list[_Field] = []
        options: list[tuple[_Field, Any]] = []
        for attribute in attrs.fields(cast(type[attrs.AttrsInstance], message)):
            hint = hints[attribute.name]
            kind = get_origin(hint) or hint
            if kind in (Union, types.UnionType, ClassVar):
                raise TypeError(f"{message.__name__}.{attribute.name}: {get_args(hint)}")
            write, read = _KINDS[kind]
            field = _Field(attribute.name, write, read, kind is str)
            if attribute.default is attrs.NOTHING:
                fixed.append(field)
            else:
                options.append((field, attribute.default))
        return cls(tuple(fixed), tuple(options), _all_at_once(fixed))

    def write(self, message: Record) -> str:
        """The fields, each with the separator before it."""
        line = self._plain(message)
        # One look at the whole line instead of one at each field: nearly none needs escaping.
        if "%" in line or not line.isprintable() or line.count("|") != len(self.fixed):
            texts = [field.write(getattr(message, field.name)) for field in self.fixed]
            line = "|".join(["", *map(escape, texts)])
        for field, default in self.options:
            value = getattr(message, field.name)
            if value != default:
                line += f"|{field.name}={escape(field.write(value))}"
        return line

    def read(self, fields: list[str]) -> list[Any]:
        """
        The values for the class, in the order of its attributes.

        @raise Invalid: too few fields, unknown options, or a value of the wrong kind.
        """
        if len(fields) < len(self.fixed):
            missing = ", ".join(field.name for field in self.fixed[len(fields) :])
            raise Invalid(f"missing: {missing}")
        values: list[Any] = []
        for field, text in zip(self.fixed, fields, strict=False):
            if "%" in text:
                text = unescape(text)
            values.append(text if field.is_text else field.read(text))
        if self.options:
            values += self._read_options(fields[len(self.fixed) :])
        elif len(fields) > len(self.fixed):
            raise Invalid(f"one field too many: {fields[len(self.fixed)][:40]!r}")
        return values

    def _read_options(self, fields: list[str]) -> list[Any]:
        given: dict[str, str] = {}
        for text in fields:
            name, equals, value = text.partition("=")
            if not equals or all(name != field.name for field, _ in self.options):
                known = ", ".join(f"{field.name}=" for field, _ in self.options)
                raise Invalid(f"{text[:40]!r} is not an option; options are {known}")
            if name in given:
                raise Invalid(f"{name}= is given twice")
            given[name] = unescape(value)
        return [
            field.read(given[field.name]) if field.name in given else default
            for field, default in self.options
        ]


def _layouts() -> dict[type[Record], Layout]:
    known: dict[type[Record], Layout] = {}
    for request in REQUESTS:
        for message in (request, request.answer, request.item):
            if message is not None:
                known[message] = Layout.of(message)
    return known


_LAYOUTS = _layouts()
_VERBS: dict[str, type[Request[Any]]] = {
    name: request for request in REQUESTS for name in (request.verb, *request.aliases)
}


def arguments(request: type[Request[Any]]) -> str:
    """What follows the verb, such as C{<ticket> [delay=…] [start=…]}."""
    layout = _LAYOUTS[request]
    words = [f"<{field.name}>" for field in layout.fixed]
    words += [f"[{field.name}=…]" for field, _ in layout.options]
    if request.takes_content:
        words.append("[bytes=…]")
    return " ".join(words)


# --------------------------------------------------------------------------------- requests


class BadRequest(Exception):
    """
    A line that is no request; unless it is hopeless, the connection can go on.

    @ivar tag: what to echo in the answer.
    @ivar error: what to answer.
    @ivar length: of the content that follows, to be skipped (see L{Line}).
    @ivar hopeless: content follows, but nobody knows how much: the connection cannot go on.
    """

    def __init__(
        self, tag: str, error: DFSError, length: int | None, *, hopeless: bool = False
    ) -> None:
        super().__init__(str(error))
        self.tag = tag
        self.error = error
        self.length = length
        self.hopeless = hopeless


@frozen
class Line:
    """
    One line that asks something.

    @ivar tag: C{"#word|"} to be echoed, or empty.
    @ivar length: bytes of content that follow; L{UNKNOWN_LENGTH}; None if there is no content.
    """

    tag: str
    request: Request[Any]
    length: int | None


def encode_request(request: Request[Any], tag: str = "", length: int | None = None) -> bytes:
    """
    Write a request.

    @param tag: a short word to be echoed; empty for none.
    @param length: of the content that follows, or L{UNKNOWN_LENGTH}.
    @raise Invalid: a field holds what is no text, such as half of a surrogate pair.
    """
    head = f"#{tag}|{request.verb}" if tag else request.verb
    tail = "" if length is None else f"|bytes={'*' if length == UNKNOWN_LENGTH else length}"
    try:
        return f"{head}{_LAYOUTS[type(request)].write(request)}{tail}\n".encode()
    except UnicodeEncodeError:
        raise Invalid("a name or text holds characters that are no text") from None


def decode_request(raw: bytes) -> Line:
    """
    Read a request from a line without its line end.

    @raise BadRequest: it is none.
    """
    # A line may be bad in many ways; what is known of its tag and of the content that follows must
    # be found all the same, or content would be taken for requests.
    text, error = _text(raw)
    fields = text.split("|")
    tag = ""
    if fields[0][:1] == "#" and len(fields) > 1:
        tag = fields.pop(0) + "|"
        if _TAG.match(tag) is None:
            tag, error = "", Invalid(_BAD_TAG)
    verb = fields[0].strip().upper()
    message = _VERBS.get(verb)
    layout = None if message is None else _LAYOUTS[message]
    length: int | None = None
    if len(fields) > (1 if layout is None else len(layout.fixed) + 1):
        last = fields[-1]
        if last[:6] == "bytes=":
            found = _CONTENT.match(last)
            if found is None:
                sense = Invalid("bytes= is followed by a number or *")
                raise BadRequest(tag, sense, None, hopeless=True)
            fields.pop()
            length = UNKNOWN_LENGTH if found[1] == "*" else int(found[1])
    try:
        if error is not None:
            raise error
        if message is None or layout is None:
            spaces = " " in verb  # no verb has one; somebody typed it in telnet
            advice = "vertical bars, not spaces, separate fields" if spaces else _SEE_HELP
            raise Unsupported(f"unknown verb {verb[:40]!r}; {advice}")
        if length is not None and not message.takes_content:
            raise Invalid(f"{verb} takes no content")
        if verb == "HELP" and len(fields) == 2 and "=" not in fields[1]:
            fields[1] = "about=" + fields[1]
        try:
            return Line(tag, message(*layout.read(fields[1:])), length)
        except Invalid as wrong:
            wanted = arguments(message) or "no arguments"
            raise Invalid(f"{wrong}; {verb} takes {wanted}") from None
    except DFSError as refusal:
        raise BadRequest(tag, refusal, length) from None


def _text(raw: bytes) -> tuple[str, DFSError | None]:
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        wrong = Invalid("a line must be UTF-8; write other bytes as %XX")
        return raw.decode(errors="replace"), wrong


# ---------------------------------------------------------------------------------- answers


def encode_answer(record: Record, tag: str = "", word: str = "") -> bytes:
    """
    Write an answer.

    @param tag: of the request, as L{Line.tag}.
    @param word: C{ITEM} for a list entry; the record's own heading if empty.
    """
    return f"{tag}{word or record.heading}{_LAYOUTS[type(record)].write(record)}\n".encode()


def encode_error(error: DFSError, tag: str = "") -> bytes:
    """Write a refusal."""
    # A message may quote what could not be decoded somewhere; a refusal itself must not fail.
    return f"{tag}ERROR|{error.code}|{escape(str(error))}\n".encode(errors="backslashreplace")


@frozen
class Answer:
    """
    One line that answers.

    @ivar tag: of the request, without C{#} and separator; empty if there was none.
    @ivar word: C{OK}, C{ERROR}, C{ITEM}, C{DATA} or C{STOP}.
    @ivar fields: still escaped.
    """

    tag: str
    word: str
    fields: list[str]


def decode_answer(raw: bytes) -> Answer:
    """
    Take an answer apart.

    @raise Invalid: it is not UTF-8.
    """
    try:
        word, *fields = raw.decode().split("|")
    except UnicodeDecodeError:
        raise Invalid("an answer is not UTF-8") from None
    tag = ""
    if word[:1] == "#" and fields:
        tag = word[1:]
        word = fields.pop(0)
    return Answer(tag, word, fields)


def read_record(message: type[R], fields: list[str]) -> R:
    """
    The record in the fields of an answer.

    @raise Invalid: the fields do not fit.
    """
    return message(*_LAYOUTS[message].read(fields))


def read_number(fields: list[str]) -> int:
    """
    The one whole number, not negative, that C{DATA} carries.

    @raise Invalid: it carries something else.
    """
    if len(fields) != 1 or not fields[0].isascii() or not fields[0].isdigit():
        raise Invalid("DATA must say how many bytes follow")
    return _read_int(fields[0])
