"""VERIFY.md: its own commands, run in a shell with openssl and coreutils alone, on a ledger and on harmed copies."""

import os
import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance import ledger
from provenance.ledger.keys.signing_keys import KeyPair
from provenance.ledger.log import key_entries

TOOLS = (
    "sh",
    "openssl",
    "sed",
    "grep",
    "base64",
    "sha256sum",
    "mktemp",
    "cat",
    "cmp",
    "cp",
    "mv",
    "rm",
    "ls",
    "wc",
    "tail",
)
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason="needs a POSIX shell and openssl"
)


def run(folder, tmp_path, *, tools=TOOLS):
    """Run the blocks of the ledger's own VERIFY.md, with nothing but the tools it names on the path."""
    found = tmp_path / "bin"
    found.mkdir(exist_ok=True)
    for tool in tools:
        if not (found / tool).exists():
            (found / tool).symlink_to(shutil.which(tool))
    script = "\n".join(re.findall(r"```sh\n(.*?)```", (folder / "VERIFY.md").read_text(), re.DOTALL))
    env = {"PATH": str(found), "TMPDIR": str(tmp_path)}
    return subprocess.run(["sh", "-c", script], cwd=folder, env=env, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("more", [0, 1, 3])
def test_recipe_accepts_a_ledger(world, sealed, tmp_path, more):
    for _ in range(more):
        root = ledger.append(world / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys()).root
    told = run(world / "ledger", tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("Verified OK") == 2 + more
    assert "Signature Verified Successfully" in told.stdout
    assert told.stdout.endswith("signatures, log and files agree\n")
    if more:
        import base64

        assert base64.b64encode(bytes.fromhex(root)).decode() in told.stdout


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_recipe_shows_the_fingerprint(world, tmp_path):
    told = run(world / "ledger", tmp_path, tools=(*TOOLS, "ssh-keygen"))
    assert ledger.user_keys().fingerprint in told.stdout


def test_recipe_follows_keys_that_change_hands(world, sealed, tmp_path):
    folder = world / "ledger"
    heir = KeyPair(ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate())
    scanner = sealed.facts()["scanner"]
    key_entries.rotate(folder, heir, scanner, keys=ledger.user_keys())
    told = run(folder, tmp_path)
    assert told.returncode == 0, told.stderr
    ledger.append(folder, sealed, {}, sealed.facts(), keys=heir)
    key_entries.revoke(folder, ledger.user_keys().fingerprint, "gone", scanner, keys=heir)
    told = run(folder, tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("Verified OK") == 6
    assert f"entries/00000002.co/new-key.dsse.json by {heir.fingerprint}" in told.stdout
    assert f"entries/00000003.dsse.json by {heir.fingerprint}" in told.stdout
    assert f"entries/00000001.dsse.json by {ledger.user_keys().fingerprint}" in told.stdout
    assert 'about keys: 00000002.json\n"action":"rotate"' in told.stdout
    assert 'about keys: 00000004.json\n"action":"revoke"' in told.stdout
    assert re.search(r"checkpoints/5.note by keys/log-[0-9a-f]{16}.pub.pem\n", told.stdout)
    cosigned = folder / "entries" / "00000002.co" / "new-key.dsse.json"
    cosigned.write_bytes((folder / "entries" / "00000003.dsse.json").read_bytes())
    assert run(folder, tmp_path).returncode != 0


def flip(path, at):
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at:][1:])


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: flip(folder / "entries" / "00000000.dsse.json", 40),
        lambda folder: flip(folder / "entries" / "00000001.dsse.json", -20),
        lambda folder: flip(folder / "checkpoints" / "2.note", 3),
        lambda folder: flip(folder / "checkpoints" / "2.note", -20),
        lambda folder: flip(folder / "scans" / "00000000" / "report.html", 0),
        lambda folder: flip(folder / "scans" / "00000001" / "claims.parquet", 50),
        lambda folder: flip(folder / "origin", 0),
        lambda folder: (folder / "scans" / "00000001" / "report.json").unlink(),
        lambda folder: (folder / "entries" / "00000001.dsse.json").unlink(),
        lambda folder: shutil.copy(
            folder / "entries" / "00000000.dsse.json", folder / "entries" / "00000001.dsse.json"
        ),
        lambda folder: shutil.copy(folder / "checkpoints" / "1.note", folder / "checkpoints" / "2.note"),
    ],
)
def test_recipe_refuses_a_harmed_ledger(world, tmp_path, harm):
    harm(world / "ledger")
    told = run(world / "ledger", tmp_path)
    assert told.returncode != 0
    assert "signatures, log and files agree" not in told.stdout


def test_recipe_is_bound(world):
    text = (world / "ledger" / "VERIFY.md").read_bytes()
    (world / "ledger" / "VERIFY.md").write_bytes(text.replace(b"set -eu", b"set -u"))
    assert ledger.verify(world / "ledger").exit_code == 1


def test_recipe_names_no_machine(world):
    assert os.sep + "home" not in (world / "ledger" / "VERIFY.md").read_text()


def test_what_is_withheld_is_said(world, tmp_path):
    """Half of a ledger may be kept back; what is here still agrees, and nobody takes it for the whole."""
    path = world / "ledger" / "scans" / "00000001" / "findings.parquet"
    path.unlink()
    told = run(world / "ledger", tmp_path)
    assert (told.returncode, told.stdout.splitlines()[-2:]) == (
        5,
        [
            "withheld: scans/00000001/findings.parquet",
            "signatures, log and the files that are here agree; others are withheld",
        ],
    )
    assert not list(tmp_path.glob("tmp.*"))
