"""Which sources share text: the overlap matrix as a picture, and the same as a table.

A row is a source, a column another one; the colour says what share of the row's records stand in the column, word for
word or nearly so. Only sources that share something are shown.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.core.model import VIEWS
from provenance.core.tables.match_views import select_within
from provenance.core.wording import choose_verb, count_noun
from provenance.reports.html.markup import Markup, isolate_name, keep_fitting, make_visible, table, tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

MOST_SOURCES, MOST_PAIRS = 60, 400
"""Sources in the picture and pairs in the table at most; the rest is counted."""

SHARE_BINS = (0.01, 0.1, 0.25, 0.5, 0.9)
"""Where one colour ends and the next begins, as shares of records."""

CONFLICT = "licence-conflict-by-content"

_BYTES = 600_000  # a view of sixty sources that all share text
_TITLES = {"whole": "Whole records", "prompt": "Prompts alone", "answer": "Answers alone"}
_NOUNS = {"whole": "records", "prompt": "prompts", "answer": "answers"}
_LEGEND = ("under 1 %", "1 to 10 %", "10 to 25 %", "25 to 50 %", "50 to 90 %", "90 % and more")
_LABEL = 30  # characters

Cells = dict[tuple[str, str], dict[str, Any]]


def render(overlaps: pa.Table, findings: Sequence[Mapping[str, Any]]) -> Markup:
    """Render what sources share.

    Args:
        overlaps: OVERLAPS.
        findings: rows of FINDINGS that the report shows; a conflict is hatched and linked.

    Returns:
        The pictures of all views, a legend, and a table that says the same.
    """
    whole = select_within(overlaps)
    whole = whole.filter(pc.and_(pc.is_null(whole["path_a"]), pc.is_null(whole["path_b"])))
    cells: dict[str, Cells] = {view: {} for view in VIEWS}
    for row in whole.to_pylist():
        if row["near"] and row["source_a"] != row["source_b"]:
            cells[row["view"]][row["source_a"], row["source_b"]] = row
    conflicts = _conflicts(findings)
    shared = {view: view_cells for view, view_cells in cells.items() if view_cells}
    if not shared:
        return tag("p", "No record of one source stands in another, word for word or nearly so, in what was compared.")
    order, left = _order(cells, conflicts)
    chance = " Short answers, such as a yes or a number, are often the same by chance." if cells["answer"] else ""
    return Markup(
        "".join(
            [
                tag("p", *_lead(order, left), chance),
                _views(shared, order, conflicts),
                _legend(bool(conflicts)),
                _listed(cells, conflicts),
            ]
        )
    )


def _conflicts(findings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Both directions of every pair whose licences conflict, with the finding's fingerprint."""
    found = {}
    for row in findings:
        if row["check"] == CONFLICT and row["other"]:
            found[row["source"], row["other"]] = found[row["other"], row["source"]] = row["fingerprint"]
    return found


def _order(cells: Mapping[str, Cells], conflicts: Mapping[tuple[str, str], str]) -> tuple[list[str], int]:
    """Order sources so that those that share text stand together; drop those that share least."""
    near: dict[str, dict[str, float]] = defaultdict(dict)
    for view_cells in cells.values():
        for (a, b), row in view_cells.items():
            strength = _share(row) + ((a, b) in conflicts)
            near[a][b] = max(near[a].get(b, 0.0), strength)
            near[b][a] = max(near[b].get(a, 0.0), strength)
    weight = {source: max(others.values()) for source, others in near.items()}
    kept = set(sorted(weight, key=lambda source: (-weight[source], source))[:MOST_SOURCES])
    order: list[str] = []
    placed: set[str] = set()
    for start in sorted(kept, key=lambda source: (-weight[source], source)):
        waiting = [start]
        while waiting:  # one component, the strongest tie first
            source = waiting.pop()
            if source in placed:
                continue
            placed.add(source)
            order.append(source)
            ties = near[source].items()
            waiting += [b for b, _ in sorted(ties, key=lambda tie: (tie[1], tie[0])) if b in kept and b not in placed]
    return order, len(weight) - len(kept)


def _share(row: Mapping[str, Any]) -> float:
    return float(row["near"] / max(1, row["records_a"]))


def _lead(order: Sequence[str], left: int) -> Iterator[str]:
    yield f"{len(order)} sources share text with another one. Read a row from the left: the colour says what share of "
    yield "its records also stand in the column, word for word or nearly so (Jaccard 0.8 and more). "
    yield "Sharing text does not say who copied from whom."
    if left:
        yield f" {count_noun(left, 'more source')} {choose_verb(left, 'shares', 'share')} less and "
        yield f"{choose_verb(left)} left out of the picture; overlaps.parquet has them all."


def _views(shared: Mapping[str, Cells], order: Sequence[str], conflicts: Mapping[tuple[str, str], str]) -> Markup:
    made = []
    for view in shared:
        first = view == next(iter(shared))
        made.append(tag("input", type="radio", name="view", id=f"view-{view}", checked=first, class_="view"))
        pairs = len({frozenset(pair) for pair in shared[view]})
        made.append(tag("label", f"{_TITLES[view]}: {count_noun(pairs, 'pair')}", for_=f"view-{view}"))
    for view, view_cells in shared.items():
        figure = tag(
            "figure",
            tag("figcaption", _TITLES[view], class_="printed"),
            tag("div", _picture(view, view_cells, order, conflicts), class_="scroll", tabindex="0"),
            class_=f"matrix view-{view}",
        )
        made.append(figure)
    return tag("div", made, class_="views")


def _picture(view: str, cells: Cells, order: Sequence[str], conflicts: Mapping[tuple[str, str], str]) -> Markup:
    count = len(order)
    side = next(side for most, side in ((8, 52), (14, 40), (24, 28), (40, 18), (MOST_SOURCES, 14)) if count <= most)
    font = 13 if side > 20 else 11 if side > 14 else 10
    labels = [make_visible(source.removesuffix("/")) for source in order]
    longest = max(min(len(label), _LABEL) for label in labels) * font * 0.58
    slope = math.radians(50)
    left, top = round(longest) + 14, round(longest * math.sin(slope)) + 16
    size = count * side
    width, height = left + size + round(longest * math.cos(slope)) + 16, top + size + 2
    place = {source: number for number, source in enumerate(order)}
    grid = [
        tag("rect", x=left, y=top, width=size, height=size, class_="ground"),
        tag("path", d=_lines(count, side, left, top), class_="lines"),
        tag("path", d="".join(f"M{left + n * side} {top + n * side}h{side}v{side}h-{side}z" for n in range(count)),
            class_="self"),
        *_headings(labels, side, left, top),
    ]  # fmt: skip
    squares = (
        _cell(row, left + place[b] * side, top + place[a] * side, side, conflicts.get((a, b)))
        for (a, b), row in sorted(cells.items())
        if a in place and b in place
    )
    drawn, _ = keep_fitting(squares, MOST_SOURCES * MOST_SOURCES, _BYTES)
    return tag(
        "svg", tag("title", f"Overlap of sources, {_NOUNS[view]}"), _hatch(view), grid, drawn,
        viewBox=f"0 0 {width} {height}", width=width, height=height, class_="plot", role="group",
        aria_label=f"Overlap matrix of {count} sources; the table below says the same", font_size=font,
    )  # fmt: skip


def _hatch(view: str) -> Markup:
    d = "M-2 10L10 -2M-2 2L2 -2M6 10L10 6"
    lines = [tag("path", d=d, class_="under"), tag("path", d=d, class_="stripe")]
    return tag("defs", tag("pattern", lines, id=f"hatch-{view}", width=8, height=8, patternUnits="userSpaceOnUse"))


def _lines(count: int, side: int, left: int, top: int) -> str:
    across = "".join(f"M{left} {top + n * side}h{count * side}" for n in range(count + 1))
    return across + "".join(f"M{left + n * side} {top}v{count * side}" for n in range(count + 1))


def _headings(labels: Sequence[str], side: int, left: int, top: int) -> Iterator[Markup]:
    for number, label in enumerate(labels):
        # the end of a path tells sources apart, its beginning is often the same
        short = label if len(label) <= _LABEL else f"…{label[1 - _LABEL :]}"
        whole = tag("title", make_visible(label, 200))
        middle = number * side + side / 2
        yield tag("text", whole, short, x=left - 8, y=top + middle, text_anchor="end", dominant_baseline="central")
        x, y = left + middle, top - 7
        yield tag("text", whole, short, x=x, y=y, transform=f"rotate(-50 {x:g} {y})", dominant_baseline="central")


def _cell(row: Mapping[str, Any], x: int, y: int, side: int, conflict: str | None) -> Markup:
    share = _share(row)
    bin_ = 1 + sum(share >= edge for edge in SHARE_BINS)
    pieces = [tag("title", _sentence(row, conflict=conflict is not None))]
    pieces.append(tag("rect", x=x, y=y, width=side, height=side, class_=f"q{bin_}"))
    if conflict:
        hatch = f"url(#hatch-{row['view']})"
        pieces.append(tag("rect", x=x + 1, y=y + 1, width=side - 2, height=side - 2, fill=hatch, class_="conflict"))
    if side >= 28:
        pieces.append(
            tag(
                "text", _percent(share), class_=f"t{bin_}{' halo' if conflict else ''}", x=x + side / 2,
                y=y + side / 2, text_anchor="middle", dominant_baseline="central",
            )
        )  # fmt: skip
    return tag("a", pieces, href=f"#f-{conflict}") if conflict else tag("g", pieces)


def _percent(share: float) -> str:
    return "<1" if share < 0.01 else str(max(1, min(99, round(share * 100)) if share < 1 else 100))


def _sentence(row: Mapping[str, Any], *, conflict: bool) -> str:
    noun = _NOUNS[row["view"]]
    sentence = (
        f"{row['near']:,} of {row['records_a']:,} {noun} of {make_visible(row['source_a'], 60)} stand in "
        f"{make_visible(row['source_b'], 60)} ({row['exact']:,} word for word)"
    )
    inside = f"; {row['contained_ab']:,} stand inside longer ones" if row["contained_ab"] else ""
    return sentence + inside + (". Their licences conflict." if conflict else "")


def _legend(hatched: bool) -> Markup:
    swatches = [
        tag("li", tag("svg", tag("rect", width=14, height=14, class_=f"q{place}"), width=14, height=14), meaning)
        for place, meaning in enumerate(_LEGEND, 1)
    ]
    if hatched:
        square = [
            tag("rect", width=14, height=14, class_="q2"),
            tag("path", d="M-1 8L8 -1M-1 15L15 -1M6 15L15 6", class_="stripe"),
            tag("rect", x=0.75, y=0.75, width=12.5, height=12.5, fill="none", class_="conflict"),
        ]
        swatches.append(tag("li", tag("svg", square, width=14, height=14), "their licences conflict: see the finding"))
    return tag("ul", swatches, class_="legend", aria_label="Legend")


def _listed(cells: Mapping[str, Cells], conflicts: Mapping[tuple[str, str], str]) -> Markup:
    rows = [row for view_cells in cells.values() for row in view_cells.values()]
    rows.sort(
        key=lambda row: (
            (row["source_a"], row["source_b"]) not in conflicts,
            -_share(row), -row["near"], row["view"], row["source_a"], row["source_b"],
        )
    )  # fmt: skip
    head = ("Source", "Stands in", "View", "Records", "Shared", "Word for word", "Share", "Licences")
    body = table(
        head, (_line(row, conflicts) for row in rows[:MOST_PAIRS]), numbers=(3, 4, 5, 6), label="Overlap of sources"
    )
    more = len(rows) - MOST_PAIRS
    rest = (
        tag(
            "p",
            f"{count_noun(more, 'more pair')} {choose_verb(more, 'stands', 'stand')} in overlaps.parquet of the scan.",
            class_="rest",
        )
        if more > 0
        else None
    )
    summary = tag("summary", f"The same as a table: {count_noun(len(rows), 'pair')}, both directions")
    return tag("details", summary, body, rest)


def _line(row: Mapping[str, Any], conflicts: Mapping[tuple[str, str], str]) -> Iterator[Markup | str | int]:
    mark = conflicts.get((row["source_a"], row["source_b"]))
    yield isolate_name(row["source_a"], 120)
    yield isolate_name(row["source_b"], 120)
    yield row["view"]
    yield from (row["records_a"], row["near"], row["exact"])
    yield f"{_percent(_share(row))} %"
    yield tag("a", "conflict", href=f"#f-{mark}") if mark else ""
