"""The straight line as a whole: bad input is a row and never an exception, every byte is accounted for, and neither workers
nor sizes change a digest."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provenance as pv
from provenance.core import schemas
from provenance.core.digests import canonical, sha256
from provenance.core.model import Died
from provenance.core.scratch import external_sort
from provenance.errors import ConfigError, LimitExceeded
from provenance.pipeline import examine as room
from provenance.pipeline.matching import match_plan, match_table, match_tasks
from provenance.pipeline.reading import file_bundles, read_batches, read_pass, record_identities
from provenance.readers import records
from provenance.readers.records import small_files
from provenance.similarity.candidates import banding, boilerplate, containment, near_pairs
from provenance.similarity.evidence import exact_matches
from provenance.sources import claims, read_results

from .conftest import CARD, LINE, digests, lay, lines, zipped

GOOD = {"good/README.md": CARD, "good/x.jsonl": LINE}


def tarred(**members):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return held.getvalue()


def parquet(count=1000):
    held = io.BytesIO()
    pq.write_table(pa.table({"text": [f"row {k} of a table that has quite a few of them" for k in range(count)]}), held)
    return held.getvalue()


def scan(root, **options):
    found = pv.scan(root, **options)
    for name, schema in schemas.SEALED.items():
        assert found.tables[name].schema.equals(schema, check_metadata=True)
    return found


def by(found, table, key="path"):
    return {row[key]: row for row in found.tables[table].to_pylist()}


def accounted(found, root):
    """FILES says of every byte on disk what became of it."""
    rows = found.tables["files"].to_pylist()
    assert all(row["bytes_consumed"] + row["bytes_skipped"] == row["bytes"] for row in rows)
    assert all(row["skip_reason"] for row in rows if row["bytes_skipped"])
    on_disk = sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    assert sum(row["bytes"] for row in rows if "!/" not in row["path"]) == on_disk
    assert len({row["path"] for row in rows}) == len(rows)


# layout, the path to look at, format, records, unreadable, part of the reason (None = read in full)
BAD = {
    "invalid UTF-8": ({"x.txt": b"caf\xe9 au lait\n\nsecond passage\n"}, "x.txt", "text.windows-1252", 2, 0, None),
    "NUL bytes": ({"x.jsonl": LINE.encode() + b"\0\0\0\n" + LINE.encode()}, "x.jsonl", "jsonl", 3, 1, "unreadable records"),
    "a truncated gzip": ({"x.jsonl.gz": gzip.compress(lines(*map(str, range(20_000))).encode())[:-3000]}, "x.jsonl.gz", "jsonl.gz", None, None, "gzip"),
    "one bad line": ({"x.jsonl": LINE + "{oops\n" + LINE}, "x.jsonl", "jsonl", 3, 1, "unreadable records"),
    "a zip in a zip": ({"x.zip": zipped(**{"y.zip": zipped(**{"z.jsonl": LINE})})}, "x.zip!/y.zip", "zip", 0, 0, "an archive inside an archive"),
    "half a zip": ({"x.zip": zipped(**{"y.jsonl": LINE * 500})[:60]}, "x.zip", "zip", 0, 0, "zip"),
    "half a Parquet file": ({"x.parquet": parquet()[:2000]}, "x.parquet", "parquet", 0, 0, ""),
    "a Parquet file by name": ({"x.parquet": LINE}, "x.parquet", "json", 1, 0, None),
    "a gzip file by name": ({"x.jsonl.gz": LINE}, "x.jsonl.gz", "json", 1, 0, None),
    "lone surrogates": ({"x.jsonl": '{"text": "a \\ud800 b"}\n'}, "x.jsonl", "jsonl", 1, None, ""),
    "duplicate keys": ({"x.jsonl": '{"text": "one", "text": "two"}\n'}, "x.jsonl", "jsonl", 1, None, ""),
    "a 20 MB line": ({"x.jsonl": '{"text": "' + "word " * 4_000_000 + '"}\n' + LINE}, "x.jsonl", "jsonl", 2, None, ""),
    "a pickle": ({"x.pkl": b"\x80\x04\x95\x01\0\0\0\0\0\0\0N."}, "x.pkl", "pickle", 0, 0, "no reader"),
    "an empty file": ({"x.jsonl": ""}, "x.jsonl", "empty", 0, 0, None),
    "a broken card": ({"x.jsonl": LINE, "README.md": "---\nlicense: [\n---\n"}, "README.md", "hf-card", 0, 0, "no valid hf-card: "),
    "a manifest that breaks its schema": (
        {"x.jsonl": LINE, "provenance.yaml": "provenance: 1\nsources:\n  - { id: a, licenc: MIT }\n"},
        "provenance.yaml", "native", 0, 0, "no valid native: at /sources/0, line 3: 'licenc' is not a key here",
    ),
    "a manifest that is no text": ({"x.jsonl": LINE, "LICENSE": b"MIT\0"}, "LICENSE", "licence", 0, 0, "no valid licence: "),
    "a format that no reader knows": ({"x.jsonl": LINE, "x.dvc": "outs: []\n"}, "x.dvc", "dvc", 0, 0, "no reader"),
}  # fmt: skip


@pytest.mark.parametrize(("layout", "path", "form", "count", "unreadable", "reason"), BAD.values(), ids=BAD)
def test_what_is_wrong_with_data_is_a_row(layout, path, form, count, unreadable, reason, tmp_path, in_process):
    lay(tmp_path, GOOD | {f"bad/{name}": content for name, content in layout.items()})
    found = scan(tmp_path)
    row = by(found, "files")[f"bad/{path}"]
    assert row["format"] == form
    assert count is None or row["records"] == count
    assert unreadable is None or row["records_unreadable"] == unreadable
    assert (row["skip_reason"] is None) if reason is None else reason in (row["skip_reason"] or "")
    assert by(found, "files")["good/x.jsonl"]["records"] == 1
    accounted(found, tmp_path)
    told = [each for each in found.tables["findings"].to_pylist() if each["check"] == "file-unreadable"]
    unread = row["skip_reason"] is not None and not row["skip_reason"].startswith("no reader")
    assert bool(told) == (unread or row["records_unreadable"] > 0)
    assert all(each["source"] != "good" and "\n" not in each["message"] for each in told)
    if row["skip_reason"] and row["skip_reason"].startswith("no reader"):
        steps = by(found, "coverage", "check")
        assert "no reader" in steps["manifests" if path.endswith(".dvc") else "records"]["reason"]


def test_a_file_that_may_not_be_read_is_counted_as_unread(tmp_path, in_process, monkeypatch):
    lay(tmp_path, GOOD | {"good/secret.jsonl": LINE})
    before = os.open

    def refuse(path, *rest, **options):
        if os.fsencode(path).endswith(b"secret.jsonl"):
            raise PermissionError(13, "Permission denied")
        return before(path, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    found = scan(tmp_path)
    row = by(found, "files")["good/secret.jsonl"]
    assert (row["bytes_consumed"], row["skip_reason"]) == (0, "cannot be read: Permission denied")
    accounted(found, tmp_path)
    assert "Permission denied" in by(found, "findings", "check")["file-unreadable"]["message"]


def test_a_reader_that_fails_takes_its_file_and_no_other(tmp_path, in_process, monkeypatch):
    """A fault that nobody foresaw, in the middle of a file: what was read until then was read."""
    lay(tmp_path, GOOD | {"good/bad.jsonl": LINE + lines("second record of a file that fails")})
    before = records.read_together

    def fail(location, path, **options):
        for item in before(location, path, **options):
            if path.endswith("bad.jsonl") and isinstance(item, records.Account):
                raise IndexError("list index out of range")
            yield item

    monkeypatch.setattr(records, "read_together", fail)
    found = scan(tmp_path)
    row = by(found, "files")["good/bad.jsonl"]
    assert (row["bytes_consumed"], row["records"]) == (0, 2)
    assert row["skip_reason"] == "its reader failed: IndexError: list index out of range"
    assert found.tables["matches"].num_rows == 2
    accounted(found, tmp_path)


def test_a_reader_that_dies_takes_its_file_and_no_other(tmp_path, in_process, monkeypatch):
    lay(tmp_path, GOOD | {"good/bad.jsonl": LINE, "good/y.jsonl": lines("another record that is well and good")})

    class Doomed(in_process):
        def map(self, function, parts):
            for number, part in enumerate(parts):
                doomed = function is read_pass.observe and any(file.path.endswith("bad.jsonl") for file in part.files)
                yield number, Died("its process was killed by signal 11") if doomed else function(part)

    monkeypatch.setattr(room.engines, "start", lambda *_: Doomed())
    found = scan(tmp_path)
    rows = by(found, "files")
    assert rows["good/bad.jsonl"]["skip_reason"] == "its reader failed: its process was killed by signal 11"
    assert rows["good/bad.jsonl"]["sha256"] == sha256(LINE.encode())
    assert [rows[f"good/{name}.jsonl"]["records"] for name in ("x", "y", "bad")] == [1, 1, 0]
    accounted(found, tmp_path)


@pytest.mark.parametrize("died", [match_tasks.match_exactly, match_tasks.compare_view])
def test_a_comparison_that_dies_ends_the_scan_with_a_sentence(died, tmp_path, in_process, monkeypatch):
    lay(tmp_path, GOOD)

    class Doomed(in_process):
        def map(self, function, parts):
            for number, part in enumerate(parts):
                yield number, Died("out of memory") if function is died else function(part)

    monkeypatch.setattr(room.engines, "start", lambda *_: Doomed())
    with pytest.raises(pv.errors.ProvenanceError, match="out of memory"):
        pv.scan(tmp_path)


def test_no_room_for_scratch_files_is_said(tmp_path, in_process, monkeypatch):
    lay(tmp_path, GOOD)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record_identities.ScratchFiles, "_writer", full)
    with pytest.raises(LimitExceeded, match=r"No space left on device.*TMPDIR"):
        pv.scan(tmp_path)


def test_a_manifest_that_changes_during_the_scan_is_said(tmp_path, in_process, monkeypatch):
    lay(tmp_path, GOOD)
    before = claims.read_claims

    def meddle(root, paths):
        stated = before(root, paths)
        (tmp_path / "good/README.md").write_text(CARD.replace("mit", "other"))
        return stated

    monkeypatch.setattr(claims, "read_claims", meddle)
    found = scan(tmp_path)
    assert by(found, "files")["good/README.md"]["skip_reason"] == "file-changed-during-scan"
    assert "file-changed-during-scan" in by(found, "findings", "check")["file-unreadable"]["message"]


def test_a_file_that_goes_away_during_the_scan_is_said(tmp_path, in_process, monkeypatch):
    lay(tmp_path, GOOD | {"good/gone.jsonl": LINE})
    before = claims.read_claims

    def meddle(root, paths):
        (tmp_path / "good/gone.jsonl").unlink()
        return before(root, paths)

    monkeypatch.setattr(claims, "read_claims", meddle)
    row = by(scan(tmp_path), "files")["good/gone.jsonl"]
    assert (row["records"], row["skip_reason"]) == (0, "cannot be read: No such file or directory")


def test_one_of_two_declared_digests_is_wrong(tmp_path, in_process):
    """Whichever manifest comes first, the one that is contradicted by the file is shown."""
    right, wrong = sha256(LINE.encode()), "0" * 64
    for first, second in ((right, wrong), (wrong, right)):
        manifest = "provenance: 1\nsources:\n  - {{ id: {}, path: {}, sha256: {{ {}: {} }} }}\n"
        lay(tmp_path, {"s/x.jsonl": LINE, "provenance.yaml": manifest.format("a", "s", "x.jsonl", first)})
        lay(tmp_path, {"s/provenance.yaml": manifest.format("a", ".", "x.jsonl", second)})
        found = by(scan(tmp_path), "findings", "check")["checksum-mismatch"]
        assert (found["path"], found["records"]) == ("s/x.jsonl", 1)


def corpus(root):
    """Three sources that share records, an archive, a broken line, prompts with other answers."""
    rows = [f"record number {k} says something about the number {k * k} at some length" for k in range(40)]
    asked = [
        {"instruction": f"What is the square of {k}, in so many words?", "output": f"It is {k * k}."} for k in range(30)
    ]
    again = [row | {"output": "No idea, ask again later."} for row in asked]
    return lay(
        root,
        {
            "a/README.md": CARD,
            "a/x.jsonl": lines(*rows),
            "a/y.jsonl": lines(*rows[:5], *rows[:5]),
            "a/asked.json": json.dumps(asked),
            "b/README.md": CARD.replace("mit", "cc-by-nc-4.0"),
            "b/z.jsonl": lines(*rows[10:]) + "{oops\n",
            "b/again.json": json.dumps(again),
            "c/more.zip": zipped(**{"m.jsonl": lines(*rows[:3]), "n.jsonl": lines("alone in the world, this one is")}),
            "c/t.tar": tarred(**{"m.jsonl": lines(*rows[3:6]).encode()}),
            "d/bad.parquet": parquet()[:500],
            "d/w.txt": "\n\n".join(rows[:12]),
        },
    )


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    root = corpus(tmp_path_factory.mktemp("corpus"))
    return root, pv.scan(root, workers=1)


def test_two_workers_give_the_same_digests(reference):
    root, found = reference
    assert digests(pv.scan(root, workers=2)) == digests(found)


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (file_bundles, "BUNDLE_BYTES", 1),
        (file_bundles, "BUNDLE_BYTES", 3000),
        (file_bundles, "BUNDLE_FILES", 1),
        (read_batches, "GROUP_BYTES", 1),
        (read_batches, "GROUP_BYTES", 500),
        (read_batches, "GROUP_FILES", 1),
        (read_batches, "GROUP_FILES", 3),
        (read_results, "_CHUNK", 1),
        (small_files, "FEWEST", 1),
        (external_sort, "MEMORY_BUDGET", 1000),
        (exact_matches, "_ROWS_AT_A_TIME", 1),
        (match_table, "_ROWS_PER_CHUNK", 1 << 20),
        (banding, "_CHUNK", 1),
        (banding, "NODES_PER_RANGE", 2),
        (near_pairs, "_RECENT_SLOTS", 1),
        (boilerplate, "PARTITION_BYTES", 64),
        (containment, "_CHUNK", 1),
    ],
)
def test_sizes_do_not_change_a_digest(module, name, value, reference, in_process, monkeypatch):
    root, found = reference
    monkeypatch.setattr(module, name, value)
    assert digests(pv.scan(root)) == digests(found)


def test_pivots_are_said_and_change_nothing_but_matches_and_overlaps(reference, in_process, monkeypatch):
    root, found = reference
    monkeypatch.setattr(exact_matches, "LARGEST_NODE", 3)
    pivoted = pv.scan(root)
    same = {"sources", "files", "claims"}
    assert {name: digests(pivoted)[name] for name in same} == {name: digests(found)[name] for name in same}
    assert "compared with one file each" in by(pivoted, "coverage", "check")["exact-matches"]["reason"]
    assert 0 < pivoted.tables["matches"].num_rows < found.tables["matches"].num_rows


def test_the_corpus_is_accounted_for(reference):
    root, found = reference
    accounted(found, root)
    rows = by(found, "sources", "source")
    assert {name: (row["records"], row["records_text"], row["records_distinct"]) for name, row in rows.items()} == {
        "a": (80, 80, 70), "b": (61, 60, 60), "undeclared:c": (7, 7, 7), "undeclared:d": (12, 12, 12),
    }  # fmt: skip


def test_findings_of_the_corpus(reference):
    _, found = reference
    said = {(row["check"], row["source"], row["other"]): row for row in found.tables["findings"].to_pylist()}
    copied = said["licence-conflict-by-content", "a", "b"]
    assert copied["message"].startswith(
        "30 of 30 prompts (in 1 file) and 30 of 40 records of a (MIT) stand word for word in b (CC-BY-NC"
    )
    assert copied["severity"] == "error"
    assert ("licence-conflict-by-content", "b", "a") not in said
    assert said["duplicate-records", "a", None]["records"] == 10
    assert {key[1] for key in said if key[0] == "source-undeclared"} == {"undeclared:c", "undeclared:d"}
    assert {key[1] for key in said if key[0] == "file-unreadable"} == {"b", "undeclared:d"}
    names = set(found.tables["sources"]["source"].to_pylist())
    assert {key[1] for key in said} <= names
    assert {key[2] for key in said} - {None} <= names


def test_pairs_are_all_pairs(reference):
    """Against every record with every other, whatever of a node MATCHES names."""
    _, found = reference
    texts = {
        "a/x.jsonl": [f"n{k}" for k in range(40)],
        "a/y.jsonl": [f"n{k}" for k in (*range(5), *range(5))],
        "b/z.jsonl": [f"n{k}" for k in range(10, 40)] + ["unreadable"],
        "c/more.zip!/m.jsonl": ["n0", "n1", "n2"],
        "c/t.tar!/m.jsonl": ["n3", "n4", "n5"],
        "d/w.txt": [f"n{k}" for k in range(12)],
    }  # fmt: skip
    sources = {"a": ["a/x.jsonl", "a/y.jsonl"], "b": ["b/z.jsonl"], "undeclared:c": ["c/more.zip!/m.jsonl", "c/t.tar!/m.jsonl"], "undeclared:d": ["d/w.txt"]}  # fmt: skip
    names = {**sources, **{path: [path] for path in texts}}
    for one, two in itertools.product(names, names):
        expected = [
            (a, i, b, k)
            for a, b in itertools.product(names[one], names[two])
            if a != b
            for i, text in enumerate(texts[a])
            for k, other in enumerate(texts[b])
            if text == other
        ]
        rows = pv.pairs(found, one, two)
        assert list(rows[["path_a", "row_a", "path_b", "row_b"]].itertuples(index=False, name=None)) == sorted(expected)


@pytest.mark.parametrize(
    ("arguments", "sentence"), [(("a", "nothing"), "no source or file 'nothing'"), (("a", "b", "fun"), "no view 'fun'")]
)
def test_pairs_of_what_is_not_there(reference, arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        pv.pairs(reference[1], *arguments)


def test_fingerprints_survive_a_rescan_with_more_records(tmp_path, in_process):
    corpus(tmp_path)
    before = {row["fingerprint"] for row in scan(tmp_path).tables["findings"].to_pylist()}
    for path in ("a/x.jsonl", "b/z.jsonl", "a/y.jsonl"):
        with (tmp_path / path).open("a") as file:
            file.write(lines("one more record of the same words, added later on", "and another one"))
    after = {row["fingerprint"] for row in scan(tmp_path).tables["findings"].to_pylist()}
    assert before <= after


def test_a_ledger_inside_the_data_is_left_out_and_counted(tmp_path, in_process):
    lay(tmp_path, GOOD)
    first = scan(tmp_path, ledger=tmp_path / "provenance-ledger")
    again = scan(tmp_path, ledger=tmp_path / "provenance-ledger")
    row = by(again, "files")["provenance-ledger/"]
    assert (row["role"], row["skip_reason"]) == ("ignored", "a ledger")
    assert row["bytes"] > 0
    assert first.tables["sources"].equals(again.tables["sources"])
    assert "a ledger: 1 file" in by(again, "coverage", "check")["inventory"]["reason"]
    opened = pv.open_ledger(tmp_path / "provenance-ledger")
    assert all(opened.tables[name].equals(again.tables[name]) for name in schemas.SEALED)


def test_what_was_found_can_be_made_canonical(reference):
    """Facts go into a signed entry."""
    assert canonical(dict(reference[1].facts))


CONTENT = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=80).map(str.encode),
    st.lists(st.sampled_from(["one record of words", "another", "{oops", "é\x00"]), max_size=6).map(
        lambda texts: lines(*texts).encode()
    ),
    st.lists(st.binary(max_size=30), max_size=5).map(b"\n".join),
    st.binary(max_size=100).map(lambda data: gzip.compress(data, mtime=0)),
    st.binary(max_size=100).map(lambda data: gzip.compress(data, mtime=0)[:-4]),
    st.dictionaries(st.sampled_from(["m.jsonl", "n.txt", "o.bin"]), st.binary(max_size=60), max_size=3).map(
        lambda members: zipped(**members)
    ),
    st.dictionaries(st.sampled_from(["m.jsonl", "n.txt"]), st.binary(max_size=60), max_size=2).map(
        lambda members: tarred(**members)
    ),
    st.just(parquet(3)),
    st.just(parquet(3)[:-9]),
)
NAMES = st.sampled_from(
    ["x.jsonl", "a/x.jsonl", "a/y.txt", "b/z.zip", "b/t.tar", "b/g.gz", "b/p.parquet", "README.md", "a/README.md", "LICENSE",
     "provenance.yaml", ".hidden", ".git/x", "b/c.csv", "b/j.json", "bang!/x.jsonl"]
)  # fmt: skip


@given(layout=st.dictionaries(NAMES, CONTENT, min_size=1, max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_byte_of_any_folder_is_accounted_for(layout, tmp_path_factory, in_process):
    root = lay(tmp_path_factory.mktemp("any"), {"z/data.txt": "some"} | layout)
    found = scan(root)
    accounted(found, root)
    sources = found.tables["sources"].to_pylist()
    files = found.tables["files"].to_pylist()
    assert sum(row["records"] for row in sources) == sum(row["records"] for row in files)
    assert {row["source"] for row in files if row["role"] == "data"} == {row["source"] for row in sources}
    idle = {"benchmark-contamination", "protected-work-contained", "split-leak"}
    assert all(row["status"] == "ran" for row in found.tables["coverage"].to_pylist() if row["check"] not in idle)


def test_a_partition_that_died_is_no_finding():
    with pytest.raises(pv.errors.ProvenanceError, match="signal 9"):
        match_plan.require_results([1, Died("killed by signal 9")])
