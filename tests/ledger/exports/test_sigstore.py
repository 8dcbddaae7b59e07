import hashlib
import json

from provenance.ledger.exports import ExportRequest, write


def test_a_bundle_holds_the_entrys_own_envelope_and_no_key(world, tmp_path):
    said, *_ = write(world / "ledger", tmp_path / "out", "sigstore", ExportRequest(0))
    bundle = json.loads((tmp_path / "out").read_bytes())
    assert bundle.pop("mediaType") == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle.pop("dsseEnvelope") == json.loads((world / "ledger/entries/00000000.dsse.json").read_bytes())
    pem = (world / "ledger/keys/statement.pub.pem").read_bytes()
    assert bundle == {"verificationMaterial": {"publicKey": {"hint": hashlib.sha256(pem).hexdigest()}}}
    blob = said.split()[-1]  # what cosign is to compare with the subject is there, and is the subject
    assert hashlib.sha256((world / "ledger" / blob).read_bytes()).hexdigest() == blob.split("/")[-1]
