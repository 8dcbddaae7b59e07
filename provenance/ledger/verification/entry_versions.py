"""Old forms of entries: who may have written them, and what they cannot show.

Version 0 has neither trees nor a content set. Programs wrote it before there was version 1, so nobody who writes it
today, or after an entry of version 1, is an old program: it is somebody who wants less to be checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.ledger.format import statement
from provenance.ledger.verification.results import some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.ledger.format.statement import Statement
    from provenance.ledger.verification.state import VerificationState

PROGRAMS = frozenset({"0.1.0"})
"""Versions of the program of which builds wrote version 0."""

LAST = "2026-11-26"
"""The last day (UTC) on which a program wrote version 0."""


def check_versions(state: VerificationState) -> None:
    """Refuse an old form where no old program can have written it; name what it lacks elsewhere.

    Args:
        state: what is asked and known so far; the steps are added to it.
    """
    old = [each for each in state.statements if each.is_old]
    if faults := list(_faults(state.statements)):
        state.fail("versions", some(faults))
    elif scans := [str(each.place.index) for each in old if each.kind == statement.SCAN]:
        what = f"{'entry' if len(scans) == 1 else 'entries'} {some(scans)}"
        state.skip(
            "versions", f"{what} of version 0 {'has' if len(scans) == 1 else 'have'} no trees and no content set"
        )
        state.gaps.append(f"trees and content set, which version 0 does not have ({what})")


def _faults(statements: Sequence[Statement]) -> Iterator[str]:
    newer = None
    for entry_statement in statements:
        if not entry_statement.is_old:
            newer = entry_statement.place.index if newer is None else newer
        elif found := fault(entry_statement, newer):
            yield found


def fault(entry_statement: Statement, newer: int | None) -> str | None:
    """Say why no old program can have written an entry of an old form.

    Args:
        entry_statement: the entry, of an old form.
        newer: number of the first entry before it that is of version 1; None = there is none.

    Returns:
        One sentence; None where an old program can have.
    """
    name = f"entry {entry_statement.place.index} is of version 0"
    if newer is not None:
        return f"{name}, and stands after entry {newer} of version 1"
    if entry_statement.predicate["scanner"]["version"] not in PROGRAMS:
        return f"{name}, and was written by a program that writes version 1"
    if loose := _loose(entry_statement):
        return f"{name}, and names {loose[0]}, which it does not bind"
    if _day(entry_statement) > LAST:
        return f"{name}, and says that it is of {_day(entry_statement)}; no program wrote version 0 after {LAST}"
    return None


def _loose(entry_statement: Statement) -> list[str]:
    """Lines that an old scan names and does not bind, or whose table of files is not what it is about."""
    if entry_statement.kind != statement.SCAN:
        return []
    lines = {name: table.get("lines") for name, table in entry_statement.predicate["tables"].items()}
    subject = statement.object_path(entry_statement.value["subject"][0]["digest"]["sha256"])
    return [path for path in lines.values() if path and path not in entry_statement.folder] or [subject] * (
        lines["files"] != subject
    )


def _day(entry_statement: Statement) -> str:
    """The last day that an entry names as its own."""
    times = (entry_statement.predicate.get(name) for name in ("startedOn", "finishedOn", "date"))
    return max((time[:10] for time in times if isinstance(time, str)), default="")
