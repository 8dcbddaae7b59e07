"""Verify an SM2 signature with tongsuopy: KEY.pem SIGNATURE BYTES."""

import sys
from pathlib import Path

from tongsuopy.crypto import hashes, serialization
from tongsuopy.crypto.asymciphers import ec

pem, signature, data = (Path(word).read_bytes() for word in sys.argv[1:])
key = serialization.load_pem_public_key(pem)
key.verify(signature, data, ec.ECDSA(hashes.SM3()))
print("verified")
