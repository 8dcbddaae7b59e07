"""DSSE envelopes: one payload, one ECDSA P-256 signature, one byte string that says it.

DSSE 1.0.2 signs the exact bytes of the payload, so that no canonical form is needed to verify. Canonical bytes are
asked of the *file* all the same: white space, base64 variants or an unsigned extra key would be changes that nobody
notices.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from provenance.core.digests import canonical
from provenance.errors import BadSignature, ConfigError, VerificationError, cut
from provenance.ledger.keys import signers
from provenance.ledger.keys.signing_keys import fingerprint
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.ledger.keys.signers import StatementSigner

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST_VALUES = 1 << 21
"""The most values of JSON that are read: an answer of ten thousand records has half as many."""

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)
_SIGNATURE_ALGORITHM = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and who signed it.

    Args:
        payload: the signed bytes, an in-toto Statement.
        keyid: OpenSSH SHA256 fingerprint of the signer's key.
        signature: DER of (r, s).
    """

    payload: bytes
    keyid: str
    signature: bytes

    @property
    def leaf_hash(self) -> bytes:
        """The entry's leaf hash: SHA-256(0x00 || PAE). Signatures are outside, so co-signatures change no history."""
        return merkle.hash_leaf(encode_pae(self.payload))

    @property
    def to_bytes(self) -> bytes:
        """The envelope's file: canonical JSON, one signature."""
        return _write_envelope(self)


def encode_pae(payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSE's pre-authentication encoding.

    Args:
        payload: the statement's bytes.

    Returns:
        `DSSEv1 <length> <type> <length> <payload>` (DSSE 1.0.2, protocol.md).
    """
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def seal_payload(payload: bytes, key: ec.EllipticCurvePrivateKey | StatementSigner) -> bytes:
    """Sign a payload.

    Args:
        payload: the statement's bytes.
        key: the statement key, P-256, or what signs with it.

    Returns:
        The envelope's file: canonical JSON, one signature.

    Raises:
        ConfigError: what was to sign did not sign with that key.
    """
    signer = signers.statement_signer(key)
    public = signer.public_key()
    try:
        r, s = decode_dss_signature(signer.sign(encode_pae(payload)))
        # (r, s) and (r, n - s) both verify; only the lower is ever written, so that a signature has one form.
        made = Envelope(payload, fingerprint(public), encode_dss_signature(r, min(s, _P256_ORDER - s)))
        check_signature(made, public)  # hardware and clouds may hold another key than the one they were asked for
    except (ValueError, BadSignature) as cause:
        raise ConfigError(f"what signs for {fingerprint(public)} did not sign with that key") from cause
    return _write_envelope(made)


def read_envelope(data: bytes) -> Envelope:
    """Read an envelope's file, strictly.

    Args:
        data: the file's bytes.

    Returns:
        The envelope; its signature is not checked yet.

    Raises:
        VerificationError: it is not a DSSE envelope of a statement with one signature, or not in canonical form.
    """
    try:
        value = parse_json(data)
        found = Envelope(
            payload=base64.b64decode(value["payload"], validate=True),
            keyid=value["signatures"][0]["keyid"],
            signature=base64.b64decode(value["signatures"][0]["sig"], validate=True),
        )
        payload_type, same = value["payloadType"], _write_envelope(found) == data
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as cause:
        raise VerificationError("it is not a DSSE envelope with one signature") from cause
    if payload_type != PAYLOAD_TYPE:
        raise VerificationError(f"its payload type is not {PAYLOAD_TYPE}")
    if not same or not isinstance(found.keyid, str):
        raise VerificationError("it is not in canonical form: bytes were changed outside the signature")
    return found


def find_signer(envelope: Envelope, known: Mapping[str, object]) -> ec.EllipticCurvePublicKey:
    """Find the key that an envelope names; its signature is not checked.

    Args:
        envelope: what `read_envelope` returned.
        known: keys at hand, of any kind, by fingerprint.

    Returns:
        The key.

    Raises:
        VerificationError: it is not among them, or signs no statements.
    """
    key = known.get(envelope.keyid)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise VerificationError(f"the entry's key {envelope.keyid} is neither pinned nor beside it")
    return key


def check_signature(envelope: Envelope, key: ec.EllipticCurvePublicKey) -> None:
    """Check an envelope's signature over its pre-authentication encoding.

    Args:
        envelope: what `read_envelope` returned.
        key: the signer's public key.

    Raises:
        BadSignature: the signature is not by this key over these bytes, is not strict DER, or has a high s.
    """
    try:
        r, s = decode_dss_signature(envelope.signature)
        if encode_dss_signature(r, s) != envelope.signature or s > _P256_ORDER - s:
            raise BadSignature("the signature is not in its one canonical form (strict DER, low s)")
        key.verify(envelope.signature, encode_pae(envelope.payload), _SIGNATURE_ALGORITHM)
    except (InvalidSignature, ValueError) as cause:
        raise BadSignature(f"the signature is not by {fingerprint(key)} over these bytes") from cause


def parse_json(data: bytes, values: int = MOST_VALUES) -> Any:
    """Parse JSON strictly: no duplicate keys, no keys that differ in case only, no NaN.

    Args:
        data: UTF-8.
        values: how many numbers, texts, keys, arrays and objects it may hold.

    Returns:
        The value.

    Raises:
        VerificationError: the bytes are not such JSON.
    """
    _check_count(data, values)
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as cause:
        raise VerificationError(f"it is not strict JSON: {cut(cause)}") from cause


def _check_count(data: bytes, values: int) -> None:
    """Refuse bytes that would be millions of values: each costs a hundred times its bytes, and time to look at it."""
    if sum(map(data.count, (b",", b"[", b"{", b":"))) <= values:
        return  # of those, texts may hold some
    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if bare.count(b'"') <= 2 * values:
        outside = b"".join(bare.split(b'"')[::2])
        if sum(map(outside.count, (b",", b"[", b"{", b":"))) <= values:
            return
    raise VerificationError(f"it holds more than {values:,} values")


def _write_envelope(envelope: Envelope) -> bytes:
    signature = {"keyid": envelope.keyid, "sig": base64.b64encode(envelope.signature).decode()}
    payload = base64.b64encode(envelope.payload).decode()
    return canonical({"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": [signature]})


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key.casefold() for key, _ in pairs}) != len(pairs):
        raise ValueError("an object holds two keys that are equal or differ in case only")
    return dict(pairs)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
