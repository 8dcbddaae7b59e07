"""SM2 co-signatures, verified by two other libraries than the one that made them."""

import base64
import json

import pytest

from provenance.ledger.exports import ExportRequest, write
from provenance.ledger.format import envelope

from .conftest import run

pytestmark = pytest.mark.full


@pytest.fixture
def signed(world, tmp_path):
    """A co-signature in pieces: key, signature, PAE."""
    if run("openssl", "genpkey", "-algorithm", "SM2", "-out", tmp_path / "sm2.pem").returncode:
        pytest.skip("needs an openssl with SM2")
    run("openssl", "pkey", "-in", tmp_path / "sm2.pem", "-pubout", "-out", tmp_path / "public")
    write(world / "ledger", tmp_path / "out", "sm2", ExportRequest(key=str(tmp_path / "sm2.pem")))
    value = json.loads((tmp_path / "out").read_bytes())
    (tmp_path / "signature").write_bytes(base64.b64decode(value["signatures"][0]["sig"]))
    (tmp_path / "pae").write_bytes(envelope.encode_pae(base64.b64decode(value["payload"])))
    return tmp_path / "public", tmp_path / "signature", tmp_path / "pae"


@pytest.mark.parametrize("harmed", [None, 1, 2])
@pytest.mark.parametrize("library", ["gmssl", "tongsuopy"])
def test_peers(peer, signed, library, harmed):
    if harmed:
        data = bytearray(signed[harmed].read_bytes())
        data[-1] ^= 1
        signed[harmed].write_bytes(data)
    told = peer(f"sm2_{library}.py", library, *signed)
    assert (told.returncode == 0) == (harmed is None), told.stderr
