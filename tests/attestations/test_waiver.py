import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import provenance as pv
from provenance import ledger
from provenance.attestations import actions, waiver
from provenance.cli import run
from provenance.core.digests import fingerprint
from provenance.errors import ConfigError
from provenance.ledger.keys import signing_keys
from provenance.pipeline import examine, guard
from provenance.pipeline.reproduce import reproduce
from provenance.profiles import waivers

pytestmark = pytest.mark.usefixtures("in_process")

MISSING = fingerprint("licence-missing", "bare")
FAR = "2999-12-31"
WHO = {"reason": "a licence is on file", "approver": "A. Reviewer", "expires": FAR}
ENVELOPE = "entries/00000001.co/approver.dsse.json"


def approver(world):
    return signing_keys.load_statement(str(world / "approver.pem"), "waiver").public_key()


def waived(world, **options):
    audit = pv.scan(world / "data", world / "ledger", **options)
    return audit, {row["check"]: row["waived"] for row in audit.tables["findings"].to_pylist()}


def test_a_waiver_holds_in_the_next_scan_and_the_finding_stays(world):
    before = pv.open_ledger(world / "ledger")
    entry = pv.waive(world / "ledger", MISSING, **WHO, approver_key=str(world / "approver.pem"))
    said = entry.statement["predicate"]
    assert said["finding"] == {"check": "licence-missing", "source": "bare", "entry": 0, "fingerprint": MISSING}
    assert said["approverKey"] == signing_keys.fingerprint(approver(world))
    audit, found = waived(world)
    said_of = rf"waived by person:approver:[0-9a-f]{{16}} until {FAR}: a licence is on file \(entry 1\)"
    assert re.fullmatch(said_of, found["licence-missing"])
    assert {name for name, text in found.items() if text} == {"licence-missing"}
    assert audit.tables["verdicts"].equals(before.tables["verdicts"])
    (told,) = audit.facts["waivers"]
    assert (told["entry"], told["approvedBy"], told["state"]) == (1, said["approverKey"], "holds")
    assert audit.facts["counts"]["waived"] == 1


def test_of_one_entry_the_approval_is_asked_too(world, verified, pins):
    pv.waive(world / "ledger", MISSING, **WHO)
    pem = signing_keys.public_pem(approver(world)).decode()
    asked = pins({"pem": pem, "roles": ["waiver"]})
    for entry in (None, 1):
        assert verified(world / "ledger", trust=asked, entry=entry).code == 3
    actions.approve(world / "ledger", 1, str(world / "approver.pem"))
    for entry in (None, 1):
        assert verified(world / "ledger", trust=asked, entry=entry).code == 0
    (world / "ledger" / ENVELOPE).write_bytes(b"{}")
    for entry in (None, 1):
        assert verified(world / "ledger", trust=asked, entry=entry).code == 1


def test_it_stands_beside_those_of_a_file(world, tmp_path):
    pv.waive(world / "ledger", MISSING, **WHO)
    file = tmp_path / "w.yaml"
    file.write_text(
        f"waivers:\n- {{check: licence-forbids-purpose, source: nc, reason: r, approver: B, expires: {FAR}}}\n"
    )
    audit, found = waived(world, waivers=file)
    assert {name for name, text in found.items() if text} == {"licence-missing", "licence-forbids-purpose"}
    assert [each.get("entry") for each in audit.facts["waivers"]] == [None, 1]
    assert re.match(r"waived by person:approver:[0-9a-f]{16} until", found["licence-forbids-purpose"])
    assert found["licence-missing"].endswith("(entry 1, signed by nobody but the operator)")


def of_file(tmp_path, *given):
    file = tmp_path / "w.yaml"
    file.write_text(json.dumps({"waivers": list(given)}))
    return file


def test_a_waiver_of_a_file_is_held_to_what_one_of_an_entry_is(world, tmp_path, verified, pins):
    """One rule for both ways: nobody but the operator approved it, whatever name stands in the file."""
    folder = world / "ledger"
    pem = {"pem": signing_keys.public_pem(approver(world)).decode(), "roles": ["waiver"], "name": "A. Reviewer"}
    pv.scan(world / "data", folder, waivers=of_file(tmp_path, WHO | {"fingerprint": MISSING}))
    for entry in (None, 1):
        told = verified(folder, entry=entry)
        assert (told.code, told.status("waivers")) == (0, "not checked")
        assert told.detail("waivers") == "scan 1: 1 waiver of a file, signed by nobody but the operator"
        told = verified(folder, trust=pins(pem), entry=entry)
        assert (told.code, told.status("waivers")) == (3, "failed")
        assert verified(folder, trust=pins(pem, waivers={"approvers": 0}), entry=entry).code == 0
    # the approver signs the same finding afterwards, for as long: then it is approved
    pv.waive(folder, MISSING, **WHO | {"expires": "2998-12-31"}, approver_key=str(world / "approver.pem"))
    assert verified(folder, trust=pins(pem)).code == 3
    pv.waive(folder, MISSING, **WHO, approver_key=str(world / "approver.pem"))
    assert verified(folder, trust=pins(pem)).code == 0


@pytest.mark.parametrize("given", ["expired", "matches nothing"])
def test_a_waiver_of_a_file_that_excused_nothing_is_not_held_against_anybody(world, tmp_path, verified, pins, given):
    pem = {"pem": signing_keys.public_pem(approver(world)).decode(), "roles": ["waiver"]}
    changes = {
        "expired": {"fingerprint": MISSING, "expires": "2001-01-01"},
        "matches nothing": {"fingerprint": "0" * 32},
    }
    pv.scan(world / "data", world / "ledger", waivers=of_file(tmp_path, WHO | changes[given]))
    assert verified(world / "ledger", trust=pins(pem)).code == 0


@pytest.mark.parametrize(
    "change", [{}, {"entry": 0}, {"entry": 1}, {"entry": 2}, {"entry": 1, "findings": [MISSING, "0" * 32]}]
)
def test_no_scan_makes_a_waiver_of_a_file_pass_for_one_that_was_approved(world, monkeypatch, verified, pins, change):
    """An operator may sign what he likes of a waiver: that it stands in an entry is looked up there."""
    folder = world / "ledger"
    pem = {"pem": signing_keys.public_pem(approver(world)).decode(), "roles": ["waiver"]}
    pv.waive(folder, MISSING, **WHO, approver_key=str(world / "approver.pem"))
    apply = examine.waiver_files.apply

    def forged(*asked):
        tables, said = apply(*asked)
        (only,) = said["waivers"]
        lie = {"fingerprint": "f" * 32, "findings": ["f" * 32]} | change
        return tables, said | {"waivers": [{key: value for key, value in only.items() if key != "entry"} | lie]}

    monkeypatch.setattr(examine.waiver_files, "apply", forged)
    pv.scan(world / "data", folder)
    told = verified(folder, trust=pins(pem))
    assert (told.code, told.status("waivers")) == (3, "failed")


@pytest.mark.parametrize("asked", [True, False])
def test_guard_lets_no_waiver_of_a_file_hold_where_approvers_are_asked_for(world, tmp_path, pins, asked):
    """`keys: any` passes over whose keys they are, not over who may excuse a finding."""
    folder, policy = world / "ledger", tmp_path / "policy.yaml"
    policy.write_text("policy: 1\nkeys: any\n")
    pem = {"pem": signing_keys.public_pem(approver(world)).decode(), "roles": ["waiver"]}
    trust = pins(pem, waivers={"approvers": int(asked)})
    listed = pv.open_ledger(folder).findings
    marks = listed[listed["severity"] == "error"]["fingerprint"].to_list()
    given = of_file(tmp_path, *(WHO | {"fingerprint": mark} for mark in marks))
    pv.scan(world / "data", folder, waivers=given)
    found = guard.inspect_data(world / "data", folder, guard.read_policy(policy), trust=trust)
    assert any("that no approver waived" in reason for reason in found.reasons) is asked
    for mark in marks:
        pv.waive(folder, mark, **WHO, approver_key=str(world / "approver.pem"))
    found = guard.inspect_data(world / "data", folder, guard.read_policy(policy), trust=trust)
    assert not any("waived" in reason for reason in found.reasons)


def test_its_document_is_a_file_that_scan_reads(world):
    entry = pv.waive(world / "ledger", MISSING, **WHO, evidence="cabinet 3")
    digest = entry.statement["subject"][0]["digest"]["sha256"]
    kept = (world / "ledger" / "objects" / "sha256" / digest[:2] / digest).read_bytes()
    (held,) = waivers.parse("waivers.yaml", kept)
    assert (held.fingerprint, held.reason, held.evidence) == (MISSING, WHO["reason"], "cabinet 3")


def test_an_expired_one_is_said_and_does_not_hold(world, monkeypatch):
    today = datetime.now(UTC).date()
    pv.waive(world / "ledger", MISSING, **WHO | {"expires": today.isoformat()})
    assert waived(world)[1]["licence-missing"]  # its last day
    monkeypatch.setattr("provenance.pipeline.scan._now", lambda: f"{today + timedelta(1)}T00:00:00Z")
    audit, found = waived(world)
    assert found["licence-missing"] is None
    assert "does not hold" in audit.tables["coverage"].to_pylist()[0]["reason"]
    assert audit.facts["waivers"][0]["state"] == "expired"


def test_a_short_fingerprint_is_enough(world):
    entry = pv.waive(world / "ledger", MISSING[:8], **WHO)
    assert entry.statement["predicate"]["finding"]["fingerprint"] == MISSING


# what is given, part of the sentence
REFUSED = {
    "a finding that is not there": ({"fingerprint": "0" * 32}, "no scan of"),
    "no fingerprint": ({"fingerprint": "licence-missing"}, "is no fingerprint"),
    "too short": ({"fingerprint": MISSING[:7]}, "is no fingerprint"),
    "past": ({"expires": "2020-01-01"}, "is past"),
    "no day": ({"expires": "soon"}, "soon is no date: write it as 2030-01-31"),
    "empty": ({"fingerprint": ""}, "the fingerprint is empty"),
    "no reason": ({"reason": "  "}, "the reason is empty"),
    "a novel": ({"reason": "x" * 2001}, "at most 2,000 characters"),
    "a long name": ({"approver": "x" * 201}, "at most 200 characters"),
    "personal data": ({"reason": "ask li.hua1987@gmail.com"}, "personal data"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(world, change, sentence):
    given = {"fingerprint": MISSING, **WHO, **change}
    with pytest.raises(ConfigError, match=sentence):
        pv.waive(world / "ledger", **given)
    assert ledger.size(world / "ledger") == 1


def test_tables_that_are_withheld_are_not_said_to_hold_nothing(world):
    for path in (world / "ledger" / "scans").glob("0*/findings.parquet"):
        path.unlink()
    with pytest.raises(ConfigError, match=r"scans/00000000/findings.parquet is withheld; ask whoever holds the whole"):
        pv.waive(world / "ledger", MISSING, **WHO)


def test_no_ledger(tmp_path):
    with pytest.raises(ConfigError, match="is no ledger"):
        pv.waive(tmp_path, MISSING, **WHO)


def test_whose_approval_counts(world, verified, pins):
    folder = world / "ledger"
    pem = {"pem": signing_keys.public_pem(approver(world)).decode(), "roles": ["waiver"], "name": "A. Reviewer"}
    pv.waive(folder, MISSING, **WHO)
    told = verified(folder)
    assert (told.code, told.status("waivers"), told.status("acts")) == (0, "not checked", "ok")
    assert told.detail("waivers") == "waiver 1: approved by nobody but the operator"
    assert verified(folder, trust=pins()).code == 0
    told = verified(folder, trust=pins(pem))  # who pins an approver asks for one
    assert (told.code, told.status("waivers")) == (3, "failed")
    assert verified(folder, trust=pins(pem, waivers={"approvers": 0})).code == 0

    actions.approve(folder, 1, str(world / "approver.pem"))
    told = verified(folder)
    assert (told.code, told.status("waivers")) == (0, "not checked")
    assert "which nobody pinned for waivers" in told.detail("waivers")
    told = verified(folder, trust=pins(pem))
    by = f"waiver 1: approved by {signing_keys.fingerprint(approver(world))}"
    assert (told.code, told.status("waivers"), told.detail("waivers")) == (0, "ok", f"{by} (A. Reviewer)")
    nameless = {name: pem[name] for name in ("pem", "roles")}
    assert verified(folder, trust=pins(nameless)).detail("waivers").startswith(f"{by} (pinned in ")
    assert verified(folder, trust=pins(pem | {"roles": ["log"]})).status("waivers") == "not checked"
    assert waived(world)[1]["licence-missing"].endswith("(entry 1)")


def test_the_operator_is_no_approver_even_if_pinned_so(world, verified, pins):
    folder, own = world / "ledger", ledger.user_keys()
    mine = world / "home" / "keys" / "statement.pem"
    pv.waive(folder, MISSING, **WHO)
    with pytest.raises(ConfigError, match="signed with this key already"):
        actions.approve(folder, 1, str(mine))
    # copied by hand, the entry's own envelope is still nobody else's approval
    (folder / ENVELOPE).parent.mkdir()
    (folder / ENVELOPE).write_bytes((folder / "entries" / "00000001.dsse.json").read_bytes())
    pem = {"pem": signing_keys.public_pem(own.statement.public_key()).decode(), "roles": ["waiver"]}
    told = verified(folder, trust=pins(pem))
    assert (told.code, told.status("waivers")) == (3, "failed")
    assert told.detail("waivers") == "waiver 1: approved by nobody but the operator"


def test_only_the_key_that_it_names_approves(world, verified, pins):
    folder = world / "ledger"
    pv.waive(folder, MISSING, **WHO, approver_key=str(world / "approver.pem"))
    other = world / "other.pem"
    made = ec.generate_private_key(ec.SECP256R1())
    other.write_bytes(
        made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / ENVELOPE).unlink()
    with pytest.raises(ConfigError, match="names SHA256:"):
        actions.approve(folder, 1, str(other))
    from provenance.ledger.log import entry_cosignatures

    entry_cosignatures.cosign(folder, 1, "approver", made)  # around the command
    pem = {"pem": signing_keys.public_pem(made.public_key()).decode(), "roles": ["waiver"]}
    assert verified(folder, trust=pins(pem)).code == 3
    assert waived(world)[1]["licence-missing"].endswith("signed by nobody but the operator)")


def test_a_trust_file_that_asks_for_approvers_pins_one(pins, world, verified):
    assert verified(world / "ledger", trust=pins(waivers={"approvers": 1})).code == 2


def test_a_waiver_of_what_no_scan_found_does_not_verify(world, verified, sealed_act):
    act = waiver.compose(world / "ledger", MISSING, **WHO)
    sealed_act(world / "ledger", act, finding=act.facts["finding"] | {"fingerprint": "0" * 32})
    told = verified(world / "ledger")
    assert (told.code, told.detail("acts")) == (1, "waiver 1: entry 0 has no such finding")


def test_a_scan_that_applied_it_is_reproduced(world):
    """Signed later, the waiver still reads as it did when the scan was made."""
    folder = world / "ledger"
    pv.waive(folder, MISSING, **WHO)
    waived(world)
    actions.approve(folder, 1, str(world / "approver.pem"))
    assert [each.table for each in reproduce(folder, world / "data", 2).tables if not each.same] == []


@pytest.mark.parametrize("entry", [1, 7])
def test_a_waiver_of_what_is_still_to_come_does_not_verify(world, verified, sealed_act, entry):
    act = waiver.compose(world / "ledger", MISSING, **WHO)
    sealed_act(world / "ledger", act, finding=act.facts["finding"] | {"entry": entry})
    assert (
        verified(world / "ledger").code,
        "does not stand before it" in verified(world / "ledger").detail("acts"),
    ) == (1, True)


def test_an_approver_with_the_operators_own_key_is_refused_before_anything_is_signed(world, capfd):
    own = str(signing_keys.user_keys().folder)
    given = ["--reason", "on file", "--approver", "A. R.", "--expires", FAR, "--key", own, "--approver-key", own]
    assert run(["waive", str(world / "ledger"), MISSING, *given]) == 2
    assert "the approver's key is the one that signs the entry" in capfd.readouterr().err
    assert ledger.size(world / "ledger") == 1


def test_the_command(world, capfd):
    folder, key = str(world / "ledger"), str(world / "approver.pem")
    given = ["--reason", "on file", "--approver", "A. R.", "--expires", FAR]
    assert run(["waive", folder, MISSING, *given]) == 0
    assert f"waive {folder} --sign 1 --approver-key URI" in capfd.readouterr().out
    assert run(["waive", folder, "--sign", "1", "--approver-key", key]) == 0
    assert "Waiver 1 of" in capfd.readouterr().out
    for wrong in (["--sign", "0", "--approver-key", key], ["--sign", "9", "--approver-key", key], ["--sign", "1"],
                  [MISSING, "--sign", "1", "--approver-key", key], [MISSING], [], [*given]):  # fmt: skip
        assert run(["waive", folder, *wrong]) == 2, wrong
        assert capfd.readouterr().err
