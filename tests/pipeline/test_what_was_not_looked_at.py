"""No green word stands where nothing was looked at: folders as people have them, and what their verdicts say."""

import json
import os

import pytest

import provenance as pv

GREEN = "nothing found in what was examined"


def lay(root, cards, files):
    """Write a card a folder, and records by number into files."""
    for folder, licence in cards.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n# A set\n")
    for path, (first, end) in files.items():
        words = (" ".join(f"w{k}x{j}" for j in range(20)) for k in range(first, end))
        (root / path).write_text("".join(json.dumps({"text": text}) + "\n" for text in words))
    return root


def observe(audit, requirement):
    rows = audit.verdicts[audit.verdicts["requirement"] == requirement]
    return rows["observed"].iloc[0], rows["reason"].iloc[0]


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("cards", "files", "requirement", "sentence"),
    [
        ({"a": "mit"}, {"a/x.jsonl": (0, 30)}, "splits", "no file is known to be held out"),
        (
            {"a": "mit", "b": "mit"},
            {"a/test.jsonl": (0, 30), "a/train.jsonl": (30, 60), "b/x.jsonl": (60, 90)},
            "splits",
            "1 of 3 data files are of no known split",
        ),
        ({"a": "mit", "b": "mit"}, {"a/x.jsonl": (0, 30), "b/x.jsonl": (0, 30)}, "lineage", "byte for byte the same"),
    ],
    ids=["no split", "a split of another source", "whole files"],
)
def test_what_nobody_could_see_is_not_green(cards, files, requirement, sentence, tmp_path):
    observed, reason = observe(pv.scan(lay(tmp_path, cards, files)), requirement)
    assert observed == "not examined"
    assert sentence in reason


@pytest.mark.usefixtures("in_process")
def test_a_pipe_has_no_bytes_and_was_not_read(tmp_path):
    root = lay(tmp_path, {".": "mit"}, {"x.jsonl": (0, 30)})
    assert observe(pv.scan(root), "licence")[0] == GREEN
    os.mkfifo(root / "more.jsonl")
    assert observe(pv.scan(root), "licence") == ("not examined", "1 file could not be read")


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("outer", "inner", "conflicts"), [("cc-by-nc-4.0", "mit", 1), ("mit", "cc-by-nc-4.0", 0)])
def test_a_stricter_card_around_a_source_is_a_conflict_and_a_milder_one_is_none(outer, inner, conflicts, tmp_path):
    audit = pv.scan(lay(tmp_path, {".": outer, "a": inner}, {"a/x.jsonl": (0, 30)}))
    assert list(audit.findings["check"]).count("licence-conflict-between-witnesses") == conflicts
