"""What a scan finds when it compares texts: copies inside longer texts, templates, held-out data, answers made anew."""

from __future__ import annotations

import gc
import json
import tempfile
from pathlib import Path

import pytest

import provenance as pv
from provenance.core.model import Died
from provenance.pipeline import examine as room
from provenance.pipeline.matching import match_plan, match_rows, quoted_spans

from .conftest import CARD, LINE, digests, lay, lines, zipped


def by(found, table, key="path"):
    return {row[key]: row for row in found.tables[table].to_pylist()}


VERSE = "春眠不觉晓，处处闻啼鸟。夜来风雨声"
SENTENCE = "the Quick brown fox jumps over the lazy dog, every single morning"


PADDING = " ".join(f"word{k}" for k in range(60))
COPIED = [f"bird number {k} sat on roof {k * 7} of mill {k * k} until the rain was over" for k in range(12)]


def copied(**more):
    """Records under MIT that stand under other terms too, of which a finding shows the first; and what else there is."""
    cards = {"a/README.md": CARD, "b/README.md": CARD.replace("mit", "cc-by-nc-4.0")}
    return cards | {"a/x.jsonl": lines(*COPIED), "b/z.jsonl": lines(*COPIED)} | more


BETWEEN = [("a/x.jsonl", "b/y.jsonl"), ("a/x.jsonl", "c/z.zip!/m.txt"), ("b/y.jsonl", "a/x.jsonl")]


def test_a_text_inside_a_longer_one_is_found_and_its_bytes_are_listed_with_its_pairs(tmp_path, in_process):
    long = [
        f"{PADDING}; {SENTENCE.upper()}! {PADDING}",
        f"序：{VERSE}，花落知多少。" + "一二三四五六七八九十百千万" * 3,
    ]
    held = zipped(**{"m.txt": f"Other words.\n\nBefore: {SENTENCE} (after)  {PADDING}\n"})
    lay(tmp_path, {"a/x.jsonl": lines(SENTENCE, VERSE), "b/y.jsonl": lines(*long), "c/z.zip": held})
    audit = pv.scan(tmp_path)
    inside = audit.matches[audit.matches["method"] == "contained"]
    assert len(inside) == 6
    assert inside["start_b"].isna().all()  # no finding quotes them
    found, whole_pairs = {}, [pv.pairs(audit, *files, data=tmp_path) for files in BETWEEN]
    for row in (row for pairs in whole_pairs[:2] for row in pairs.dropna().itertuples()):
        text = audit.records(tmp_path, [(row.path_b, row.row_b)])["whole"].iloc[0].encode()
        found[row.path_a, row.row_a, row.path_b] = text[int(row.start_b) : int(row.stop_b)].decode()
    assert found == {
        ("a/x.jsonl", 0, "b/y.jsonl"): SENTENCE.upper(),
        ("a/x.jsonl", 0, "c/z.zip!/m.txt"): SENTENCE,
        ("a/x.jsonl", 1, "b/y.jsonl"): VERSE,
    }
    assert len(whole_pairs[2]) == 2
    assert whole_pairs[2]["start_b"].isna().all()  # the other direction has no place to show
    assert list(pv.pairs(audit, *BETWEEN[0])) == ["path_a", "row_a", "path_b", "row_b", "jaccard", "method"]
    assert pv.pairs(audit, *BETWEEN[0], "prompt", data=tmp_path).empty


def test_of_contained_rows_those_that_a_finding_quotes_have_their_bytes(tmp_path, in_process):
    long = [f"Before. {text.upper()}; {PADDING} {k}" for k, text in enumerate(COPIED[:2])]
    audit = pv.scan(lay(tmp_path, copied(**{"b/y.jsonl": lines(*long), "c/w.jsonl": lines(*long[:1])})))
    quoting = audit.findings[(audit.findings["row"] == 0) & (audit.findings["path"] == "a/x.jsonl")]
    assert "b" in set(quoting["other"])
    assert "c" not in set(quoting["other"])
    inside = audit.matches[(audit.matches["method"] == "contained") & (audit.matches["path_a"] == "a/x.jsonl")]
    assert len(inside) == 3
    placed = inside[inside["start_b"].notna()]
    assert placed[["row_a", "path_b", "row_b"]].to_numpy().tolist() == [[0, "b/y.jsonl", 0]]
    start, stop = placed[["start_b", "stop_b"]].astype(int).to_numpy()[0]
    assert long[0][start:stop] == COPIED[0].upper()


def test_a_file_that_changed_before_it_was_read_again_is_said(tmp_path, in_process, monkeypatch):
    lay(tmp_path, copied(**{"b/y.jsonl": lines(f"{PADDING} {COPIED[0]} {PADDING}")}))
    before = quoted_spans.locate_spans

    def meddle(rereading):
        (tmp_path / "b/y.jsonl").write_text(lines(f"{COPIED[0]} {PADDING} {PADDING}"))
        return before(rereading)

    monkeypatch.setattr(quoted_spans, "locate_spans", meddle)
    audit = pv.scan(tmp_path)
    assert audit.matches["start_b"].isna().all()
    files = audit.files.set_index("path")
    assert files.loc["b/y.jsonl", "skip_reason"] == "file-changed-during-scan"
    assert "file-unreadable" in set(audit.findings["check"])  # checks were asked again


def test_what_dies_on_the_second_reading_leaves_its_texts_without_a_place(tmp_path, in_process, monkeypatch):
    lay(tmp_path, copied(**{"b/y.jsonl": lines(f"{PADDING} {COPIED[0]} {PADDING}")}))

    class Doomed(in_process):
        def map(self, function, parts):
            for number, part in enumerate(parts):
                yield number, Died("killed by signal 9") if function is quoted_spans.locate_spans else function(part)

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


def test_the_size_of_a_partition_changes_no_table(tmp_path, monkeypatch, in_process):
    near = [f"{text} again" for text in COPIED]
    data = lay(tmp_path, copied(**{"c/y.jsonl": lines(*near), "b/test.jsonl": lines(*near[:5], *COPIED[6:])}))
    expected = digests(pv.scan(data))
    made = []
    order_records = match_rows.order_records
    monkeypatch.setattr(match_rows, "RECORDS_PER_PARTITION", 5)
    monkeypatch.setattr(match_plan, "order_records", lambda *each: made.append(order_records(*each)) or made[-1])
    assert digests(pv.scan(data)) == expected
    assert made[0].count > 5


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc")
def test_matches_lie_in_files_that_nobody_can_name_and_that_go_with_the_audit(tmp_path, monkeypatch, in_process):
    scratch, data = tmp_path / "scratch", lay(tmp_path / "data", copied())
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def mapped():
        gc.collect()
        return {line.split()[-2] for line in Path("/proc/self/maps").read_text().splitlines() if str(scratch) in line}

    audit = pv.scan(data)
    rest = audit.without("b")
    assert list(scratch.iterdir()) == []
    assert len(audit.matches) == 2 * len(COPIED)
    assert rest.matches.empty
    assert any("matches-whole" in path for path in mapped())
    del audit
    assert not any("matches-whole" in path for path in mapped())
