"""
The commands: one table, from which the command line, the shell, HELP and completion are made.

Decides what each command is called, how it is typed, and what is said about it.  Must not know what
it does.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import click

from dfs.client import commands, places
from dfs.client.verbs import RemotePath, Table, UserName, Verb, VerbName


def path_argument() -> click.Argument:
    """One document."""
    return click.Argument(["path"], type=RemotePath())


def paths_argument() -> click.Argument:
    """Documents."""
    return click.Argument(["paths"], type=RemotePath(), nargs=-1, required=True)


def flag(*names: str, help: str) -> click.Option:
    """Something that is asked for or not."""
    return click.Option(list(names), is_flag=True, help=help)


def table() -> Table:
    """Every command."""
    return Table((*_reading(), *_changing(), *_arranging(), *_cluster()))


def _reading() -> tuple[Verb, ...]:
    return (
        Verb(
            "VIEW",
            "[-a] [-l]",
            "List the documents that you may read.",
            commands.view,
            (
                flag("-a", "all", help="Also those that you may not read."),
                flag("-l", "long", help="With words, size, last change, owner, server …"),
            ),
            examples=("VIEW", "VIEW -al"),
        ),
        Verb(
            "READ",
            "[--raw] <path>…",
            "Print a document, byte for byte.",
            commands.read,
            (
                flag("--raw", help="Do not escape control characters on a terminal."),
                paths_argument(),
            ),
            aliases=("cat",),
            examples=("READ notes.txt", "READ 'to do.txt' reports/q3.txt"),
        ),
        Verb(
            "STREAM",
            "<path> [-d <seconds>]",
            "Print a document word by word.",
            commands.stream,
            (
                path_argument(),
                click.Option(
                    ["-d", "delay"],
                    type=click.FloatRange(0, 3600),
                    default=0.1,
                    help="Seconds from one word to the next; 0.1 by default.",
                ),
            ),
            examples=("STREAM story.txt", "STREAM story.txt -d 0.5"),
        ),
        Verb(
            "INFO",
            "<path>…",
            "Tell everything about a document.",
            commands.info,
            (paths_argument(),),
            aliases=("stat",),
            examples=("INFO notes.txt",),
        ),
    )


def _changing() -> tuple[Verb, ...]:
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
                click.Argument(["sentence"], type=int),
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
            (path_argument(), click.Argument(["text"], nargs=-1, required=True)),
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
                    ["names"], type=click.Path(allow_dash=True), nargs=-1, required=True
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
                click.Argument(["names"], type=RemotePath(), nargs=-1, required=True),
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
                flag("-R", "-r", "read", help="To read."),
                flag("-W", "-w", "write", help="To read and write."),
                path_argument(),
                click.Argument(["user"], type=UserName()),
            ),
            examples=("ADDACCESS -R notes.txt bob",),
        ),
        Verb(
            "REMACCESS",
            "<path> <user>",
            "Take somebody's access away.",
            commands.rem_access,
            (path_argument(), click.Argument(["user"], type=UserName())),
            examples=("REMACCESS notes.txt bob",),
        ),
    )


def _arranging() -> tuple[Verb, ...]:
    return (
        Verb(
            "CREATEFOLDER",
            "[-p] <path>…",
            "Make a new, empty folder, and those above it.",
            places.create_folder,
            (
                flag("-p", "parents", help="One that is there already is no error."),
                paths_argument(),
            ),
            aliases=("mkdir",),
            examples=("CREATEFOLDER reports/2026",),
            details="Documents make the folders that they are put into, too. A folder stays when"
            " it is empty.",
        ),
        Verb(
            "VIEWFOLDER",
            "[-a] [-l] [-R] [-d] [<path>…]",
            "List what stands in a folder.",
            places.view_folder,
            (
                flag("-a", "all", help="Also documents that you may not read."),
                flag("-l", "long", help="With words, size, last change, owner, server …"),
                flag("-R", "deep", help="Also what stands in the folders there."),
                flag("-d", "itself", help="The folder itself, not what stands in it."),
                click.Argument(["paths"], type=RemotePath(), nargs=-1),
            ),
            aliases=("ls",),
            examples=("VIEWFOLDER", "VIEWFOLDER -l reports", "ls -lR reports"),
            details="Without a path: the root, in which everything stands. Names of folders end"
            " with /.",
        ),
        Verb(
            "MOVE",
            "<path>… <folder or new path>",
            "Let documents or folders stand elsewhere.",
            places.move,
            (click.Argument(["names"], type=RemotePath(), nargs=-1, required=True, callback=_two),),
            aliases=("mv",),
            examples=("MOVE notes.txt reports/", "MOVE notes.txt old.txt", "MOVE reports archive/"),
            details="A target that is a folder, or ends with /, gets them inside; any other one is"
            " the new path. Nothing is ever overwritten. History, access lists and checkpoints"
            " stay as they are, and so does who is editing. Only the owner of a document, or of a"
            " folder, may move it; a folder is moved with all that is in it.",
        ),
        Verb(
            "DELETEFOLDER",
            "[-r] <path>…",
            "Remove a folder, which must be empty.",
            places.delete_folder,
            (
                flag("-r", "-R", "recursive", help="With everything in it, if all of it is yours."),
                paths_argument(),
            ),
            aliases=("rmdir",),
            examples=("DELETEFOLDER reports/2025", "DELETEFOLDER -r reports"),
        ),
    )


def _two(
    context: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """At least two names."""
    if len(value) < 2 and not context.resilient_parsing:
        raise click.UsageError("say what is moved, and where to")
    return value


def _cluster() -> tuple[Verb, ...]:
    return (
        Verb("LIST", "", "List all users, and who is online.", commands.list_users),
        Verb("WHOAMI", "", "Tell who you are here.", commands.whoami),
        Verb("SERVERS", "", "List the storage servers.", commands.servers),
        Verb(
            "STATUS",
            "[<server>]",
            "Tell how the name server is, or a storage server.",
            commands.status,
            (click.Argument(["server"], default=""),),
            examples=("STATUS", "STATUS ss1"),
        ),
        Verb(
            "HELP",
            "[<command>]",
            "List the commands, or explain one.",
            commands.help,
            (click.Argument(["about"], type=VerbName(), default=""),),
            examples=("HELP", "HELP WRITE"),
        ),
        Verb("EXIT", "", "Leave the shell.", commands.leave, aliases=("quit",)),
    )
