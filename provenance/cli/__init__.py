"""The command line: each command parses, makes one library call, renders and answers with an exit code.

One file a command; its module is imported when it is called, so that `provenance --help` is quick. To add one: the file
with a click command named `command`, and one line in COMMANDS.

Exit codes of `scan`, which never change: 0 nothing at or above --fail-on; 1 findings at or above it; 2 usage; 3 nothing
to audit; 4 the audit could not be completed. Those of `verify` stand in `ledger.verify`. Output that cannot be printed
changes no code of a command that has one to say; see `run`.
"""

from __future__ import annotations

import errno
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

import click

from provenance.cli import terminal
from provenance.core import kernel_cache
from provenance.core.escaping import escape_to_line
from provenance.core.processes import interruption, memory_limit
from provenance.core.scratch import scratch_folders
from provenance.errors import ConfigError, NothingToAudit, ProvenanceError, VerificationError

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS: dict[str, tuple[str, str]] = {
    "scan": ("provenance.cli.scan", "Audit a folder of training data and append to its ledger."),
    "verify": ("provenance.cli.verify", "Check a ledger: signatures, log, every bound file; or a proof."),
    "prove": ("provenance.cli.prove", "Take one piece out of a ledger, with everything that proves it."),
    "challenge": ("provenance.cli.challenge", "Show records that a verifier's nonce picks."),
    "reproduce": ("provenance.cli.reproduce", "Scan again by the rules of an entry and compare every table."),
    "guard": ("provenance.cli.guard", "Make sure, before training, that data is what was audited and may be used."),
    "report": ("provenance.cli.report", "Render a scan of a ledger."),
    "show": ("provenance.cli.show", "Show a scan of a ledger on the terminal."),
    "diff": ("provenance.cli.diff", "Compare two ledgers: shared text, estimated without either's data, and changes."),
    "declare": ("provenance.cli.declare", "Sign what the responsible person says into a ledger."),
    "countersign": ("provenance.cli.countersign", "Stand by an entry that another signed."),
    "waive": ("provenance.cli.waive", "Accept a finding until a day, and sign who accepts it."),
    "sample": ("provenance.cli.sample", "Draw records for people to review, and sign which."),
    "review": ("provenance.cli.review", "Sign what people found in the records of a draw."),
    "attest": ("provenance.cli.attest", "Sign a decision, a filter that ran, or a derivation."),
    "keygen": ("provenance.cli.keygen", "Make signing keys of your own, protected by a password."),
    "key": ("provenance.cli.key", "Hand a ledger over to other keys, revoke keys, say whose they are."),
    "timestamp": ("provenance.cli.timestamp", "Have an authority say that it saw a ledger's newest checkpoint."),
    "renew": (
        "provenance.cli.renew",
        "Sign a list of all timestamps into the ledger, before their certificates expire.",
    ),
    "witness": ("provenance.cli.witness", "Cosign what extends the ledger you saw before, or ask for it."),
    "demo": ("provenance.cli.demo", "Scan a small folder with planted problems."),
    "export": (
        "provenance.cli.export",
        "Write what a ledger holds for other tools: records to leave out, Sigstore, OMS, CMS, ...",
    ),
    "index": ("provenance.cli.index", "Make an index of works or benchmarks to look for."),
    "explain": ("provenance.cli.explain", "Explain a check, or one finding of a ledger."),
    "list": ("provenance.cli.listing", "List checks, profiles, purposes and formats."),
}
"""Every command by name: its module, and its one-line help, in the order of --help."""

ANSWERING = frozenset({"scan", "verify", "guard", "reproduce", "demo"})
"""Commands whose exit code is their answer."""

USAGE, NOTHING, INCOMPLETE = 2, 3, 4

UNVERIFIED = 2
"""The code of `verify` that ended before it had an answer; its 4 says that data differs."""

_SENTENCE = 1500  # characters of an error at most: what a hostile file says in it may be long
_PARTS = ("the ledger", "entries/", "checkpoints/", "scans/", "objects/")  # what a sentence about a ledger names
_GONE = frozenset({errno.EPIPE, errno.ECONNRESET})  # the reader of our output went away


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as cause:
            raise click.Abort from cause  # click itself would print an empty line first

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            close = get_close_matches(cmd_name, COMMANDS, 1)
            meant = f"did you mean {close[0]!r}?" if close else "`provenance --help` names them all"
            raise click.ClickException(f"there is no command {cmd_name!r}; {meant}")
        memory_limit.check_limits()
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="provenance-auditor", prog_name="provenance")
def cli() -> None:
    """Audit training data before training: sources, licences, copies; a signed ledger afterwards.

    Start with `provenance demo`, then `provenance scan ./data`.
    """


def run(arguments: list[str] | None = None) -> int:
    """Run a command line; no traceback reaches a user.

    Args:
        arguments: without the program's name; None = those of this process.

    Returns:
        The exit code. Output that could not be printed does not change that of a command that appended to a ledger,
        or whose code is its answer (ANSWERING); the code of any other is then INCOMPLETE, for it had nothing else to
        do. A reader that goes away early (`| head -1`) has all it wants: then every command keeps its code.
    """
    terminal.take_print_error()
    interruption.take_appends()
    command = _named(arguments)
    code = _run(arguments, UNVERIFIED if command == "verify" else INCOMPLETE)
    lost, appended = terminal.take_print_error(), interruption.take_appends()
    if lost is None:
        return code
    what = f"the output could not be printed: {lost.strerror}"
    if appended:
        _said(f"{_appended(appended)} was appended; {what}", code)
    elif lost.errno not in _GONE:
        _said(what, code)
    if lost.errno in _GONE or appended or code or command in ANSWERING:
        return code
    return INCOMPLETE


def _run(arguments: list[str] | None, incomplete: int) -> int:
    try:
        result = cli.main(arguments, prog_name="provenance", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _said(_interrupted(), incomplete)
    except SystemExit:
        return 0  # click's answer where the reader of --help has gone
    except Exception as error:
        if isinstance(error, MemoryError) or (memory_limit.is_limited() and memory_limit.is_caused_by_memory(error)):
            return _said(memory_limit.explain_too_little(str(error)), incomplete)
        code = _failed(error, incomplete)
        if code is None:
            raise
        return code
    return result if isinstance(result, int) else 0


def _failed(error: Exception, incomplete: int) -> int | None:
    """Say why a command failed, in one sentence; None where its traceback is wanted."""
    if isinstance(error, click.UsageError):
        return _misused(error)
    if isinstance(error, click.ClickException):
        return _said(error.format_message(), USAGE)
    if isinstance(error, ProvenanceError):
        return _said(_add_next_step(error), _code(error, incomplete))
    if isinstance(error, OSError):  # what may not be read in the data is a row; here it is what a command line names
        return _said(_unreadable(error), USAGE if isinstance(error, PermissionError) else incomplete)
    if os.environ.get("PROVENANCE_TRACEBACK"):
        return None
    fault = f"a fault in this program ({type(error).__name__}: {error}); PROVENANCE_TRACEBACK=1 shows where"
    return _said(kernel_cache.explain_missing_cache(error) or fault, incomplete)


def _add_next_step(error: ProvenanceError) -> str:
    """Say what to do about a ledger that does not verify, where its sentence does not."""
    sentence = str(error)
    of_ledger = isinstance(error, VerificationError) and any(part in sentence for part in _PARTS)
    if not of_ledger or "provenance verify" in sentence:
        return sentence
    return f"{sentence}; provenance verify LEDGER names what is damaged: put it back from a copy"


def _code(error: ProvenanceError, incomplete: int) -> int:
    """Return the code of an error: what may not be read or written is a wrong call, whoever found out."""
    if isinstance(error, ConfigError) or isinstance(error.__cause__, PermissionError):
        return USAGE
    return NOTHING if isinstance(error, NothingToAudit) else incomplete


def _misused(error: click.UsageError) -> int:
    """Say what is wrong with a call, as click does."""
    if error.ctx is not None:
        terminal.print_lines(*error.ctx.get_usage().splitlines(), error=True)
        terminal.print_lines(f"Try '{error.ctx.command_path} --help' for help.", "", error=True)
    terminal.print_lines(f"Error: {escape_to_line(error.format_message(), _SENTENCE)}", error=True)
    return USAGE


def _interrupted() -> str:
    appended = interruption.list_appends()
    return f"interrupted; {f'{_appended(appended)} was appended' if appended else 'nothing was appended to the ledger'}"


def _appended(entries: list[tuple[Path, int]]) -> str:
    """Name entries: a command appends one, as a rule."""
    return " and ".join(f"entry {index} of {folder}" for folder, index in dict.fromkeys(entries))


def _unreadable(error: OSError) -> str:
    if error.errno in scratch_folders.NO_SPACE_ERRORS:
        return f"there is no room on the disk: {error.strerror}; free some, or name another folder{_place(error)}"
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return f"this process may open no more files{_place(error)} ({error.strerror}); allow more: ulimit -n 4096"
    return f"{error.strerror or error}{_place(error)}"


def _place(error: OSError) -> str:
    place = error.filename if error.filename2 is None else error.filename2  # of a move, what it was moved to
    return f": {os.fsdecode(place)}" if isinstance(place, str | bytes) else ""


def _named(arguments: list[str] | None) -> str:
    return next(iter(sys.argv[1:] if arguments is None else arguments), "")


def _said(sentence: str, code: int) -> int:
    terminal.print_lines(f"provenance: {escape_to_line(sentence, _SENTENCE)}", error=True)
    return code
