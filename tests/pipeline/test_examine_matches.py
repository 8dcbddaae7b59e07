"""What a scan finds when it compares texts: copies inside longer texts, templates, held-out data, answers made anew."""

from __future__ import annotations

import json

import pytest

import provenance as pv
from provenance.core.model import Died
from provenance.pipeline import examine as room
from provenance.pipeline.matching import match_tasks

from .conftest import CARD, LINE, lay, lines, zipped


def by(found, table, key="path"):
    return {row[key]: row for row in found.tables[table].to_pylist()}


VERSE = "春眠不觉晓，处处闻啼鸟。夜来风雨声"
SENTENCE = "the Quick brown fox jumps over the lazy dog, every single morning"


def test_a_text_inside_a_longer_one_is_found_with_its_bytes(tmp_path, in_process):
    padding = " ".join(f"word{k}" for k in range(60))
    long = [
        f"{padding}; {SENTENCE.upper()}! {padding}",
        f"序：{VERSE}，花落知多少。" + "一二三四五六七八九十百千万" * 3,
    ]
    held = zipped(**{"m.txt": f"Other words.\n\nBefore: {SENTENCE} (after)  {padding}\n"})
    lay(tmp_path, {"a/x.jsonl": lines(SENTENCE, VERSE), "b/y.jsonl": lines(*long), "c/z.zip": held})
    audit = pv.scan(tmp_path)
    inside = audit.matches[(audit.matches["method"] == "contained") & audit.matches["start_b"].notna()]
    found = {}
    for row in inside.itertuples():
        text = audit.records(tmp_path, [(row.path_b, row.row_b)])["whole"].iloc[0].encode()
        found[row.path_a, row.row_a, row.path_b] = text[int(row.start_b) : int(row.stop_b)].decode()
    assert found == {
        ("a/x.jsonl", 0, "b/y.jsonl"): SENTENCE.upper(),
        ("a/x.jsonl", 0, "c/z.zip!/m.txt"): SENTENCE,
        ("a/x.jsonl", 1, "b/y.jsonl"): VERSE,
    }
    longer = audit.matches[(audit.matches["method"] == "contained") & audit.matches["start_b"].isna()]
    assert (longer["distinct_a"] > longer["distinct_b"]).all()  # the other direction has no place to show
    assert len(longer) == 3


def test_a_file_that_changed_before_it_was_read_again_is_said(tmp_path, in_process, monkeypatch):
    padding = " ".join(f"word{k}" for k in range(60))
    lay(tmp_path, {"a/x.jsonl": lines(SENTENCE), "b/y.jsonl": lines(f"{padding} {SENTENCE} {padding}")})
    before = match_tasks.locate_spans

    def meddle(rereading):
        (tmp_path / "b/y.jsonl").write_text(lines(f"{SENTENCE} {padding} {padding}"))
        return before(rereading)

    monkeypatch.setattr(room, "locate_spans", meddle)
    audit = pv.scan(tmp_path)
    assert audit.matches["start_b"].isna().all()
    files = audit.files.set_index("path")
    assert files.loc["b/y.jsonl", "skip_reason"] == "file-changed-during-scan"


def test_what_dies_on_the_second_reading_leaves_its_texts_without_a_place(tmp_path, in_process, monkeypatch):
    padding = " ".join(f"word{k}" for k in range(60))
    lay(tmp_path, {"a/x.jsonl": lines(SENTENCE), "b/y.jsonl": lines(f"{padding} {SENTENCE} {padding}")})

    class Doomed(in_process):
        def map(self, function, parts):
            for number, part in enumerate(parts):
                yield number, Died("killed by signal 9") if function is match_tasks.locate_spans else function(part)

    monkeypatch.setattr(room.engines, "start", lambda *_: Doomed())
    audit = pv.scan(tmp_path)
    assert (audit.matches["method"] == "contained").any()
    assert audit.matches["start_b"].isna().all()
    assert "could not be looked for" in by_check(audit, "containment")


def by_check(audit, check):
    return audit.coverage.set_index("check").loc[check, "reason"]


def test_a_template_makes_no_distinctive_match(tmp_path, in_process):
    """Twenty prompts of one template a source: near each other, word for word the same in one case alone."""
    template = " ".join(f"word{k} of the template" for k in range(12))

    def own(name):
        return [f"{template} {name}{k} v" for k in range(20)]

    lay(
        tmp_path,
        {
            "a/x.jsonl": lines(*own("a"), f"{template} shared payload"),
            "b/y.jsonl": lines(*own("b"), f"{template} shared payload"),
        },
    )
    audit = pv.scan(tmp_path)
    rows = audit.overlaps[(audit.overlaps["view"] == "whole") & audit.overlaps["path_a"].notna()]
    assert rows[["near", "exact", "near_distinctive"]].to_numpy().tolist() == [[21, 1, 1]] * 2
    assert "count as boilerplate" in by_check(audit, "boilerplate")


SPLITS = """---
license: mit
configs:
- data_files:
  - { split: train, path: one.jsonl }
  - { split: test, path: "two*" }
---
# Birds
"""


@pytest.mark.parametrize(
    ("card", "names", "expected"),
    [
        (SPLITS, ("one.jsonl", "two.jsonl"), {("test", 12)}),
        (CARD, ("train.jsonl", "dev.jsonl"), {("validation", 12)}),
        (CARD, ("one.jsonl", "two.jsonl"), set()),
        (CARD, ("train.jsonl", "outputs/test.jsonl"), set()),
    ],
)
def test_what_is_held_out_and_trained_on_leaks(tmp_path, card, names, expected):
    told = [f"bird number {k} sat on roof {k * 7} of mill {k * k} until the rain was over" for k in range(40)]
    layout = {"a/README.md": card, f"a/{names[0]}": lines(*told[:30]), f"a/{names[1]}": lines(*told[18:])}
    found = pv.scan(lay(tmp_path, layout), workers=1).findings
    found = found[found["check"] == "split-leak"]
    assert {(row.field, row.records) for row in found.itertuples()} == expected
    assert set(found["severity"]) <= {"warning"}


def test_prompts_that_were_answered_anew_are_a_note_or_a_warning_and_no_accusation(tmp_path):
    def chats(answer):
        asked = [f"Which bird sat on roof number {k} of the old mill on that day?" for k in range(20)]
        told = [f"{answer} {k} {answer} {k * k} {answer}" for k in range(20)]
        rows = [{"instruction": a, "output": b} for a, b in zip(asked, told, strict=True)]
        return "".join(json.dumps(row) + "\n" for row in rows)

    layout = {"a/README.md": CARD, "a/x.jsonl": chats("heron"), "b/README.md": CARD, "b/y.jsonl": chats("sparrow")}
    found = by(pv.scan(lay(tmp_path, layout), workers=1), "findings", "check")
    assert set(found) & {"prompt-copied", "lineage-undeclared", "licence-conflict-by-content"} == {"prompt-copied"}
    said = found["prompt-copied"]
    assert (said["source"], said["other"], said["severity"], said["records"]) == ("a", "b", "warning", 20)
    assert said["message"].startswith("20 of 20 prompts of a under MIT stand in b under MIT, but none of their whole")


def test_two_sources_that_share_a_file_and_no_text_are_reported(tmp_path, in_process):
    """A finding on a pair of which MATCHES holds nothing: two files of numbers are the same."""
    numbers = "1\t2\t3\n4\t5\t6\n"
    layout = {f"{name}/{part}": held for name in "ab" for part, held in (("README.md", CARD), ("x.tsv", numbers))}
    lay(tmp_path / "data", layout | {"c/x.jsonl": LINE, "d/y.jsonl": LINE + LINE})
    audit = pv.scan(tmp_path / "data", tmp_path / "ledger")
    assert "identical-files" in set(audit.findings["check"])
    assert not set(audit.matches["source_a"]) & {"a", "b"}
    assert pv.verify(tmp_path / "ledger").exit_code == 0
