"""What is held out and stands in what is trained on: splits of two sources, and items of the benchmarks that ship."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import provenance as pv
from provenance.core import package_data
from provenance.errors import Refused
from provenance.origins import known_datasets
from provenance.pipeline import build_index
from provenance.pipeline.matching import reference_matches

CARD = "---\nlicense: mit\n---\n# Grain\n\nWritten by us.\n"
ASKED = [
    f"a miller grinds {k} sacks of rye and {k + 7} sacks of oats in {k % 5 + 2} days how many sacks does he grind"
    for k in range(100)
]
OWN = [f"our own record {k} speaks of harbours and of {k + 2} boats that come home at dusk" for k in range(60)]


def as_lines(texts):
    return "".join(json.dumps({"text": each}) + "\n" for each in texts).encode()


def as_csv(texts):
    return "".join(["text\n", *(f"{each}\n" for each in texts)]).encode()


def as_parquet(texts):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": texts}), sink)
    return sink.getvalue().to_pybytes()


def as_text(texts):
    return "\n\n".join(texts).encode()


def as_array(texts):
    return json.dumps([{"text": each} for each in texts]).encode()


FORMS = {".jsonl": as_lines, ".csv": as_csv, ".parquet": as_parquet, ".txt": as_text, ".json": as_array}


def lay(folder, files):
    for path, texts in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(texts.encode() if isinstance(texts, str) else FORMS[place.suffix](texts))
    return folder


def findings(audit, check):
    return [row for row in audit.tables["findings"].to_pylist() if row["check"] == check]


def observed(audit, requirement):
    rows = audit.tables["verdicts"].to_pylist()
    return {row["observed"] for row in rows if (row["profile"], row["requirement"]) == ("baseline", requirement)}


NAMED = """---
license: mit
configs:
- config_name: default
  data_files:
  - { split: train, path: all.jsonl }
---
# Grain
"""


@pytest.mark.parametrize(
    ("held_out", "trained", "card", "field"),
    [
        ("a/data/test.jsonl", "b/train.jsonl", CARD, "test"),
        ("a/data/test.csv", "b/data/train-00000-of-00001.parquet", CARD, "test"),
        ("a/dev/0.parquet", "b/training/x.csv", CARD, "validation"),
        ("a/validation.txt", "b/train.json", CARD, "validation"),
        ("a/held-out.json", "b/all.jsonl", NAMED, "test"),
        ("a/测试集.jsonl", "b/训练集.jsonl", CARD, "test"),
        ("a/eval.jsonl", "b/corpus.txt", CARD, "test unnamed"),
    ],
)
def test_a_split_of_one_source_stands_in_anothers_training_data(tmp_path, in_process, held_out, trained, card, field):
    lay(tmp_path, {"a/README.md": CARD, held_out: ASKED, "b/README.md": card, trained: [*OWN, *ASKED]})
    audit = pv.scan(tmp_path)
    (row,) = findings(audit, "split-leak")
    assert (row["source"], row["other"], row["field"], row["value"]) == ("b", "a", field, 1.0)
    assert (row["severity"], row["records"], row["path"], row["row"]) == ("warning", 100, trained, 60)
    assert observed(audit, "splits") == {"open point"}


def test_items_inside_longer_training_prompts_leak(tmp_path, in_process):
    """A held-out question is wrapped, in the prompt and in the whole record; another is asked with another answer."""

    def asked(texts, answer):
        return "".join(json.dumps({"question": each, "answer": answer}) + "\n" for each in texts)

    wrapped = [f"You are a helpful miller {k} who thinks. {each} Think step by step." for k, each in enumerate(ASKED)]
    files = {
        "a/README.md": CARD,
        "a/test.jsonl": asked(ASKED, "nine of them, and he takes the tenth one home to his mother in the old town"),
        "b/README.md": CARD,
    }
    audit = pv.scan(lay(tmp_path, files | {"b/train.jsonl": asked([*OWN, *wrapped[:40], *ASKED[40:60]], "twelve")}))
    (row,) = findings(audit, "split-leak")
    assert (row["source"], row["other"], row["value"], row["records"]) == ("b", "a", 0.6, 60)
    assert "20 by their prompt alone and 40 inside a longer record" in row["message"]


def test_two_sources_that_hold_the_same_out_are_no_leak_and_guard_follows(tmp_path):
    lay(tmp_path / "data", {"a/README.md": CARD, "a/test.jsonl": ASKED, "b/README.md": CARD, "b/test.jsonl": ASKED})
    (tmp_path / "policy.yaml").write_text(
        yaml.safe_dump({"policy": 1, "observed": ["open point"], "findings": "never"})
    )
    audit = pv.scan(tmp_path / "data", tmp_path / "ledger")
    assert findings(audit, "split-leak") == []
    assert observed(audit, "splits") == {"nothing found in what was examined"}
    lay(tmp_path / "data", {"b/train.jsonl": ASKED[:50]})
    pv.scan(tmp_path / "data", tmp_path / "ledger")
    with pytest.raises(Refused, match=r"baseline splits\.1"):
        pv.guard(tmp_path / "data", tmp_path / "ledger", tmp_path / "policy.yaml")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A made-up benchmark that ships in the place of the real ones; the folder to scan."""
    (tmp_path / "known").mkdir()
    original = tmp_path / "test.jsonl"
    original.write_text(
        "".join(json.dumps({"question": each, "answer": str(k)}) + "\n" for k, each in enumerate(ASKED))
    )
    choice = build_index.IndexOptions("benchmark", title="mills")
    build_index.build_index([original], tmp_path / "known" / "mills.index", choice, "a test")
    known_datasets.known_by_digest(), known_datasets.known_by_name()  # of the folder that ships
    monkeypatch.setattr(known_datasets, "SHIPPED_BENCHMARKS", {"mills": "mills"})
    monkeypatch.setattr(reference_matches.package_data, "data_folder", lambda _: tmp_path / "known")
    return tmp_path / "data"


@pytest.mark.parametrize(
    "form",
    ["{}", "Question: {} Answer: seven of them in all.", "You are a helpful miller who thinks before he speaks. {}"],
)
def test_items_of_a_benchmark_that_ships_are_found_without_asking(shipped, in_process, form):
    lay(shipped, {"own/README.md": CARD, "own/x.jsonl": [*OWN, *(form.format(each) for each in ASKED[:3])]})
    audit = pv.scan(shipped)
    (row,) = findings(audit, "benchmark-contamination")
    assert (row["source"], row["field"], row["value"], row["records"]) == ("own", "mills", 0.03, 3)
    assert (row["severity"], row["path"]) == ("warning", "own/x.jsonl")
    assert observed(audit, "benchmarks") == {"open point"}


def test_where_no_item_stands_it_is_said_that_no_other_benchmark_was_looked_for(shipped, in_process):
    lay(shipped, {"own/README.md": CARD, "own/x.jsonl": OWN})
    audit = pv.scan(shipped)
    assert findings(audit, "benchmark-contamination") == []
    assert observed(audit, "benchmarks") == {"not examined"}
    (reason,) = (
        row["reason"] for row in audit.tables["coverage"].to_pylist() if row["check"] == "benchmark-contamination"
    )
    assert reason == "no benchmark but mills was looked for; give others with --reference"


@pytest.mark.parametrize(
    ("path", "field", "severity"),
    [
        ("own/data.jsonl", "mills", "error"),  # nothing but items, and nobody says what for
        ("own/test.jsonl", "mills held out", "note"),
        ("mills/data.jsonl", "mills itself", "note"),  # its name, and nothing but items
        ("mills/train.jsonl", "mills", "error"),  # a name excuses nothing
    ],
)
def test_a_copy_of_a_benchmark_is_itself_only_where_it_is_not_trained_on(shipped, in_process, path, field, severity):
    folder = path.split("/")[0]
    lay(shipped, {f"{folder}/README.md": CARD, path: ASKED})
    (row,) = findings(pv.scan(shipped), "benchmark-contamination")
    assert (row["source"], row["field"], row["severity"]) == (folder, field, severity)


def test_the_benchmarks_own_bytes_are_itself_whatever_they_are_called(shipped, in_process):
    (shipped / "own").mkdir(parents=True)
    (shipped / "own" / "train.jsonl").write_bytes((shipped.parent / "test.jsonl").read_bytes())
    lay(shipped, {"own/README.md": CARD})
    (row,) = findings(pv.scan(shipped), "benchmark-contamination")
    assert (row["field"], row["value"]) == ("mills itself", 0.0)
    assert "own/train.jsonl has its bytes" in row["message"]


def test_a_part_of_a_long_item_is_said(tmp_path, in_process, shipped):
    """Items of sixty words, of which a record has half; of those of twelve words half is another question."""
    long = [" ".join(f"miller{(k * 7 + n) % 97}x{k}" for n in range(60)) for k in range(10)]
    short = [" ".join(f"baker{(k * 5 + n) % 89}y{k}" for n in range(12)) for k in range(10)]
    (tmp_path / "given.jsonl").write_text("".join(json.dumps({"question": each}) + "\n" for each in [*long, *short]))
    given = tmp_path / "given.index"
    build_index.build_index([tmp_path / "given.jsonl"], given, build_index.IndexOptions("benchmark"), "a test")
    halves = [" ".join(each.split()[: len(each.split()) // 2]) + f" and then {k} others" for k, each in enumerate(long)]
    halves += [" ".join(each.split()[:8]) + " and no more of it at all" for each in short]
    lay(shipped, {"own/README.md": CARD, "own/x.jsonl": [*OWN, *halves]})
    audit = pv.scan(shipped, reference=[given])
    (row,) = findings(audit, "benchmark-contamination")
    assert (row["field"], row["value"], row["severity"], row["records"]) == ("given", 0.0, "note", 10)
    assert "10 of the 20 items of given stand in part" in row["message"]
    assert "26 of its 56 shingles" in row["message"]


def test_the_benchmarks_that_ship_are_of_known_sets_and_of_what_is_asked_alone():
    indexes = {
        index.title: index for index in reference_matches.load_indexes([]).indexes() if index.kind == "benchmark"
    }
    counts = {title: index.items for title, index in indexes.items()}
    assert counts == {"GSM8K (test part)": 1319, "HumanEval (all tasks)": 164, "MBPP (test part)": 500}
    digests = known_datasets.known_by_digest()
    for title, name in known_datasets.SHIPPED_BENCHMARKS.items():
        assert [digests[each].id for each in indexes[title].files] == [name]
        assert set(indexes[title].table["view"].to_pylist()) == {"prompt"}
    size = sum(path.stat().st_size for path in package_data.data_folder("known").glob("*-items.index"))
    assert size < 700_000


WORDS = ["the", "keeper", "said", "hello", "of", "lamps", "sea", "in", "a", "red"]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("{}.jsonl", [json.dumps({"token": WORDS[k % 10], "tag": "NN"}) for k in range(400)]),
        ("{}.tsv", [f"{WORDS[k % 10]}\tNN\tO" for k in range(400)]),
        ("{}.csv", ["answer", *("yes" if k % 3 else "no" for k in range(400))]),
        ("{}.jsonl", [json.dumps({"text": f"label {k % 7}"}) for k in range(400)]),
    ],
)
def test_rows_of_a_word_each_repeat_by_nature(tmp_path, in_process, name, rows):
    text = "\n".join(rows) + "\n"
    files = {"a/README.md": CARD, f"a/{name.format('train')}": text, f"a/{name.format('test')}": text}
    audit = pv.scan(lay(tmp_path, files))
    for check in ("duplicate-records", "split-leak"):
        assert findings(audit, check) == []
    (reason,) = (row["reason"] for row in audit.tables["coverage"].to_pylist() if row["check"] == "duplicate-records")
    assert "of fewer than 4 distinct shingles" in reason
    assert observed(audit, "repeats") != {"nothing found in what was examined"}


def test_short_answers_between_long_texts_are_left_aside_and_long_ones_are_not(tmp_path, in_process):
    """Sixty texts, twelve of them once more, and a hundred answers of a word: only the twelve count."""
    long = [f"{each} while the keeper reads the third book of the sea to his dog {k}" for k, each in enumerate(OWN)]
    audit = pv.scan(lay(tmp_path, {"a/README.md": CARD, "a/x.jsonl": [*long, *["yes", "no"] * 50, *long[:12]]}))
    (row,) = findings(audit, "duplicate-records")
    assert (row["records"], row["value"], row["path"], row["row"]) == (12, 12 / 172, "a/x.jsonl", 160)
    (reason,) = (row["reason"] for row in audit.tables["coverage"].to_pylist() if row["check"] == "duplicate-records")
    assert reason.startswith("98 records repeat a text of fewer than 4 distinct shingles")
