"""Verify an SM2 signature with gmssl: KEY.pem SIGNATURE BYTES. Its identifier is the default of GM/T 0009."""

import base64
import sys
from pathlib import Path

from gmssl import sm2

pem, signature, data = (Path(word).read_bytes() for word in sys.argv[1:])
point = base64.b64decode(b"".join(pem.split(b"\n")[1:-2]))[-64:]
if not sm2.CryptSM2(private_key="", public_key=point.hex(), asn1=True).verify_with_sm3(signature.hex(), data):
    sys.exit("not verified")
print("verified")
