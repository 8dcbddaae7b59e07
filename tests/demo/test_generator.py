"""Random folders: an audit says what was planted, and nothing else, whatever the seed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

import provenance as pv
from provenance.origins import known

_SPEC = importlib.util.spec_from_file_location("generator", Path(__file__).with_name("generator.py"))
generator = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("generator", generator)  # dataclasses look their module up
_SPEC.loader.exec_module(generator)

SEEDS = (0, 1, 3)  # together they plant everything there is
MORE = range(100, 140)


def check(folder, seed, monkeypatch):
    expected = generator.generate(folder, seed)
    originals = {digest: known.Known(id=id_, basis=()) for digest, id_ in expected.originals.items()}
    monkeypatch.setattr(known, "by_digest", lambda: originals)
    audit = pv.scan(folder, workers=1)
    said = audit.findings.astype(object).where(audit.findings.notna(), None)
    found = {tuple(row) for row in said[["check", "severity", "source", "other"]].itertuples(index=False)}
    assert found - expected.findings == set(), ("said, and not true", expected.planted)
    assert expected.findings - found == set(), ("true, and not said", expected.planted)
    sources = audit.sources.astype(object).where(audit.sources.notna(), None)
    assert dict(zip(sources["source"], sources["licence_concluded"], strict=True)) == expected.licences
    counted = dict(zip(sources["source"], sources["records"], strict=True))
    assert {id_: counted.get(id_) for id_ in expected.records} == expected.records
    table = audit.overlaps[audit.overlaps["path_a"].isna()]
    table = table[table["source_a"] != table["source_b"]]
    columns = (table[name] for name in ("view", "source_a", "source_b", "exact"))
    assert {(view, a, b): count for view, a, b, count in zip(*columns, strict=True)} == expected.overlaps
    files = audit.files
    assert (files["bytes_consumed"] + files["bytes_skipped"] == files["bytes"]).all()
    on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    assert files[~files["path"].str.contains("!/", regex=False)]["bytes"].sum() == on_disk


@pytest.mark.parametrize("seed", SEEDS)
def test_an_audit_says_what_was_planted_and_nothing_else(seed, tmp_path, monkeypatch):
    check(tmp_path, seed, monkeypatch)


def test_the_fixed_seeds_plant_every_problem_and_every_decoy(tmp_path):
    planted = set()
    for seed in SEEDS:
        planted |= set(generator.generate(tmp_path / str(seed), seed).planted)
    assert planted == {plant.__name__.strip("_") for plant in generator._PLANTS}


def test_the_same_seed_makes_the_same_folder(tmp_path):
    def written(name):
        generator.generate(tmp_path / name, 7)
        files = sorted((tmp_path / name).rglob("*"))
        return {str(path.relative_to(tmp_path / name)): path.stat().st_size for path in files if path.is_file()}

    assert written("one") == written("two")


@pytest.mark.full
@pytest.mark.parametrize("seed", MORE)
def test_an_audit_of_many_more_folders(seed, tmp_path, monkeypatch):
    check(tmp_path, seed, monkeypatch)
