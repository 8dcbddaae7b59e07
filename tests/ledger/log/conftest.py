"""A ledger of two scans that is handed over to another pair of keys."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance import ledger
from provenance.ledger.keys.signing_keys import KeyPair
from provenance.ledger.log import key_entries
from tests.conftest import SCANNER


def pair():
    return KeyPair(ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate())


HEIR, STRANGER = pair(), pair()


def rotate(folder, heir, old=None):
    return key_entries.rotate(folder, heir, SCANNER, keys=old or ledger.user_keys())


@pytest.fixture
def folder(world):
    return world / "ledger"


@pytest.fixture
def rotated(folder, sealed):
    """The ledger of two scans, handed over, with one more scan."""
    rotate(folder, HEIR)
    ledger.append(folder, sealed, {}, sealed.facts(), keys=HEIR)
    return folder
