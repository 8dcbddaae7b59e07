"""MATCHES written partition by partition, against rows sorted at once; and what is counted on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from provenance.core import schemas
from provenance.core.model import VIEWS
from provenance.core.scratch.partitions import gather_partitions
from provenance.pipeline.matching import match_rows, match_table
from provenance.pipeline.matching.across_tasks import NO_COLUMNS
from provenance.similarity.evidence import exact_matches, match_batches, match_counts
from provenance.similarity.evidence.evidence_rules import load_rules, make_rules
from provenance.sources.file_splits import Split

PATHS = ["a/test", "a/train", "b/0", "b/1", "c/0"]
SOURCES = ["z", "z", "b", "b", "c"]  # not in the order of paths
RECORDS = 40


def run(function, tasks):
    """Whoever runs tasks may do so in any order, and twice."""
    for number, task in reversed(list(enumerate(tasks))):
        function(task)
        yield number, function(task)


def files():
    numbers = (
        "bytes",
        "bytes_consumed",
        "bytes_skipped",
        "records",
        "records_unreadable",
        "records_distinct",
        "tokens",
    )
    rows = [
        {"path": path, "source": source, "role": "data", "licence": licence} | dict.fromkeys(numbers, 0)
        for path, source, licence in zip(PATHS, SOURCES, ["MIT", None, "MIT", "CC-BY-NC-4.0", "CC-BY-4.0"], strict=True)
    ]
    return schemas.rows(rows, schemas.FILES)


def make_rules_of(minimum=3):
    splits = {"a/train": Split("train"), "a/test": Split("test")}
    return make_rules(PATHS, files(), minimum=minimum, originals={"b/0": "known"}, splits=splits)


def matches(chance, view, exact):
    """Any matches of a view: word for word where `exact`, between other files where not."""
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b and ((a + b) % 2 and {a, b} != {2, 3}) == exact]
    rows = []
    for row in range(RECORDS):
        for a, b in pairs:
            if chance.random() < 0.4:
                distinct = (9, 9) if exact else chance.choice([(10, 9), (9, 10), (3, 30)]).tolist()
                rows.append(
                    (a, row, b, int(chance.integers(RECORDS)), min(distinct), *distinct, int(chance.integers(9)))
                )
    chance.shuffle(rows)
    return pa.table([pa.array(column, pa.int64()) for column in zip(*rows, strict=True)], schema=exact_matches.ROWS)


def overlaps():
    counts = dict.fromkeys(("exact", "near", "near_distinctive", "contained_ab", "contained_ba"), 0)
    sizes = {"records_a": RECORDS, "records_b": RECORDS}
    return schemas.rows(
        [
            {"view": view, "view_b": view, "source_a": SOURCES[a], "path_a": PATHS[a], "source_b": SOURCES[b], "path_b": PATHS[b]} | sizes | counts
            for view in VIEWS for a in range(5) for b in range(5) if a != b
        ],
        schemas.OVERLAPS,
    )  # fmt: skip


def name_rows(view, exact, rows):
    """MATCHES of some rows, one after the other."""
    for a, row, b, other, shared, distinct_a, distinct_b, distinctive in zip(
        *(each.to_pylist() for each in rows.columns), strict=True
    ):
        jaccard = shared / (distinct_a + distinct_b - shared)
        yield {
            "view": view, "view_b": view, "source_a": SOURCES[a], "path_a": PATHS[a], "row_a": row, "source_b": SOURCES[b],
            "path_b": PATHS[b], "row_b": other, "jaccard": jaccard, "shared": shared, "distinct_a": distinct_a,
            "distinct_b": distinct_b, "method": "exact" if exact else "near" if jaccard >= 0.8 else "contained",
            "distinctive": distinctive, "start_b": None, "stop_b": None,
        }  # fmt: skip


@pytest.mark.parametrize(("records", "rows"), [(1 << 16, 1 << 16), (30, 7), (7, 1 << 16)])
def test_partitions_together_are_all_matches_in_order(tmp_path, monkeypatch, records, rows):
    monkeypatch.setattr(match_rows, "RECORDS_PER_PARTITION", records)
    monkeypatch.setattr(match_table, "_ROWS_PER_CHUNK", rows)
    monkeypatch.setattr(match_table.Ordering.__init__, "__kwdefaults__", {"share": 1e-5, "bits": 64})  # dealt to files
    owner = np.array([sorted(set(SOURCES)).index(source) for source in SOURCES])
    order = match_rows.order_records(owner, np.full(5, RECORDS))
    chance, expected, dealt = np.random.default_rng(records), [], []
    for view in VIEWS:
        for exact in (True, False):
            dealer = match_rows.RowDealer(tmp_path / f"rows-{view}-{exact}", order)
            found = matches(chance, view, exact)
            expected += name_rows(view, exact, found)
            for at in range(0, len(found), 100):
                some, number = found.slice(at, 100), VIEWS.index(view)
                dealer.add(some, np.full(len(some), match_rows.pack_kinds(number, number, exact), np.int32))
            dealt.append(dealer.close())
    expected.sort(
        key=lambda row: (VIEWS.index(row["view"]), row["source_a"], row["path_a"], row["row_a"], row["path_b"])
    )
    made, across, counted = match_table.make_match_tables(
        gather_partitions(dealt), order, make_rules_of(), overlaps(), views=NO_COLUMNS, scratch=tmp_path, run=run
    )
    assert not across.files.num_rows
    assert not across.sources.num_rows
    assert made.to_pylist() == expected
    assert made.schema.equals(schemas.MATCHES, check_metadata=True)
    assert {len(chunk) for chunk in made["view"].chunks} <= set(range(rows + 1))
    assert counted == match_batches.count_matches(made, make_rules_of(), overlaps())
    assert all(table.num_rows for table in counted.values())
    assert not list(tmp_path.glob("rows-*")), "what was dealt is not kept twice"


def test_rules_are_the_same_for_whoever_reads_them(tmp_path):
    rules = make_rules_of()
    again = load_rules(Path(rules.save(tmp_path / "rules")))
    assert (again.minimum, again.paths, again.sources, again.licences) == (
        3,
        rules.paths,
        rules.sources,
        rules.licences,
    )
    for name in ("codes", "groups", "keeps"):
        assert np.array_equal(getattr(again, name), getattr(rules, name))


def test_texts_are_counted_once_wherever_they_stand(tmp_path):
    pairs = [(7, 1), (7, 1), (8, 1), (7, 2)]
    texts = np.array(pairs, match_counts.TEXTS)
    groups, counts = match_counts.count_texts([texts[:2], texts[:0], texts[1:]], tmp_path)
    assert (groups.tolist(), counts.tolist()) == ([1, 2], [2, 1])


MEMORY = """
import json, re, sys, threading, time
from pathlib import Path
import provenance as pv

most = 0

def watch():
    global most
    while True:
        most = max(most, int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10)
        time.sleep(0.002)

threading.Thread(target=watch, daemon=True).start()
audit = pv.scan(sys.argv[1], workers=1)
print(json.dumps([audit.tables["matches"].nbytes, most, audit.without("undeclared:f0").tables["matches"].nbytes, most]))
"""


def measure_memory(folder, count):
    """Bytes of MATCHES and the most that this process holds; then the same, once a source was left out.

    All files hold the same records: only what matches is more where files are more.
    """
    text = "".join(json.dumps({"text": " ".join(f"w{row}x{k}" for k in range(12))}) + "\n" for row in range(1000))
    for number in range(count):
        (folder / f"f{number}").mkdir(parents=True)
        (folder / f"f{number}" / "x.jsonl").write_text(text.replace("w1x", f"w1y{number}"))
    done = subprocess.run([sys.executable, "-c", MEMORY, folder], capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_parent_holds_no_matches_whether_they_are_scanned_or_left_out(tmp_path):
    matches, scanned, left, what_if = measure_memory(tmp_path / "many", 30) - measure_memory(tmp_path / "few", 14)
    assert min(matches, left) > 90_000_000
    assert max(scanned, what_if) < matches / 3  # what allocators keep comes and goes by a fifth
