"""The log's roots, proofs and notes, checked by pymerkle and by the packages of Go's checksum database."""

import copy
import json
import shutil

import pytest

from provenance.ledger.format import envelope
from provenance.ledger.keys import signing_keys, verifier_keys
from provenance.ledger.trees import merkle

from .conftest import PEERS, run

pytestmark = pytest.mark.full


@pytest.fixture
def tree(seven):
    """All that is to be checked of a log of seven: entries as PAE, notes, roots of 0 to 7, every proof."""
    folder = seven / "ledger"
    entries = [
        envelope.encode_pae(envelope.read_envelope(path.read_bytes()).payload)
        for path in sorted((folder / "entries").iterdir())
    ]
    leaves = [merkle.hash_leaf(entry) for entry in entries]
    notes = [(folder / f"checkpoints/{size}.note").read_text() for size in range(1, len(entries) + 1)]
    key = signing_keys.read_public((folder / "keys" / "log.pub.pem").read_bytes())
    return {
        "vkey": verifier_keys.format_vkey((folder / "origin").read_text().strip(), key),
        "notes": notes,
        "entries": [entry.hex() for entry in entries],
        "roots": [root.hex() for root in merkle.hash_prefixes(leaves)],
        "inclusion": [[each.hex() for each in merkle.prove_inclusion(leaves, n)] for n in range(len(leaves))],
        "consistency": [
            [each.hex() for each in merkle.prove_consistency(leaves, n)] for n in range(1, len(leaves) + 1)
        ],
    }


def flipped(text):
    return ("1" if text[0] == "0" else "0") + text[1:]


def harmed(tree, *path):
    """Change what stands at a path: the first digit of a text, the last of a list goes."""
    made = copy.deepcopy(tree)
    at = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = flipped(at[path[-1]]) if isinstance(at[path[-1]], str) else at[path[-1]][:-1]
    return made


HARMS = [
    ("entries", 3), ("inclusion", 0, 0), ("inclusion", 3, 1), ("inclusion", 6, 0), ("inclusion", 4),
    ("consistency", 0, 0), ("consistency", 2, 0), ("consistency", 5, 1), ("consistency", 4), ("roots", 5),
]  # fmt: skip


def written(tree, tmp_path):
    (tmp_path / "tree.json").write_text(json.dumps(tree))
    return tmp_path / "tree.json"


def test_pymerkle(peer, tree, tmp_path):
    told = peer("pymerkle_tree.py", "pymerkle", written(tree, tmp_path))
    assert (told.returncode, told.stdout) == (0, "7 entries, all roots and proofs verified\n"), told.stderr


@pytest.mark.parametrize("path", [path for path in HARMS if path[0] != "consistency"])
def test_pymerkle_refuses_what_was_changed(peer, tree, tmp_path, path):
    told = peer("pymerkle_tree.py", "pymerkle", written(harmed(tree, *path), tmp_path))
    assert told.returncode == 1, told.stdout
    assert "Traceback" not in told.stderr


@pytest.fixture(scope="session")
def checker(go, tmp_path_factory):
    """Build the Go checker, once, with the source of sumdb that the toolchain itself carries, and without a network."""
    folder = tmp_path_factory.mktemp("go")
    vendored = go / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod" / "sumdb"
    if not vendored.is_dir():
        pytest.skip(f"this go carries no {vendored.relative_to(go)}")
    for package in ("note", "tlog"):
        shutil.copytree(vendored / package, folder / package)
    shutil.copy(PEERS / "log.go", folder)
    (folder / "go.mod").write_text("module foreign\n\ngo 1.24\n")
    offline = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    environment = offline | {"HOME": str(folder), "GOCACHE": str(folder / "cache"), "PATH": str(go / "bin")}
    told = run(go / "bin" / "go", "build", "-o", "checker", ".", cwd=folder, env=environment)
    if told.returncode and "go.mod requires" in told.stderr:
        pytest.skip(f"this go is too old: {told.stderr}")
    assert told.returncode == 0, told.stderr
    return folder / "checker"


def test_go(checker, tree, tmp_path):
    told = run(checker, written(tree, tmp_path))
    assert (told.returncode, told.stdout) == (0, "7 notes and 7 entries verified\n"), told.stderr


@pytest.mark.parametrize("path", HARMS)
def test_go_refuses_what_was_changed(checker, tree, tmp_path, path):
    told = run(checker, written(harmed(tree, *path), tmp_path))
    assert told.returncode == 1, told.stdout
    assert "panic" not in told.stderr


@pytest.mark.parametrize(
    "harm",
    [
        lambda note: note.replace("\n7\n", "\n8\n"),
        lambda note: note.replace("provenance.local", "provenance.locaI", 1),
        lambda note: note[:-5] + ("A" if note[-5] != "A" else "B") + note[-4:],
        lambda note: note.replace("\n\n", "\nmore\n\n"),
        lambda note: note.split("\n\n")[0] + "\n\n",
    ],
)
def test_go_refuses_a_changed_note(checker, tree, tmp_path, harm):
    tree["notes"][-1] = harm(tree["notes"][-1])
    told = run(checker, written(tree, tmp_path))
    assert told.returncode == 1, told.stdout


def test_go_refuses_another_logs_key(checker, tree, tmp_path, monkeypatch):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    origin = tree["notes"][0].split("\n")[0]
    tree["vkey"] = verifier_keys.format_vkey(origin, Ed25519PrivateKey.generate().public_key())
    assert run(checker, written(tree, tmp_path)).returncode == 1
