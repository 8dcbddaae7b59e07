"""Timestamp authorities made with openssl on the spot, for the tests: no network, no clock but theirs."""

import hashlib
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LEAF = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE"
ROOT = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
KEYS = {
    "ec": ("EC", "ec_paramgen_curve:prime256v1"),
    "p384": ("EC", "ec_paramgen_curve:P-384"),
    "rsa": ("RSA", "rsa_keygen_bits:2048"),
}
CONFIGURATION = """[a]
serial=serial
signer_digest={digest}
default_policy=1.2.3.4.1
digests=sha256,sha384,sha512
accuracy=secs:1
ess_cert_id_alg={ess}
"""


def openssl(folder, *arguments, check=True):
    return subprocess.run(["openssl", *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=check)


@dataclass(frozen=True)
class Authority:
    """A folder with root.pem, perhaps middle.pem, tsa.pem, tsa.key and a configuration."""

    folder: Path

    @property
    def pem(self):
        return (self.folder / "root.pem").read_text()

    @property
    def roots(self):
        return x509.load_pem_x509_certificates(self.pem.encode())

    def openssl(self, *arguments):
        """Run openssl in the authority's folder."""
        return openssl(self.folder, *arguments)

    def answer(self, query, *, chain=False):
        """Answer a request as `openssl ts -reply` does, at this machine's time."""
        (self.folder / "query.tsq").write_bytes(query)
        more = ["-chain", "middle.pem"] if chain else []
        openssl(
            self.folder, "ts", "-reply", "-config", "tsa.cnf", "-section", "a", "-queryfile", "query.tsq",
            "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "answer.tsr", *more,
        )  # fmt: skip
        return (self.folder / "answer.tsr").read_bytes()

    def forge(self, query, *, chain=False):
        """Answer with whatever certificate it has: openssl signs only with one that is for timestamps.

        So the response is put together by hand, see `forged`.
        """
        return forged(self, query, chain)

    def accepts(self, response, note, when=None):
        """Ask openssl whether it verifies: the oracle."""
        (self.folder / "asked.tsr").write_bytes(response)
        (self.folder / "note").write_bytes(note)
        at = ["-attime", str(int(when.timestamp()))] if when else []
        done = openssl(
            self.folder, "ts", "-verify", "-data", "note", "-in", "asked.tsr", "-CAfile", "root.pem", *at, check=False
        )
        return done.returncode == 0


def authority(
    folder, *, kind="ec", leaf=LEAF, root=ROOT, middle=None, name="tsa", digest="sha256", ess="sha256", days=30
):
    """Make an authority; of fewer days than none, its certificate had expired before it was made."""
    folder.mkdir(parents=True)
    for holder in ("root", "tsa", *(["middle"] if middle else [])):
        algorithm, option = KEYS[kind]
        openssl(folder, "genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", f"{holder}.key")
    (folder / "root.cnf").write_text(f"[req]\ndistinguished_name=n\nx509_extensions=x\n[n]\n[x]\n{root}\n")
    openssl(
        folder, "req", "-x509", "-new", "-key", "root.key", "-days", 3650, "-subj", f"/CN={name} root",
        "-config", "root.cnf", "-out", "root.pem",
    )  # fmt: skip
    issuer = "root"
    if middle:
        _issue(folder, "middle", issuer, f"{name} middle", middle, 3000)
        issuer = "middle"
    _issue(folder, "tsa", issuer, name, leaf, days)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(digest=digest, ess=ess))
    return Authority(folder)


def _issue(folder, holder, issuer, name, extensions, days):
    openssl(folder, "req", "-new", "-key", f"{holder}.key", "-subj", f"/CN={name}", "-out", f"{holder}.csr")
    (folder / f"{holder}.ext").write_text(extensions + "\n")
    openssl(
        folder, "x509", "-req", "-in", f"{holder}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key",
        "-CAcreateserial", "-days", days, "-extfile", f"{holder}.ext", "-out", f"{holder}.pem",
    )  # fmt: skip


def element(tag, *contents):
    """DER, written apart from the package's own."""
    content = b"".join(contents)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(octets)]) + octets + content


def forged(authority, query, chain):
    """A response by an authority that openssl would not sign for, put together by hand (RFC 5652, RFC 3161)."""
    identifiers = {
        name: bytes.fromhex(value)
        for name, value in {
            "signed-data": "06092a864886f70d010702",
            "tst-info": "060b2a864886f70d0109100104",
            "content-type": "06092a864886f70d010903",
            "message-digest": "06092a864886f70d010904",
            "signing-certificate": "060b2a864886f70d010910022f",
            "sha256": "0609608648016503040201",
            "ecdsa-sha256": "06082a8648ce3d040302",
        }.items()
    }
    leaf, *middle = (
        x509.load_pem_x509_certificate((authority.folder / f"{name}.pem").read_bytes())
        for name in ("tsa", *(["middle"] if chain else []))
    )
    encoded = [item.public_bytes(serialization.Encoding.DER) for item in (leaf, *middle)]
    sha256 = element(0x30, identifiers["sha256"], b"\x05\x00")
    imprint = query[5 : 5 + query[6] + 2]  # after SEQUENCE and version
    when = datetime.now(UTC).strftime("%Y%m%d%H%M%SZ").encode()
    info = element(0x30, b"\x02\x01\x01", b"\x06\x03\x2a\x03\x04", imprint, b"\x02\x01\x07", element(0x18, when))
    digest = hashlib.sha256(encoded[0]).digest()
    attributes = b"".join(
        element(0x30, identifiers[name], element(0x31, value))
        for name, value in (
            ("content-type", identifiers["tst-info"]),
            ("message-digest", element(4, hashlib.sha256(info).digest())),
            ("signing-certificate", element(0x30, element(0x30, element(0x30, element(4, digest))))),
        )
    )
    key = serialization.load_pem_private_key((authority.folder / "tsa.key").read_bytes(), None)
    serial = leaf.serial_number
    signer = element(
        0x30,
        b"\x02\x01\x01",
        element(0x30, leaf.issuer.public_bytes(), element(2, serial.to_bytes(serial.bit_length() // 8 + 1, "big"))),
        sha256,
        element(0xA0, attributes),
        element(0x30, identifiers["ecdsa-sha256"]),
        element(4, key.sign(element(0x31, attributes), ec.ECDSA(hashes.SHA256()))),
    )
    signed = element(
        0x30,
        b"\x02\x01\x03",
        element(0x31, sha256),
        element(0x30, identifiers["tst-info"], element(0xA0, element(4, info))),
        element(0xA0, *encoded),
        element(0x31, signer),
    )
    return element(
        0x30, element(0x30, b"\x02\x01\x00"), element(0x30, identifiers["signed-data"], element(0xA0, signed))
    )
