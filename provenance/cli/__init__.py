"""The command line: each command parses, makes one library call, renders and answers with an exit code.

One file a command; its module is imported when it is called, so that `provenance --help` is quick. To add one: the file
with a click command named `command`, and one line in COMMANDS.

Exit codes of `scan`, which never change: 0 nothing at or above --fail-on; 1 findings at or above it; 2 usage; 3 nothing
to audit; 4 the audit could not be completed. Those of `verify` stand in `ledger.verify`.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib import import_module

import click

from provenance.errors import ConfigError, NothingToAudit, ProvenanceError

COMMANDS = {
    "scan": "Audit a folder of training data and append to its ledger.",
    "verify": "Check a ledger: signatures, log, every bound file; or a proof.",
    "prove": "Take one piece out of a ledger, with everything that proves it.",
    "challenge": "Show records that a verifier's nonce picks.",
    "reproduce": "Scan again by the rules of an entry and compare every table.",
    "guard": "Make sure, before training, that data is what was audited and may be used.",
    "report": "Render a scan of a ledger.",
    "show": "Show a scan of a ledger on the terminal.",
    "diff": "Compare two ledgers: shared text, estimated without either's data, and changes.",
    "declare": "Sign what the responsible person says into a ledger.",
    "countersign": "Stand by an entry that another signed.",
    "waive": "Accept a finding until a day, and sign who accepts it.",
    "sample": "Draw records for people to review, and sign which.",
    "review": "Sign what people found in the records of a draw.",
    "attest": "Sign a decision, a filter that ran, or a derivation.",
    "keygen": "Make signing keys of your own, protected by a password.",
    "key": "Hand a ledger over to other keys, revoke keys, say whose they are.",
    "timestamp": "Have an authority say that it saw a ledger's newest checkpoint.",
    "renew": "Sign a list of all timestamps into the ledger, before their certificates expire.",
    "witness": "Cosign what extends the ledger you saw before, or ask for it.",
    "demo": "Scan a small folder with planted problems.",
    "export": "Write what a ledger holds for other tools: records to leave out, Sigstore, OMS, CMS, ...",
    "index": "Make an index of works or benchmarks to look for.",
    "explain": "Explain a check, or one finding of a ledger.",
    "list": "List checks, profiles, purposes and formats.",
}
"""Every command with its one-line help, in the order of --help."""

USAGE, NOTHING, INCOMPLETE = 2, 3, 4


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            close = get_close_matches(cmd_name, COMMANDS, 1)
            meant = f"did you mean {close[0]!r}?" if close else "`provenance --help` names them all"
            raise click.ClickException(f"there is no command {cmd_name!r}; {meant}")
        name = {"list": "listing"}.get(cmd_name, cmd_name)
        command: click.Command = import_module(f"provenance.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="provenance-auditor", prog_name="provenance")
def cli() -> None:
    """Audit training data before training: sources, licences, copies; a signed ledger afterwards.

    Start with `provenance demo`, then `provenance scan ./data`.
    """


def run(arguments: list[str] | None = None) -> int:  # noqa: C901, PLR0911 - one line for each way to end
    """Run a command line; no traceback reaches a user.

    Args:
        arguments: without the program's name; None = those of this process.

    Returns:
        The exit code.
    """
    try:
        result = cli.main(arguments, prog_name="provenance", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        return _said(error.format_message(), USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _said("interrupted; nothing was appended to the ledger", INCOMPLETE)
    except ConfigError as error:
        return _said(str(error), USAGE)
    except NothingToAudit as error:
        return _said(str(error), NOTHING)
    except ProvenanceError as error:
        return _said(str(error), INCOMPLETE)
    except SystemExit:
        return INCOMPLETE  # click's answer where the reader of our output has gone; its own code would mean findings
    except OSError as error:  # what may not be read in the data is a row; here it is what a command line names
        code = USAGE if isinstance(error, PermissionError) else INCOMPLETE
        return _said(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", code)
    except MemoryError as error:
        return _said(str(error) or "not enough memory; try --workers 1", INCOMPLETE)
    except Exception as error:
        if os.environ.get("PROVENANCE_TRACEBACK"):
            raise
        kind = type(error).__name__
        return _said(f"a fault in this program ({kind}: {error}); PROVENANCE_TRACEBACK=1 shows where", INCOMPLETE)
    return result if isinstance(result, int) else 0


def _said(sentence: str, code: int) -> int:
    plain = "".join(char if char.isprintable() else " " for char in sentence)
    click.echo(f"provenance: {plain}", err=True)
    return code
