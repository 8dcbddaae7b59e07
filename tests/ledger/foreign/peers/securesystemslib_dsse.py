"""Verify a DSSE envelope with securesystemslib: KEY.pem KEYID ENVELOPE."""

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

pem, keyid, envelope = sys.argv[1:]
key = SSlibKey.from_crypto(load_pem_public_key(Path(pem).read_bytes()), keyid=keyid)
found = Envelope.from_dict(json.loads(Path(envelope).read_bytes())).verify([key], 1)
print("verified by", *found)
