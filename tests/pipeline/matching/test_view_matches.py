"""Matches between views: what a comparison of all views of all records by hand says, and the kinds it is there for."""

from __future__ import annotations

import io
import json
import random
from collections import defaultdict

import pytest

import provenance as pv
from provenance.errors import ConfigError
from provenance.pipeline.matching import across_tasks
from provenance.readers.records import column_roles
from provenance.readers.records import json as json_reader
from provenance.readers.records.field_views import ANSWER_SIDE, PROMPT_SIDE
from provenance.readers.records.tally import Tally
from provenance.readers.storage import LIMITS, Stream
from provenance.similarity.text.shingles import shingles_reference

WORDS = [f"{first}{second}" for first in "bcdfgklmnprst" for second in ("ab", "ed", "ik", "ol", "un", "ash", "ent")]
CARD = "---\nlicense: mit\n---\n# {0}\nGathered by the {0} office of the harbour.\n"


def chance_of(seed):
    return random.Random(seed)  # noqa: S311 - the same words each time


def text(chance, count):
    return " ".join(chance.choice(WORDS) for _ in range(count))


def write(root, files):
    for name, rows in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        (path.parent / "README.md").write_text(CARD.format(path.parent.name))
    return root


def make_files(seed):
    """A few files of any columns, made of a few texts that come again, some changed, some within others."""
    chance = chance_of(seed)
    pool = [text(chance, chance.choice([4, 6, 7, 9, 14, 40])) for _ in range(14)]

    def some():
        one = chance.choice(pool)
        kind = chance.randrange(6)
        if kind == 0:
            return f"{text(chance, 5)} {one} {text(chance, 3)}"
        return f"{one} {chance.choice(WORDS)}" if kind == 1 else one

    columns = ["question", "context", "answer", "text", "remark", "notes", "system", "label"]
    return {
        f"{name}/{name}.jsonl": [
            {column: some() for column in chance.sample(columns, chance.randint(1, 4))}
            for _ in range(chance.randint(3, 8))
        ]
        for name in ("north", "south", "west")
    }


SIDES = {"question": PROMPT_SIDE, "context": PROMPT_SIDE, "system": PROMPT_SIDE, "text": PROMPT_SIDE,
         "answer": ANSWER_SIDE, "remark": 2, "notes": 2}  # fmt: skip


def views_of(rows):
    """Every view of every record, as sets of shingles."""
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    read = json_reader.read_lines(Stream(io.BytesIO(data)), Tally(), LIMITS, column_roles.load_roles())
    for record in (record for batch in read for record in batch.to_pylist()):
        views = {name: record[name] for name in ("whole", "prompt", "answer") if record[name]}
        views |= {f"field:{each['name']}": each["text"] for each in record["fields"] or ()}
        yield {name: frozenset(shingles_reference(value)) for name, value in views.items()}


def kind(a, b):
    """How a stands to b: 3 the same words, about, 2 near, 1 inside, 0 around; None = not at all."""
    if min(len(a), len(b)) < 2:
        return None
    shared = len(a & b)
    if a == b:
        return 3
    if 5 * shared >= 4 * len(a | b):
        return 2
    return 1 if shared == len(a) else 0 if shared == len(b) else None


def compare(records, owners):
    """The best match of every view of every record in every other file, one side of it a prompt or a column."""
    best = {}
    files, looked_for = defaultdict(set), set()
    for owner, views in zip(owners, records, strict=True):
        for view, each in views.items():
            files[each].add(owner)
            looked_for |= {each} if view not in ("whole", "answer") else set()
    for at, views in enumerate(records):
        for view, a in views.items():
            for other, others in enumerate(records):
                for view_b, b in others.items():
                    found = kind(a, b)
                    if found is None or owners[at] == owners[other]:
                        continue
                    if found < 3 and owners[other] in files[a]:  # its own words stand there, which is closer
                        continue
                    if found == 0 and files[a] <= files[b]:  # and those of the other one wherever it stands
                        continue
                    shorter = a if found else b
                    between = view != view_b or view.startswith("field:")
                    listed = view not in ("whole", "answer")
                    if between and listed and (found > 1 or shorter in looked_for):
                        key, value = (at, view, owners[other]), (found, len(a & b) / len(a | b))
                        best[key] = max(best.get(key, value), value)
    return best


def known(matches):
    """By record and file what matches within views say."""
    said = {}
    for row in matches:
        if row["view"] == row["view_b"] and not row["view"].startswith("field:"):
            way = row["method"]
            if way == "contained":
                way = "inside" if row["distinct_a"] < row["distinct_b"] else "around"
            said.setdefault((row["path_a"], row["row_a"], row["path_b"]), set()).add((row["view"], way))
    return said


def covers(view, found, said):
    """Whether what is said within views says more than a match between views."""
    full = {"exact", "near"}
    if any(each == "whole" and way in full for each, way in said):
        return True
    if found == 0 and any(way == "around" or (each != "whole" and way in full) for each, way in said):
        return True
    if found == 1 and ("whole", "inside") in said:
        return True
    side = {"prompt": PROMPT_SIDE, "answer": ANSWER_SIDE, "whole": None}.get(
        view, SIDES.get(view.removeprefix("field:"))
    )
    part = {PROMPT_SIDE: "prompt", ANSWER_SIDE: "answer"}.get(side)
    return any(each == part and way in full | {"inside"} for each, way in said)


@pytest.mark.parametrize("seed", range(8))
def test_matches_between_views_are_those_of_all_views_of_all_records(tmp_path, in_process, seed):
    files = make_files(seed)
    audit = pv.scan(write(tmp_path, files), ledger=None)
    matches = audit.tables["matches"].to_pylist()
    names = sorted(files)
    records, owners, rows = [], [], []
    for name in names:
        for number, views in enumerate(views_of(files[name])):
            records.append(views)
            owners.append(name)
            rows.append(number)
    expected = {
        (owners[at], rows[at], view, file): value for (at, view, file), value in compare(records, owners).items()
    }
    said = known(matches)
    between = {}
    for row in matches:
        if row["view"] == row["view_b"] and not row["view"].startswith("field:"):
            continue
        key = row["path_a"], row["row_a"], row["view"], row["path_b"]
        assert key not in between
        found = {"exact": 3, "near": 2}.get(row["method"], 1 if row["distinct_a"] < row["distinct_b"] else 0)
        between[key] = found, row["jaccard"]
        assert row["distinctive"] > 0
        assert not covers(row["view"], found, said.get((key[0], key[1], key[3]), ()))
    for key, value in between.items():
        assert value[1] == pytest.approx(expected[key][1])
        assert value[0] == expected[key][0] or {value[0], expected[key][0]} == {2, 3}  # the same shingles, other words
    for key, (found, jaccard) in expected.items():
        path, row, view, other = key
        if key in between or covers(view, found, said.get((path, row, other), ())):
            continue
        of_record = {
            each[2]: value for each, value in between.items() if (each[0], each[1], each[3]) == (path, row, other)
        }
        if found == 0:  # something else says that it holds, or has, a text of that file
            assert any(way >= 2 or (way == 0 and size >= jaccard) for way, size in of_record.values()), key
        else:  # its prompt, or its answer, is there
            side = SIDES.get(view.removeprefix("field:"))
            assert {PROMPT_SIDE: "prompt", ANSWER_SIDE: "answer"}.get(side) in of_record, key
    assert between


QUESTIONS = [text(chance_of(number), 7 + number % 6) for number in range(40)]
ANSWERS = [text(chance_of(900 + number), 25) for number in range(40)]
COPIES = {
    "context and question": [{"context": text(chance_of(q), 50), "question": q, "answer": "yes"} for q in QUESTIONS],
    "a docstring": [{"prompt": "write it", "code": f'def f():\n    """{q}?"""', "test": "assert f"} for q in QUESTIONS],
    "a system sentence": [{"instruction": f"You are the keeper of the harbour office. {q}", "output": "so it is"}
                          for q in QUESTIONS],
    "a column that no role knows": [{"question": "Why?", "enquiry": q} for q in QUESTIONS],
    "nested": [{"text": "a title", "qas": {"ask": [q]}} for q in QUESTIONS],
    "by column": {"answer": ["yes"] * 40, "context": [text(chance_of(q), 30) for q in QUESTIONS], "query": QUESTIONS},
}  # fmt: skip


@pytest.mark.parametrize("copy", list(COPIES))
def test_a_question_is_found_wherever_it_stands(tmp_path, in_process, copy):
    original = [{"question": q, "answer": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    write(tmp_path, {"original/x.jsonl": original, "other/y.jsonl": original[:0] or [{"text": "nothing of it"}]})
    place = tmp_path / "copy" / ("z.json" if isinstance(COPIES[copy], dict) else "z.jsonl")
    place.parent.mkdir()
    rows = COPIES[copy]
    place.write_text(json.dumps(rows) if isinstance(rows, dict) else "".join(json.dumps(row) + "\n" for row in rows))
    audit = pv.scan(tmp_path, ledger=None)
    found = {
        row["row_b"] if row["path_a"].startswith("original") else row["row_a"]
        for row in audit.tables["matches"].to_pylist()
        if {row["source_a"], row["source_b"]} == {"original", "undeclared:copy"}
    }
    assert found == set(range(40))


@pytest.mark.parametrize("suffix", ["tsv", "jsonl"])
def test_answers_are_found_with_a_word_before_them_and_in_a_table_without_header(tmp_path, in_process, suffix):
    write(
        tmp_path, {"original/x.jsonl": [{"question": q, "answer": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)]}
    )
    place = tmp_path / "copy" / f"z.{suffix}"
    place.parent.mkdir()
    if suffix == "tsv":
        place.write_text("".join(f"{k}\tAnswer: {a}\tseen on day {k}\n" for k, a in enumerate(ANSWERS)))
    else:
        place.write_text("".join(json.dumps({"question": "How?", "answer": f"Answer: {a}"}) + "\n" for a in ANSWERS))
    overlaps = pv.scan(tmp_path, ledger=None).overlaps
    of_files = overlaps[overlaps["path_a"].notna()]
    assert (of_files["near"] + of_files["contained_ab"] + of_files["contained_ba"]).max() == 40


def test_numbers_of_pairs_between_views_are_of_records(tmp_path, in_process):
    write(
        tmp_path,
        {
            "original/x.jsonl": [{"question": q, "answer": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)],
            "copy/z.jsonl": [{"context": text(chance_of(q), 9), "question": q} for q in QUESTIONS[:30] * 2],
        },
    )
    audit = pv.scan(tmp_path, ledger=None)
    rows = {
        (row["source_a"], row["path_a"], row["view"], row["view_b"]): row
        for row in audit.tables["overlaps"].to_pylist()
    }
    counts = ("records_a", "records_b", "exact", "near", "near_distinctive", "contained_ab", "contained_ba")
    for path in (None, "original/x.jsonl"):
        assert [rows["original", path, "prompt", "field:question"][name] for name in counts] == [
            40,
            60,
            30,
            30,
            30,
            0,
            0,
        ]
    assert [rows["copy", None, "field:question", "prompt"][name] for name in counts] == [60, 40, 60, 60, 60, 0, 0]
    listed = pv.pairs(audit, "original", "copy", "prompt", view_b="field:question")
    assert sorted(zip(listed["row_a"], listed["row_b"], strict=True)) == sorted(
        (k, k + more) for k in range(30) for more in (0, 30)
    )
    assert pv.pairs(audit, "original", "copy", "prompt").empty
    with pytest.raises(ConfigError, match="no view 'field:nothing'"):
        pv.pairs(audit, "original", "copy", "field:nothing")


def test_plain_text_has_no_comparison_between_views(tmp_path, in_process, monkeypatch):
    def fail(task):
        raise AssertionError(task)

    monkeypatch.setattr(across_tasks, "compare_across", fail)
    monkeypatch.setattr("provenance.pipeline.examine.compare_across", fail)
    write(
        tmp_path, {name: [{"text": q, "id": k} for k, q in enumerate(ANSWERS)] for name in ("a/x.jsonl", "b/y.jsonl")}
    )
    audit = pv.scan(tmp_path, ledger=None)
    assert audit.tables["overlaps"]["view"].unique().to_pylist() == ["whole"]


def test_what_is_nothing_but_a_template_matches_no_column(tmp_path, in_process):
    """A sentence that every prompt of one set begins with, and that is a column of its own in another."""
    template = "You are the keeper of the harbour and answer all questions"
    write(
        tmp_path,
        {
            "a/x.jsonl": [{"question": f"{template}. {q}", "answer": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)] * 1,
            "b/y.jsonl": [{"system": template, "question": text(chance_of(k), 12), "answer": text(chance_of(-k), 9)}
                          for k in range(80)],
        },
    )  # fmt: skip
    matches = pv.scan(tmp_path, ledger=None).matches
    assert matches[matches["view"] != matches["view_b"]].empty


def test_short_columns_are_counted_and_said(tmp_path, in_process):
    rows = [{"question": q, "context": "four words and one", "answer": "yes"} for q in QUESTIONS]
    audit = pv.scan(write(tmp_path, {"a/x.jsonl": rows, "b/y.jsonl": rows[:5]}), ledger=None)
    reason = audit.coverage.set_index("check").loc["view-matches", "reason"]
    assert "texts of single columns, of five words or fewer, that were not looked for by themselves: 45" in reason
