"""Data that a model made does not say which model, in which version, and when.

Why:          a generator's terms may forbid training on what it made, and its faults go over into what it teaches.
Source:       GB/T 45652 (draft of 2024-03-28), 7.1 b and 7.2 b; template for Article 53(1)(d) of the EU AI Act, 2.5.
Reads:        SOURCES(source, kind, records), CLAIMS(source, field, value, witness, pointer).
Yields:       at most one finding per source of the kind synthetic, or of which a generator is stated; of field `card`
              where no native manifest says so, for a card may name the model in its prose.
Units:        records.
Silent when:  name, version and date of every generator are stated; nobody says that a model made the data (COVERAGE).
              Columns that name a model, record by record, are not read.
Flagged:      `{ id: dialogues, kind: synthetic }`.
Clean:        `{ id: dialogues, kind: synthetic, generator: { name: m, version: "2.1", acquired: 2026-01 } }`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.readers.manifests import by_witness
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa


LIMITS = "It does not prove that the generator is unknown, or that its terms forbid anything."
_NEEDED = {"name": ("name", "model"), "version": ("version",), "date": ("acquired",)}


def find(sources: pa.Table, claims: pa.Table) -> Iterator[Finding]:
    """Yield sources of generated data whose generator is not, or not wholly, named.

    Args:
        sources: SOURCES.
        claims: CLAIMS.
    """
    records = {row["source"]: row["records"] for row in sources.to_pylist()}
    for one in declared_facts.facts_by_source(sources, claims):
        made = one.records.get("generator", [])
        if one.kind != "synthetic" and not made:
            continue
        lacking = _lacking(made)
        if made and not lacking:
            continue
        stated = [who for name, who in one.by.items() if name == "kind" or name.startswith("generator.")]
        manifest = one.manifest or "its manifest"
        fault = (
            f"the {' and the '.join(lacking)} of what made it" if made else "what made it, in which version and when"
        )
        yield Finding(
            check="generator-unnamed",
            source=one.source,
            message=f"It is declared to be made by a model, and {manifest} does not state {fault}.",
            limits=LIMITS,
            field=None if any(by_witness(each).own for who in stated for each in who) else "card",
            path=one.manifest,
            value=float(records[one.source]),
            unit="records",
            records=records[one.source],
        )


def _lacking(made: list[dict[str, str]]) -> list[str]:
    return [what for what, keys in _NEEDED.items() if any(not {*keys} & each.keys() for each in made)]


CHECK = CheckSpec("generator-unnamed", find, unseen=declared_facts.describe_unasked)
