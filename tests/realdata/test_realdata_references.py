"""Benchmarks, books and known sets in real data: what was read by eye, record by record (truth: D09, D10, D14, D17)."""

from __future__ import annotations

import zipfile

import pytest

import provenance as pv
from provenance.pipeline import build_index

pytestmark = [pytest.mark.realdata, pytest.mark.full]

MBPP = (("text", "instruction"), ("code", "answer"))
BENCHMARKS = {
    "mbpp test": ("benchmarks/mbpp/mbpp.jsonl", MBPP),
    "human-eval test": ("benchmarks/human_eval/data/HumanEval.jsonl.gz", ()),
    "gsm8k test": ("benchmarks/gsm8k/grade_school_math/data/test.jsonl", ()),
    "vicuna80": ("benchmarks/gpt4_llm_eval/vicuna_question_80.jsonl", ()),
}
CODE = "instruct/codealpaca"


@pytest.fixture(scope="module")
def audit(realdata, tmp_path_factory):
    folder = tmp_path_factory.mktemp("indexes")
    given = []
    for title, (path, columns) in BENCHMARKS.items():
        given.append(folder / f"{title}.index")
        build_index.build_index(
            [realdata / "data" / path],
            given[-1],
            build_index.IndexOptions("benchmark", title, columns=columns),
            "a test",
        )
    left_out = ("text", "croissant_1.0", "dvc_registry", "frictionless", "spdx_examples")
    return pv.scan(realdata / "data", reference=given, exclude=left_out)


def items(audit, title, source):
    rows = audit.references
    rows = rows[(rows["title"] == title) & rows["path"].notna() & rows["path"].str.startswith(source)]
    return {int(item.rsplit("#", 1)[1]) for item in rows["item"]}


@pytest.mark.parametrize(
    ("title", "source", "expected"),
    [
        # "the area of a rectangle": the question, word for word but for its first word
        ("mbpp test", "instruct/stanford_alpaca", {457}),
        # "the largest prime factor of a given number", "the first non-repeated character in a given string", "the first
        # repeated word in a given string": the same questions; 373 ("all permutations ... including duplicates") is not
        ("mbpp test", f"{CODE}/data/new_codealpaca", {31, 394, 536}),
        ("mbpp test", "instruct/gpteacher/Codegen", {31, 394, 536}),
        ("mbpp test", "instruct/gpteacher/Toolformer", set()),
        ("mbpp test", "instruct/gpteacher/Roleplay", set()),
        # the truth's 13 words see prime numbers by trial division, a train that becomes a plane, stamps of Max and Bella
        ("human-eval test", "instruct", set()),
        ("gsm8k test", "instruct", set()),
        # "a Python script" in the place of "a C++ program": 12 of 21 shingles
        ("vicuna80", "instruct", set()),
    ],
)
def test_d17_every_item_that_is_said_is_there(audit, title, source, expected):
    found = items(audit, title, source)

    assert found == expected


def test_d17_is_no_red_flag(audit):
    rows = audit.findings[audit.findings["check"] == "benchmark-contamination"]
    assert set(rows["severity"]) == {"note"}
    named = rows[~rows["field"].str.endswith(" itself")]
    assert set(named["source"]) <= {CODE, "instruct/gpteacher"}
    assert (named["value"] < 0.01).all()


def test_a_benchmark_in_its_own_home_is_itself(audit):
    rows = audit.findings[audit.findings["field"].fillna("").str.endswith(" itself")]
    homes = {(row.source, row.field) for row in rows.itertuples()}
    assert {
        ("benchmarks/mbpp", "mbpp test itself"),
        ("benchmarks/human_eval", "human-eval test itself"),
        ("benchmarks/gsm8k", "gsm8k test itself"),
    } <= homes
    assert (rows["value"] == 0).all()
    reason = audit.coverage.set_index("check").loc["benchmark-contamination", "reason"]
    assert "of the files are those of mbpp test itself" in reason


def test_d09_and_d10_the_training_part_is_no_contamination(audit):
    rows = audit.references
    copy = rows[rows["path"].fillna("").str.endswith("gsm_8k_train.json") & (rows["title"] == "gsm8k")]
    assert [(row.part, row.view, row.records, row.records_view) for row in copy.itertuples()] == [
        ("train", "prompt", 7473, 7473)
    ]
    assert items(audit, "gsm8k test", "benchmarks/gsm8k/grade_school_math/data/train.jsonl") == set()


def test_an_undescribed_folder_is_named(audit):
    rows = audit.findings[audit.findings["check"] == "source-misnamed"]
    (row,) = rows.itertuples()
    assert (row.source, row.severity) == ("undeclared:web/data_juicer_demos/demos/data/auto-prompt-optim", "note")
    assert "100% of its prompts (20 of 20) are prompts of gsm8k, part train" in row.message


def test_known_sets_are_counted_file_by_file(audit):
    rows = audit.references
    rows = rows[(rows["title"] == "stanford-alpaca") & (rows["view"] == "whole") & rows["path"].notna()]
    copies = rows[rows["path"].str.contains("原始英文数据")]
    assert len(copies) == 18
    assert (copies["records"] == copies["records_view"]).all()
    original = rows[rows["path"] == "instruct/stanford_alpaca/alpaca_data.json"]
    assert copies["records"].sum() == original["records"].iloc[0] == original["records_view"].iloc[0]


def test_two_bibles_are_in_each_other_and_strangers_are_not(realdata, tmp_path):
    """Two translations share a quarter; addresses of two presidents, and web texts, share what anybody says."""
    texts = realdata / "data" / "text" / "nltk"
    for name, member in (("kjv", "genesis/english-kjv.txt"), ("web", "genesis/english-web.txt")):
        (tmp_path / "data" / name).mkdir(parents=True)
        with zipfile.ZipFile(texts / "genesis.zip") as archive:
            (tmp_path / "data" / name / f"{name}.txt").write_bytes(archive.read(member))
    (tmp_path / "data" / "inaugural").mkdir()
    with zipfile.ZipFile(texts / "inaugural.zip") as archive:
        for member in archive.namelist():
            if member.endswith(("Obama.txt", "Washington.txt")):
                (tmp_path / "data" / "inaugural" / member.rsplit("/", 1)[1]).write_bytes(archive.read(member))
    target = tmp_path / "works.index"
    build_index.build_index(
        [tmp_path / "data" / "kjv" / "kjv.txt"], target, build_index.IndexOptions("protected"), "a test"
    )
    rows = pv.scan(tmp_path / "data", reference=[target]).references
    rows = rows[rows["title"] == "works"]
    rows = rows[rows["path"].notna()].set_index("path")
    assert set(rows.index) == {"kjv/kjv.txt", "web/web.txt"}
    assert rows.loc["kjv/kjv.txt", "shared"] == rows.loc["kjv/kjv.txt", "distinct"]
    assert 0.2 < rows.loc["web/web.txt", "shared"] / rows.loc["web/web.txt", "distinct"] < 0.3
