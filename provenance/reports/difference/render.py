"""What two ledgers have in common, for a terminal or for programs: what could not be compared first."""

from __future__ import annotations

import io
import math
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from provenance.core.digests import canonical
from provenance.core.wording import count_noun
from provenance.reports.difference.compare import LEAST_SHARE
from provenance.reports.text import make_printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.reports.difference.compare import Difference, Side

MOST_SHOWN = 25
"""Pairs of sources, and changes, shown at most; the rest is counted."""

EXPLANATION = (
    "A share is of the distinct runs of five words, estimated from a sample of their hashes; in brackets, where it lies"
    " in 95 of 100 samples. Runs are no records: phrases that everybody uses are shared by everybody, reworded text is"
    " not found, and who took from whom, or both from a third, no sketch can tell."
)


def render(found: Difference, format_: str = "text", *, width: int = 100, colour: bool = False) -> bytes:
    """Render a difference.

    Args:
        found: from `compare.diff`.
        format_: text | json.
        width: columns, of text.
        colour: whether text has colours.

    Returns:
        UTF-8; of json, canonical (RFC 8785) and closed by a newline. Nothing in it can steer a terminal but the colours
        asked for.
    """
    if format_ == "json":
        return canonical(found.as_json()) + b"\n"
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, no_color=not colour, highlight=False, legacy_windows=False
    )
    for name, side in (("a", found.a), ("b", found.b)):
        _heading(console, name, side)
    _section(console, "Not compared")
    for gap in found.gaps or ("nothing: every source of both has a sketch",):
        _line(console, gap)
    _overlaps(console, found)
    _changes(console, found)
    console.print()
    console.print(Text(EXPLANATION, style="dim"))
    return "".join(f"{line.rstrip(' ')}\n" for line in out.getvalue().splitlines()).encode()


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, style="bold"))


def _line(console: Console, text: str, indent: int = 2) -> None:
    console.print(Padding(Text(make_printable(text)), (0, 0, 0, indent), expand=False))


def _heading(console: Console, name: str, side: Side) -> None:
    what = f", entry {side.entry}: {side.kind} of {side.data}, {side.finished}, {count_noun(side.sources, 'source')}"
    console.print(Text.assemble((f"{name}: {make_printable(side.ledger)}", "bold"), make_printable(what)))
    whose = f"{side.key} ({side.whose})" if side.whose else f"{side.key}, which you have not pinned"
    sentence = f"{side.meaning[0].upper()}{side.meaning[1:]}. The entry says it is signed by {whose}."
    console.print(Padding(Text(make_printable(sentence), style="dim" if not side.verified else "yellow"), (0, 0, 0, 3)))


def _overlaps(console: Console, found: Difference) -> None:
    rows = found.overlaps.to_pylist()
    same = {_pair(row) for row in rows if found.changes is not None and _is_untouched(row)}
    pairs = [list(of) for _, of in groupby((row for row in rows if not (same and _is_untouched(row))), _pair)]
    _section(
        console, f"Shared text: {count_noun(len(pairs), 'pair')} of sources" if pairs else "Shared text: none listed"
    )
    for of in pairs[:MOST_SHOWN]:
        a, b = _pair(of[0])
        console.print(
            Padding(
                Text(f"{make_printable(a)} (a) ~ {make_printable(b)} (b)", style="bold"), (0, 0, 0, 2), expand=False
            )
        )
        for row in of:
            _line(console, f"{row['view']:<7} {_share(row, 'a')} of a in b; {_share(row, 'b')} of b in a", 10)
    if len(pairs) > MOST_SHOWN:
        _line(console, f"and {count_noun(len(pairs) - MOST_SHOWN, 'more pair')}, with --format json")
    if same:
        _line(console, f"{count_noun(len(same), 'source')} of the same text in both, as far as sketches tell")
    counted = (
        (found.below, f"less than {LEAST_SHARE * 100:.0f} % of either in the other"),
        (found.open, f"sketches do not tell whether it is more or less than {LEAST_SHARE * 100:.0f} %"),
    )
    for number, reason in counted:
        if number:
            _line(console, f"not listed: {count_noun(number, 'comparison')} of a source and view: {reason}")


def _pair(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["source_a"], row["source_b"]


def _is_untouched(row: Mapping[str, Any]) -> bool:
    """Tell whether a source has the sketch that it had."""
    return bool(row["source_a"] == row["source_b"] and row["shared"] == row["hashes_a"] == row["hashes_b"])


def _share(row: Mapping[str, Any], side: str) -> str:
    """Say a share in words; what is rounded is rounded outwards."""
    share, low, high = (row[f"{name}_{side}"] for name in ("share", "low", "high"))
    if share is None:
        return "an unknown share"
    digits = 0 if high - low > 0.1 else 1
    step = 10**digits
    least, most = math.floor(low * 100 * step) / step, math.ceil(high * 100 * step) / step
    if share == 1:
        return f"at least {least:.{digits}f} %"
    if share == 0:
        return f"at most {most:.{digits}f} %"
    return f"{share * 100:.{digits}f} % ({least:.{digits}f} to {most:.{digits}f})"


def _changes(console: Console, found: Difference) -> None:
    if found.changes is None:
        return
    rows = found.changes.to_pylist()
    note = " in the same bytes" if found.same_data else ""
    _section(console, f"Changed from a to b{note}: {len(rows):,}" if rows else f"Changed from a to b{note}: nothing")
    for row in rows[:MOST_SHOWN]:
        was, now = (make_printable(row[name] or "none") for name in ("before", "after"))
        if row["change"] == "changed":
            _line(console, f"{row['source']}: {row['field']}: {was} -> {now}")
        else:
            count = now if row["change"] == "added" else was
            _line(console, f"{row['source']}: {row['change']}, {count} {'record' if count == '1' else 'records'}")
    if len(rows) > MOST_SHOWN:
        _line(console, f"and {len(rows) - MOST_SHOWN:,} more, with --format json")
