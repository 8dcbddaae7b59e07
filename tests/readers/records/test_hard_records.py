"""Records that hurt: huge, empty, of one character, of marks alone, broken or mixed; each is compared or said, none is lost."""

import json
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import provenance as pv

WORDS = [f"w{k}" for k in range(5000)]


def huge(size):
    """Some text of about `size` bytes, and a passage from its middle."""
    words = random.Random(1).choices(WORDS, k=size // 6)  # noqa: S311 - a seed, not a secret
    return " ".join(words), " ".join(words[len(words) // 2 :][:40])


def lay(root, size):
    long, passage = huge(size)
    texts = [
        long,
        "a" * size,  # one word
        "a " * (size // 2),  # one shingle, again and again
        "ab ab " * (size // 6),
        "中" * (size // 3),
        "\u0301" * (size // 2),  # marks with nothing to stand on
        "\u0f71\u0f74" * (size // 6),  # and in an order that has to be put right
    ]
    other = [
        "",
        " \n\t ",
        "\u0000\u0000",
        "Latin кириллица 中文字 ひらがな ไทย ქართული العربية हिन्दी 한국어 mixed",
        passage,
        texts[0] + " and one more",
        texts[2],
    ]
    for name, held in {"a": texts, "b": other}.items():
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text("---\nlicense: mit\n---\n# A set\n")
        lines = [json.dumps({"text": text}, ensure_ascii=False) for text in held]
        (root / name / "x.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (root / "b" / "x.jsonl").open("a") as file:
        file.write('{"text": "a lone \\ud800 surrogate stands here among some words"}\n{"text": 17}\n{"text": null}\n')
    pq.write_table(pa.table({"number": [1, 2, 3], "share": [0.5, None, 1.0]}), root / "b" / "numbers.parquet")
    return long, passage


def check(audit, data, long, passage, *, refused=0, skipped=0):
    files = audit.files.set_index("path")
    assert files.loc["a/x.jsonl", ["records", "records_unreadable", "bytes_skipped"]].tolist() == [7, refused, skipped]
    assert ("marks on one letter" in str(files.loc["a/x.jsonl", "skip_reason"])) == bool(refused)
    assert files.loc["b/x.jsonl", ["records", "records_unreadable", "bytes_skipped"]].tolist() == [10, 0, 0]
    assert files.loc["b/numbers.parquet", "records"] == 3
    found = {(row.path_a, row.row_a, row.path_b, row.row_b): row for row in audit.matches.itertuples()}
    assert {place: row.method for place, row in found.items()} == {
        ("a/x.jsonl", 0, "b/x.jsonl", 5): "near",
        ("b/x.jsonl", 5, "a/x.jsonl", 0): "near",
        ("b/x.jsonl", 4, "a/x.jsonl", 0): "contained",
        ("a/x.jsonl", 2, "b/x.jsonl", 6): "exact",
        ("b/x.jsonl", 6, "a/x.jsonl", 2): "exact",
    }
    listed = pv.pairs(audit, "b/x.jsonl", "a/x.jsonl", data=data)
    inside = next(row for row in listed.itertuples() if row.row_a == 4)
    assert long[int(inside.start_b) : int(inside.stop_b)] == passage
    assert (audit.coverage["status"] != "errored").all()


def test_every_record_is_compared_or_said(tmp_path, in_process):
    expected = lay(tmp_path / "data", 300_000)
    check(pv.scan(tmp_path / "data"), tmp_path / "data", *expected)


@pytest.mark.full
def test_records_of_fifty_megabytes_cost_bounded_memory(tmp_path, measure):
    long, passage = lay(tmp_path / "data", 50_000_000)
    script = "import sys, provenance as pv\npv.scan(sys.argv[1], sys.argv[2], workers=1)"
    done = measure([sys.executable, "-c", script, tmp_path / "data", tmp_path / "ledger"])
    assert done.returncode == 0, done.stderr
    print(f"\npeak of the largest process: {done.peak:,.0f} MiB for {350 + 100} MB in records of 50 MB")
    assert done.peak < 2048
    marks = 2 * (50_000_000 // 2) + 6 * (50_000_000 // 6)  # bytes of the two records of nothing but marks
    check(pv.open_ledger(tmp_path / "ledger"), tmp_path / "data", long, passage, refused=2, skipped=marks)
