"""
A console as somebody at telnet or nc has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import Logger, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dfs.console.commands import Answer, Asked, Command
from dfs.console.protocol import AHEAD, CONSOLES, Consoles
from dfs.errors import Conflict
from tests.console.terminal import Terminal

log = Logger(namespace="dfs.test")


class Desk:
    """
    A role that tells what a test wants.

    @ivar done: what was asked.
    @ivar waiting: what C{wait} waits for.
    """

    name = "nm"
    greeting = "Hello."

    def __init__(self) -> None:
        self.done: list[str] = []
        self.waiting: Deferred[Iterable[str]] = Deferred()

    def commands(self) -> Sequence[Command]:
        """A few of each kind."""
        return (
            Command("say", "TEXT", "Say it again.", self._say),
            Command("wait", "", "Wait.", lambda asked: self.waiting),
            Command("refuse", "", "Refuse.", self._refuse),
            Command("break", "", "Break.", lambda asked: [str(1 // 0)]),
        )

    def also(self, word: str) -> Sequence[str]:
        """The document a.txt has an id."""
        return ["00d1"] if word == "a.txt" else []

    def _say(self, asked: Asked) -> Answer:
        self.done.append(asked.text)
        return [asked.text]

    def _refuse(self, asked: Asked) -> Answer:
        raise Conflict("it cannot be done")


class ConsoleCase(SynchronousTestCase):
    """
    One console, and whoever comes later.
    """

    def setUp(self) -> None:
        """Somebody is there, and was greeted."""
        self.desk = Desk()
        self.consoles = Consoles(self.desk, lambda call, *arguments: call(*arguments))
        self.terminal = Terminal(self.consoles)
        self.assertEqual(self.terminal.seen(), "Hello.\r\nnm> ")

    def tearDown(self) -> None:
        """Nobody watches any more."""
        self.assertNotIn(self.consoles.tail, globalLogPublisher._observers)


class ConsoleTests(ConsoleCase):
    """
    Lines and answers.
    """

    def test_answer(self) -> None:
        """A command in any case is answered with its lines and a prompt."""
        self.assertEqual(self.terminal.type(b"SAY hello\r\n"), "hello\r\nnm> ")

    def test_pieces(self) -> None:
        """Nothing happens before a line is complete, whatever pieces it comes in."""
        for piece in (b"s", b"\xff", b"\xfb\x1fa", b"y h", "ä".encode()[:1], "ä".encode()[1:]):
            shown = self.terminal.type(piece)
            self.assertNotIn("nm>", shown)
        self.assertEqual(self.terminal.type(b"\r"), "hä\r\nnm> ")
        self.assertEqual(self.terminal.type(b"\n"), "")

    def test_blank(self) -> None:
        """A blank line is a prompt."""
        self.assertEqual(self.terminal.type(b"\r\n  \r\n"), "nm> nm> ")

    def test_several(self) -> None:
        """Lines that come together are answered one after the other."""
        self.assertEqual(self.terminal.type(b"say a\nsay b\n"), "a\r\nnm> b\r\nnm> ")

    def test_waiting(self) -> None:
        """A line waits for the answer to the one before it."""
        self.assertEqual(self.terminal.type(b"wait\nsay b\n"), "")
        self.desk.waiting.callback(["a"])
        self.assertEqual(self.terminal.seen(), "a\r\nnm> b\r\nnm> ")

    def test_too_many_wait(self) -> None:
        """When too many lines wait no more is read before there is room."""
        self.terminal.type(b"wait\n" + b"say x\n" * AHEAD)
        self.assertEqual(self.terminal.transport.producerState, "paused")
        self.desk.waiting.callback([])
        self.assertEqual(self.terminal.transport.producerState, "producing")
        self.assertEqual(len(self.desk.done), AHEAD)

    def test_interrupted(self) -> None:
        """Ctrl-C ends the waiting, and forgets what was typed after it."""
        self.terminal.type(b"wait\nsay b\n")
        self.assertIn("interrupted", self.terminal.type(b"\x03"))
        self.assertEqual(self.desk.done, [])
        self.assertEqual(self.terminal.type(b"say c\n"), "c\r\nnm> ")

    def test_interrupt_of_nothing(self) -> None:
        """Ctrl-C at the prompt is a new prompt; telnet hears about its timing mark."""
        shown = self.terminal.transport
        self.terminal.console.dataReceived(b"half a li\xff\xf4\xff\xfd\x06")
        self.assertEqual(shown.value(), b"\r\nnm> \xff\xfc\x06")

    def test_refusal(self) -> None:
        """A refusal says its code and its reason."""
        self.assertEqual(
            self.terminal.type(b"refuse\n"), "ERROR [CONFLICT]: it cannot be done\r\nnm> "
        )

    def test_unknown(self) -> None:
        """An unknown command is one sentence, with the nearest."""
        self.assertEqual(
            self.terminal.type(b"saay x\n"), "there is no command 'saay'; did you mean say?\r\nnm> "
        )

    def test_defect(self) -> None:
        """A defect is told without its traceback, which the log has; the console goes on."""
        shown = self.terminal.type(b"break\n")
        self.assertIn("defect", shown)
        self.assertNotIn("Traceback", shown)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.terminal.type(b"say a\n"), "a\r\nnm> ")

    def test_browser(self) -> None:
        """A page in somebody's browser cannot give orders: its first line ends the console."""
        page = b"POST /%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nsay hello\nsay more\n"
        for path in (b"a|b", b"a" * 9_999):
            self.terminal = Terminal(self.consoles)
            self.assertIn("this is no web server.", self.terminal.type(page % path))
            self.assertEqual((self.terminal.transport.disconnecting, self.desk.done), (True, []))

    def test_controls(self) -> None:
        """H44: nothing that stands in a name can command the terminal."""
        shown = self.terminal.type("say '\x1b[2J\x9b\u202e\x07'\n".encode())
        self.assertEqual(shown, "\\x1b[2J\\x9b\\u202e\\x07\r\nnm> ")

    def test_long_line(self) -> None:
        """H46: a line that is too long does nothing, and neither does its end."""
        shown = self.terminal.type(b"x" * 5000 + b" say a\n")
        self.assertIn("nothing was done", shown)
        self.assertEqual(self.desk.done, [])

    def test_help(self) -> None:
        """help has every command; help and a name, or its beginning, explains it."""
        shown = self.terminal.type(b"help\n")
        for word in ("say TEXT", "Say it again.", "tail [WORD]", "quit"):
            self.assertIn(word, shown)
        self.assertEqual(self.terminal.type(b"help sa\n"), "say TEXT\r\nSay it again.\r\nnm> ")
        self.assertIn("there is no command", self.terminal.type(b"help xyzzy\n"))

    def test_quit(self) -> None:
        """quit, or Ctrl-D on an empty line, ends it, and what was typed after it is not done."""
        self.assertEqual(self.terminal.type(b"q\nsay a\n"), "Goodbye.\r\n")
        self.assertTrue(self.terminal.transport.disconnecting)
        other = Terminal(self.consoles)
        other.seen()
        self.assertEqual(other.type(b"\x04say a\n"), "Goodbye.\r\n")
        self.assertEqual(self.desk.done, [])

    def test_lost(self) -> None:
        """Whoever goes away while something is done is not told, and nothing breaks."""
        self.terminal.type(b"wait\nsay a\n")
        self.terminal.go()
        self.assertEqual(self.desk.done, [])
        self.assertEqual(self.terminal.seen(), "")

    def test_slow_reader(self) -> None:
        """Nothing more is done for somebody who does not read what was said."""
        self.terminal.console.pauseProducing()
        self.assertEqual(self.terminal.transport.producerState, "paused")
        self.assertEqual(self.terminal.type(b"say a\n"), "")
        self.terminal.console.resumeProducing()
        self.assertEqual(self.terminal.transport.producerState, "producing")
        self.assertEqual(self.terminal.seen(), "a\r\nnm> ")

    def test_two(self) -> None:
        """Two consoles know nothing of each other."""
        other = Terminal(self.consoles)
        other.seen()
        self.terminal.type(b"wait\n")
        self.assertEqual(other.type(b"say a\n"), "a\r\nnm> ")
        self.terminal.go()
        self.assertEqual(other.type(b"say b\n"), "b\r\nnm> ")

    def test_too_many(self) -> None:
        """One console too many is told so and ended; when one ends there is room."""
        others = [Terminal(self.consoles) for _ in range(CONSOLES - 1)]
        late = Terminal(self.consoles)
        self.assertIn(f"{CONSOLES} consoles are open", late.seen())
        self.assertTrue(late.transport.disconnecting)
        late.go()
        others[0].go()
        self.assertIn("Hello.", Terminal(self.consoles).seen())

    def test_stop(self) -> None:
        """When the server listens no more every console ends, those that watch too."""
        self.consoles.doStart()
        self.terminal.type(b"tail\n")
        self.consoles.doStop()
        self.assertTrue(self.terminal.transport.disconnecting)

    @given(st.binary(max_size=300))
    def test_garbage(self, data: bytes) -> None:
        """H43: any bytes, twice: no error, nothing that commands the terminal, and it goes on."""
        terminal = Terminal(self.consoles)
        terminal.console.dataReceived(data)
        terminal.console.dataReceived(data)
        if not terminal.transport.disconnecting:
            terminal.console.dataReceived(b"\xff\xf0\x15\n\x15\n\n\nquit\n")
        terminal.go()
        self.desk.waiting = Deferred()
        self.flushLoggedErrors(ZeroDivisionError)


class TailTests(ConsoleCase):
    """
    Events as they happen.
    """

    def happen(self, text: str, **fields: object) -> None:
        """Something is logged."""
        log.info("{text}", log_event="tested", text=text, **fields)

    def test_all(self) -> None:
        """Everything that happens is shown until an empty line; then nothing is."""
        self.happen("before")
        self.assertIn("an empty line ends it", self.terminal.type(b"tail\n"))
        self.happen("one")
        shown = self.terminal.seen()
        self.assertIn("tested one", shown)
        self.assertTrue(shown.endswith("\r\n"))
        self.assertEqual(self.terminal.type(b"\r\n"), "nm> ")
        self.happen("after")
        self.assertEqual(self.terminal.seen(), "")

    def test_word(self) -> None:
        """With a word only lines that have it are shown, as a whole word in any case."""
        self.terminal.type(b"tail SS1\n")
        self.happen("ss1 has failed")
        self.happen("ss1_backup serves")
        self.happen("it failed", server="ss1")
        shown = self.terminal.seen()
        self.assertEqual(shown.count("\r\n"), 2)
        self.assertNotIn("backup", shown)
        self.terminal.type(b"\n")

    def test_document(self) -> None:
        """A document is recognised by its id, too."""
        self.terminal.type(b"tail a.txt\n")
        self.happen("changed", document="00d1")
        self.happen("changed", document="00d2")
        self.assertEqual(self.terminal.seen().count("\r\n"), 1)
        self.terminal.type(b"\n")

    def test_ends(self) -> None:
        """stop and Ctrl-C end it, too; any other line ends it and is done."""
        for key in (b"stop\n", b"\x03", b"say a\n"):
            self.terminal.type(b"tail\n")
            self.assertTrue(self.terminal.type(key).endswith("nm> "), key)
            self.happen("after")
            self.assertEqual(self.terminal.seen(), "")
        self.assertEqual(self.desk.done, ["a"])

    def test_again(self) -> None:
        """Another tail takes the place of the one before."""
        self.terminal.type(b"tail a\n")
        self.terminal.type(b"tail b\n")
        self.happen("a b")
        self.assertEqual(self.terminal.seen().count("\r\n"), 1)
        self.terminal.type(b"\n")

    def test_debug(self) -> None:
        """What is for those who look for defects is not shown."""
        self.terminal.type(b"tail\n")
        log.debug("{text}", log_event="tested", text="quiet")
        self.assertEqual(self.terminal.seen(), "")
        self.terminal.type(b"\n")

    def test_slow(self) -> None:
        """For a slow reader events are left out, and how many is said when they read again."""
        self.terminal.type(b"tail\n")
        self.terminal.console.pauseProducing()
        for number in range(1234):
            self.happen(str(number))
        self.assertEqual(self.terminal.seen(), "")
        self.terminal.console.resumeProducing()
        self.assertIn("1,234 lines were left out", self.terminal.seen())
        self.happen("again")
        self.assertIn("again", self.terminal.seen())
        self.terminal.type(b"\n")

    def test_too_fast(self) -> None:
        """When too much happens at once some of it is left out, and how much is said."""
        calls: list[tuple[object, ...]] = []
        consoles = Consoles(self.desk, lambda *call: calls.append(call))
        terminal = Terminal(consoles)
        terminal.type(b"tail\n")
        for number in range(1_010):
            self.happen(str(number))
        for show, event in calls:
            show(event)  # type: ignore[operator]
        shown = terminal.seen()
        self.assertIn("10 events were left out", shown)
        self.assertLess(shown.count("\r\n"), 1_010)
        terminal.go()

    def test_lost(self) -> None:
        """Whoever goes away watches no more."""
        self.terminal.type(b"tail\n")
        self.terminal.go()
        self.happen("after")
        self.assertEqual(self.terminal.seen(), "")

    def test_failures(self) -> None:
        """A failure is one line; its traceback is for the log."""
        self.terminal.type(b"tail\n")
        try:
            raise ValueError("oh\x1b[0m")
        except ValueError:
            log.failure("it failed", log_event="tested")
        shown = self.terminal.seen()
        self.assertEqual(shown.count("\n"), 1)
        self.assertNotIn("\x1b", shown)
        self.flushLoggedErrors(ValueError)
        self.terminal.type(b"\n")
