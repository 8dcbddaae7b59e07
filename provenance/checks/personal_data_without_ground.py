"""Records hold what looks like personal data, and no ground is declared for it, or it is said not to be there.

Why:          personal data may be trained on only with consent or on another legal ground, which somebody must name.
Source:       Interim Measures for Generative AI Services, Article 7(3); GB/T 45652-2025, 6.3 a) and b).
Reads:        OBSERVATIONS(source, path, detector, kind, state, records, row), one row per file, kind and state;
              CLAIMS(source, manifest, field, value), SOURCES(source, records).
Yields:       at most one finding per source, naming kinds; an office's values and examples do not count.
Units:        records with a personal value per 10,000 records of the source.
Silent when:  a manifest states a ground other than `anonymised`; what is personal has no such shape (names, faces).
Flagged:      a line "write to anna.berg@uni-ulm.de" and no `personal_data` in provenance.yaml, or `contains: none`.
Clean:        `personal_data: { contains: personal, ground: consent, record: consent.pdf }`, or the line without it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

LIMITS = (
    "It does not prove that anybody is concerned: values have the shape, and where there is one the check digit, but "
    "nobody was asked whether they are real, and they may be published on purpose."
)

_NAMES = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "cn-resident-id": "Chinese resident ids",
    "iban": "IBANs",
    "payment-card": "payment cards",
    "ip": "IP addresses",
}


def find(observations: pa.Table, claims: pa.Table, sources: pa.Table) -> Iterator[Finding]:
    """Yield sources with personal data and no ground for it.

    Args:
        observations: OBSERVATIONS.
        claims: CLAIMS.
        sources: SOURCES.
    """
    stated = _stated(claims)
    sizes = dict(zip(sources["source"].to_pylist(), sources["records"].to_pylist(), strict=True))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    shown: dict[str, tuple[int, str, int]] = {}
    for row in observations.to_pylist():
        if (row["detector"], row["state"]) != ("personal-data", "personal"):
            continue
        counts[row["source"]][row["kind"]] += row["records"]
        if row["kind"] == "any":  # the file with the most of it shows it
            one = (-row["records"], row["path"], row["row"])
            shown[row["source"]] = min(one, shown.get(row["source"], one))
    for source in sorted(sizes):
        field, statement = _opposed(stated.get(source, {}))
        if field is None or source not in shown:
            continue
        seen, (_, path, row_) = counts[source], shown[source]
        kinds = [f"{_NAMES[kind]} in {seen[kind]:,}" for kind in _NAMES if seen[kind]]
        part = f"{seen['any']:,} of its {sizes[source]:,} records"
        yield Finding(
            check="personal-data-without-ground",
            source=source,
            message=f"{part} {'holds' if seen['any'] == 1 else 'hold'} what looks like personal data "
            f"({', '.join(kinds)}); {statement}.",
            limits=LIMITS,
            field=field,
            path=path,
            row=row_,
            value=10_000 * seen["any"] / sizes[source],
            unit="records per 10,000",
            records=seen["any"],
        )


def _stated(claims: pa.Table) -> dict[str, dict[str, str]]:
    """Return by source what is stated of personal data, and by which manifest; the first by its path speaks."""
    stated: dict[str, dict[str, str]] = defaultdict(dict)
    for row in sorted(
        claims.select(["source", "field", "value", "manifest"]).to_pylist(), key=lambda row: row["manifest"]
    ):
        if row["source"] is not None and row["field"] in {"personal_data.contains", "personal_data.ground"}:
            stated[row["source"]].setdefault(f"{row['field']}={row['value']}", row["manifest"])
    return stated


def _opposed(stated: Mapping[str, str]) -> tuple[str | None, str]:
    """Return what tells the finding apart, and what is stated; no finding where a ground is."""
    for statement, what in (("contains=none", "that it holds none"), ("ground=anonymised", "that it is anonymised")):
        if manifest := stated.get(f"personal_data.{statement}"):
            sentence = f"{manifest} states {what}: statement and observation differ"
            return statement.partition("=")[2], sentence
    if any(each.startswith("personal_data.ground=") for each in stated):
        return None, ""
    return "ground", "no manifest states a legal ground for it"


CHECK = CheckSpec("personal-data-without-ground", find)
