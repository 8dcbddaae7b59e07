"""What authorities revoke: lists made with openssl, held against what openssl says of the same certificates."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from provenance import ledger
from provenance.cli import run
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import append
from provenance.ledger.witness import checkpoint_evidence, revocation_lists, timestamp_client, timestamps

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
MIDDLE = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"


@pytest.fixture(scope="module")
def tsa(make_authority):
    return make_authority(name="tsa")


@pytest.fixture(scope="module")
def chained(make_authority):
    return make_authority(name="tsa", middle=MIDDLE)


@pytest.fixture
def folder(world):
    return world / "ledger"


@pytest.fixture
def trusting(world, tmp_path):
    def write(authority, minimum=1):
        pins = [
            {"pem": signing_keys.public_pem(key).decode(), "roles": ["statement", "log"]}
            for key in signing_keys.own_public()
        ]
        path = tmp_path / "trust.yaml"
        pinned = {"authorities": [{"pem": authority.pem, "name": "an authority"}], "minimum": minimum}
        path.write_text(yaml.safe_dump({"keys": pins, "timestamps": pinned}))
        return path

    return write


def held(authority, name):
    certificate = x509.load_pem_x509_certificate((authority.folder / f"{name}.pem").read_bytes())
    key = serialization.load_pem_private_key((authority.folder / f"{name}.key").read_bytes(), None)
    return certificate, key


def listed(authority, *revoked, by="root", made=NOW + DAY, critical=False, key=None):
    """A list of an authority: (holder, reason or None, time) of each that is revoked; DER."""
    issuer, its_key = held(authority, by)
    made_by = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
    made_by = made_by.last_update(made).next_update(made + 7 * DAY)
    for holder, reason, when in revoked:
        certificate, _ = held(authority, holder)
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(when)
        entry = entry.add_extension(x509.CRLReason(reason), critical=False) if reason else entry
        made_by = made_by.add_revoked_certificate(entry.build())
    if critical:
        made_by = made_by.add_extension(x509.DeltaCRLIndicator(1), critical=True)
    return made_by.sign(key or its_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def stamp(folder, authority, size=None, *, chain=False):
    query, _ = timestamp_client.request_for(folder, size)
    return checkpoint_evidence.add_timestamp(folder, authority.answer(query, chain=chain), query)[1]


def stamped(found):
    return next(each for each in found.steps if each.name == "timestamps")


REASONS = x509.ReasonFlags
BEFORE, AFTER = NOW - 2 * DAY, NOW + DAY / 2
GOOD = "made afterwards, revoke no certificate"
UNKNOWN = "whether a certificate was revoked is unknown"


@pytest.mark.parametrize(
    ("revoked", "made", "code", "said"),
    [
        ([], NOW + DAY, 0, GOOD),
        ([], NOW - DAY, 0, UNKNOWN),  # what it says ends before the timestamp was made
        ([("tsa", REASONS.superseded, AFTER)], NOW + DAY, 0, GOOD),
        ([("tsa", REASONS.cessation_of_operation, AFTER)], NOW + DAY, 0, GOOD),
        ([("tsa", REASONS.superseded, BEFORE)], NOW + DAY, 3, "(superseded)"),
        ([("tsa", REASONS.key_compromise, AFTER)], NOW + DAY, 3, "(keyCompromise)"),
        ([("tsa", None, AFTER)], NOW + DAY, 3, "(no reason is given)"),
        ([("tsa", REASONS.key_compromise, BEFORE)], NOW - DAY, 3, "(keyCompromise)"),
        ([("root", REASONS.key_compromise, BEFORE)], NOW + DAY, 0, GOOD),  # a root stands for itself
    ],
)
def test_what_a_list_says_decides(folder, trusting, tsa, revoked, made, code, said):
    name = stamp(folder, tsa)
    path, _, spoken = checkpoint_evidence.add_revocations(folder, listed(tsa, *revoked, made=made))
    assert (path, spoken) == ("checkpoints/2.crl", [name])
    found = ledger.verify(folder, trust=trusting(tsa), strict=True)
    assert found.exit_code == code, found.lines()
    assert said in stamped(found).detail
    assert ("existed before" in stamped(found).detail) == (code == 0)


def test_one_entry_is_judged_by_them_too(folder, trusting, tsa):
    stamp(folder, tsa)
    asked = trusting(tsa)
    assert ledger.verify(folder, trust=asked, entry=0).exit_code == 0
    checkpoint_evidence.add_revocations(folder, listed(tsa, ("tsa", REASONS.key_compromise, AFTER)))
    assert ledger.verify(folder, trust=asked, entry=0).exit_code == 3


def test_a_list_that_its_authority_did_not_sign_is_not_taken(folder, chained):
    stamp(folder, chained, chain=True)
    _, other = held(chained, "tsa")
    with pytest.raises(VerificationError, match="not signed by CN=tsa middle"):
        checkpoint_evidence.add_revocations(folder, listed(chained, by="middle", key=other))
    checkpoint_evidence.add_revocations(folder, listed(chained, by="middle"))


def test_openssl_agrees(tsa, tmp_path):
    """Of a certificate that is on a list, and of one that is not."""
    for number, revoked in enumerate(([], [("tsa", REASONS.key_compromise, BEFORE)])):
        data = listed(tsa, *revoked, made=NOW)
        pem = x509.load_der_x509_crl(data).public_bytes(serialization.Encoding.PEM)
        (tsa.folder / "list.pem").write_bytes(pem)
        assert revocation_lists.stored_form(pem) == data
        command = ["verify", "-crl_check", "-CAfile", "root.pem", "-CRLfile", "list.pem", "tsa.pem"]
        try:
            tsa.openssl(*command)
            accepted = True
        except subprocess.CalledProcessError:
            accepted = False
        (certificate, _), (root, _) = held(tsa, "tsa"), held(tsa, "root")
        status = revocation_lists.status((certificate, root), NOW, {root: [revocation_lists.read(data)]})
        assert accepted == (status.state == "good") == (number == 0)


def test_every_certificate_on_the_way_is_looked_for(folder, trusting, chained):
    stamp(folder, chained, chain=True)
    checkpoint_evidence.add_revocations(folder, listed(chained, by="middle"))
    assert UNKNOWN in stamped(ledger.verify(folder, trust=trusting(chained))).detail
    checkpoint_evidence.add_revocations(folder, listed(chained))
    assert GOOD in stamped(ledger.verify(folder, trust=trusting(chained))).detail
    checkpoint_evidence.add_revocations(
        folder, listed(chained, ("middle", REASONS.ca_compromise, BEFORE), made=NOW + 2 * DAY)
    )
    found = ledger.verify(folder, trust=trusting(chained))
    assert (found.exit_code, "(cACompromise)" in stamped(found).detail) == (3, True)


def test_an_entry_that_nobody_can_read_hides_no_other(tsa):
    (certificate, _), (root, key) = held(tsa, "tsa"), held(tsa, "root")
    reason = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.21"), b"\xff")  # a reason that is none
    entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(BEFORE)
    made_by = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    made_by = made_by.last_update(NOW + DAY).next_update(NOW + 7 * DAY)
    made_by = made_by.add_revoked_certificate(entry.add_extension(reason, critical=False).build())
    odd = revocation_lists.read(made_by.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    clear, revoking = (
        revocation_lists.read(listed(tsa, *revoked)) for revoked in ([], [("tsa", REASONS.key_compromise, BEFORE)])
    )
    for lists, state in (([odd], "unknown"), ([odd, clear], "unknown"), ([odd, revoking], "revoked")):
        assert revocation_lists.status((certificate, root), NOW, {root: lists}).state == state


def test_a_later_list_speaks_of_older_timestamps(folder, trusting, tsa, sealed):
    stamp(folder, tsa)
    ledger.append(folder, sealed, {}, sealed.facts(), keys=ledger.user_keys())
    stamp(folder, tsa)
    name, _, spoken = checkpoint_evidence.add_revocations(folder, listed(tsa, ("tsa", REASONS.key_compromise, AFTER)))
    assert (name, len(spoken)) == ("checkpoints/3.crl", 2)
    assert "checkpoints/2.tsr (and 1 more) does not count" in stamped(ledger.verify(folder, trust=trusting(tsa))).detail


def test_every_flipped_byte_of_a_list_is_found(folder, trusting, tsa):
    stamp(folder, tsa)
    name, _, _ = checkpoint_evidence.add_revocations(folder, listed(tsa))
    asked, whole = trusting(tsa), (folder / name).read_bytes()
    for at in range(len(whole)):
        (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = ledger.verify(folder, trust=asked)
        issuer = found.exit_code == 0 and "not pinned" in stamped(found).detail  # then it is another authority's
        assert found.exit_code == 1 or issuer, at
        assert GOOD not in stamped(found).detail
    for data in (b"", whole[:-1], whole + b"\0", whole * 2, b"\x30\x00"):
        (folder / name).write_bytes(data)
        assert ledger.verify(folder, trust=asked).exit_code == 1


def test_what_is_of_no_use_is_not_taken(folder, tsa, make_authority):
    with pytest.raises(ConfigError, match="no timestamp"):
        checkpoint_evidence.add_revocations(folder, listed(tsa))
    stamp(folder, tsa)
    with pytest.raises(ConfigError, match="no timestamp"):
        checkpoint_evidence.add_revocations(folder, listed(make_authority(name="another")))
    with pytest.raises(VerificationError, match="a part of a list"):
        checkpoint_evidence.add_revocations(folder, listed(tsa, critical=True))
    for data in (b"", b"x", b"-----BEGIN X509 CRL-----\n", (folder / "checkpoints/2.tsr").read_bytes()):
        with pytest.raises(VerificationError, match="no list"):
            checkpoint_evidence.add_revocations(folder, data)
    checkpoint_evidence.add_revocations(folder, listed(tsa))
    with pytest.raises(ConfigError, match=r"there already: checkpoints/2\.crl"):
        checkpoint_evidence.add_revocations(folder, (folder / "checkpoints/2.crl").read_bytes())
    assert sorted(path.name for path in (folder / "checkpoints").glob("*.crl")) == ["2.crl"]


def test_a_forged_list_revokes_nothing_and_is_told(folder, trusting, tsa):
    stamp(folder, tsa)
    _, other = held(tsa, "tsa")
    forged = listed(tsa, ("tsa", REASONS.key_compromise, BEFORE), key=other)
    append.amend(folder, {checkpoint_evidence.revocations_paths(2)[0]: lambda _: forged})
    found = ledger.verify(folder, trust=trusting(tsa))
    assert found.exit_code == 1
    assert "checkpoints/2.crl: it is not signed by CN=tsa root" in stamped(found).detail


def test_a_renewal_lists_it(folder, tsa, trusting):
    from provenance.attestations import actions

    stamp(folder, tsa)
    checkpoint_evidence.add_revocations(folder, listed(tsa))
    entry, _ = actions.renew(folder)
    data = (folder / "objects").rglob(entry.statement["subject"][0]["digest"]["sha256"])
    assert "checkpoints/2.crl" in {item["path"] for item in json.loads(next(data).read_bytes())["covers"]}
    assert ledger.verify(folder, strict=True).exit_code == 0
    (folder / "checkpoints" / "2.crl").write_bytes(listed(tsa, made=NOW + 3 * DAY))
    assert ledger.verify(folder).exit_code == 1


def test_the_command_line(folder, tsa, tmp_path, capsys):
    stamp(folder, tsa)
    (tmp_path / "list.crl").write_bytes(listed(tsa))
    assert run(["timestamp", "revocations", str(folder), str(tmp_path / "list.crl")]) == 0
    said = capsys.readouterr().out
    assert "checkpoints/2.crl: CN=tsa root says what it had revoked by" in said
    assert "It speaks of checkpoints/2.tsr" in said
    assert run(["timestamp", "revocations", str(folder), str(tmp_path / "none")]) == 2
    (tmp_path / "list.crl").write_bytes(b"x")
    capsys.readouterr()
    assert run(["timestamp", "revocations", str(folder), str(tmp_path / "list.crl")]) == 2
    assert "list.crl cannot be used: " in capsys.readouterr().err
    assert timestamps.read((folder / layout.note_path(2)).with_suffix(".tsr").read_bytes()).name == "CN=tsa"
