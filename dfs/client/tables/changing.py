"""
Commands that change a document, and who may see it.

Decides what each is called, how it is typed and what is said about it.  Must not know what it does.
Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import click

from dfs.client import commands, places
from dfs.client.arguments import flag, number_argument, path_argument, paths_argument, right_flags
from dfs.client.verbs import RemotePath, UserName, Verb


def verbs() -> tuple[Verb, ...]:
    """In the order of HELP."""
    return (
        Verb(
            "CREATE",
            "<path>…",
            "Make a new, empty document.",
            commands.create,
            (paths_argument(),),
            aliases=("touch",),
            examples=("CREATE notes.txt",),
        ),
        Verb(
            "WRITE",
            '<path> <sentence> [-e "<word> <text>"]…',
            "Lock one sentence and insert words into it.",
            commands.write,
            (
                path_argument(),
                number_argument("sentence", "<sentence>"),
                click.Option(
                    ["-e", "edits"],
                    multiple=True,
                    help="An edit; with at least one, nothing is asked and all are committed.",
                ),
            ),
            examples=(
                "WRITE notes.txt 0",
                "WRITE> 0 Hello",
                "WRITE> 1 world.",
                "WRITE> ETIRW",
                "dfs WRITE notes.txt 0 -e '0 Hello' -e '1 world.'",
            ),
            details="Sentences and words count from 0. Each line '<word> <text>' inserts the text"
            " before that word; \\n, \\t and \\\\ mean newline, tab and backslash. ETIRW commits"
            " all lines as one change; ABORT, or the end of the input, drops them. If the server is"
            " lost before ETIRW was answered, the lines are kept: RETRY sends them again.",
            free_text=True,
        ),
        Verb(
            "RETRY",
            "",
            "Send the lines of a WRITE again whose server was lost.",
            commands.retry,
            details="In the shell: the same sentence is locked again, where the document is now,"
            " and all lines are sent; look at the sentence, then type ETIRW, more lines, or ABORT."
            " If the server was lost while it answered ETIRW, the lines may be in the document"
            " already, and RETRY would write them twice: READ tells. ABORT, or another WRITE,"
            " forgets the lines.",
        ),
        Verb(
            "ABORT",
            "",
            "Forget the lines that RETRY would send.",
            commands.abort,
            details="Within WRITE, ABORT ends the session and nothing is changed.",
        ),
        Verb(
            "APPEND",
            "<path> <text>…",
            "Add text to the end of a document.",
            commands.append,
            (path_argument(), click.Argument(["text"], nargs=-1, required=True, metavar="<text>…")),
            examples=("APPEND notes.txt 'One more line.\\n'",),
            details="\\n, \\t and \\\\ mean newline, tab and backslash.",
            free_text=True,
        ),
        Verb(
            "PUT",
            "[-r] <local>… [<path>]",
            "Store local files as whole documents.",
            commands.put,
            (
                flag("-r", "-R", "recursive", help="A folder with everything in it."),
                click.Argument(
                    ["names"],
                    type=click.Path(allow_dash=True),
                    nargs=-1,
                    required=True,
                    metavar="<local>…",
                ),
            ),
            examples=(
                "PUT notes.txt",
                "PUT draft.txt reports/q3.txt",
                "PUT a.txt b.txt texts/",
                "PUT -r reports",
            ),
            details="A <path> that ends with / is a folder prefix; several files need one. The"
            " local name - is standard input. An existing document gets the new content as one"
            " change that can be undone.",
        ),
        Verb(
            "GET",
            "[-r] <path>… [<local>]",
            "Copy whole documents into local files.",
            commands.get,
            (
                flag("-r", "-R", "recursive", help="A folder with everything in it."),
                click.Argument(
                    ["names"], type=RemotePath(), nargs=-1, required=True, metavar="<path>…"
                ),
            ),
            examples=(
                "GET notes.txt",
                "GET reports/q3.txt q3.txt",
                "GET notes.txt -",
                "GET -r reports backup",
            ),
            details="A local file that exists is replaced, at once and as a whole. The local name"
            " - is standard output. Several documents need a local folder.",
        ),
        Verb(
            "UNDO",
            "<path>",
            "Take the last change back.",
            commands.undo,
            (path_argument(),),
            examples=("UNDO notes.txt",),
        ),
        Verb(
            "REDO",
            "<path>",
            "Bring back what UNDO took.",
            commands.redo,
            (path_argument(),),
            examples=("REDO notes.txt",),
        ),
        Verb(
            "DELETE",
            "[-r] [-f] <path>…",
            "Remove a document with its history.",
            places.delete,
            (
                flag("-r", "-R", "recursive", help="Folders too, with everything in them."),
                flag("-f", "force", help="What is not there is no error."),
                paths_argument(),
            ),
            aliases=("rm",),
            examples=("DELETE notes.txt", "rm -r reports"),
        ),
        Verb(
            "ADDACCESS",
            "-R|-W <path> <user>",
            "Let somebody read, or read and write.",
            commands.add_access,
            (
                *right_flags(),
                path_argument(),
                click.Argument(["user"], type=UserName(), metavar="<user>"),
            ),
            examples=("ADDACCESS -R notes.txt bob",),
        ),
        Verb(
            "REMACCESS",
            "<path> <user>",
            "Take somebody's access away.",
            commands.rem_access,
            (path_argument(), click.Argument(["user"], type=UserName(), metavar="<user>")),
            examples=("REMACCESS notes.txt bob",),
        ),
    )
