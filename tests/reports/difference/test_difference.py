"""Two ledgers compared without their data; the oracle has the data, and counts shingles in plain Python."""

from __future__ import annotations

import json
import random
import shutil

import jsonschema
import numpy as np
import pyarrow as pa
import pytest
import xxhash

import provenance as pv
from provenance.cli import run
from provenance.core import schemas
from provenance.core.model import VIEWS
from provenance.core.package_data import DATA_FOLDER
from provenance.errors import ConfigError, ProvenanceError
from provenance.ledger.format import statement
from provenance.reports.difference import compare
from provenance.reports.difference import render as report
from provenance.similarity.index import source_sketches
from provenance.similarity.text import normalisation, shingles

SCHEMA = json.loads((DATA_FOLDER / "schemas" / "difference.schema.json").read_text("utf-8"))
CARD = "---\nlicense: {}\n---\n# Card\n\nWritten by us for this test.\n"
WORDS = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in "nrst"]


def written(seed, count=60, words=60):
    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    return [" ".join(chance.choices(WORDS, k=words)) for _ in range(count)]


ESSAYS, LETTERS, RECIPES = written(1), written(2), written(3)
ALONE = ["+86 138 0013 8000", "somebody@example.org", "yes"]


def lay(root, **held):
    for name, (licence, texts) in held.items():
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text(CARD.format(licence), "utf-8")
        rows = [
            {"instruction": text[:120], "output": text[120:]} if len(text) > 120 else {"text": text} for text in texts
        ]
        (root / name / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return root


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One hand's essays and letters; another's essays in part, with recipes; and the first hand's a second time."""
    root = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "one"))
        lay(root / "data", essays=("mit", ESSAYS), letters=("cc0-1.0", LETTERS), names=("mit", ALONE))
        pv.scan(root / "data", root / "a", workers=1)
        shutil.rmtree(root / "data" / "letters")
        shutil.rmtree(root / "data" / "essays")
        lay(root / "data", essays=("cc-by-nc-4.0", ESSAYS[:50]), recipes=("mit", RECIPES))
        pv.scan(root / "data", root / "a", workers=1)
        patch.setenv("PROVENANCE_CONFIG", str(root / "other"))
        lay(root / "theirs", copied=("mit", ESSAYS[30:] + RECIPES))
        pv.scan(root / "theirs", root / "b", workers=1)
    return root


@pytest.fixture(autouse=True)
def own_keys(world, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(world / "one"))


def runs(texts, view="whole"):
    """Hashes of all runs of five words of the view, by the reference definition."""
    seen = set()
    for text in texts:
        parts = {"prompt": text[:120], "answer": text[120:], "whole": f"{text[:120]}\n{text[120:]}"}
        for each in shingles.shingles_reference(parts[view]):
            seen.add(xxhash.xxh64_intdigest(each.encode()))
    return seen


def test_a_sketch_in_the_ledger_is_the_sample_that_the_definition_says(world):
    rows = pv.open_ledger(world / "a", 0).tables["sketches"].to_pylist()
    assert [(row["source"], row["view"], row["records"]) for row in rows] == [
        *((source, view, 60) for source in ("essays", "letters") for view in sorted(VIEWS)),
        ("names", "whole", 3),
    ]
    for row in rows:
        texts = {"essays": ESSAYS, "letters": LETTERS, "names": []}[row["source"]]
        assert row["hashes"] == sorted(each for each in runs(texts, row["view"]) if each < 2**64 // 16)
        assert (row["scale"], row["shingles"], row["shingle"]) == (16, 16 * len(row["hashes"]), shingles.SHINGLE)


def test_the_truth_lies_in_the_interval(world):
    found = pv.diff(world / "a", world / "b", index_a=0)
    rows = found.overlaps.to_pylist()
    assert [(row["source_a"], row["source_b"], row["view"]) for row in rows] == [
        ("essays", "copied", view) for view in VIEWS
    ]
    for row in rows:
        ours, theirs = runs(ESSAYS, row["view"]), runs(ESSAYS[30:] + RECIPES, row["view"])
        assert row["low_a"] <= len(ours & theirs) / len(ours) <= row["high_a"]
        assert row["low_b"] <= len(ours & theirs) / len(theirs) <= row["high_b"]
        assert row["shared"] == sum(each < 2**64 // 16 for each in ours & theirs)
    assert found.changes is None
    assert found.same_data is False
    assert found.gaps == ("a: too little text for a sketch: 1 source (names)",)
    # letters surely share nothing with what was copied; of names nothing was kept to tell by
    assert (found.below, found.open) == (len(VIEWS), 1)


def test_what_changed_between_two_scans_of_one_folder(world):
    found = pv.diff(world / "a", world / "a", 0, 1)
    assert [tuple(row.values()) for row in found.changes.to_pylist()] == [
        ("essays", "changed", "licence_declared", "MIT", "CC-BY-NC-4.0"),
        ("essays", "changed", "licence_concluded", "MIT", "CC-BY-NC-4.0"),
        ("essays", "changed", "records", "60", "50"),
        ("letters", "removed", "records", "60", None),
        ("recipes", "added", "records", None, "60"),
    ]
    same = pv.diff(world / "a", world / "a")
    assert same.changes.num_rows == 0
    assert same.same_data is True
    said = report.render(same).decode()
    assert "Changed from a to b in the same bytes: nothing" in said
    assert "2 sources of the same text in both, as far as sketches tell" in said


def test_either_side_may_be_a(world):
    forth, back = pv.diff(world / "a", world / "b", 0).as_json(), pv.diff(world / "b", world / "a", None, 0).as_json()
    turned = [
        {name[:-1] + {"a": "b", "b": "a"}[name[-1]] if name[-2] == "_" else name: row[name] for name in row}
        for row in back["overlaps"]
    ]
    assert forth["overlaps"] == turned
    assert forth["pairs"] == back["pairs"]
    assert (forth["a"], forth["b"]) == (back["b"], back["a"])


@pytest.mark.parametrize(("a", "b"), [("a@0", "b"), ("a@0", "a@1"), ("a", "a")])
def test_json_holds_to_its_published_schema(world, capfd, a, b):
    assert run(["diff", str(world / a), str(world / b), "--format", "json"]) == 0
    printed = capfd.readouterr().out
    jsonschema.validate(json.loads(printed), SCHEMA)
    from provenance.core.digests import canonical

    assert printed.encode() == canonical(json.loads(printed)) + b"\n"
    fields = SCHEMA["properties"]["overlaps"]["items"]["required"]
    assert set(fields) == set(schemas.ESTIMATES.names)
    assert set(SCHEMA["properties"]["changes"]["items"]["required"]) == set(schemas.CHANGES.names)


def test_it_says_who_signed_what_and_accuses_nobody(world, capfd):
    assert run(["diff", f"{world / 'a'}@0", str(world / "b")]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "entry 0: draft of data" in said
    assert "(your own local key)" in said
    assert "consistent, but you have not pinned its keys" in said
    assert "of a in b;" in said
    assert "who took from whom, or both from a third, no sketch can tell" in said
    assert "stole" not in said
    assert "copied from" not in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere", "b"], 2, "nowhere is no ledger"),
        (["a", "theirs"], 2, "theirs is no ledger"),
        (["a@7", "b"], 2, "its entries are 0 to 1"),
        (["a"], 2, "Missing argument 'B'"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(world, monkeypatch, capfd, arguments, code, said):
    monkeypatch.chdir(world)
    assert run(["diff", *arguments]) == code
    assert said in capfd.readouterr().err


def test_a_folder_whose_name_looks_like_an_entry_is_that_folder(world, tmp_path, capfd):
    shutil.copytree(world / "b", tmp_path / "b@1", symlinks=True)
    assert run(["diff", str(tmp_path / "b@1"), str(tmp_path / "b@1@0")]) == 0
    assert "Changed from a to b in the same bytes: nothing" in capfd.readouterr().out


def test_a_ledger_of_a_version_without_sketches(world, tmp_path, monkeypatch, in_process):
    """Version 0 had none at first; what is written now must have them, so nothing is held to a schema here."""
    monkeypatch.setattr(statement, "_check_schema", lambda *_: None)
    with monkeypatch.context() as patch:
        older = {name: schema for name, schema in schemas.SEALED.items() if name != "sketches"}
        patch.setattr(schemas, "SEALED", older)  # a new table: one taken out and put back would stand last
        pv.scan(world / "data", tmp_path / "old", workers=1)
    assert pv.open_ledger(tmp_path / "old").tables["sketches"].num_rows == 0
    assert pv.verify(tmp_path / "old").exit_code == 0
    found = pv.diff(tmp_path / "old", world / "b")
    assert found.gaps[0] == "a: no sketches: it was written by a version that made no sketches; scan the data again"
    assert (found.overlaps.num_rows, found.below, found.open) == (0, 0, 0)


def test_sketches_may_be_withheld(world, tmp_path):
    """Who hands a ledger on may keep the sketches: it verifies but for that, and says so."""
    shutil.copytree(world / "b", tmp_path / "b", symlinks=True)
    (tmp_path / "b" / "scans" / "00000000" / "sketches.parquet").unlink()
    found = pv.diff(world / "a", tmp_path / "b")
    assert "b: no sketches: scans/00000000/sketches.parquet is withheld" in found.gaps[1]
    assert found.overlaps.num_rows == 0


def test_a_ledger_that_does_not_verify_is_said_to_be_so(world, tmp_path):
    shutil.copytree(world / "b", tmp_path / "b", symlinks=True)
    place = tmp_path / "b" / "scans" / "00000000"
    (place / "findings.parquet").write_bytes(b"something else")
    with pytest.raises(ProvenanceError, match=r"b does not verify, so nothing is compared with it"):
        pv.diff(world / "a", tmp_path / "b", 0)
    found = pv.diff(world / "a", tmp_path / "b", 0, verified=False)
    assert found.b.verified == 1
    assert any(gap.startswith("b: the ledger does not verify: whoever changed it") for gap in found.gaps)
    assert found.overlaps.num_rows == len(VIEWS)
    (place / "sketches.parquet").write_bytes(b"something else")
    said = []
    found = pv.diff(world / "a", tmp_path / "b", 0, verified=False, warn=said.append)
    assert [each for each in said if "sketches.parquet is not what entry 0 binds" in each]
    assert any(gap.startswith("b: no sketches: ") for gap in found.gaps)


def test_text_cut_in_another_way_is_not_compared(world, tmp_path, monkeypatch, in_process):
    with monkeypatch.context() as patch:
        patch.setattr(normalisation, "name_with_folding", lambda *_, **__: "shingle/v2")
        pv.scan(world / "theirs", tmp_path / "new", workers=1)
    found = pv.diff(world / "a", tmp_path / "new", 0)
    assert [gap for gap in found.gaps if "text cut as" in gap] == [
        f"a: text cut as {shingles.SHINGLE!r}, as none of the other is: scan both with one version",
        "b: text cut as 'shingle/v2', as none of the other is: scan both with one version",
    ]
    assert (found.overlaps.num_rows, found.below, found.open) == (0, 0, 0)


def test_a_view_that_only_one_has_and_a_sample_are_said(world, tmp_path):
    lay(tmp_path / "data", one=("mit", ["\n".join(ESSAYS)[:100]]))
    pv.scan(tmp_path / "data", tmp_path / "ledger", workers=1, sample=0.5)
    found = pv.diff(world / "b", tmp_path / "ledger")
    assert "a: the view prompt, which no source of the other has" in found.gaps
    assert any(gap.startswith("b: only a sample of its data was read (") for gap in found.gaps)


@pytest.mark.parametrize("hashes", [[5] * 500, [9, 7]])
def test_sketches_that_are_none_are_not_compared(world, monkeypatch, hashes):
    """A ledger may be a stranger's, and what a stranger signs need make no sense."""
    read = compare.ledger.Reader.tables

    def forged(reader, **asked):
        held = read(reader, **asked)
        if reader.folder.name == "b" and "sketches" in held:
            rows = [row | {"hashes": hashes} for row in held["sketches"].to_pylist()]
            held["sketches"] = schemas.rows(rows, schemas.SKETCHES)
        return held

    monkeypatch.setattr(compare.ledger.Reader, "tables", forged)
    found = pv.diff(world / "a", world / "b")
    assert "b: no sketches: they are damaged: its hashes are not those of a sketch of the scale 16" in found.gaps
    assert (found.overlaps.num_rows, found.below, found.open) == (0, 0, 0)


@pytest.mark.parametrize("sample", [7, {"share": "half"}, {"share": None}])
def test_a_sample_that_makes_no_sense_is_a_sample(world, monkeypatch, sample):
    read = compare.ledger.Reader.statement

    def forged(*asked):
        said = read(*asked)
        said.predicate["config"]["sample"] = sample
        return said

    monkeypatch.setattr(compare.ledger.Reader, "statement", forged)
    assert "a: only a sample of its data was read: shares are of that" in pv.diff(world / "a", world / "b").gaps


def test_no_folder_is_no_ledger(tmp_path):
    with pytest.raises(ConfigError, match="is no ledger"):
        compare.diff(tmp_path, tmp_path)


def test_many_sources_of_many_scales_against_every_pair_by_itself():
    """The join of all sources at once is what comparing sketches one by one gives."""
    chance = np.random.default_rng(5)
    pool = np.unique(chance.integers(0, 2**64 // 16, 3000, np.uint64))

    def some(count):
        made = {}
        for k in range(count):
            scale = 16 << int(chance.integers(0, 4))
            drawn = np.unique(chance.choice(pool, int(chance.integers(0, 900))))
            made[f"s{k}"] = source_sketches.Sketch(scale, drawn[drawn < 2**64 // scale])
        return made

    a, b = some(7), some(9)
    compared = compare._PairEstimates()
    compared.add("whole", *(compare._SideSketches(list(each), list(each.values())) for each in (a, b)))
    rows = {(row["source_a"], row["source_b"]): row for row in compared.table().to_pylist()}
    sides = [0, 0]
    for left, one in a.items():
        for right, other in b.items():
            scale = max(one.scale, other.scale)
            ours, theirs = (
                set(source_sketches.coarsen(one, scale).tolist()),
                set(source_sketches.coarsen(other, scale).tolist()),
            )
            shares = [source_sketches.estimate(len(ours & theirs), len(of)) for of in (ours, theirs)]
            if max(each.low for each in shares) >= compare.LEAST_SHARE:
                row = rows.pop((left, right))
                assert (row["scale"], row["shared"], row["hashes_a"], row["hashes_b"]) == (
                    scale, len(ours & theirs), len(ours), len(theirs),
                )  # fmt: skip
                assert [tuple(row[f"{name}_{side}"] for name in ("share", "low", "high")) for side in "ab"] == shares
            else:
                sides[max(each.high for each in shares) < compare.LEAST_SHARE] += 1
    assert not rows
    assert (compared.open, compared.below) == tuple(sides)
    assert min(sides[0], compared.table().num_rows) > 0


@pytest.mark.parametrize(
    ("shared", "of", "said"),
    [
        (0, 0, "an unknown share"),
        (0, 1000, "at most 0.4 %"),
        (1000, 1000, "at least 99.6 %"),
        (5, 10, "50 % (18 to 82)"),
        (5000, 10_000, "50.0 % (49.0 to 51.0)"),
        (9999, 10_000, "100.0 % (99.9 to 100.0)"),
    ],
)
def test_a_share_in_words(shared, of, said):
    found = source_sketches.estimate(shared, of)
    assert report._share({"share_a": found.share, "low_a": found.low, "high_a": found.high}, "a") == said


def test_names_cannot_steer_the_terminal(world):
    found = pv.diff(world / "a", world / "b", 0)
    rows = [row | {"source_a": "\x1b[31mred\n"} for row in found.overlaps.to_pylist()]
    from dataclasses import replace

    said = report.render(replace(found, overlaps=pa.Table.from_pylist(rows, schema=schemas.ESTIMATES))).decode()
    assert "\x1b" not in said
    assert "[31mred" in said


def test_views_are_those_of_the_model(world):
    assert set(pv.open_ledger(world / "a").tables["sketches"]["view"].to_pylist()) <= set(VIEWS)
