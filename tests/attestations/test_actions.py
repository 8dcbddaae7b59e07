import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

import provenance as pv
from provenance import ledger
from provenance.attestations import FORMS, actions, derivation, forms
from provenance.cli import run
from provenance.core.digests import fingerprint, sha256
from provenance.errors import ConfigError, InputError
from provenance.ledger.format import statement
from provenance.ledger.log import output_files
from provenance.ledger.proofs import disclosure, proof_format

pytestmark = pytest.mark.usefixtures("in_process")

BY = {"name": "L. Lead", "role": "data lead"}
TOOL = {"name": "pack", "version": "2.1", "sha256": "ab" * 32}
FILLED = {
    "decision": {"about": {"source": "nc"}, "decision": "drop", "reason": "its licence forbids the purpose"},
    "filter-run": {"tool": TOOL, "configuration": {"file": "settings.txt"}, "inputs": [{"entry": 0}], "counts": {"in": 60, "out": 30}},
    "derivation": {"tool": TOOL, "parameters": {"file": "settings.txt"}, "inputs": [{"entry": 0}, {"name": "older", "sha256": "cd" * 32}]},
}  # fmt: skip


def write(world, kind, **changes):
    path = world / "form.yaml"
    (world / "settings.txt").write_text("keep: all\n")
    said = {"attestation": kind, "by": BY, "date": "2025-06-01", **FILLED[kind], **changes}
    path.write_text(yaml.safe_dump({name: value for name, value in said.items() if value is not ...}))
    return path


@pytest.fixture
def shards(world):
    folder = world / "shards"
    (folder / "part ü").mkdir(parents=True)
    (folder / "part ü" / "b.bin").write_bytes(b"bb")
    (folder / "a.bin").write_bytes(b"a")
    (folder / "empty").write_bytes(b"")
    return folder


def said(entry):
    return entry.statement["predicate"]


def test_a_decision(world, verified):
    document = {"file": "settings.txt"}
    entry = pv.attest(world / "ledger", write(world, "decision", documents=[document]))
    assert said(entry)["about"] == {"entry": 0, "source": "nc"}
    assert (said(entry)["decision"], said(entry)["by"], said(entry)["date"]) == ("drop", BY, "2025-06-01")
    assert said(entry)["documents"] == [{"name": "settings.txt", "bytes": 10, "digest": {"sha256": sha256(b"keep: all\n")}}]  # fmt: skip
    assert (verified(world / "ledger", strict=True).code, verified(world / "ledger").status("acts")) == (0, "ok")


def test_the_beginning_of_a_fingerprint_is_enough(world, tmp_path):
    mark = fingerprint("licence-missing", "bare")
    entry = pv.attest(world / "ledger", write(world, "decision", about={"finding": mark[:8]}))
    assert entry.statement["predicate"]["about"]["fingerprint"] == mark
    proof = proof_format.read(disclosure.row(world / "ledger", "finding", mark[:8], 0))
    assert [row["fingerprint"] for row in proof.rows] == [mark]
    assert run(["prove", str(world / "ledger"), "--finding", mark[:9], "-o", str(tmp_path / "x")]) == 0


def test_a_decision_about_a_finding(world):
    mark = fingerprint("licence-missing", "bare")
    entry = pv.attest(world / "ledger", write(world, "decision", about={"finding": mark, "entry": 0}))
    assert said(entry)["about"] == {"entry": 0, "fingerprint": mark, "check": "licence-missing", "source": "bare"}


def test_a_filter_that_ran(world, verified, shards):
    entry = pv.attest(world / "ledger", write(world, "filter-run"))
    assert said(entry)["tool"] == {"name": "pack", "version": "2.1", "digest": {"sha256": "ab" * 32}}
    assert said(entry)["configuration"]["digest"]["sha256"] == sha256(b"keep: all\n")
    assert "outputs" not in said(entry)
    entry = pv.attest(world / "ledger", write(world, "filter-run"), data=shards)
    assert said(entry)["outputs"]["files"] == 3
    assert verified(world / "ledger").status("acts") == "ok"


def test_a_derivation_lists_what_came_out(world, verified, shards):
    entry = pv.attest(world / "ledger", write(world, "derivation"), data=shards)
    made = said(entry)["outputs"]
    rows = output_files.read_output(world / "ledger", made)
    assert rows == [
        {"bytes": 1, "path": "a.bin", "sha256": sha256(b"a")},
        {"bytes": 0, "path": "empty", "sha256": sha256(b"")},
        {"bytes": 2, "path": "part ü/b.bin", "sha256": sha256(b"bb")},
    ]
    assert (made["files"], made["bytes"], made["tree"]["size"]) == (3, 3, 3)
    assert said(entry)["inputs"] == [{"entry": 0}, {"name": "older", "digest": {"sha256": "cd" * 32}}]
    told = verified(world / "ledger", strict=True)
    assert (told.code, told.status("acts")) == (0, "ok")
    # what comes of it refers to it in turn, and the same outputs are one object
    pv.attest(world / "ledger", write(world, "derivation", inputs=[{"entry": 1}]), data=shards)
    assert verified(world / "ledger", strict=True).code == 0
    (world / "ledger" / made["lines"]).unlink()
    told = verified(world / "ledger")
    assert (told.code, told.status("acts")) == (5, "not checked")


def test_the_tree_is_that_of_a_peer(shards):
    pymerkle = pytest.importorskip("pymerkle")
    made, lines = output_files.digest_folder(shards)
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for line in lines.splitlines():
        tree.append_entry(line)
    assert tree.get_root().hex() == made["tree"]["root"]


def test_the_digests_are_the_same_with_any_number_of_threads(shards):
    assert output_files.digest_folder(shards, 1) == output_files.digest_folder(shards, 4)


def test_what_came_out_may_not_lead_elsewhere(world, shards):
    (shards / "link").symlink_to(world / "data")
    with pytest.raises(InputError, match="no regular file"):
        pv.attest(world / "ledger", write(world, "derivation"), data=shards)
    assert ledger.size(world / "ledger") == 1


def test_a_folder_without_files(world, tmp_path):
    (tmp_path / "none").mkdir()
    for folder in (tmp_path / "none", tmp_path / "missing"):
        with pytest.raises(ConfigError):
            pv.attest(world / "ledger", write(world, "derivation"), data=folder)


def test_a_ledger_in_it_is_left_out(world, shards):
    (world / "ledger").rename(shards / "ledger")
    made, _ = output_files.digest_folder(shards)
    assert made["files"] == 3


# kind, what is changed, part of the sentence
BAD = {
    "no kind": ("decision", {"attestation": "wish"}, "it names none of decision, filter-run, derivation"),
    "a missing key": ("decision", {"reason": ...}, "'reason' is missing"),
    "a misspelt key": ("decision", {"reason": ..., "raeson": "x"}, "'raeson' is not a key here; allowed are .*; 'reason' is missing"),
    "nothing yet": ("decision", {"date": None}, "it is not filled in"),
    "a day of other countries": ("decision", {"date": "20.11.2026"}, "'20.11.2026' is not written as it must be; expected: "),
    "another key": ("decision", {"wish": 1}, "'wish' is not a key here"),
    "another decision": ("decision", {"decision": "forget"}, "keep, drop, license or replace"),
    "ahead": ("decision", {"date": (datetime.now(UTC).date() + timedelta(days=2)).isoformat()}, "lies ahead"),
    "no day": ("decision", {"date": "2025-02-30"}, "is no date"),
    "no source": ("decision", {"about": {"source": "mars"}}, "has no source 'mars'"),
    "no finding": ("decision", {"about": {"finding": "0" * 32}}, "no finding of entry 0 begins with 000"),
    "source and finding": ("decision", {"about": {"source": "nc", "finding": "0" * 32}}, "a source by its id, or"),
    "no scan": ("decision", {"about": {"source": "nc", "entry": 9}}, "has no entry 9"),
    "personal data": ("decision", {"reason": "ask li.hua1987@gmail.com"}, "personal data"),
    "no document": ("decision", {"documents": [{"file": "nothing.pdf"}]}, "is not there"),
    "another document": ("decision", {"documents": [{"file": "settings.txt", "sha256": "0" * 64}]}, "has the SHA-256"),
    "a phone of whoever signs": ("filter-run", {"by": BY | {"phone": "1"}}, "'phone' is not a key here"),
    "more than before": ("filter-run", {"counts": {"in": 1, "out": 2}}, "does not add records"),
    "more than were scanned": ("filter-run", {"counts": {"in": 4000, "out": 2}}, "4,000 records went in, it says, and entry 0 read 60"),
    "below nothing": ("filter-run", {"counts": {"in": 1, "out": -1}}, "minimum"),
    "of nothing": ("filter-run", {"inputs": []}, "inputs"),
    "half an input": ("derivation", {"inputs": [{"name": "a"}]}, "inputs"),
    "no entry": ("derivation", {"inputs": [{"entry": 5}]}, "has no entry 5"),
    "an absolute path": ("derivation", {"parameters": {"file": "/etc/passwd"}}, "relative to the form"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "changes", "sentence"), BAD.values(), ids=BAD)
def test_what_is_refused(world, shards, kind, changes, sentence):
    data = shards if kind == "derivation" else None
    with pytest.raises(ConfigError, match=sentence) as caught:
        pv.attest(world / "ledger", write(world, kind, **changes), data=data)
    assert "\n" not in str(caught.value)
    assert ledger.size(world / "ledger") == 1


@pytest.mark.parametrize("content", [b"", b"\xff", b"a: [", b"[]", b"1", b"attestation: [decision]", b"&a [*a]", b"x" * (forms.MOST_BYTES + 1), b"attestation: {a: b}"])  # fmt: skip
def test_what_is_no_form(world, content):
    (world / "form.yaml").write_bytes(content)
    with pytest.raises(ConfigError):
        pv.attest(world / "ledger", world / "form.yaml")


def test_outputs_go_with_what_has_some(world, shards):
    with pytest.raises(ConfigError, match="leave out --data"):
        pv.attest(world / "ledger", write(world, "decision"), data=shards)
    with pytest.raises(ConfigError, match="--data"):
        pv.attest(world / "ledger", write(world, "derivation"))


@pytest.mark.parametrize("entry", [1, 2])
def test_an_input_stands_before_it_and_is_data(world, verified, sealed_act, shards, entry):
    pv.sample(world / "ledger", 3, "p")
    form = forms.load_form(write(world, "derivation"))
    act = derivation.compose(world / "ledger", form, shards)
    sealed_act(world / "ledger", act, inputs=[{"entry": entry}])
    told = verified(world / "ledger")
    assert (told.code, told.status("acts")) == (1, "failed")


@pytest.mark.parametrize("change", [{"files": 2}, {"tree": {"alg": "rfc9162-sha256", "size": 3, "root": "0" * 64}}, {"lines": statement.object_path("ab" * 32)}])  # fmt: skip
def test_lies_about_what_came_out(world, verified, sealed_act, shards, change):
    act = derivation.compose(world / "ledger", forms.load_form(write(world, "derivation")), shards)
    sealed_act(world / "ledger", act, outputs=act.facts["outputs"] | change)
    told = verified(world / "ledger")
    assert (told.code, told.status("acts")) == (1, "failed")


@pytest.mark.parametrize("kind", FORMS)
def test_a_blank_form_asks_for_all_that_must_be(world, kind):
    blank = yaml.safe_load(actions.template(kind))
    schema = json.loads((forms.DATA_FOLDER / "schemas" / "forms" / f"{kind}.schema.json").read_text())
    assert set(schema["required"]) <= set(blank) <= set(schema["properties"])
    assert blank["attestation"] == kind
    (world / "form.yaml").write_text(actions.template(kind))
    with pytest.raises(ConfigError):  # nobody signs a blank form
        pv.attest(world / "ledger", world / "form.yaml", data=world / "data" if kind == "derivation" else None)


def test_the_command(world, shards, capfd):
    folder = str(world / "ledger")
    assert run(["attest", "--template", "derivation"]) == 0
    assert capfd.readouterr().out == actions.template("derivation")
    assert run(["attest", folder, str(write(world, "derivation")), "--data", str(shards)]) == 0
    assert "3 files came out; root over them " in capfd.readouterr().out
    (world / "one").mkdir()
    (world / "one" / "0.bin").write_bytes(b"\0")
    assert run(["attest", folder, str(write(world, "derivation")), "--data", str(world / "one")]) == 0
    assert "\n1 file came out; root over it " in capfd.readouterr().out
    assert run(["attest", folder, str(write(world, "decision"))]) == 0
    assert "Entry 3 of" in capfd.readouterr().out
    for wrong in ([], [folder], ["--template", "wish"], [folder, "--template", "decision"]):
        assert run(["attest", *wrong]) == 2, wrong
    capfd.readouterr()
