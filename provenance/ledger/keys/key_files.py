"""Private keys as files: PKCS#8, encrypted under a password with scrypt, written once and for nobody else.

`cryptography` encrypts PKCS#8 with 2,048 rounds of PBKDF2 and has no knob for more, which a stolen file does not
withstand; so the structure is written here. OpenSSL and `cryptography` read the result. Reading is bounded: what a
key file asks of memory and time is looked at before it is computed.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

from provenance.errors import ConfigError, VerificationError
from provenance.ledger.keys import der
from provenance.ledger.keys import pem as pem_text

if TYPE_CHECKING:
    from pathlib import Path

PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey

MOST_BYTES = 1 << 16
"""Bytes of the largest key file that is read; a PEM file of two keys has some 500."""

# OpenSSL gives scrypt 32 MiB, and `openssl pkey` cannot be told to give more: N = 2^14 with r = 8 takes 16. With p = 5
# that is one of the settings which OWASP's Password Storage Cheat Sheet holds to be equally strong.
_SCRYPT_COST, _SCRYPT_BLOCK, _SCRYPT_PARALLEL = 1 << 14, 8, 5
_MOST_MEMORY = 1 << 26  # bytes that a key file's scrypt may take: 128 N r (RFC 7914, section 2)
_MOST_WORK = 1 << 23  # the most N r p: some ten times ours
_MOST_ROUNDS = 10_000_000  # the most rounds of PBKDF2

_PBES2, _PBKDF2 = "2a864886f70d01050d", "2a864886f70d01050c"  # RFC 8018, appendix C
_SCRYPT = "2b06010401da47040b"  # RFC 7914, section 7
_AES256 = "60864801650304012a"  # aes256-CBC-PAD, RFC 8018, appendix C

_ENCRYPT_ANEW = "encrypt it anew with: openssl pkcs8 -topk8 -scrypt"
_PRIVATE = re.compile(rb"-----BEGIN ((?:ENCRYPTED |EC )?PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)


def private_pem(key: PrivateKey, password: str | None) -> bytes:
    """Return a private key as the PEM of a file.

    Args:
        key: P-256 or Ed25519.
        password: of any length but none; None leaves it readable to whoever gets the file.

    Returns:
        PKCS#8 (RFC 5208): plain, or PBES2 (RFC 8018) of scrypt (RFC 7914, section 7) and AES-256-CBC.

    Raises:
        ConfigError: the password is empty.
    """
    form = serialization.PrivateFormat.PKCS8
    if password is None:
        return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    if not password:
        raise ConfigError("a password must not be empty")
    data = _encrypt(key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption()), password)
    return pem_text.encode("ENCRYPTED PRIVATE KEY", data)


def split_keys(pem: bytes) -> list[bytes]:
    """Return the private keys that stand in some text, each as PEM.

    Args:
        pem: what a file or variable holds.
    """
    return [found[0] for found in _PRIVATE.finditer(pem)]


def is_encrypted(pem: bytes) -> bool:
    """Tell whether a PEM needs a password (RFC 7468, section 11; RFC 1421, section 4.6.1.1).

    Args:
        pem: one private key.
    """
    return b"ENCRYPTED" in pem


def read_private(pem: bytes, where: str, password: str | None) -> PrivateKey:
    """Read one private key.

    Args:
        pem: one private key.
        where: how to name it to people.
        password: what it is encrypted with, if it is.

    Returns:
        The key.

    Raises:
        ConfigError: the password is wrong, the key is neither P-256 nor Ed25519, or reading it would cost too much.
    """
    if b"BEGIN ENCRYPTED" in pem:
        _check_cost(pem, where)
    try:
        key = serialization.load_pem_private_key(pem, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise ConfigError(f"{where} holds a key that cannot be read, or its password is wrong") from cause
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ConfigError(f"{where} holds a key that is neither ECDSA P-256 nor Ed25519")


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read and that was not there before, and see it to the disk.

    Args:
        path: the file.
        data: its bytes.

    Raises:
        OSError: there is such a file already, or it cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _encrypt(plain: bytes, password: str) -> bytes:
    """EncryptedPrivateKeyInfo (RFC 5208, section 6) under PBES2."""
    salt, start = secrets.token_bytes(16), secrets.token_bytes(16)
    key = Scrypt(salt=salt, length=32, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=_SCRYPT_PARALLEL).derive(password.encode())
    padder, encryptor = PKCS7(128).padder(), Cipher(AES256(key), CBC(start)).encryptor()
    data = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    # The length of the key is left out: it follows from the cipher (RFC 7914, section 7: OPTIONAL).
    costs = (der.encode_integer(each) for each in (_SCRYPT_COST, _SCRYPT_BLOCK, _SCRYPT_PARALLEL))
    scrypt = _encode_sequence(_encode_oid(_SCRYPT), _encode_sequence(der.encode_element(der.OCTETS, salt), *costs))
    aes = _encode_sequence(_encode_oid(_AES256), der.encode_element(der.OCTETS, start))
    return _encode_sequence(
        _encode_sequence(_encode_oid(_PBES2), _encode_sequence(scrypt, aes)), der.encode_element(der.OCTETS, data)
    )


def _encode_sequence(*parts: bytes) -> bytes:
    return der.encode_element(der.SEQUENCE, *parts)


def _encode_oid(encoded: str) -> bytes:
    return der.encode_element(der.OID, bytes.fromhex(encoded))


def _check_cost(pem: bytes, where: str) -> None:
    """Refuse a key file before its key is derived, where that would take more memory or time than any honest one."""
    try:
        _, _, body, _, _ = pem.split(b"-----")
        whole = der.read_element(base64.b64decode(b"".join(body.split()), validate=True))
        scheme, _ = whole.parts(der.SEQUENCE)
        name, parameters = scheme.parts(der.SEQUENCE)
        known = name.content.hex() == _PBES2
        costly = known and _is_costly(parameters)
    except (ValueError, IndexError, VerificationError) as cause:
        raise ConfigError(f"{where} holds a key that cannot be read") from cause
    if not known:
        raise ConfigError(f"{where} is encrypted in a way that is not read here; {_ENCRYPT_ANEW}")
    if costly:
        raise ConfigError(f"{where} asks for more memory or time than a key may take; {_ENCRYPT_ANEW}")


def _is_costly(parameters: der.Element) -> bool:
    kind, settings = parameters.parts(der.SEQUENCE)[0].parts(der.SEQUENCE)
    found = settings.parts(der.SEQUENCE)
    numbers = [der.read_integer(each) for each in found if each.tag == der.INTEGER]
    if kind.content.hex() == _SCRYPT:
        n, r, p = numbers[:3]
        return 128 * n * r > _MOST_MEMORY or n * r * p > _MOST_WORK
    if kind.content.hex() == _PBKDF2:
        return numbers[0] > _MOST_ROUNDS
    raise ValueError(kind)
