"""Commands one after another."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from dfs.client.conversation import Conversation, script
from dfs.client.keyboard import Interrupted
from tests.client.desk import CTRL_C, Desk, Typed, standard_input
from tests.client.people import CommandCase


class ScriptTests(CommandCase):
    """Commands from a file or pipe."""

    def run_script(self, text: str) -> int:
        """Run commands; the exit status."""
        self.alice.forget()
        lines = standard_input(text.encode())
        self.alice.work.lines = lines
        return self.cluster.run(Deferred.fromCoroutine(script(self.alice.interpreter, lines)))

    def test_in_order(self) -> None:
        """Commands run one after another; WRITE takes its lines from the same input."""
        text = "# a script\n\nCREATE a\nWRITE a 0\n0 Hello.\nETIRW\nREAD a\n"
        self.assertEqual(self.run_script(text), 0)
        self.assertTrue(self.alice.seen().endswith("Write Successful!\nHello."))

    def test_first_failure(self) -> None:
        """A script stops at the first command that fails, with its status."""
        self.assertEqual(self.run_script("READ nothing\nCREATE a\n"), 1)
        self.assertEqual(self.run_script("READ\nCREATE a\n"), 2)
        self.done("VIEW", says="No files found.\n")

    def test_exit(self) -> None:
        """EXIT ends a script."""
        self.assertEqual(self.run_script("EXIT\nCREATE a\n"), 0)
        self.done("VIEW", says="No files found.\n")


class ConversationTests(CommandCase):
    """Commands of a person."""

    def talk(self, *lines: str) -> Typed:
        """Type these commands."""
        self.person: Desk = self.desk("alice", terminal=True)
        self.person.forget()
        commands = Typed(lines, interactive=True)
        talk = Conversation(self.person.interpreter, commands, "alice")
        self.assertEqual(self.cluster.run(Deferred.fromCoroutine(talk.run())), 0)
        return commands

    def test_goes_on(self) -> None:
        """A command that fails does not end the conversation; the prompt names the user."""
        commands = self.talk("READ nothing", "CREATE a", CTRL_C, "VIEW")
        self.assertEqual(self.person.seen(), "File Created Successfully!\na\n")
        self.assertEqual(commands.prompts, ["alice@dfs> "] * 5)

    def test_exit(self) -> None:
        """EXIT ends it."""
        self.assertEqual(len(self.talk("EXIT", "VIEW").prompts), 1)

    def test_interrupt(self) -> None:
        """Ctrl-C ends the command that runs, and nothing else."""
        self.alice.type("CREATE a")
        self.alice.type("APPEND a 'one two'")
        person = self.desk("alice", terminal=True)
        person.forget()
        commands = Typed(["STREAM a -d 60", "WHOAMI"], interactive=True)
        talk = Conversation(person.interpreter, commands, "alice")
        ended = Deferred.fromCoroutine(talk.run())
        self.cluster.advance(5)
        self.assertNoResult(ended)
        talk.interrupt()
        self.cluster.run(ended)
        self.assertIn("Interrupted.", person.complaints)
        self.assertTrue(person.seen().endswith("alice\n"))

    def test_interrupt_while_writing(self) -> None:
        """Ctrl-C while WRITE waits for its server frees the sentence."""
        self.alice.type("CREATE a")

        class Waits:
            """Somebody who thinks for ever."""

            interactive = True

            def next(self, prompt: str) -> Deferred[str | None]:
                """Nothing comes."""
                return Deferred()

        self.alice.forget()
        self.alice.work.lines = Waits()
        writing = Deferred.fromCoroutine(self.alice.interpreter.line("WRITE a 0"))
        self.cluster.advance(1)
        writing.cancel()
        self.cluster.refused(writing, CancelledError)
        self.assertIn("Aborted", self.alice.complaints)
        self.alice.type("WRITE a 0 -e '0 x'")
        self.assertEqual(self.alice.status, 0)

    def test_interrupted_is_no_error(self) -> None:
        """Ctrl-C at a prompt is not reported as a defect."""
        self.assertTrue(issubclass(Interrupted, Exception))
        self.talk(CTRL_C, CTRL_C)
        self.assertEqual(self.person.complaints, "")
