"""A scan with indexes: what stands where, what a report says of it, and what is refused."""

from __future__ import annotations

import json

import pytest

import provenance as pv
from provenance.core import package_data
from provenance.core.model import Died
from provenance.errors import ConfigError, InputError
from provenance.origins import known_datasets
from provenance.pipeline import build_index
from provenance.pipeline.matching import reference_matches
from provenance.similarity.index import reference_index

BOOK = [
    f"chapter {k} in which the keeper of lighthouse {k} lights {k + 3} lamps and then goes to bed" for k in range(40)
]
ASKED = [f"how many lamps does keeper number {k} light before he goes to bed" for k in range(20)]
OWN = [f"our own record {k} speaks of harbours and of {k + 2} boats that come home at dusk" for k in range(30)]


@pytest.fixture
def folder(tmp_path):
    """Training data with a third of a book, in two files, and four questions of a benchmark."""
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "novel.txt").write_text("\n\n".join(BOOK))
    (tmp_path / "given" / "poem.txt").write_text("shall I compare thee to a lamp that nobody lights at noon")
    (tmp_path / "given" / "test.jsonl").write_text(
        "".join(json.dumps({"question": each, "answer": "7"}) + "\n" for each in ASKED)
    )
    (tmp_path / "data" / "set" / "README.md").write_text("---\nlicense: mit\n---\n# Ours\n\nWritten by us.\n")
    texts(
        tmp_path / "data" / "set" / "x.jsonl",
        [*OWN, *BOOK[:10], *BOOK[:4], *(f"please tell me {each}" for each in ASKED[:4])],
    )
    texts(tmp_path / "data" / "set" / "y.jsonl", [*BOOK[8:14]])
    return tmp_path


def texts(path, held):
    path.write_text("".join(json.dumps({"text": each}) + "\n" for each in held))


def made(folder, *names, kind, **choice):
    target = folder / f"{kind}.index"
    build_index.build_index(
        [folder / "given" / name for name in names], target, build_index.IndexOptions(kind, **choice), "a test"
    )
    return target


def found(audit, **wanted):
    """Rows of REFERENCES of what was given."""
    shipped = known_datasets.SHIPPED_BENCHMARKS
    rows = [
        row for row in audit.tables["references"].to_pylist() if row["kind"] != "known" and row["title"] not in shipped
    ]
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def coverage(audit, check):
    return next(row for row in audit.tables["coverage"].to_pylist() if row["check"] == check)


def test_a_book_and_a_benchmark(folder, in_process):
    given = [made(folder, "novel.txt", "poem.txt", kind="protected"), made(folder, "test.jsonl", kind="benchmark")]
    audit = pv.scan(folder / "data", reference=given, purpose="research")
    own = len({each for k in range(14) for each in shingled(BOOK[k])})
    (whole,) = found(audit, title="protected", path=None)
    assert (whole["item"], whole["shared"], whole["records"]) == ("novel.txt", own, 20)
    assert whole["distinct"] == len({each for passage in BOOK for each in shingled(passage)})
    by_file = {row["path"]: row for row in found(audit, title="protected") if row["path"]}
    assert {path: row["records"] for path, row in by_file.items()} == {"set/x.jsonl": 14, "set/y.jsonl": 6}
    assert by_file["set/x.jsonl"]["row"] == 30
    assert by_file["set/x.jsonl"]["records_view"] == 48
    items = {row["item"] for row in found(audit, title="benchmark", path="set/x.jsonl")}
    assert items == {f"test.jsonl#{k}" for k in range(4)}
    findings = {row["check"]: row for row in audit.tables["findings"].to_pylist()}
    assert findings["protected-work-contained"]["value"] == own / whole["distinct"]
    assert findings["protected-work-contained"]["severity"] == "error"
    assert findings["benchmark-contamination"]["value"] == 4 / 20
    assert findings["benchmark-contamination"]["records"] == 4
    assert "protected (protected, 2 items)" in coverage(audit, "references")["reason"]
    assert coverage(audit, "protected-work-contained")["status"] == "ran"


def shingled(text):
    from provenance.similarity.text import shingles

    return shingles.shingles_reference(text)


def test_workers_change_nothing_and_the_ledger_keeps_what_was_looked_for(folder):
    given = [made(folder, "novel.txt", kind="protected"), made(folder, "test.jsonl", kind="benchmark")]
    one = pv.scan(folder / "data", folder / "ledger", reference=given, workers=1)
    two = pv.scan(folder / "data", reference=given[::-1], workers=2)
    assert one.tables["references"].equals(two.tables["references"])
    assert one.tables["findings"].equals(two.tables["findings"])
    kept = {each["title"]: each for each in pv.open_ledger(folder / "ledger").facts["config"]["references"]}
    assert {"protected", "benchmark", "gsm8k"} <= set(kept)
    assert kept["protected"]["digest"]["sha256"] == reference_index.read_index(given[0]).digest
    assert pv.verify(folder / "ledger").exit_code in {0, 3}


def test_without_a_source_its_rows_go_and_the_checks_ask_again(folder, in_process):
    (folder / "data" / "more").mkdir()
    (folder / "data" / "more" / "README.md").write_text("---\nlicense: mit\n---\n# More\n\nWritten by us.\n")
    texts(folder / "data" / "more" / "z.jsonl", OWN)
    given = [made(folder, "novel.txt", kind="protected")]
    left = pv.scan(folder / "data", reference=given).without("set")
    assert found(left) == []
    assert coverage(left, "protected-work-contained")["status"] == "ran"
    assert "protected-work-contained" not in set(left.findings["check"])


@pytest.mark.parametrize("kind", ["benchmark", "protected"])
def test_items_that_cannot_be_told_apart_are_not_said_to_be_absent(folder, in_process, kind):
    """70 items of one question: what stands in so many tells of none, so that none of them was looked for."""
    rows = [json.dumps({"question": ASKED[0], "answer": f"{k} lamps"}) + "\n" for k in range(70)]
    (folder / "given" / "test.jsonl").write_text("".join([*rows, json.dumps({"question": ASKED[1]}) + "\n"]))
    (folder / "data" / "set" / "x.jsonl").write_text(rows[0])
    audit = pv.scan(folder / "data", reference=[made(folder, "test.jsonl", kind=kind)], purpose="research")
    check, wanted = {
        "benchmark": ("benchmark-contamination", "benchmarks"),
        "protected": ("protected-work-contained", "works"),
    }[kind]
    reason = coverage(audit, check)["reason"]
    assert "70 of 71" in reason
    assert reason.endswith(f"of {kind} are too short, or too much like others, to be looked for")
    (verdict,) = (row for row in audit.tables["verdicts"].to_pylist() if row["requirement"] == wanted)
    assert verdict["observed"] == "not examined"


def test_an_index_that_is_changed_during_a_scan_is_no_longer_looked_for(folder, monkeypatch, in_process):
    given, other = (made(folder, "test.jsonl", kind="benchmark", title=name) for name in "ab")
    held, load = other.read_bytes(), reference_matches.load_indexes

    def loaded(*asked, **more):
        found = load(*asked, **more)
        given.write_bytes(held + b"")
        return found

    given.write_bytes(made(folder, "novel.txt", kind="benchmark", title="a").read_bytes())
    monkeypatch.setattr(reference_matches, "load_indexes", loaded)
    with pytest.raises(InputError, match=r"benchmark\.index was changed while it was looked for; scan again"):
        pv.scan(folder / "data", reference=[given])


def test_without_an_index_nothing_is_said_to_be_absent(folder, in_process):
    audit = pv.scan(folder / "data", purpose="research")
    assert found(audit) == []
    assert coverage(audit, "protected-work-contained")["status"] == "skipped"
    others = "was looked for; give others with --reference"
    assert coverage(audit, "benchmark-contamination")["reason"].endswith(others)
    verdicts = {row["requirement"]: row for row in audit.tables["verdicts"].to_pylist()}
    assert verdicts["works"]["observed"] == verdicts["benchmarks"]["observed"] == "not examined"
    assert verdicts["works"]["reason"].startswith("protected-work-contained did not run: no index of ")
    assert others in verdicts["benchmarks"]["reason"]


def test_an_undeclared_folder_is_named_by_a_known_set(tmp_path, in_process, monkeypatch):
    """A known set is made up here and shipped in the place of the real ones."""
    (tmp_path / "known").mkdir()
    texts(tmp_path / "train.jsonl", BOOK)
    choice = build_index.IndexOptions("known", title="gsm8k")
    build_index.build_index([tmp_path / "train.jsonl"], tmp_path / "known" / "gsm8k.index", choice, "a test")
    monkeypatch.setattr(reference_matches.package_data, "data_folder", lambda _: tmp_path / "known")
    (tmp_path / "data" / "extra").mkdir(parents=True)
    texts(tmp_path / "data" / "extra" / "x.jsonl", [*BOOK[:39], OWN[0]])
    audit = pv.scan(tmp_path / "data")
    row = {row["check"]: row for row in audit.tables["findings"].to_pylist()}["source-misnamed"]
    assert (row["severity"], row["records"], row["field"]) == ("note", 39, "undeclared")
    assert "98% of its records (39 of 40) are records of gsm8k, part train (MIT" in row["message"]


@pytest.mark.parametrize(("same", "expected"), [("MIT", False), ("Apache-2.0", False), ("CC0-1.0", True)])
def test_who_has_all_of_a_known_set_under_its_terms_is_not_accused(tmp_path, in_process, monkeypatch, same, expected):
    """Two sources have one text; the milder one is a known set, word for word, and keeps the licence of that."""
    (tmp_path / "known").mkdir()
    texts(tmp_path / "train.jsonl", BOOK)
    choice = build_index.IndexOptions("known", title="gsm8k")  # MIT
    build_index.build_index([tmp_path / "train.jsonl"], tmp_path / "known" / "gsm8k.index", choice, "a test")
    folder = package_data.data_folder
    monkeypatch.setattr(
        package_data,
        "data_folder",
        lambda name: tmp_path / "known" if calls.append(name) or len(calls) == 1 else folder(name),
    )
    calls = []
    for name, licence in (("a", same), ("b", "CC-BY-NC-4.0")):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "README.md").write_text(
            f"---\nlicense: {licence.lower()}\n---\n# {name}\n\nWritten.\n"
        )
        texts(tmp_path / "data" / name / "x.jsonl", BOOK)
    audit = pv.scan(tmp_path / "data", purpose="research")
    conflicts = audit.findings[audit.findings["check"] == "licence-conflict-by-content"]
    assert len(conflicts) == int(expected)
    if expected:
        assert "Common ancestor not excluded" in conflicts["limits"].iloc[0]
        assert "These known sets, and no others, were looked for as an ancestor: gsm8k." in conflicts["limits"].iloc[0]


def test_a_record_in_two_parts_of_a_set_is_one_record(tmp_path, in_process):
    """A third of the data stands in both parts: that is a third, not two."""
    (tmp_path / "data").mkdir()
    for part in ("a", "b"):
        texts(tmp_path / f"{part}.jsonl", [*OWN[:10], f"only part {part} has this one"])
    build_index.build_index(
        [tmp_path / "a.jsonl", tmp_path / "b.jsonl"], tmp_path / "k.index", build_index.IndexOptions("known"), "a test"
    )
    texts(tmp_path / "data" / "x.jsonl", [*OWN, OWN[0]])
    audit = pv.scan(tmp_path / "data", reference=[tmp_path / "k.index"])
    rows = [row for row in audit.tables["references"].to_pylist() if row["title"] == "k"]
    assert {(row["item"], row["path"]) for row in rows} == {
        ("a.jsonl", None),
        ("b.jsonl", None),
        ("a.jsonl", "x.jsonl"),
    }
    names = ("records", "records_view", "records_index", "texts_index")
    assert {tuple(row[name] for name in names) for row in rows} == {(11, 31, 11, 10)}


def test_files_that_share_a_line_do_not_meet_each_with_each(tmp_path, in_process):
    (tmp_path / "data").mkdir()
    files = [tmp_path / "data" / f"{k:02}.jsonl" for k in range(20)]
    for k, file in enumerate(files):
        texts(file, ["the line that stands in all of them", OWN[k], f"{OWN[k]} again"])
    build_index.build_index(files, tmp_path / "k.index", build_index.IndexOptions("known"), "a test")
    audit = pv.scan(tmp_path / "data", reference=[tmp_path / "k.index"])
    rows = [row for row in audit.tables["references"].to_pylist() if row["title"] == "k" and row["path"]]
    assert [(row["path"], row["item"], row["records"]) for row in rows] == [(file.name, file.name, 3) for file in files]


def test_a_scaled_set_counts_what_was_looked_up(tmp_path, in_process, monkeypatch):
    known_datasets.known_by_digest(), known_datasets.known_by_name()  # of the folder that ships
    (tmp_path / "known").mkdir()
    held = [f"text number {k} of very many that are all alike" for k in range(400)]
    texts(tmp_path / "train.jsonl", held)
    build_index.build_index(
        [tmp_path / "train.jsonl"],
        tmp_path / "known" / "k.index",
        build_index.IndexOptions("known", title="k", scale=4),
        "a test",
    )
    monkeypatch.setattr(reference_matches.package_data, "data_folder", lambda _: tmp_path / "known")
    (tmp_path / "data").mkdir()
    texts(tmp_path / "data" / "x.jsonl", held + [f"{each} but not quite" for each in held])
    (row,) = [row for row in pv.scan(tmp_path / "data").tables["references"].to_pylist() if row["path"]]
    assert (
        row["records"]
        == row["shared"]
        == len(reference_index.read_index(tmp_path / "known" / "k.index").table["hashes"][0])
    )
    assert row["records"] * 2 * 0.7 < row["records_view"] < row["records"] * 2 * 1.4
    assert row["scale"] == 4


def test_two_indexes_of_one_title_are_refused(folder):
    one = made(folder, "novel.txt", kind="protected", title="works")
    two = made(folder, "test.jsonl", kind="benchmark", title="works")
    with pytest.raises(ConfigError, match="have one title, 'works'; make one anew with --title"):
        pv.scan(folder / "data", reference=[one, two])


def test_a_scan_that_folds_chinese_has_other_shingles_than_an_index(folder):
    given = made(folder, "novel.txt", kind="protected")
    with pytest.raises(ConfigError, match=r"protected\.index does not fold Chinese; leave out --fold-chinese"):
        pv.scan(folder / "data", reference=[given], fold_chinese=True)


def test_the_indexes_that_ship_are_sound_and_of_sets_that_are_known():
    asked = reference_matches.load_indexes([])
    indexes = [index for index in asked.indexes() if index.title not in known_datasets.SHIPPED_BENCHMARKS]
    titles = {index.title for index in indexes}
    assert (
        {"gsm8k", "human-eval", "mbpp", "stanford-alpaca"}
        <= titles
        <= {each.id for each in known_datasets.load_known()}
    )
    assert all(set(index.files) <= set(known_datasets.known_by_digest()) and index.files for index in asked.indexes())
    assert all(index.unit == "texts" and index.kind == "known" for index in indexes)
    assert sum(index.path.stat().st_size for index in indexes) < 500_000


def test_data_without_text_meets_nothing(tmp_path, in_process):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.jsonl").write_text('{"text": "..."}\n')
    assert pv.scan(tmp_path / "data").tables["references"].num_rows == 0


def test_a_worker_that_died_ends_the_audit():
    with pytest.raises(pv.errors.InputError, match="with the indexes: killed by signal 9"):
        reference_matches.assemble_references(reference_matches.load_indexes([]), [Died("killed by signal 9")], None)
