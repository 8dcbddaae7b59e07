"""Random folders: an audit says what was planted, and nothing else, whatever the seed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

import provenance as pv
from provenance import checks
from provenance.origins import known_datasets
from provenance.pipeline.matching import scan_rules

for _NAME in ("generated_sources", "folder_writer", "audit_oracle", "generator"):  # each imports those before it
    _SPEC = importlib.util.spec_from_file_location(_NAME, Path(__file__).with_name(f"{_NAME}.py"))
    sys.modules[_NAME] = generator = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(generator)

SEEDS = (0, 1)  # together they plant everything there is
MORE = range(100, 140)


def check(folder, seed, monkeypatch, *, originals=True):
    expected = generator.generate(folder, seed)
    if originals:
        files = {digest: known_datasets.KnownDataset(id=id_, basis=()) for digest, id_ in expected.originals.items()}
        monkeypatch.setattr(known_datasets, "known_by_digest", lambda: files)
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


def without_known_originals(monkeypatch):
    monkeypatch.setattr(known_datasets, "known_by_digest", dict)


def with_boilerplate_as_evidence(monkeypatch):
    monkeypatch.setattr(scan_rules, "find_minimum", lambda _: 0)


def without_a_check(monkeypatch):
    monkeypatch.delitem(checks.CHECKS._members(), "licence-conflict-by-content")


@pytest.mark.parametrize("broken", [without_known_originals, with_boilerplate_as_evidence, without_a_check])
def test_a_broken_auditor_does_not_pass(broken, tmp_path, monkeypatch):
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        check(tmp_path, SEEDS[1], monkeypatch, originals=broken is not without_known_originals)


# What is not said, or said wrongly, as yet: the smallest cases, each with what it takes.
TWEETS = [f"the {bird} sat beside the old mill until the rain had gone over the valley" for bird in "ABCDEFGHIJKLMN"]
NC, MIT = (
    f"---\nlicense: {name}\npretty_name: birds\n---\nWe watched them for a year.\n" for name in ("cc-by-nc-4.0", "mit")
)
COMMON = "Sure, here is a short and friendly answer to the question that you asked me"


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def chats(*system):
    return lines(
        *(
            {"messages": [*system, {"role": "user", "content": t}, {"role": "assistant", "content": f"no {t}"}]}
            for t in TWEETS
        )
    )


TEXTS = lines(*({"text": text} for text in TWEETS))
GAPS = {
    "views: a system prompt put before a copied question hides it": (
        {
            "a/README.md": NC, "a/x.jsonl": lines(*({"question": t, "answer": f"yes {t}"} for t in TWEETS)),
            "b/README.md": MIT, "b/x.jsonl": chats({"role": "system", "content": "You are a helpful bird."}),
        },
        {("licence-forbids-purpose", "a", None), ("licence-conflict-by-content", "b", "a")},
    ),
    "readmes: prose that restricts the use, without the name of a licence": (
        {"a/README.md": MIT + "\n# Birds\n\nFor non-commercial research use only.\n", "a/x.jsonl": TEXTS},
        {("licence-forbids-purpose", "a", None), ("licence-conflict-between-witnesses", "a", None)},
    ),
}  # fmt: skip


CLOSED = {
    "licences: `MIT, see LICENSE.` is MIT": (
        {
            "a/README.md": NC, "a/x.jsonl": TEXTS,
            "b/README.md": "# birds\n\n## License\n\nMIT, see LICENSE.\n", "b/y.jsonl": TEXTS + lines({"text": COMMON}),
        },
        {
            ("licence-forbids-purpose", "a", None), ("licence-conflict-by-content", "b", "a"),
            ("lineage-undeclared", "a", "b"),
        },
    ),
    "licence-unrecognised: terms that nobody knows do not pass": (
        {"a/README.md": MIT.replace("mit", "glide"), "a/x.jsonl": TEXTS},
        {("licence-unrecognised", "a", None)},
    ),
    "evidence: one long boilerplate record, ten times, is one text": (
        {
            "a/README.md": NC, "a/x.jsonl": lines(*[{"text": COMMON}] * 11, *({"text": f"a {t}"} for t in TWEETS)),
            "b/README.md": MIT, "b/x.jsonl": lines(*[{"text": COMMON}] * 11, *({"text": t[::-1]} for t in TWEETS)),
        },
        {("licence-forbids-purpose", "a", None), ("duplicate-records", "a", None), ("duplicate-records", "b", None)},
    ),
}  # fmt: skip


def said(tmp_path, files):
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    found = pv.scan(tmp_path, workers=1).findings
    found = found.astype(object).where(found.notna(), None)
    found = found[found["check"] != "origin-undocumented"]  # true of all of these: the cases are as small as can be
    return set(found[["check", "source", "other"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("gap", CLOSED)
def test_gaps_that_were_closed(gap, tmp_path):
    files, expected = CLOSED[gap]
    assert said(tmp_path, files) == expected


@pytest.mark.full
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.xfail(reason="known gaps: whoever closes one takes it off the list")
def test_gaps(gap, tmp_path):
    files, expected = GAPS[gap]
    assert said(tmp_path, files) == expected


@pytest.mark.full
@pytest.mark.parametrize("seed", MORE)
def test_an_audit_of_many_more_folders(seed, tmp_path, monkeypatch):
    check(tmp_path, seed, monkeypatch)
