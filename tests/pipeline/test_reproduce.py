"""A scan made again: the same rows by the rules of then, whatever has changed since; else the tables that differ."""

from __future__ import annotations

import json
import shutil

import pytest

import provenance as pv
from provenance import profiles
from provenance.attestations import actions
from provenance.cli import run
from provenance.cli.reproduce import _sentence
from provenance.core import schemas
from provenance.errors import ConfigError, InputError, VerificationError
from provenance.pipeline import reproduce as reproduce_
from provenance.pipeline import scan
from provenance.pipeline.reproduce import DIFFERS, SAME, TableComparison, reproduce

pytestmark = pytest.mark.usefixtures("in_process")

CARD = "---\nlicense: mit\n---\n# A set\n"
NON_COMMERCIAL = "---\nlicense: cc-by-nc-4.0\n---\n# A set\n"
WORDS = [f"passage {k} of words that tell of a harbour and its {k * 7} lamps in winter" for k in range(12)]
LINES = "".join(json.dumps({"text": each}) + "\n" for each in WORDS)


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    for name, content in {
        "a/README.md": CARD,
        "a/x.jsonl": LINES,
        "b/README.md": NON_COMMERCIAL,
        "b/y.jsonl": LINES[: len(LINES) // 2] + "\n{broken\n",
        "b/z.txt": "\n\n".join(WORDS),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def waivers(folder, expires="2990-01-01"):
    path = folder / "waivers.yaml"
    path.write_text(
        "waivers:\n- {check: licence-conflict-by-content, source: a, other: b, reason: agreed, approver: me, "
        f"expires: {expires}}}\n"
    )
    return path


def differing(found):
    return {each.table: (each.missing, each.added) for each in found.tables if not each.same}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"assess": True},
        {"records": True, "profiles": ("baseline", "cn-interim-measures"), "purpose": "research"},
        {"exclude": ("b/*",)},
        {"fold_chinese": True},
        {"sample": 0.4},
    ],
)
def test_a_scan_is_reproduced_by_the_rules_of_its_entry(data, tmp_path, options):
    sealed = pv.scan(data, tmp_path / "ledger", **options)
    pv.scan(data, tmp_path / "ledger", purpose="internal", profiles=("baseline",))  # a later entry of other rules
    found = reproduce(tmp_path / "ledger", data, 0)
    assert found.exit_code == SAME, differing(found)
    assert [(each.table, each.rows) for each in found.tables] == [(n, t.num_rows) for n, t in sealed.tables.items()]
    assert (found.scanner, found.data) == (found.scanner_here, found.data_here)
    assert not [each for each in found.uncompared if "files" in each]


def test_links_that_were_followed_are_followed_again(data, tmp_path):
    (tmp_path / "outside.txt").write_text("\n\n".join(WORDS))
    (data / "a" / "link.txt").symlink_to(tmp_path / "outside.txt")
    sealed = pv.scan(data, tmp_path / "ledger", follow_links=True)
    assert sealed.files.set_index("path").loc["a/link.txt", "records"] == len(WORDS)
    assert reproduce(tmp_path / "ledger", data).exit_code == SAME


def test_waivers_and_declarations_hold_as_they_did_on_that_day(data, tmp_path, monkeypatch):
    ledger = tmp_path / "ledger"
    monkeypatch.setattr(scan, "_now", lambda: "2026-01-05T12:00:00Z")
    sealed = pv.scan(data, ledger, waivers=waivers(tmp_path, "2026-01-06"))
    assert sealed.findings["waived"].notna().any()
    monkeypatch.undo()
    (tmp_path / "waivers.yaml").unlink()
    assert reproduce(ledger, data).exit_code == SAME


def test_waivers_of_the_ledger_hold_as_they_did_and_later_ones_do_not(data, tmp_path):
    ledger, far = tmp_path / "ledger", {"reason": "agreed", "approver": "me", "expires": "2990-01-01"}
    first, second = pv.scan(data, ledger).findings["fingerprint"][:2]
    pv.waive(ledger, first, **far)
    sealed = pv.scan(data, ledger, waivers=waivers(tmp_path))
    assert sealed.findings["waived"].notna().any()
    pv.waive(ledger, second, **far)
    for index in (0, 2):
        found = reproduce(ledger, data, index)
        assert found.exit_code == SAME, differing(found)


def test_an_answer_declared_since_does_not_count_and_one_before_does(data, tmp_path):
    ledger, name = tmp_path / "ledger", "cn-interim-measures"
    pv.scan(data, ledger, profiles=(name,))
    form = profiles_form(name)
    (tmp_path / "form.yaml").write_text(form, encoding="utf-8")
    actions.declare(ledger, tmp_path / "form.yaml")
    sealed = pv.scan(data, ledger, profiles=(name,))
    assert sealed.verdicts["declared"].notna().any()
    for index in (0, 2):
        assert reproduce(ledger, data, index).exit_code == SAME
    with pytest.raises(InputError, match=r"entry 1 .* is a declaration, no scan"):
        reproduce(ledger, data, 1)


def profiles_form(name):
    import yaml

    from provenance.attestations import declaration

    form = yaml.safe_load(declaration.make_template(profiles.load(name)))
    form["by"] = {"name": "A Person", "role": "responsible"}
    form["date"] = "2026-01-05"
    for answer in form["answers"]:
        answer["says"] = "yes"
    return yaml.safe_dump(form, allow_unicode=True)


def test_profiles_are_those_of_the_entry_whatever_ships_now(data, tmp_path, monkeypatch):
    pv.scan(data, tmp_path / "ledger")

    def gone(name):
        raise AssertionError(name)

    monkeypatch.setattr(profiles, "load", gone)
    assert reproduce(tmp_path / "ledger", data).exit_code == SAME


def test_an_index_that_the_scan_was_given_must_be_named(data, tmp_path):
    (tmp_path / "work.txt").write_text("\n\n".join(WORDS[:4]))
    index = tmp_path / "works.index"
    assert run(["index", "build", str(tmp_path / "work.txt"), "-o", str(index), "--kind", "protected"]) == 0
    sealed = pv.scan(data, tmp_path / "ledger", reference=[index])
    assert len(sealed.references)
    with pytest.raises(ConfigError, match="name its index with --reference"):
        reproduce(tmp_path / "ledger", data)
    assert reproduce(tmp_path / "ledger", data, reference=[index]).exit_code == SAME
    pv.scan(data, tmp_path / "ledger")
    assert reproduce(tmp_path / "ledger", data, reference=[index]).exit_code == SAME  # it was not asked then


def test_a_ledger_inside_the_data_is_no_difference_though_it_grew(data):
    for _ in range(2):
        pv.scan(data, data / "ledger")
    found = reproduce(data / "ledger", data, 0)
    assert found.exit_code == SAME, differing(found)
    assert reproduce_._GROWN_LEDGERS in found.uncompared


def test_record_trees_are_compared_where_their_secret_is(data, tmp_path, monkeypatch):
    pv.scan(data, tmp_path / "ledger", records=True)
    said = reproduce_._RECORD_SALTS
    assert said not in reproduce(tmp_path / "ledger", data).uncompared
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "nobody"))
    assert said in reproduce(tmp_path / "ledger", data).uncompared
    assert not (tmp_path / "nobody").exists()  # nothing is made for this
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / "salts.key").write_bytes(bytes(32))
    found = reproduce(tmp_path / "ledger", data)
    assert said in found.uncompared
    assert found.exit_code == SAME


def test_what_differs_is_counted_by_table(data, tmp_path):
    pv.scan(data, tmp_path / "ledger", records=True)
    (data / "a" / "x.jsonl").write_text(LINES + '{"text": "one line more"}\n')
    found = reproduce(tmp_path / "ledger", data)
    assert found.exit_code == DIFFERS
    assert differing(found)["files"] == (1, 1)
    assert differing(found)["sources"] == (1, 1)
    assert "claims" not in differing(found)
    assert found.data != found.data_here
    (data / "b" / "z.txt").unlink()
    assert differing(reproduce(tmp_path / "ledger", data))["files"] == (2, 1)


def test_another_program_is_said_first(data, tmp_path, capfd, monkeypatch):
    pv.scan(data, tmp_path / "ledger")
    assert run(["reproduce", str(tmp_path / "ledger"), "--data", str(data)]) == 0
    assert "This is not the program" not in capfd.readouterr().out
    monkeypatch.setattr(reproduce_.scanner_identity, "digest_program", lambda: "0" * 64)
    assert run(["reproduce", str(tmp_path / "ledger"), "--data", str(data)]) == 0
    assert capfd.readouterr().out.startswith("This is not the program that scanned")


def test_a_table_that_is_withheld_is_not_the_same(data, tmp_path, monkeypatch):
    pv.scan(data, tmp_path / "ledger")
    read = reproduce_.ledger.Reader.tables

    def withheld(reader, **asked):
        if asked["names"] == ["matches"]:
            raise InputError("scans/00000000/matches.parquet cannot be read")
        return read(reader, **asked)

    monkeypatch.setattr(reproduce_.ledger.Reader, "tables", withheld)
    found = reproduce(tmp_path / "ledger", data)
    assert found.exit_code == reproduce_.INCOMPLETE
    assert found.as_json()["reproduced"] is None
    assert {each.table for each in found.tables if each.same is None} == {"matches"}


def test_exit_codes_and_sentences(data, tmp_path, capfd):
    ledger, call = tmp_path / "ledger", ["reproduce", str(tmp_path / "ledger"), "--data", str(data)]
    assert run(call) == 2
    assert "is no ledger" in capfd.readouterr().err
    pv.scan(data, ledger, assess=True)
    assert run(call) == 0
    assert "Entry 0 is reproduced" in capfd.readouterr().out
    assert run([*call, "--format", "json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["reproduced"] is True
    assert {each["table"] for each in said["tables"] if each["same"]} == set(schemas.SEALED)
    assert run([*call, "--entry", "7"]) == 2
    assert run(["reproduce", str(ledger)]) == 2
    assert run(["reproduce", str(ledger), "--data", str(tmp_path / "nothing")]) == 2
    (tmp_path / "empty").mkdir()
    assert run(["reproduce", str(ledger), "--data", str(tmp_path / "empty")]) == 4
    capfd.readouterr()
    (data / "a" / "x.jsonl").write_text("")
    assert run(call) == 1
    out = capfd.readouterr().out
    assert out.startswith("This is not the data that was scanned")
    assert "files         DIFFERS: 1 of 5 rows is not here; 1 is new" in out
    assert "Entry 0 is not reproduced." in out


def test_a_ledger_that_was_changed_is_not_rerun(data, tmp_path):
    pv.scan(data, tmp_path / "ledger")
    profile = tmp_path / "ledger" / "scans" / "00000000" / "profile-baseline.yaml"
    profile.write_bytes(profile.read_bytes() + b"\n")
    with pytest.raises(VerificationError, match="does not verify"):
        reproduce(tmp_path / "ledger", data)
    assert run(["reproduce", str(tmp_path / "ledger"), "--data", str(data)]) == 4


def test_the_demo_is_reproduced(tmp_path, capfd):
    assert run(["demo", str(tmp_path / "demo")]) == 0
    shutil.rmtree(tmp_path / "config", ignore_errors=True)
    assert run(["reproduce", str(tmp_path / "demo" / "ledger"), "--data", str(tmp_path / "demo" / "data")]) == 0
    assert "Entry 0 is reproduced" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("rows", "missing", "added", "said"),
    [
        (1, 0, 0, "same: 1 row"),
        (2000, 0, 0, "same: 2,000 rows"),
        (1, 1, 2, "DIFFERS: 1 of 1 row is not here; 2 are new"),
        (3, 2, 1, "DIFFERS: 2 of 3 rows are not here; 1 is new"),
    ],
)
def test_rows_are_counted_in_plain_words(rows, missing, added, said):
    assert _sentence(TableComparison("files", rows, rows, missing, added)) == f"  files         {said}"
