"""A ledger of one real scan with findings, made once and copied; its operator's keys, and an approver's."""

import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import provenance as pv
from provenance import ledger
from provenance.ledger.keys import signing_keys

LINES = 30


@pytest.fixture(scope="session")
def scanned(tmp_path_factory):
    root = tmp_path_factory.mktemp("scanned")
    for name, card in (("bare", "---\npretty_name: Bare\n---\n"), ("nc", "---\nlicense: cc-by-nc-4.0\n---\n")):
        (root / "data" / name).mkdir(parents=True)
        (root / "data" / name / "README.md").write_text(f"{card}Written by us for this test.\n")
        text = "".join(f'{{"text": "record {at} of {name} tells of {at * 7}"}}\n' for at in range(LINES))
        (root / "data" / name / "x.jsonl").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        pv.scan(root / "data", root / "ledger", workers=1)
    return root


@pytest.fixture
def world(scanned, tmp_path, monkeypatch):
    """A copy whose keys are this user's own; `world / "ledger"`, `world / "data"`, `world / "approver.pem"`."""
    root = tmp_path / "world"
    shutil.copytree(scanned, root, symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(root / "home"))
    monkeypatch.chdir(tmp_path)
    (root / "approver.pem").write_bytes(private(ec.generate_private_key(ec.SECP256R1())))
    return root


def private(key):
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Told:
    """What verification says of a ledger."""

    def __init__(self, folder, **options):
        found = ledger.verify(folder, **options)
        self.code = found.exit_code
        self.steps = {item.name: item for item in found.steps}
        self.unbound = found.unbound

    def status(self, name):
        return self.steps[name].status if name in self.steps else None

    def detail(self, name):
        return self.steps[name].detail


@pytest.fixture
def verified():
    return Told


@pytest.fixture
def sealed_act():
    """Append an act whose facts were tampered with by an operator who holds the keys."""

    def make(folder, act, **changes):
        from provenance.core import scanner_identity

        facts = {"kind": act.kind, "scanner": scanner_identity.describe_scanner(), **act.facts, **changes}
        document = changes.pop("document", act.document)
        facts.pop("document", None)
        return ledger.attach(folder, act.kind, document, facts, keys=ledger.user_keys(), objects=act.objects)

    return make


@pytest.fixture
def pins(world, tmp_path):
    """Write a trust file: the operator's keys, and what is added."""
    import yaml

    def make(*added, **more):
        mine = [
            {"pem": signing_keys.public_pem(key).decode(), "roles": ["statement", "log"]}
            for key in signing_keys.own_public()
        ]
        path = tmp_path / "trust.yaml"
        path.write_text(yaml.safe_dump({"keys": [*mine, *added], **more}))
        return path

    return make
