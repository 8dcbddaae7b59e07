"""Verify a DSSE envelope, and a blob that is to be its subject, with sigstore-python: KEY.pem ENVELOPE BLOB.

It offers no public way to verify by a key that is not in a certificate; its private functions are what it uses itself.
"""

import hashlib
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sigstore import dsse
from sigstore.hashes import Hashed
from sigstore_models.common.v1 import HashAlgorithm

pem, envelope, blob = (Path(word).read_bytes() for word in sys.argv[1:])
payload = dsse._verify(load_pem_public_key(pem), dsse.Envelope._from_json(envelope))
digest = hashlib.sha256(blob).digest()
if not dsse.Statement(payload)._matches_digest(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest)):
    sys.exit("the blob is not its subject")
print("verified, and the blob is its subject")
