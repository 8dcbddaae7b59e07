"""A scan of a few made-up records: it loads what workers need, above all kernels, a hundredth of a second each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance.core.scratch import scratch_folders
from provenance.pipeline.matching import match_plan, quoted_spans
from provenance.pipeline.matching.across_tasks import compare_across
from provenance.pipeline.matching.match_table import make_match_tables
from provenance.pipeline.matching.match_tasks import compare_view, match_exactly
from provenance.pipeline.reading.file_bundles import FileToRead, make_bundles
from provenance.pipeline.reading.read_pass import observe
from provenance.similarity.evidence.evidence_rules import make_rules
from provenance.sources import read_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_WORDS = [
    f"{first}{second}"
    for first in ("harbour", "office", "opens", "海港", "été", "x@example.org ")
    for second in range(9)
]
TEXTS = (
    [" ".join(_WORDS[k : k + 40]) for k in range(12)]  # near ones
    + [" ".join(_WORDS[:9]), " ".join(_WORDS[30:44])]  # and some that stand inside those
)
"""What is made up: words of several scripts."""


def load_modules() -> None:
    """Load what this module imports, which is what a worker needs; kernels are loaded when they are used."""


def compile_kernels() -> None:
    """Observe and compare two small files, in this process."""
    with scratch_folders.temporary_folder() as folder:
        files = [write_file(folder / f"{k}.jsonl", text) for k, text in enumerate((TEXTS, TEXTS[1:]))]
        results = [observe(bundle) for bundle in make_bundles(files, folder)]
        seen = read_results.gather_results(results)
        plan = match_plan.make_plan(results, seen, covering=str, scratch=folder, workers=1)
        likened = [compare_view(each) for each in plan.view_tasks]
        joined = [match_exactly(each) for each in match_plan.exact_tasks(plan, likened)]
        across = None if plan.across is None else compare_across(plan.across)
        partitions, found = (
            match_plan.gather_matches(joined, likened, across),
            match_plan.assemble_result(plan, joined, likened, across=across),
        )
        columns = [pa.array(plan.paths), pa.array(plan.paths), *[pa.nulls(len(plan.paths), pa.string())] * 2]
        owned = pa.table(columns, ["path", "source", "licence", "sha256"])
        rules = make_rules(plan.paths, owned, minimum=1, originals={}, splits={})
        matches, _, _ = make_match_tables(
            partitions, plan.order, rules, found.overlaps, views=plan.views, scratch=folder, run=_map
        )
        shown = matches.select(["path_a", "row_a", "source_b"]).rename_columns(["path", "row", "other"])
        quoted_spans.locate_quoted(
            matches, shown, plan, likened, across=across, files=files, observed_files=seen, run=_map
        )


def write_file(path: Path, texts: list[str]) -> FileToRead:
    """Write made-up records as JSON Lines.

    Args:
        path: the file.
        texts: one a record, which has each as a question, with its beginning, and, backwards, as its answer.

    Returns:
        What a worker is told of it.
    """
    lines = [
        json.dumps({"instruction": text, "input": text[:60], "output": text[::-1]}, ensure_ascii=False)
        for text in texts
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return describe_file(path)


def describe_file(path: Path) -> FileToRead:
    """Return what a worker is told of a file of data."""
    return FileToRead(path.name, str(path).encode(), "data", None, None, path.stat().st_size)


def _map(function: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    return enumerate(map(function, parts))
