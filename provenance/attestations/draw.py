"""Draws: the records that people are to look at, signed before anybody has looked.

How they are drawn stands in `ledger.drawing`, so that a verifier draws them again. Abandoned draws stay in the ledger:
a sample that is drawn until it passes is seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provenance import ledger as signed_ledger
from provenance.attestations import ComposedAct, current_time, newest_scan, statement_of
from provenance.errors import ConfigError, InputError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, draw_algorithm, statement
from provenance.ledger.log.reading import is_withheld

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KIND = "draw"
MOST_RECORDS = 1_000_000
"""Records of the largest draw: more than people look at."""


def compose(
    folder: Path,
    size: int,
    purpose: str,
    *,
    nonce: str | None = None,
    sources: Sequence[str] = (),
    index: int | None = None,
) -> ComposedAct:
    """Draw records.

    Args:
        folder: the ledger.
        size: how many; all, where there are no more.
        purpose: what it is for.
        nonce: what a verifier gives to the seed: 16 to 128 hexadecimal digits; None = nothing.
        sources: ids of the only sources to draw from; () = all.
        index: number of the scan's entry; None = the newest scan.

    Returns:
        The act; its document lists path and row of each record. It holds only as the ledger's next entry: another draw
        for the same purpose would have its number.

    Raises:
        ConfigError: there is no such scan or source, it looked at a sample itself, or there is nothing to draw from.
        InputError: the scan's table of files is withheld.
    """
    purpose = " ".join(purpose.split())  # a purpose that differs in white space is not another one
    if not 1 <= size <= MOST_RECORDS:
        raise ConfigError(f"a draw is of 1 to {MOST_RECORDS:,} records, not {size:,}")
    if not purpose:
        raise ConfigError("the purpose is empty: say in one line what the draw is for")
    if len(purpose) > 200:
        raise ConfigError("say in one line of at most 200 characters what the draw is for")
    if nonce is not None and not re.fullmatch(r"([0-9a-f]{2}){8,64}", nonce):
        raise ConfigError("a nonce is 16 to 128 hexadecimal digits, two a byte, in lower case")
    at, after = newest_scan(folder, index), signed_ledger.size(folder)
    predicate = statement_of(folder, at, statement.SCAN).predicate
    if "sample" in predicate.get("config", {}):
        raise ConfigError(f"entry {at} looked at a sample itself; draw from a scan of all of the data")
    _check_sources(folder, at, sources)
    listed = folder / predicate["tables"]["files"]["lines"]
    if is_withheld(listed):
        raise InputError(f"{listed} is withheld, so nothing can be drawn; ask whoever holds the whole ledger")
    try:
        lines = draw_algorithm.read_lines(listed)
        frame = draw_algorithm.read_frame(lines, frozenset(sources) if sources else None)
        note = checkpoint.read_checkpoint(layout.read_bytes(folder / layout.note_path(at + 1), checkpoint.MOST_BYTES))
    except OSError as cause:
        raise InputError(f"entry {at} of {folder} cannot be drawn from: {cause.strerror}") from cause
    if not frame.records:
        raise ConfigError(f"there is no record to draw from in {', '.join(sources) or f'entry {at}'}")
    number = sum(
        each["purpose"] == purpose for entry, _, each in signed_ledger.read_entries(folder, KIND) if entry < after
    )
    root = note.root.hex()
    seed = draw_algorithm.derive_seed(root, purpose, nonce, number)
    places = draw_algorithm.draw_records(seed, size, frame)
    facts = {
        "algorithm": draw_algorithm.ALGORITHM,
        "purpose": purpose,
        "number": number,
        "size": size,
        "drawn": len(places),
        "seed": seed,
        "scan": {"entry": at, "rootHash": root},
        "frame": {"files": len(frame.files), "records": frame.records},
        "drawnOn": current_time(),
    }
    facts |= {"nonce": nonce} if nonce is not None else {}
    facts |= {"sources": sorted(set(sources))} if sources else {}
    return ComposedAct(KIND, draw_algorithm.write_document(places), facts, after=after)


def _check_sources(folder: Path, entry: int, sources: Sequence[str]) -> None:
    known = (
        set(signed_ledger.read_tables(folder, entry, {"sources"})["sources"]["source"].to_pylist())
        if sources
        else set()
    )
    if strange := sorted(set(sources) - known):
        raise ConfigError(f"entry {entry} has no source {', '.join(map(repr, strange))}")
