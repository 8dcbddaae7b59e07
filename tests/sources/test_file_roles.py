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
from provenance.core.package_data import folder as shipped
from provenance.sources import file_roles

PROSE = "This set holds letters of a harbour town, one a line, with the answer of its office.\n\n"
LINES = "".join(
    json.dumps({"text": f"record number {k} of a set that somebody calls a document"}) + "\n" for k in range(9)
)
ARRAY = json.dumps([{"text": f"record number {k} of an array"} for k in range(9)])
TABLE = "id,text,answer,note\n" + "".join(f"{k},a question,an answer,a remark\n" for k in range(9))
CARD = "---\nlicense: mit\npretty_name: Letters\n---\n"
MIT = (shipped("demo") / "data/seaside-assistant/LICENSE").read_text()


def parquet():
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["a record in a column", "and another one"]}), file)
    return file.getvalue()


def decide(path, data):
    data = data.encode() if isinstance(data, str) else data
    return tuple(file_roles.decide(path, data[: 1 << 16], len(data), lambda size: data[:size]))


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
        ("NOTICE", PROSE * 5000, ("licence", "notice")),
        ("dataset_infos.json", "{}", ("manifest", "hf-dataset-infos")),
        ("dataset_infos.json", '{"a": {"features": {}}}', ("manifest", "hf-dataset-infos")),
        ("x.json", '[{"@id": "a", "@type": "http://www.w3.org/ns/dcat#Dataset", "dcat:x": 1}]', ("manifest", "dcat")),
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
    members = {"README.md": LINES, "LICENSE": MIT, "NOTICE": PROSE * 20_000, "dataset_infos.json": ARRAY}
    audit = scanned(**{f"aDOT{kind}": packed(kind, members)})
    files = audit.files.set_index("path")
    found = {path.split("!/")[1]: (row.role, row.records > 0) for path, row in files.iterrows() if "!/" in path}
    assert found == {
        "README.md": ("data", True), "LICENSE": ("licence", False), "NOTICE": ("data", True),
        "dataset_infos.json": ("data", True),
    }  # fmt: skip


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
