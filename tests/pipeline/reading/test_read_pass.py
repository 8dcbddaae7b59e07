import io
import json
import zipfile

import pytest

import provenance as pv
from provenance import detectors
from provenance.ledger.trees import merkle
from provenance.pipeline.reading import read_batches
from provenance.pipeline.reading.read_pass import FileBundle, FileToRead, observe, role
from provenance.readers import records
from provenance.readers.records import record_trees


@pytest.mark.parametrize(
    ("path", "outer", "expected"),
    [
        ("a.txt", "data", "data"),
        ("LICENSE", "licence", "licence"),
        ("a.zip!/LICENSE", "data", "licence"),
        ("a.zip!/x/DATA_LICENSE.txt", "data", "licence"),
        ("a.zip!/README", "data", "documentation"),
        ("a.zip!/x/readme.md", "data", "documentation"),
        ("a.zip!/provenance.yaml", "data", "manifest"),
        ("a.zip!/reader.txt", "data", "data"),
        ("a.zip!/text.txt", "ignored", "ignored"),
    ],
)
def test_a_licence_or_document_inside_an_archive_is_not_data(path, outer, expected):
    account = records.Account(path, None, 0, 0, 0, None, 0, 0, None, (), is_document=expected != outer)
    assert role(account, outer) == expected


def test_two_archives_that_share_a_licence_have_not_copied_each_other(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"# {name}\n\nLicense: {'MIT' if name == 'a' else 'CC BY-NC 4.0'}\n")
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("t.txt", f"{name} says something of its own, in one passage of many words\n")
            archive.writestr(
                "LICENSE", "\n\n".join(f"paragraph {k} of a licence text that both share" for k in range(20))
            )
        (tmp_path / name / "x.zip").write_bytes(held.getvalue())
    audit = pv.scan(tmp_path, workers=1, purpose="research")
    assert set(audit.findings["check"]) == {
        "licence-unrecognised",
        "origin-undocumented",
    }  # the text is none that is known
    assert len(audit.overlaps) == 0
    members = audit.files[audit.files["role"] == "licence"]
    assert (members["bytes_consumed"] == members["bytes"]).all()
    stated = audit.claims[audit.claims["scope"] == "a/x.zip!/"]
    assert stated[["field", "value", "manifest"]].to_numpy().tolist() == [
        ["licence", "paragraph 0 of a licence text that both share", "a/x.zip!/LICENSE"]
    ]


def packed(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return held.getvalue()


PASSAGE = "one passage of many words that stands in a file of the archive\n"


@pytest.mark.parametrize(
    ("outer", "members", "licences"),
    [
        # what stands beside the text is nearer than what stands beside the archive
        ("cc-by-4.0", {"t.txt": PASSAGE, "LICENSE": "SPDX-License-Identifier: MIT\n"}, {"t.txt": "MIT"}),
        (
            "cc-by-4.0",
            {"a__t.txt": PASSAGE, "a__README": "License: CC BY-NC 4.0\n", "b__t.txt": PASSAGE},
            {"a/t.txt": "CC-BY-NC-4.0", "b/t.txt": "CC-BY-4.0"},
        ),
        ("cc-by-4.0", {"t.txt": PASSAGE, "README": "No word on rights.\n"}, {"t.txt": "CC-BY-4.0"}),
        (
            "cc-by-4.0",
            {"t.txt": PASSAGE, "README.md": "---\nlicense: cc-by-nc-4.0\n---\n"},
            {"t.txt": "CC-BY-NC-4.0"},
        ),
    ],
)
def test_what_an_archive_says_of_itself_is_a_claim_about_what_is_in_it(tmp_path, outer, members, licences):
    (tmp_path / "README.md").write_text(f"---\nlicense: {outer}\n---\n# A set\n")
    (tmp_path / "x.zip").write_bytes(packed(**members))
    audit = pv.scan(tmp_path, workers=1, purpose="research")
    files = audit.files.set_index("path")["licence"]
    assert {name: files[f"x.zip!/{name}"] for name in licences} == licences
    assert list(audit.sources["source"]) == ["."]
    inside = audit.claims[audit.claims["manifest"].str.contains("!/")]
    assert set(inside["source"]) <= {"."}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (
            {"dataset_infos.json": '{"features": "%s"}' % ("x" * (1 << 20))},
            "larger than a document inside an archive may be",
        ),
        ({"README.md": "---\nlicense: mit\n"}, "no valid hf-card: opens with --- but its front matter never closes"),
        ({"README": b"\0\0"}, "no valid readme: is not a text"),
        ({"provenance.yaml": "provenance: 1\n"}, "no reader for native files inside archives yet"),
        (
            {f"{k}__README": "A text.\n\nAnother.\n" for k in range(201)},
            "more licences and documents than are read of one archive: 1 file",
        ),
    ],
)
def test_what_is_not_read_of_an_archive_is_said(tmp_path, members, reason):
    (tmp_path / "x.zip").write_bytes(packed(**{"t.txt": PASSAGE} | members))
    audit = pv.scan(tmp_path, workers=1)
    assert reason in audit.coverage.set_index("check").loc["manifests", "reason"]
    files = audit.files.set_index("path")
    assert (files["bytes_consumed"] + files["bytes_skipped"] == files["bytes"]).all()
    assert files.loc["x.zip!/t.txt", "records"] == 1
    assert files["records"].sum() == 1


def test_a_question_after_a_system_prompt_is_found_inside(tmp_path):
    """The copy's records hold the original's whole, behind a sentence of their own."""
    asked = [f"why does harbour number {k} need a lamp of {k + 7} candles in winter" for k in range(6)]
    for name, before in (("a", ""), ("b", "answer as a keeper of lighthouses would who has seen every sea ")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"# {name}\n\nLicense: MIT\n")
        (tmp_path / name / "x.txt").write_text("\n\n".join(before + each for each in asked))
    audit = pv.scan(tmp_path, workers=1)
    rows = audit.overlaps.set_index(["view", "source_a", "source_b"])
    rows = rows[rows["path_a"].isna()]
    assert rows.loc[("whole", "a", "b"), ["near", "contained_ab", "contained_ba"]].tolist() == [0, 6, 0]
    assert rows.loc[("whole", "b", "a"), ["near", "contained_ab", "contained_ba"]].tolist() == [0, 0, 6]
    matches = audit.matches[audit.matches["path_a"] == "a/x.txt"]
    assert list(matches["method"]) == ["contained"] * 6
    assert list(matches["row_a"]) == list(matches["row_b"]) == list(range(6))
    assert set(audit.findings["check"]) == {"origin-undocumented"}


TRADITIONAL = [f"第{k}個問題：這裡有幾種資料，應該怎麼處理才對？" for k in "一二三四五六七八九十百千"]
SIMPLIFIED = [f"第{k}个问题：这里有几种资料，应该怎么处理才对？" for k in "一二三四五六七八九十百千"]


def test_records_that_differ_in_script_alone_are_the_same_where_that_is_asked(tmp_path):
    for name, texts in (("a", TRADITIONAL), ("b", SIMPLIFIED)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"# {name}\n\nThe data is licensed under MIT.\n")
        (tmp_path / name / "x.txt").write_text("\n\n".join(texts), encoding="utf-8")
    apart, together = (pv.scan(tmp_path, workers=2, fold_chinese=fold) for fold in (False, True))
    assert len(apart.matches) == 0
    whole = together.matches[together.matches["view"] == "whole"]
    assert set(whole["method"]) == {"exact"}
    assert len(whole) == 2 * len(TRADITIONAL)
    assert "lineage-undeclared" in set(together.findings["check"])
    assert together.facts["config"]["foldChinese"].startswith("chinese/v1 (OpenCC")
    assert "foldChinese" not in apart.facts["config"]
    said = together.coverage.set_index("check")["reason"]
    assert "by character and not by word" in said["chinese-folding"]
    assert "chinese-folding" not in set(apart.coverage["check"])


def test_what_was_folded_is_sketched_under_another_name_and_found_inside_longer_texts(tmp_path):
    longer = "前言：" + "".join(TRADITIONAL[:4]) + "後記"
    for name, texts in (("a", SIMPLIFIED), ("b", [longer])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text("\n\n".join(texts), encoding="utf-8")
    audit = pv.scan(tmp_path, workers=1, fold_chinese=True)
    assert all("chinese/v1" in name for name in audit.tables["sketches"]["shingle"].to_pylist())
    inside = pv.pairs(audit, "undeclared:a", "undeclared:b", data=tmp_path)
    spans = {row.row_a: (int(row.start_b), int(row.stop_b)) for row in inside.itertuples()}
    assert sorted(spans) == [0, 1, 2, 3]
    cut = {row: longer.encode()[start:stop].decode() for row, (start, stop) in spans.items()}
    assert cut == {row: TRADITIONAL[row].rstrip("？") for row in spans}


def test_a_secret_is_shown_nowhere():
    secret = bytes(range(100, 132))
    made = FileBundle(0, (), "scratch", 1, secret=secret)
    assert "secret" not in repr(made)
    assert repr(secret)[2:-1] not in repr(made)


def test_record_trees_are_the_same_whatever_the_batches_threads_and_workers(tmp_path, monkeypatch):
    monkeypatch.setattr("provenance.pipeline.scan._secret", lambda _keys: bytes(32))
    lines = [f'{{"text": "record {k} of many that are in no way alike {k * k}"}}' for k in range(30_000)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    roots = {pv.scan(tmp_path, workers=workers, records=True).files["records_root"][0] for workers in (1, 3)}
    whole = [f"record {k} of many that are in no way alike {k * k}" for k in range(30_000)]
    leaves = [
        merkle.hash_leaf(record_trees.make_line(bytes(32), "a.jsonl", row, text)) for row, text in enumerate(whole)
    ]
    assert roots == {merkle.hash_root(leaves).hex()}


def test_of_a_file_whose_reader_fails_the_tree_is_of_what_was_read(tmp_path, monkeypatch):
    from provenance.readers import records

    (tmp_path / "a.txt").write_text("A passage.\n\nAnother passage.\n")
    read = records.read_together

    def failing(*given, **more):
        for item in read(*given, **more):
            yield item
            raise ValueError("on purpose")

    monkeypatch.setattr(records, "read_together", failing)
    seen = observe(
        FileBundle(
            0,
            (FileToRead("a.txt", str(tmp_path / "a.txt").encode(), "data", None, None, 30),),
            str(tmp_path),
            1,
            secret=bytes(32),
        )
    )
    leaves = [
        merkle.hash_leaf(record_trees.make_line(bytes(32), "a.txt", row, text))
        for row, text in enumerate(["A passage.", "Another passage."])
    ]
    assert seen.files["records_root"].to_pylist() == [merkle.hash_root(leaves).hex()]
    assert "its reader failed" in seen.files["skip_reason"][0].as_py()


def observed(data, scratch, secret=None):
    name = next(data.iterdir())
    file = FileToRead(name.name, str(name).encode(), "data", None, None, name.stat().st_size)
    return observe(FileBundle(0, (file,), str(scratch), 1, secret=secret))


def test_many_small_members_are_looked_at_together(tmp_path, tmp_path_factory, monkeypatch):
    """What a member costs must not be a call of every detector and kernel."""
    count, asked = 700, []
    before = detectors.observe
    monkeypatch.setattr(detectors, "observe", lambda batch, *rest: asked.append(len(batch)) or before(batch, *rest))
    (tmp_path / "x.zip").write_bytes(packed(**{f"{k}.txt": f"{PASSAGE} {k}" for k in range(count)}))
    seen = observed(tmp_path, tmp_path_factory.mktemp("scratch"))
    assert seen.files.num_rows == count + 1
    assert asked == [count]


@pytest.mark.parametrize(("group", "most"), [(1 << 20, 4096), (1, 1), (700, 3)])
def test_what_members_held_does_not_depend_on_what_they_were_looked_at_with(
    tmp_path, tmp_path_factory, monkeypatch, group, most
):
    monkeypatch.setattr(read_batches, "GROUP_BYTES", group)
    monkeypatch.setattr(read_batches, "GROUP_FILES", most)
    monkeypatch.setattr(read_batches, "_MOST_STATEMENTS", 2)
    rows = {
        "a.jsonl": [{"text": PASSAGE, "license": "mit"}, {"text": "no word on rights in this line"}],
        "b.jsonl": [{"text": f"{PASSAGE} {k}", "license": f"licence {k}"} for k in range(4)],
        "c.jsonl": [{"prompt": "who is it", "answer": "it is anna.berg@uni-ulm.de", "source": "wiki"}],
        "d.jsonl": [],
    }
    members = {name: "".join(json.dumps(row) + "\n" for row in held) for name, held in rows.items()}
    (tmp_path / "x.zip").write_bytes(packed(**members | {"LICENSE": "SPDX-License-Identifier: MIT\n"}))
    seen = observed(tmp_path, tmp_path_factory.mktemp("scratch"), bytes(32))
    files = {row.pop("path").removeprefix("x.zip!/"): row for row in seen.files.to_pylist()}
    names = ("records", "whole", "prompt", "answer", "unlicensed", "role")
    assert {path: tuple(row[name] for name in names) for path, row in files.items()} == {
        "a.jsonl": (2, 2, 0, 0, 1, "data"),
        "b.jsonl": (4, 4, 0, 0, 0, "data"),
        "c.jsonl": (1, 1, 1, 1, 0, "data"),
        "d.jsonl": (0, 0, 0, 0, 0, "data"),
        "LICENSE": (0, 0, 0, 0, 0, "licence"),
        "x.zip": (0, 0, 0, 0, 0, None),
    }
    for name, held in rows.items():
        whole = [row.get("text", "who is it\nit is anna.berg@uni-ulm.de") for row in held]
        leaves = [
            merkle.hash_leaf(record_trees.make_line(bytes(32), f"x.zip!/{name}", row, text))
            for row, text in enumerate(whole)
        ]
        assert files[name]["records_root"] == (merkle.hash_root(leaves).hex() if leaves else None)
    places = list(files)
    stated = [(places[row["file"]], row["field"], row["value"]) for row in seen.stated.to_pylist()]
    assert stated == [
        ("a.jsonl", "licence", "mit"),
        ("b.jsonl", "licence", "licence 0"),
        ("b.jsonl", "licence", "licence 1"),
        ("b.jsonl", "licence", "more than 2 different values"),
        ("c.jsonl", "origin", "wiki"),
    ]
    mail = [places[row["file"]] for row in seen.observed.to_pylist() if row["kind"] == "email"]
    assert mail == ["c.jsonl"]
    assert [places[number] for number in seen.claims] == ["LICENSE"]
