import json
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import provenance as pv
from provenance.checks import CHECKS
from provenance.cli import run
from provenance.core import schemas
from provenance.reports import exports
from provenance.reports.exports import removal_list
from provenance.reports.exports.removal_list import RemovalOptions
from provenance.similarity.evidence import affected_records

pytestmark = pytest.mark.usefixtures("in_process")

DEMO = Path(__file__).parents[3] / "manifests/demo"


def text(k, words=12):
    return " ".join(f"w{k}x{n}" for n in range(words))


def put(root, name, licence, keys, *, extra=""):
    """A source of records with texts of its own, but for the keys that it shares."""
    (root / name).mkdir(parents=True, exist_ok=True)
    if licence is not None:
        (root / name / "README.md").write_text(f"---\nlicense: {licence}\n{extra}---\n# A set\n")
    (root / name / "x.jsonl").write_text("".join(json.dumps({"text": text(k)}) + "\n" for k in keys))


@pytest.fixture
def data(tmp_path):
    """`copy` (MIT) took records 20 to 39 of `strict` (no commerce); its rows 10 to 29."""
    root = tmp_path / "data"
    put(root, "strict", "cc-by-nc-4.0", range(40))
    put(root, "copy", "mit", [*range(100, 110), *range(20, 40)])
    return root


@pytest.fixture
def listed(tmp_path):
    """Scan a folder into one ledger, and list what is to be removed as {path: [rows]}."""

    def make(root, choice=None, **options):
        pv.scan(root, tmp_path / "ledger", workers=1, **options)
        made = removal_list.write_removal_list(tmp_path / "ledger", tmp_path / "r.parquet", choice or RemovalOptions())
        table = pq.read_table(tmp_path / "r.parquet")
        assert table.schema.remove_metadata().equals(schemas.REMOVALS.remove_metadata())
        assert table.num_rows == made.records
        assert table.sort_by([("path", "ascending"), ("row", "ascending")]).equals(table)
        return grouped(table), table.to_pylist(), made

    return make


def grouped(table):
    found = {}
    for path, row in zip(table["path"].to_pylist(), table["row"].to_pylist(), strict=True):
        found.setdefault(path, []).append(row)
    assert all(len(set(rows)) == len(rows) for rows in found.values())
    return found


BOTH = {"copy/x.jsonl": list(range(10, 30)), "strict/x.jsonl": list(range(40))}
ALONE = {"copy/x.jsonl": list(range(10, 30))}


def test_records_of_the_licence_and_their_copies_are_listed(data, listed):
    found, rows, made = listed(data)
    assert found == BOTH
    assert (made.records, made.files, made.sources, made.inherited) == (60, 2, 2, 20)
    copy = rows[0]
    assert (copy["source"], copy["check"]) == ("copy", "licence-conflict-by-content")
    assert (copy["other_path"], copy["other_row"]) == ("strict/x.jsonl", 20)
    assert "CC-BY-NC-4.0, which does not allow commercial-service" in copy["reason"]
    assert rows[-1]["other_row"] is None
    assert rows[-1]["check"] == "licence-forbids-purpose"


def test_dropping_the_strict_twin_does_not_clean_the_copy(data, listed):
    assert listed(data)[0] == BOTH
    shutil.rmtree(data / "strict")
    found, rows, _ = listed(data)
    assert found == ALONE
    assert {row["entry"] for row in rows} == {0}
    assert "that file has left the data since" in rows[0]["reason"]
    (data / "copy").rename(data / "other-name")  # nor does another name
    found, rows, _ = listed(data)
    assert found == {"other-name/x.jsonl": list(range(10, 30))}
    assert {row["source"] for row in rows} == {"other-name"}


def test_leaving_the_twin_out_with_a_flag_does_not_clean_the_copy_either(data, listed):
    listed(data)
    assert listed(data, exclude=["strict"])[0] == ALONE


def test_without_an_earlier_scan_nothing_is_known_of_the_twin(data, listed):
    shutil.rmtree(data / "strict")
    assert listed(data)[0] == {}


def test_a_twin_that_is_still_there_is_judged_by_what_is_known_now(data, listed):
    listed(data)
    put(data, "strict", "mit", range(40))  # its licence was stated wrongly
    assert listed(data)[0] == {}


def test_a_changed_copy_is_said(data, listed):
    listed(data)
    shutil.rmtree(data / "strict")
    put(data, "copy", "mit", range(20, 40))
    found, _, made = listed(data)
    assert found == {}
    assert made.gaps == ("copy/x.jsonl changed since entry 0 found copies in it: only this scan judges it now",)


# licence of the copy, further lines of its card and of the strict card, rows of the copy that are listed
COPIES = {
    "milder": ("mit", "", "", range(10, 30)),
    "as strict itself": ("cc-by-nc-4.0", "", "", range(30)),
    "none stated": (None, "", "", range(30)),  # the folder is undeclared, all of it is listed
    "unknown": ("other", "", "", range(10, 30)),
    "the declared upstream of the stricter": ("mit", "", "source_datasets:\n- extended|copy\n", ()),
}


@pytest.mark.parametrize(("licence", "own", "theirs", "rows"), COPIES.values(), ids=COPIES)
def test_what_a_copy_inherits(data, listed, licence, own, theirs, rows):
    shutil.rmtree(data / "copy")
    put(data, "copy", licence, [*range(100, 110), *range(20, 40)], extra=own)
    put(data, "strict", "cc-by-nc-4.0", range(40), extra=theirs)
    found = listed(data)[0]
    assert found["strict/x.jsonl"] == list(range(40))
    assert found.get("copy/x.jsonl", []) == list(rows)


def test_a_known_original_inherits_nothing_of_its_copies(data, listed, monkeypatch):
    monkeypatch.setattr(removal_list, "find_known_originals", lambda *_: {"copy/x.jsonl": "a-known-set"})
    assert listed(data)[0] == {"strict/x.jsonl": list(range(40))}


def test_near_copies_and_prompts_are_listed_and_short_records_are_not(data, listed):
    rows = [{"text": text(k, 40).replace(f"w{k}x39", "changed")} for k in range(10)]
    strict = [{"text": text(k, 40)} for k in range(10)] + [{"text": "Thank you."}]
    asked = [{"instruction": text(k + 50), "output": f"a new answer {k}"} for k in range(12)]
    answers = [{"instruction": text(k + 50), "output": f"the old one {k}"} for k in range(12)]
    for name, held in {
        "copy/x": [{"text": "Thank you."}, *rows],
        "strict/x": strict,
        "copy/y": asked,
        "strict/y": answers,
    }.items():
        (data / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in held))
    found = listed(data)[0]
    assert found["copy/x.jsonl"] == list(range(1, 11))
    assert found["copy/y.jsonl"] == list(range(12))


CHOICES = {
    "errors": (RemovalOptions(), BOTH),
    "notes and worse": (RemovalOptions("note"), BOTH),
    "one check": (RemovalOptions(checks=("licence-conflict-by-content",)), ALONE),
    "the other": (RemovalOptions(checks=("licence-forbids-purpose",)), {"strict/x.jsonl": list(range(40))}),
    "one source": (RemovalOptions(sources=("copy",)), ALONE),
    "neither": (RemovalOptions(checks=("licence-missing",)), {}),
}


@pytest.mark.parametrize(("choice", "expected"), CHOICES.values(), ids=CHOICES)
def test_what_is_asked_for(data, listed, choice, expected):
    assert listed(data, choice)[0] == expected


def test_what_is_waived_is_left_out_and_told(data, listed, tmp_path):
    listed(data)
    waiver = {"check": "licence-conflict-by-content", "source": "copy", "other": "strict"}
    waiver |= {"reason": "A licence was bought.", "approver": "A", "expires": "2999-01-01"}
    (tmp_path / "w.yaml").write_text(yaml.safe_dump({"waivers": [waiver]}))
    found, _, made = listed(data, waivers=tmp_path / "w.yaml")
    assert found == {"strict/x.jsonl": list(range(40))}
    assert made.waived == 1
    shutil.rmtree(data / "strict")  # nor does what an earlier scan saw count against who has a licence
    (tmp_path / "w.yaml").write_text(yaml.safe_dump({"waivers": [waiver]}))
    assert listed(data, waivers=tmp_path / "w.yaml")[0] == {}


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_size_of_a_row_group_changes_nothing(data, listed, monkeypatch, rows):
    expected = listed(data)[1]
    monkeypatch.setattr(removal_list, "ROWS_PER_GROUP", rows)
    assert [row | {"entry": 0} for row in listed(data)[1]] == expected


def test_the_demo_lists_as_many_records_as_its_findings_name(tmp_path):
    expected = yaml.safe_load((DEMO / "expected.yaml").read_text())["findings"]
    pv.scan(DEMO / "data", tmp_path / "ledger", workers=1)
    made = removal_list.write_removal_list(tmp_path / "ledger", tmp_path / "r.parquet", RemovalOptions())
    listable = {*TAINTING, "licence-conflict-by-content"}
    errors = [each for each in expected if each["severity"] == "error"]
    assert made.records == sum(each["records"] for each in errors if each["check"] in listable)
    assert dict(made.unlisted) == {each["check"]: 1 for each in errors if each["check"] not in listable}


def test_the_list_is_usable_from_duckdb_and_arrow(data, listed, tmp_path):
    listed(data)
    table = pa.table({"text": [text(k) for k in [*range(100, 110), *range(20, 40)]]})
    shutil.rmtree(data / "copy")
    put(data, "copy", "mit", [])
    (data / "copy" / "x.jsonl").unlink()
    pq.write_table(table, data / "copy" / "x.parquet")
    assert listed(data)[0]["copy/x.parquet"] == list(range(10, 30))
    (example,) = [
        each
        for each in (Path(pv.__file__).parents[1] / "docs/act-on-findings.md").read_text().split("```")
        if each.startswith("sql\n")
    ]
    kept = duckdb.sql(
        example.removeprefix("sql\n")
        .replace("remove.parquet", str(tmp_path / "r.parquet"))
        .replace("data/", f"{data}/")
    ).fetchall()
    assert sorted(row[0] for row in kept) == sorted(text(k) for k in range(100, 110))
    gone = pq.read_table(tmp_path / "r.parquet", filters=[("path", "=", "copy/x.parquet")])
    rows = table.append_column("row", pa.array(range(30)))
    assert rows.join(gone.select(["row"]), "row", join_type="left anti").num_rows == 10
    assert json.loads(pq.read_schema(tmp_path / "r.parquet").metadata[b"provenance"])["purpose"] == "commercial-service"


def test_a_pair_of_files_says_what_is_at_stake(data, listed):
    listed(data)
    tables = pv.open_ledger(data.parent / "ledger").tables
    found = affected_records.AffectedRecords(tables, "commercial-service", 4, {})
    (rows,) = found
    (pair,) = found.pairs
    assert (pair.source, pair.other_source, pair.right, pair.forbidden) == (
        "copy",
        "strict",
        "commercial-service",
        True,
    )
    assert rows.row.tolist() == list(range(10, 30))
    assert rows.other_row.tolist() == list(range(20, 40))
    none = affected_records.AffectedRecords(tables, "commercial-service", 9, {})
    assert not any(len(rows.row) for rows in none)  # twelve words have eight shingles


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["removal-list", "{tmp}/none", "-o", "{tmp}/r.parquet"], "is no ledger"),
        (["removal-list", "{tmp}/ledger", "-o", "{tmp}/ledger/r.parquet"], "is in a ledger"),
        (["removal-list", "{tmp}/ledger", "-o", "{tmp}/no/such/r.parquet"], "cannot be written"),
        (
            ["removal-list", "{tmp}/ledger", "-o", "{tmp}/r.parquet", "--check", "nothing"],
            "there is no check 'nothing'",
        ),
        (
            ["removal-list", "{tmp}/ledger", "-o", "{tmp}/r.parquet", "--source", "nobody"],
            "there is no source 'nobody'",
        ),
        (["something", "{tmp}/ledger", "-o", "{tmp}/r.parquet"], "'something' is not"),
    ],
)
def test_a_wrong_call_gets_one_sentence(data, tmp_path, capfd, arguments, sentence):
    pv.scan(data, tmp_path / "ledger", workers=1)
    assert run(["export", *(each.replace("{tmp}", str(tmp_path)) for each in arguments)]) == 2
    assert sentence in capfd.readouterr().err
    assert not list(tmp_path.glob("*.parquet")) + list(tmp_path.glob(".*parquet*"))
    assert run(["verify", str(tmp_path / "ledger"), "--strict"]) == 0


def test_the_command_says_what_is_listed_and_what_is_not(tmp_path, capfd):
    pv.scan(DEMO / "data", tmp_path / "ledger", workers=1)
    assert run(["export", "removal-list", str(tmp_path / "ledger"), "-o", str(tmp_path / "r.parquet")]) == 0
    said = capfd.readouterr().out
    assert "of them for what their twins state" in said
    assert "Not in the list, for they name no records: consent-missing (1), file-declared-absent (1)" in said


def test_an_export_is_a_file():
    files = {path.stem.replace("_", "-") for path in Path(exports.__file__).parent.glob("*.py")} - {"--init--"}
    assert files == set(exports.EXPORTS)


TAINTING = [name for name, check in CHECKS.items() if check.taints is not None]


def test_checks_that_are_about_whole_files_say_so():
    assert TAINTING == [
        "licence-missing",
        "licence-unrecognised",
        "licence-forbids-purpose",
        "origin-blocked",
        "source-undeclared",
        "checksum-mismatch",
    ]
