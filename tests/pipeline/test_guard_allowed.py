"""The guard: what may be there without an audit, what of an archive is handed out, and facts of any form."""

import hashlib
import importlib
import json
import re
import zipfile

import pyarrow as pa
import pytest

import provenance as pv
from provenance import ledger as ledger_
from provenance.cli import run
from provenance.core.schemas import FINDINGS, VERDICTS, rows
from provenance.ledger.format import statement
from provenance.pipeline import guard, signed_waivers

TEXT = '{"text": "one two three four five six seven eight nine"}\n'
ID = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = {
    ".git/HEAD": b"ref: refs/heads/main\n", ".git/objects/info/packs": b"", ".git/refs/heads/main": f"{ID}\n".encode(),
    ".git/config": b"[core]\n\tbare = false\n",
}  # fmt: skip
SOURCE = b"x = 1\n"
CODE = importlib._bootstrap_external._code_to_timestamp_pyc(compile(SOURCE, "m.py", "exec"), 0, len(SOURCE))
COMPILED = {"__pycache__/m.cpython-312.pyc": bytes(CODE)}


def lay(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def looked(world, **policy):
    return guard.inspect_data(world / "clean" / "data", world / "clean" / "ledger", guard.GuardPolicy(**policy))


def rescanned(world):
    pv.scan(world / "clean" / "data", world / "clean" / "ledger", workers=1)


@pytest.mark.parametrize("below", ["", "a/"])
@pytest.mark.parametrize(
    ("files", "tool"), [(REPOSITORY, "version control (git)"), (COMPILED, "a cache (python)")], ids=["git", "python"]
)
@pytest.mark.parametrize("before", [True, False])
def test_version_control_and_caches_are_allowed_and_said(world, capsys, files, tool, below, before):
    data, ledger = world / "clean" / "data", world / "clean" / "ledger"
    if files is COMPILED:
        lay(data / below, {"m.py": SOURCE})
        rescanned(world)
    lay(data / below, files)
    if before:
        rescanned(world)
    found = looked(world, findings="never")  # the source of a module has no manifest at the top
    assert found.ok, found.reasons
    count = f"{len(files)} file{'s' if len(files) > 1 else ''}"
    assert found.lines()[1] == f"Not audited, and allowed by the policy: {count} ({tool}: {len(files)})."
    assert found.as_json()["allowed"] == {tool: len(files)}
    assert not [path for path in found.files() if ".git" in path or "__pycache__" in path]
    assert any("not audited" in reason for reason in looked(world, allow=()).reasons)
    assert run(["verify", str(ledger), "--data", str(data)]) == 0
    assert before or f"{count} of version control or caches" in capsys.readouterr().out
    hidden = f"{below}{next(iter(files)).split('/')[0]}/e.jsonl"
    lay(data, {hidden: TEXT.encode()})
    refused = looked(world)
    assert any(f"1 file ({hidden}) not audited" in reason for reason in refused.reasons), refused.reasons
    assert run(["verify", str(ledger), "--data", str(data)]) == 4


def test_copies_that_git_lfs_keeps_of_audited_files_are_allowed(world):
    data, digest = world / "clean" / "data", hashlib.sha256(TEXT.encode()).hexdigest()
    lay(data, REPOSITORY | {f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}": TEXT.encode()})
    assert looked(world).ok
    assert run(["verify", str(world / "clean" / "ledger"), "--data", str(data)]) == 0
    (data / "a" / "x.jsonl").write_text("{}\n")  # what it is a copy of is there no more
    assert any(digest in reason for reason in looked(world).reasons)


@pytest.mark.parametrize(
    "name",
    [
        ".gitkeep/e.jsonl", ".DS_Store/e.jsonl", ".gitignore/x/e.jsonl", "CVS/e.jsonl", "a/__pycache__/e.jsonl",
        ".git/e.jsonl", ".gitattributes", "a/.gitmodules", ".git/config", ".ipynb_checkpoints/e.jsonl",
    ],
)  # fmt: skip
def test_no_name_lets_records_pass(world, capsys, name):
    lay(world / "clean" / "data", {name: TEXT.encode()})
    assert looked(world).reasons == (f"1 file ({name}) not audited",)
    assert run(["verify", str(world / "clean" / "ledger"), "--data", str(world / "clean" / "data")]) == 4
    said = capsys.readouterr().out
    assert "1 file added" in said
    assert "of version control" not in said


def test_no_link_in_version_control_passes(world):
    data = world / "clean" / "data"
    lay(data, REPOSITORY)
    (data / ".git" / "l").symlink_to(world / "bare" / "data")
    (data / ".git" / "shallow").symlink_to("HEAD")
    assert looked(world).reasons == ("2 files (.git/l, .git/shallow) not audited",)


@pytest.mark.parametrize("stands", ["a file", "a folder", "a link"])
def test_the_newest_scan_is_the_ledgers_own_as_a_link_only(world, stands):
    data = world / "clean" / "data"
    pv.scan(data, data / "ledger", workers=1)
    latest = data / "ledger" / "scans" / "latest"
    assert guard.inspect_data(data, data / "ledger", guard.GuardPolicy()).ok
    if stands != "a link":
        latest.unlink()
        lay(
            latest if stands == "a folder" else latest.parent,
            {"x" if stands == "a folder" else "latest": TEXT.encode()},
        )
    found = guard.inspect_data(data, data / "ledger", guard.GuardPolicy())
    assert found.ok is (stands == "a link")
    assert stands == "a link" or any("(ledger/scans/latest" in each for each in found.reasons), found.reasons


def test_an_archive_with_a_member_that_is_no_record_is_not_handed_out(world):
    place = world / "clean" / "data" / "a"
    members = {"x.jsonl": TEXT.replace("one", "q"), "README.md": "# A\n"}
    for name, more in (("good.zip", {}), ("bad.zip", {"sub/dataset_infos.json": '{"default": {"features": {}}}'})):
        with zipfile.ZipFile(place / name, "w") as archive:
            for member, content in (members | more).items():
                archive.writestr(member, content)
    rescanned(world)
    found = looked(world, findings="never")
    assert found.ok, found.reasons
    assert [path.rsplit("/", 1)[-1] for path in found.files("*.zip")] == ["good.zip"]
    assert any(
        note.startswith("Not handed out: 1 archive (a/bad.zip: a/bad.zip!/sub/dataset_infos.json")
        for note in found.notes
    ), found.notes
    assert "Documents in archives that are handed out: 1 file (a/good.zip!/README.md)" in found.notes
    assert all(f"{note}." in found.lines() for note in found.notes)
    allowed = looked(world, findings="never", allow=("**/dataset_infos.json",))
    assert len(allowed.files("*.zip")) == 2


ODD = [5, None, True, "sample", {}, {"a": 1}, [5], [None], [{"state": "holds"}], [[]], [{"state": "holds", "expires": 5, "findings": 5}],
       [{"state": "holds", "expires": "9999-01-01", "findings": [{}]}], [{"state": "holds", "expires": "z", "findings": ["m"]}]]  # fmt: skip


@pytest.mark.parametrize("given", ODD, ids=json.dumps)
def test_signed_waivers_of_any_form_waive_nothing_and_are_named(given):
    said = {"waivers": given}
    assert signed_waivers.find_waived(said, (), "2026-01-01") == set()
    tables = {"findings": rows([], FINDINGS), "verdicts": rows([], VERDICTS)}
    notes = list(guard._describe_unreadable(said, tables, guard.GuardPolicy()))
    assert notes == ([] if given == [] else ["1 waiver cannot be read, so it does not count"])


@pytest.mark.parametrize("given", [5, [5]], ids=json.dumps)
def test_an_entry_with_waivers_of_no_known_form_is_judged_all_the_same(world, tmp_path, monkeypatch, given):
    """No version writes such an entry now; one that is held to no schema is judged all the same."""
    monkeypatch.setattr(statement, "_check_schema", lambda *_: None)
    ledger = world / "bare" / "ledger"
    said = ledger_.read_entry(ledger)["predicate"]
    facts = {key: said[key] for key in said if key not in {"contentSet", "folder", "keys", "log", "tables"}}
    forged = tmp_path / "forged"
    ledger_.append(forged, ledger_.read_tables(ledger), {}, facts | {"waivers": given}, keys=ledger_.user_keys())
    found = guard.inspect_data(world / "bare" / "data", forged, guard.GuardPolicy())
    assert any("1 finding at error or worse that nobody waived" in reason for reason in found.reasons), found.reasons
    assert "Entry 0: 1 waiver cannot be read, so it does not count" in found.notes


def tables_of(world, name, column, word):
    held = dict(ledger_.read_tables(world / "bare" / "ledger"))
    table = held[name]
    at = table.schema.get_field_index(column)
    field = table.schema.field(at)
    return held | {name: table.set_column(at, field, pa.array([word] * table.num_rows, field.type))}


@pytest.mark.parametrize(
    ("table", "column", "policy", "said"),
    [
        ("findings", "severity", {"findings": "error"}, r"findings? at error or worse"),
        ("coverage", "status", {}, r"checks failed to run"),
        ("verdicts", "observed", {"observed": ("open point",)}, r"observed: open point"),
        ("verdicts", "assessed", {}, r"assessed: does not conform"),
    ],
)
def test_a_word_of_no_vocabulary_counts_as_the_worst(world, table, column, policy, said):
    tables = tables_of(world, table, column, "critical")
    reasons = list(guard._explain_tables(tables, {}, guard.GuardPolicy(**({"findings": "never"} | policy)), (), False))
    assert any(re.search(said, reason) for reason in reasons), reasons
    notes = list(guard._describe_unreadable({}, tables, guard.GuardPolicy(**policy)))
    assert table == "coverage" or any("stands in no vocabulary" in note for note in notes), notes


def test_where_approvers_are_asked_for_the_sentence_names_them(world):
    tables = ledger_.read_tables(world / "bare" / "ledger")
    for by_approvers, who in ((True, "no approver waived"), (False, "nobody waived")):
        assert any(who in each for each in guard._explain_tables(tables, {}, guard.GuardPolicy(), (), by_approvers))
