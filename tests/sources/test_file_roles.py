"""What a file is: its bytes decide, and neither a name hides records nor does a document become data."""

import io
import json
import tarfile
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import provenance as pv
from provenance.core.package_data import data_folder as shipped
from provenance.sources import file_roles

PROSE = "This set holds letters of a harbour town, one a line, with the answer of its office.\n\n"
LINES = "".join(
    json.dumps({"text": f"record number {k} of a set that somebody calls a document"}) + "\n" for k in range(9)
)
ARRAY = json.dumps([{"text": f"record number {k} of an array"} for k in range(9)])
TABLE = "id,text,answer,note\n" + "".join(f"{k},a question,an answer,a remark\n" for k in range(9))
SENTENCE = (
    "the office of the harbour answers a letter of the town that asks when the boat goes out, and says at noon, number"
)
ROWS_INLINE = [{"text": f"{SENTENCE} {k}"} for k in range(60)]
ROWS = "| question | answer |\n|---|---|\n"
CARD = "---\nlicense: mit\npretty_name: Letters\n---\n"
MIT = (shipped("demo") / "data/seaside-assistant/LICENSE").read_text()


def parquet():
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["a record in a column", "and another one"]}), file)
    return file.getvalue()


def decide(path, data):
    data = data.encode() if isinstance(data, str) else data
    return tuple(file_roles.decide_role(path, data[: 1 << 16], len(data), lambda size: data[:size]))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("README.jsonl", LINES),
        ("README.json", ARRAY),
        ("README.json", '{"text": "a single record in one object"}'),
        ("README.csv", TABLE),
        ("README.md", LINES),
        ("README", ARRAY),
        ("readme.jsonl.gz", b"\x1f\x8b\x08\0"),
        ("datasheet.txt", LINES),
        ("dataset_card.md", LINES),
        ("dataset_card.md", TABLE),
        ("LICENSE", LINES),
        ("LICENSE.csv", TABLE),
        ("license_records.txt", LINES),
        ("LICENSES/a.txt", ARRAY),
        ("NOTICE", TABLE),
        ("NOTICE.parquet", parquet()),
        ("COPYING", parquet()),
        ("metadata.jsonl", LINES),
        ("dataset_infos.json", ARRAY),
        ("dataset_infos.json", '{"text": ["one", "two"], "label": ["a", "b"]}'),
        ("dataset_info.json", ARRAY),
        (".zenodo.json", ARRAY),
        ("x.json", '[{"id": 1, "bomFormat": "CycloneDX", "text": "a record"}]'),
        ("x.json", '[{"text": "see w3.org/ns/dcat for more"}, {"text": "and so on"}]'),
        ("datapackages.json", '[{"resources": "a word", "text": "a record"}]'),
        ("train.jsonl.dvc", LINES),
        ("train.dvc", PROSE * 100),
        ("corpus.xml", '<corpus id="a">' + "<p>words</p>" * 9000 + "</corpus>"),
    ],
)
def test_a_name_hides_no_records(path, data):
    assert decide(path, data) == ("data", None)


@pytest.mark.parametrize(
    ("path", "data", "kind"),
    [
        ("README.md", "# A\n\n" + PROSE * 4000, "readme"),
        ("README.md", CARD + PROSE * 4000, "hf-card"),
        ("README.txt", PROSE * 20_000, "readme"),
        ("datasheet.txt", "".join(f"Q: question {k}\n\nA: answer {k}\n\n" for k in range(300)), "readme"),
        ("README.txt", "Records:\n\n" + "".join(f"{k}\ta question\tan answer\n" for k in range(300)), "readme"),
        ("license_records.txt", PROSE * 1000, "licence"),
        ("LICENSE", MIT + PROSE * 20_000, "licence"),
        ("NOTICE", PROSE * 20_000, "notice"),
        ("NOTICE", PROSE * 5000, "notice"),
        ("NOTICE.txt", "".join(f"{SENTENCE} {k}\n" for k in range(6000)), "notice"),
        ("LICENSE", "".join(f"{SENTENCE} {k}\n" for k in range(300)), "licence"),
        ("LICENSE", MIT + "".join(f"{SENTENCE} {k}\n" for k in range(1000)), "licence"),
        ("NOTICE", "".join(f"A short one, number {k}.\n" for k in range(600)), "notice"),
        ("NOTICE", "".join(f"words without an end, number {k}\n" for k in range(2000)), "notice"),
        ("README.md", "# A\n" + LINES * 4, "readme"),
        ("README.md", CARD + LINES * 30, "hf-card"),
        ("README.md", "# A\n\nA long description.\n\n```\n" + LINES * 30 + "```\n", "readme"),
        ("README.md", "# A\n\n" + "words and more words. " * 4000 + "\n" + LINES * 30, "readme"),
        ("README.md", "# A\n\n" + "".join(f"> Q{k} what is it?\n> A it is {k}\n\n" for k in range(1000)), "readme"),
        ("README.md", "# A\n\n" + "".join(f"- Q: what is {k}?\n- A: it is {k}\n" for k in range(200)), "readme"),
        (
            "README.md",
            "# A\n\n" + "".join(f"**Question {k}:** what?\n\n**Answer {k}:** that.\n\n" for k in range(200)),
            "readme",
        ),
        (
            "README.md",
            "".join(f'  {{\n    "text": "what is {k}",\n    "answer": "it is {k}"\n  }},\n' for k in range(300)),
            "readme",
        ),
        ("README.md", CARD + ROWS + "".join(f"| what is {k} | a thing {k} |\n" for k in range(3000)), "hf-card"),
        ("README.md", ROWS + "".join(f"| {SENTENCE} | {k} |\n" for k in range(300)), "readme"),
        ("README.md", "# A\n\n" + "".join(f"- {SENTENCE} {k}\n" for k in range(300)), "readme"),
        (
            "README.md",
            CARD[:-4] + "examples:\n" + "".join(f"- {SENTENCE} {k}\n" for k in range(300)) + "---\n",
            "hf-card",
        ),
        ("README.txt", "# A\n\n" + "".join(f"what is {k},a thing,{k}\n" for k in range(300)), "readme"),
        (
            "datapackage.json",
            json.dumps({"name": "x", "resources": [{"name": "r", "data": ROWS_INLINE}]}),
            "frictionless",
        ),
        (
            "datapackage.json",
            json.dumps({"name": "x", "resources": [{"name": "r", "data": ROWS_INLINE * 20}]}),
            "frictionless",
        ),
        (
            "datapackage.yaml",
            "resources:\n- name: r\n  data:\n" + "".join(f"  - text: {SENTENCE} {k}\n" for k in range(300)),
            "frictionless",
        ),
        (
            "croissant.json",
            json.dumps({"@context": {"cr:": 1}, "@type": "sc:Dataset", "rows": ROWS_INLINE}),
            "croissant",
        ),
        ("dataset_infos.json", json.dumps({"default": {"features": {}, "rows": ROWS_INLINE}}), "hf-dataset-infos"),
        ("README.yaml", "".join(f"- text: {SENTENCE} {k}\n" for k in range(300)), "readme"),
        (
            "datapackage.json",
            json.dumps(
                {"name": "x", "resources": [{"name": "r", "format": "csv", "data": "text\n" + f"{SENTENCE}\n" * 60}]}
            ),
            "frictionless",
        ),
        ("README.md", "---\nlicense: mit\nexamples: |\n" + f"  {SENTENCE}\n" * 300 + "---\n# Letters\n", "hf-card"),
        (
            "datasheet.md",
            "# 甲\n" + "".join(f"港口的信件第{k}号，写给海边的办公室，说的是船和天气。\n" for k in range(300)),
            "readme",
        ),
    ],
)
def test_a_text_larger_than_a_document_or_of_lines_of_one_form_is_data_and_speaks(path, data, kind):
    assert decide(path, data) == ("data", kind)


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("README.md", PROSE * 500, ("documentation", "readme")),
        ("README.md", "| a | b | c | d |\n" * 40, ("documentation", "readme")),
        ("README.md", CARD + PROSE, ("manifest", "hf-card")),
        ("README.md", "---\ndataset_info:\n" + "- config_name: a\n" * 30_000 + "---\n" + PROSE, ("manifest", "hf-card")),
        ("README.txt", "".join(f"{k}. A line of a list, with words enough to be one.\n" for k in range(900)), ("documentation", "readme")),
        ("LICENSE", MIT, ("licence", "licence")),
        ("LICENSE", PROSE * 500, ("licence", "licence")),
        ("LICENSE", MIT * 80, ("licence", "licence")),
        ("NOTICE", PROSE * 500, ("licence", "notice")),
        ("NOTICE", MIT * 400, ("licence", "notice")),
        ("README.md", "# A\n" + LINES * 2 + PROSE * 90, ("documentation", "readme")),
        ("README.md", CARD + ROWS + "".join(f"| n{k:08} | a class of {k} |\n" for k in range(1000)), ("manifest", "hf-card")),
        ("README.md", "# A\n" + "".join(f"- [a tool](https://example.org/{k}), {SENTENCE}\n" for k in range(900)), ("documentation", "readme")),
        ("README.md", "# A\n" + "".join(f"- lang {k}\n" for k in range(900)), ("documentation", "readme")),
        ("README.txt", "A line that was wrapped as an editor wraps lines of\nprose, with a sentence that ends now and then.\n" * 90, ("documentation", "readme")),
        ("dataset_infos.json", "{}", ("manifest", "hf-dataset-infos")),
        ("dataset_infos.json", '{"a": {"features": {}}}', ("manifest", "hf-dataset-infos")),
        ("x.json", '[{"@id": "a", "@type": "http://www.w3.org/ns/dcat#Dataset", "dcat:x": 1}]', ("manifest", "dcat")),
        ("datapackage.json", json.dumps({"name": "x", "resources": [{"path": f"{k}.csv"} for k in range(999)]}), ("manifest", "frictionless")),
        ("datapackage.json", json.dumps({"resources": [{"path": "a.csv", "data": ["a", "b"]}]}), ("manifest", "frictionless")),
        ("datapackage.json", '{"resources": ' + "[" * 9000, ("manifest", "frictionless")),
        ("x.dvc", "outs:\n- path: x\n", ("manifest", "dvc")),
        ("corpus.xml", '<package id="a" name="b" />', ("manifest", "nltk-xml")),
    ],
)  # fmt: skip
def test_a_document_does_not_become_data(path, data, expected):
    assert decide(path, data) == expected


@pytest.fixture
def scanned(tmp_path, in_process):
    def scan(**files):
        for name, data in files.items():
            place = tmp_path / name.replace("__", "/").replace("DOT", ".")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data.encode() if isinstance(data, str) else data)
        return pv.scan(tmp_path)

    return scan


def test_records_are_read_whatever_their_file_is_called(scanned):
    audit = scanned(
        a__READMEDOTjsonl=LINES, b__LICENSE=LINES, c__dataset_infosDOTjson=ARRAY, d__DOThiddenDOTjsonl=LINES, e__READMEDOTmd=PROSE
    )  # fmt: skip
    files = audit.files.set_index("path")
    assert files["records"].to_dict() == {
        "a/README.jsonl": 9, "b/LICENSE": 9, "c/dataset_infos.json": 9, "d/.hidden.jsonl": 9, "e/README.md": 0,
    }  # fmt: skip
    assert list(files.index[files["role"] == "data"]) == [path for path in files.index if path != "e/README.md"]


def test_a_large_card_is_read_as_records_and_keeps_its_claims(scanned):
    """Six megabytes: more than a manifest may have; its digest is that of all of it, and nothing has changed."""
    audit = scanned(a__READMEDOTmd=CARD + PROSE * 70_000, a__xDOTjsonl=LINES)
    row = audit.files.set_index("path").loc["a/README.md"]
    assert (row["role"], row["bytes_skipped"]) == ("data", 0)
    assert pd.isna(row["skip_reason"])
    assert row["records"] > 60_000
    claims = audit.claims[audit.claims["manifest"] == "a/README.md"]
    assert {"source", "licence"} <= set(claims["field"])
    assert set(claims["digest"]) == {row["sha256"]}
    assert audit.files.set_index("path").loc["a/x.jsonl", "licence"] == "MIT"


def test_a_manifest_that_is_too_large_is_called_so_and_not_changed(scanned):
    audit = scanned(dataset_infosDOTjson='{"a": {"features": "%s"}}' % ("x" * (5 << 20)), xDOTjsonl=LINES)
    row = audit.files.set_index("path").loc["dataset_infos.json"]
    assert row["skip_reason"].startswith("no valid hf-dataset-infos: is larger than a manifest may be")
    assert (row["bytes_consumed"], row["bytes_skipped"]) == (0, row["bytes"])
    assert "file-changed" not in " ".join(audit.findings["message"])
    assert "larger than a manifest" in audit.coverage.set_index("check").loc["manifests", "reason"]


def packed(kind, members):
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return file.getvalue()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data.encode())
            archive.addfile(info, io.BytesIO(data.encode()))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_member_is_what_its_bytes_are(scanned, kind):
    members = {
        "README.md": LINES, "LICENSE": MIT, "NOTICE": PROSE * 20_000, "dataset_infos.json": ARRAY,
        "a/README.md": "# A\n" + LINES * 4, "b/README.md": "words and more words. " * 4000 + "\n" + LINES * 30,
        "c/README.md": PROSE * 900,
    }  # fmt: skip
    audit = scanned(**{f"aDOT{kind}": packed(kind, members)})
    files = audit.files.set_index("path")
    found = {path.split("!/")[1]: (row.role, row.records > 0) for path, row in files.iterrows() if "!/" in path}
    assert found == {
        "README.md": ("data", True), "LICENSE": ("licence", False), "NOTICE": ("data", True),
        "dataset_infos.json": ("data", True), "a/README.md": ("data", True), "b/README.md": ("data", True),
        "c/README.md": ("documentation", False),
    }  # fmt: skip


def test_records_in_a_document_are_read_and_it_still_speaks(scanned):
    audit = scanned(
        a__READMEDOTmd=CARD + "# A\n" + LINES * 4, a__NOTICEDOTtxt="".join(f"{SENTENCE} {k}\n" for k in range(6000)),
        a__xDOTjsonl=LINES,
    )  # fmt: skip
    files = audit.files.set_index("path")
    assert (files["role"] == "data").all()
    assert (files["records"] > 0).all()
    claims = audit.claims[audit.claims["manifest"] == "a/README.md"]
    assert "mit" in claims[claims["field"] == "licence"]["value"].to_list()


def test_records_written_into_a_manifest_are_read_and_it_still_speaks(scanned):
    package = {"name": "x", "licenses": [{"name": "MIT"}], "resources": [{"name": "r", "data": ROWS_INLINE}]}
    audit = scanned(a__datapackageDOTjson=json.dumps(package), a__xDOTjsonl=LINES)
    row = audit.files.set_index("path").loc["a/datapackage.json"]
    assert (row["role"], row["records"] > 0) == ("data", True)
    assert "MIT" in audit.claims[audit.claims["field"] == "licence"]["value"].to_list()


def test_no_manifest_takes_a_text_of_records_out_of_the_data(scanned):
    manifest = "provenance: 1\nsources:\n  - {id: a, path: ., kind: commercial, contract: {file: terms.txt}}\n"
    text = "The terms of a contract.\n\n" + "".join(f"{SENTENCE} {k}\n" for k in range(300))
    audit = scanned(provenanceDOTyaml=manifest, termsDOTtxt=text, xDOTjsonl=LINES)
    row = audit.files.set_index("path").loc["terms.txt"]
    assert row["role"] == "data"
    assert row["records"] > 0


def test_no_manifest_takes_records_out_of_the_data(scanned):
    manifest = """provenance: 1
sources:
  - id: a
    path: .
    kind: commercial
    contract: { file: terms.jsonl }
"""
    audit = scanned(provenanceDOTyaml=manifest, termsDOTjsonl=LINES, xDOTjsonl=LINES)
    row = audit.files.set_index("path").loc["terms.jsonl"]
    assert (row["role"], row["records"]) == ("data", 9)
    assert (
        "holds records, which are read as data, and is a document"
        in (audit.coverage.set_index("check").loc["overrides", "reason"])
    )


def test_prose_that_is_not_read_as_records_is_counted(scanned):
    card = CARD + "# Letters\n\n" + (PROSE * 60)
    tables = scanned(set__READMEDOTmd=card, set__xDOTjsonl=LINES).tables
    (row,) = [row for row in tables["coverage"].to_pylist() if row["check"] == "documents"]
    assert row["reason"].startswith("1 document of more than 4,096 bytes was read for what it states")


@pytest.mark.parametrize(
    ("path", "data", "role"),
    [
        ("REUSE.toml", '[[annotations]]\npath = "**"\n', ("manifest", "reuse")),
        ("LICENSE.docx", b"PK\x03\x04", ("licence", "licence-document")),
        ("TERMS", "For research only.\n", ("licence", "terms-of-use")),
        ("terms.txt", "angina\nasthma\nmigraine\n", ("data", None)),
        ("CITATION.cff", "title: Tides\n", ("manifest", "citation-cff")),
    ],
)
def test_what_states_a_licence_is_no_data(path, data, role):
    assert decide(path, data) == role
