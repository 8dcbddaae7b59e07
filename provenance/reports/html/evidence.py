"""Masked evidence: the words of matching records side by side, for whoever has the data; never under a ledger.

Records are read back from the data, and shown only if their file is the one that was scanned. Personal data that can be
recognised is masked before anything is cut, compared or shown; what cannot be recognised, names above all, is not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from provenance.core.wording import count_noun
from provenance.errors import ProvenanceError
from provenance.reports.html.markup import Markup, isolate_name, make_visible, tag, text
from provenance.reports.html.masking import MASKS, mask_personal_data
from provenance.sources import excerpts

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from provenance.reports.html.findings import Pairs

MOST_FINDINGS, MOST_CHARACTERS = 200, 900
"""Findings that evidence is read for, and characters of a record that are shown, at most."""

_MOST_MASKED_BYTES = 1 << 14  # characters that are masked: far more than are shown, so that no value is cut in two
_WORDS = re.compile(rf"{MASKS.pattern}|\s+|\w+|.", re.DOTALL)

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Excerpt:
    """What is shown of a record: its masked beginning, or why there is none."""

    place: Place
    text: str = ""
    more: int = 0
    fault: str | None = None


def read_evidence(
    tables: Mapping[str, pa.Table],
    data: str | os.PathLike[str],
    findings: Sequence[Mapping[str, Any]],
    pairs: Pairs,
) -> dict[str, Markup]:
    """Read and mask the records that show a finding.

    Args:
        tables: FILES and CLAIMS of the scan, by name.
        data: the folder that was scanned.
        findings: rows of MOST_FINDINGS.
        pairs: matching records by fingerprint, from `findings.choose_examples`.

    Returns:
        Markup by fingerprint, for findings that name records; a file that is gone or was changed is said to be.
    """
    shown = [row for row in findings if row["fingerprint"] in pairs or _alone(row)][:MOST_FINDINGS]
    wanted: list[tuple[str, list[tuple[str, list[Place]]]]] = []
    for row in shown:
        matched = [
            (each["view"], [(each["path_a"], each["row_a"]), (each["path_b"], each["row_b"])])
            for each in pairs.get(row["fingerprint"], ())
        ]
        wanted.append((row["fingerprint"], matched or [("whole", [(row["path"], row["row"])])]))
    places = {(view, place) for _, matched in wanted for view, both in matched for place in both}
    excerpt_by_place = _excerpts(tables, data, places)
    return {
        mark: _block([[excerpt_by_place[view, place] for place in both] for view, both in matched])
        for mark, matched in wanted
    }


def _alone(row: Mapping[str, Any]) -> bool:
    return row["path"] is not None and row["row"] is not None


def _excerpts(
    tables: Mapping[str, pa.Table], data: str | os.PathLike[str], places: Iterable[tuple[str, Place]]
) -> dict[tuple[str, Place], _Excerpt]:
    """Read each file once; one that cannot be believed takes its own records with it alone."""
    by_file: dict[str, set[tuple[str, Place]]] = defaultdict(set)
    for view, place in places:
        by_file[place[0].split("!/", 1)[0]].add((view, place))
    found: dict[tuple[str, Place], _Excerpt] = {}
    for _, places_of_file in sorted(by_file.items()):
        listed = sorted(places_of_file)
        try:
            rows = excerpts.read(tables, data, [place for _, place in listed]).to_pylist()
        except (ProvenanceError, OSError) as error:
            found |= {key: _Excerpt(key[1], fault=f"Not shown: {error}") for key in listed}
            continue
        for (view, place), row in zip(listed, rows, strict=True):
            found[view, place] = _excerpt(place, row[view] if row["error"] is None else None)
    return found


def _excerpt(place: Place, content: str | None) -> _Excerpt:
    if content is None:
        return _Excerpt(place, fault="Not shown: the record has no such text.")
    masked = mask_personal_data(content[:_MOST_MASKED_BYTES])
    kept = masked[:MOST_CHARACTERS]
    opened = kept.rfind("[", -24)
    if opened > 0 and "]" not in kept[opened:] and len(masked) > MOST_CHARACTERS:
        kept = kept[:opened]  # the name of a mask is not cut either
    return _Excerpt(place, kept, len(masked) - len(kept) + max(0, len(content) - _MOST_MASKED_BYTES))


def _block(pairs: Sequence[Sequence[_Excerpt]]) -> Markup:
    label = "Masked evidence: the words that only one side has are marked"
    if all(len(each) == 1 for each in pairs):
        label = "Masked evidence"
    summary = tag("summary", f"{label} ({len(pairs)})")
    return tag("details", summary, [_pair(each) for each in pairs], class_="pairs", open=True)


def _pair(both: Sequence[_Excerpt]) -> Markup:
    texts = [each.text for each in both]
    marked = _mark_differences(*texts) if len(both) == 2 and all(texts) else [_escape_words(each) for each in texts]
    figures = [_figure(each, words) for each, words in zip(both, marked, strict=True)]
    return tag("div", figures, class_="pair" if len(both) == 2 else "pair alone")


def _figure(excerpt: _Excerpt, words: Markup) -> Markup:
    path, row = excerpt.place
    caption = tag("figcaption", tag("code", isolate_name(path, 160)), f", record {row:,}")
    if excerpt.fault:
        return tag("figure", caption, tag("p", make_visible(excerpt.fault, 400), class_="dim"), class_="excerpt")
    rest = tag("p", f"Not shown: {count_noun(excerpt.more, 'more character')}.", class_="dim") if excerpt.more else None
    return tag("figure", caption, tag("blockquote", words, dir="auto"), rest, class_="excerpt")


def _escape_words(content: str) -> Markup:
    return Markup("".join(_piece(word) for word in _WORDS.findall(content)))


def _mark_differences(a: str, b: str) -> list[Markup]:
    """Mark the words of each side that the other has not."""
    sides: list[list[str]] = [_WORDS.findall(side) for side in (a, b)]
    folded: list[list[str]] = [[word.casefold() if not word.isspace() else " " for word in side] for side in sides]
    made: list[list[Markup]] = [[], []]
    for kind, a_from, a_to, b_from, b_to in SequenceMatcher(None, folded[0], folded[1], autojunk=False).get_opcodes():
        for side, (start, end) in enumerate(((a_from, a_to), (b_from, b_to))):
            pieces = [_piece(word) for word in sides[side][start:end]]
            words = "".join(sides[side][start:end]).strip()
            made[side].append(tag("mark", pieces) if kind != "equal" and words else Markup("".join(pieces)))
    return [Markup("".join(side)) for side in made]


def _piece(word: str) -> Markup:
    if MASKS.fullmatch(word):
        return tag("span", word, class_="masked")
    return text(word)
