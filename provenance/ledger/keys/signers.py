"""What signs: a private key at hand, or one that never leaves its hardware or cloud.

A key is named by a path, by `env:NAME`, or by a URI of securesystemslib:

    hsm:<key id>?label=<token>      PKCS#11; PYKCS11LIB names the token's library        extra hsm
    awskms:<key id or ARN>          AWS Key Management Service                           extra awskms
    gcpkms:projects/...             Google Cloud KMS                                     extra gcpkms
    azurekms://<vault>/keys/<key>   Azure Key Vault                                      extra azurekms
    hv:<key>/<version>              HashiCorp Vault, Transit                             extra vault

The libraries are imported only when such a key is used; the bytes to sign are hashed here and only the digest travels
(to Vault: all of them). Whatever they return is checked before it is written anywhere.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from provenance.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.ledger.keys.passwords import Secrets

PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey

EXTRAS = {"hsm": "hsm", "awskms": "awskms", "gcpkms": "gcpkms", "azurekms": "azurekms", "hv": "vault"}
"""Each scheme of a key elsewhere, and the extra that reaches it."""


Public_co = TypeVar("Public_co", bound=PublicKey, covariant=True)


_TRIAL_SENTENCE = b"This is a trial of a key by provenance. It states nothing.\n"


class Signer(Protocol[Public_co]):
    """What signs; an `Ed25519PrivateKey` is one."""

    def sign(self, data: bytes, /) -> bytes:
        """Sign bytes: DER of (r, s) of ECDSA with SHA-256, or Ed25519."""

    def public_key(self) -> Public_co:
        """Return the public half."""


StatementSigner = Signer[ec.EllipticCurvePublicKey]
"""Signs statements: ECDSA P-256."""

NoteSigner = Signer[Ed25519PublicKey]
"""Signs notes: Ed25519."""


class LocalSigner:
    """A P-256 key at hand.

    Args:
        key: the private key.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def sign(self, data: bytes, /) -> bytes:
        """Sign bytes: DER of (r, s) of ECDSA with SHA-256."""
        return self._key.sign(data, ec.ECDSA(SHA256()))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""
        return self._key.public_key()


class RemoteSigner:
    """A key that stays where it is.

    Args:
        uri: what names it.
        public: its public half.
        begin: returns securesystemslib's signer; not called before something is to be signed.
    """

    def __init__(self, uri: str, public: PublicKey, begin: Callable[[], Any]) -> None:
        self.uri = uri
        self._public = public
        self._begin = functools.cache(begin)

    def __repr__(self) -> str:
        return f"Remote({self.uri!r})"

    def sign(self, data: bytes, /) -> bytes:
        """Sign bytes where the key is.

        Raises:
            ConfigError: it did not sign; the sentence holds what its library says.
        """
        try:
            return bytes.fromhex(self._begin().sign(data).signature)
        except ConfigError:
            raise
        except Exception as cause:
            raise _explain_refusal(self.uri, cause) from cause

    def public_key(self) -> PublicKey:
        """Return the public half."""
        return self._public

    def try_signing(self) -> RemoteSigner:
        """Sign a sentence that binds nobody: a wrong PIN or a missing right shows before the work, not after it.

        Returns:
            Itself.

        Raises:
            ConfigError: it did not sign, or with another key.
        """
        made = self.sign(_TRIAL_SENTENCE)
        try:
            if isinstance(self._public, Ed25519PublicKey):
                self._public.verify(made, _TRIAL_SENTENCE)
            else:
                self._public.verify(made, _TRIAL_SENTENCE, ec.ECDSA(SHA256()))
        except InvalidSignature as cause:
            raise ConfigError(f"{self.uri} signs with another key than the public key beside it") from cause
        return self


def statement_signer(key: ec.EllipticCurvePrivateKey | StatementSigner) -> StatementSigner:
    """Return what signs statements, of a key.

    Args:
        key: a P-256 private key, or what signs already.
    """
    return LocalSigner(key) if isinstance(key, ec.EllipticCurvePrivateKey) else key


def is_remote(uri: str) -> bool:
    """Tell whether a URI names a key that is elsewhere.

    Args:
        uri: what a user gave as --key. A drive letter or a path with a colon is none of them.
    """
    return uri.partition(":")[0] in EXTRAS and ":" in uri


def open_remote(uri: str, public: PublicKey | None, secrets: Secrets) -> RemoteSigner:
    """Return what signs with a key elsewhere.

    Args:
        uri: see the head of this file.
        public: its public half, where that is known; else it is asked for.
        secrets: gets at the PIN of a token.

    Returns:
        What signs.

    Raises:
        ConfigError: the URI is wrong, or the key cannot be reached.
        MissingExtra: its library is not installed.
    """
    scheme = uri.partition(":")[0]
    library = _import_library(scheme)
    pin = functools.cache(lambda _: secrets.pin(uri))  # asked for once, however much is signed
    try:
        if public is None:
            uri, found = _import_key(library, uri, pin)
            public = _read_public(found, uri)
        key = library.SSlibKey.from_crypto(public)
        kind = library.SIGNER_FOR_URI_SCHEME[scheme]
        return RemoteSigner(uri, public, lambda: kind.from_priv_key_uri(uri, key, pin))
    except ConfigError:
        raise
    except Exception as cause:
        raise _explain_refusal(uri, cause) from cause


def _import_library(scheme: str) -> Any:
    """Import securesystemslib, and see that it has what the scheme needs."""
    needed = {"hsm": "pkcs11", "awskms": "boto3", "gcpkms": "google.cloud.kms", "azurekms": "azure.keyvault.keys"}
    try:
        import_module(needed.get(scheme, "hvac"))
        return import_module("securesystemslib.signer")
    except ImportError as cause:
        raise MissingExtra(EXTRAS[scheme], f"sign with a key of {scheme}:") from cause


def _import_key(library: Any, uri: str, pin: Callable[[str], str]) -> tuple[str, Any]:
    """Ask for the public key: each of securesystemslib's signers wants its URI in other pieces."""
    scheme, _, rest = uri.partition(":")
    kind = library.SIGNER_FOR_URI_SCHEME[scheme]
    if scheme == "hsm":
        parts = urlsplit(uri)
        label = dict(parse_qsl(parts.query)).get("label")
        found = kind.import_(int(parts.path) if parts.path else None, label, pin)
    elif scheme == "azurekms":
        parts = urlsplit(uri)
        _, name, *_ = parts.path.strip("/").split("/")
        found = kind.import_((parts.hostname or "").removesuffix(".vault.azure.net"), name)
    else:
        found = kind.import_(rest.partition("/")[0] if scheme == "hv" else rest)
    versions = {"azurekms": 2, "hv": 1}  # slashes in a URI's path that names a version
    if found[0] != uri and urlsplit(uri).path.strip("/").count("/") >= versions.get(scheme, 99):
        raise ConfigError(f"{uri} is not the newest version of its key, which is {found[0]}")
    return found[0], found[1]


def _read_public(key: Any, uri: str) -> PublicKey:
    found = key.keyval["public"]
    if key.keytype == "ed25519":
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(found))
    public = serialization.load_pem_public_key(found.encode())
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return public
    raise ConfigError(f"{uri} is neither an ECDSA P-256 nor an Ed25519 key")


def _explain_refusal(uri: str, cause: Exception) -> ConfigError:
    reason = str(cause) or type(cause).__name__
    return ConfigError(f"the key {uri} cannot be used: {reason}")
