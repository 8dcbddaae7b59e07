"""Proofs: what is taken out of a ledger convinces somebody who has nothing else, and nothing that was changed does."""

import base64
import copy
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provenance.ledger
from provenance import ledger
from provenance.cli import run
from provenance.core.digests import canonical, sha256
from provenance.core.schemas import SEALED, rows
from provenance.errors import InputError, VerificationError
from provenance.ledger.format import envelope
from provenance.ledger.proofs import anchors, check_proof, disclosure, proof_format
from provenance.ledger.trees import merkle, salts
from provenance.ledger.verification.results import EQUIVOCATION, INVALID, OK, UNPINNED, USAGE
from provenance.readers.records import record_trees

SCRIPT = Path(check_proof.__file__)
TEXTS = ["one", None, "drei", "vier"]
FINDING = "0" * 32
PIECES = {
    "source": ("source", "b"),
    "path": ("path", "b/ü.jsonl"),
    "finding": ("finding", FINDING),
    "coverage": ("coverage", "licence-missing"),
    "verdict": ("verdict", "r"),
}


@pytest.fixture(scope="session")
def kept(tmp_path_factory, pristine):
    """A ledger of three scans, of which the last has several of everything, and one proof of each kind."""
    root = tmp_path_factory.mktemp("proofs")
    shutil.copytree(pristine, root / "world", symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "world" / "home"))
        keys = ledger.user_keys()
        folder = root / "world" / "ledger"
        ledger.append(folder, *scan(salts.secret(keys.folder)), keys=keys)
        made = {kind: disclosure.row(folder, *asked) for kind, asked in PIECES.items()}
        made["absent"] = absent(folder)
        made["record"] = record(folder, salts.secret(keys.folder), 2)
    return root / "world", made


def absent(folder):
    """A proof whose way ends at a neighbour: where it does is chance, as the salt is."""
    for number in range(1000):
        content = b"never seen %d" % number
        proof = disclosure.absent(folder, hashlib.sha256(content).digest()).proof
        if json.loads(proof)["absent"]["end"] is not None:
            (folder.parent / "unseen").write_bytes(content)
            return proof
    raise AssertionError


def scan(secret):
    import importlib.util

    spec = importlib.util.spec_from_file_location("conftest_of_ledger", Path(__file__).parents[1] / "conftest.py")
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    lines = [record_trees.line(secret, "b/ü.jsonl", number, text) for number, text in enumerate(TEXTS)]
    root = merkle.root([merkle.leaf(line) for line in lines]).hex()
    listed = [
        conftest.listed_file("a.jsonl", sha256(b"a")),
        conftest.listed_file("b/broken", None, source="b"),
        conftest.listed_file("b/z.jsonl", sha256(b"z"), source="b"),
        conftest.listed_file("b/ü.jsonl", sha256(b"u"), source="b", records=4, records_root=root),
    ]
    tables = conftest.sealed_tables(*listed)
    plain = {field.name: "" if field.type == "string" else 0 for field in SEALED["sources"] if not field.nullable}
    tables["sources"] = rows([plain | {"source": each} for each in ("./", "b")], SEALED["sources"])
    plain = {
        field.name: "" if field.type == "string" else 0 if field.type == "int64" else []
        for field in SEALED["verdicts"]
        if not field.nullable
    }
    tables["verdicts"] = rows(
        [plain | {"requirement": each, "element": n} for each in "qr" for n in (1, 2)], SEALED["verdicts"]
    )
    return tables, {}, conftest.facts()


def record(folder, secret, number):
    """What disclosure.record makes, of texts that no file holds."""
    start = anchors.take(folder)
    lines = [record_trees.line(secret, "b/ü.jsonl", n, text) for n, text in enumerate(TEXTS)]
    path = [each.hex() for each in merkle.inclusion([merkle.leaf(line) for line in lines], number)]
    shown = {"index": number, "line": lines[number].decode(), "path": path, "size": len(lines)}
    with disclosure.ProvableTable(start, "files") as table:
        return proof_format.write(
            {**start.value, "kind": "record", "lines": table.named("path", "b/ü.jsonl"), "record": shown}
        )


@pytest.fixture
def world(kept, tmp_path, monkeypatch):
    root, made = kept
    shutil.copytree(root, tmp_path / "world", symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "world" / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "world", made


def verified(path, data, **given):
    path.write_bytes(data)
    return ledger.verify(path, **given)


@pytest.mark.parametrize("kind", proof_format.KINDS)
def test_a_proof_convinces(world, tmp_path, kind):
    _, made = world
    found = verified(tmp_path / "proof", made[kind])
    assert found.exit_code == OK, found.lines()
    assert "entry 2 of" in found.proven[0]
    assert set(proof_format.ANYTHING) < set(found.unproven)
    assert found.as_json()["what"] == "proof"
    assert found.lines()[0] == "The proof verifies."


def test_what_is_proven_is_said(world):
    root, made = world
    said = {kind: proof_format.read(data) for kind, data in made.items()}
    assert '"b/\\u00fc.jsonl"' in said["path"].says
    assert [row["element"] for row in said["verdict"].rows] == [1, 2]
    assert hashlib.sha256(b"drei").hexdigest() in said["record"].says
    assert "record 2 of" in said["record"].says
    assert hashlib.sha256((root / "unseen").read_bytes()).hexdigest() in said["absent"].says
    assert any("exact bytes only" in each for each in said["absent"].limits)
    assert any('1 in all: "b/broken"' in each for each in said["absent"].limits)


def test_a_record_without_text(world, tmp_path):
    root, _ = world
    found = proof_format.read(record(root / "ledger", salts.secret_of(None), 1))
    assert "no text" in found.says


@pytest.mark.parametrize("kind", proof_format.KINDS)
def test_keys_that_come_with_a_proof_are_never_trusted(world, tmp_path, monkeypatch, kind):
    _, made = world
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "nobody"))
    found = verified(tmp_path / "proof", made[kind])
    assert found.exit_code == UNPINNED
    assert not any(each.whose for each in found.signers)
    value = json.loads(made[kind])
    assert verified(tmp_path / "proof", canonical(value | {"keys": []})).exit_code == INVALID
    assert verified(tmp_path / "proof", canonical(value | {"keys": ["no key", "ключ"]})).exit_code == INVALID


def test_of_other_rows_nothing_but_hashes_is_shown(world):
    _, made = world
    for kind in ("path", "finding", "record", "source"):
        assert b"a.jsonl" not in made[kind]
        assert sha256(b"a").encode() not in made[kind]
    assert b"drei" not in made["record"]


@pytest.mark.parametrize("kind", ["path", "absent", "record"])
def test_every_byte_of_a_proof_counts(world, tmp_path, kind):
    _, made = world
    data = made[kind]
    for at in range(0, len(data), 1 + len(data) // 150):
        for changed in (data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data[:at]):
            found = verified(tmp_path / "proof", changed)
            assert (
                found.exit_code in (INVALID, UNPINNED, USAGE)
                or proof_format.read(changed).anchor.keys != proof_format.read(data).anchor.keys
            )
            assert found.exit_code != OK or set(json.loads(changed)) == set(json.loads(data))


def edited(data, edit):
    value = json.loads(data)
    edit(value)
    return value


def again(value):
    """The words made again, as a forger would."""
    try:
        return proof_format.write(
            {name: value[name] for name in value if name not in ("_type", "says", "doesNotProve")}
        )
    except VerificationError:
        return canonical(value)


def row(**changes):
    def edit(value):
        item = value["lines"][0]
        item["line"] = canonical(json.loads(item["line"]) | changes).decode()

    return edit


def at(*way, to):
    def edit(value):
        for step in way[:-1]:
            value = value[step]
        value[way[-1]] = to(value[way[-1]]) if callable(to) else to

    return edit


def flip(text):
    return text[:-1] + ("0" if text[-1] != "0" else "1")


TAMPERED = {
    "a digest": ("path", row(sha256="00" * 32)),
    "a path": ("path", row(path="a.jsonl")),
    "a salt": ("path", row(salt="00" * 16)),
    "another index": ("path", at("lines", 0, "index", to=2)),
    "another table": ("path", at("lines", 0, "table", to="sources")),
    "another kind": ("path", at("kind", to="source")),
    "no line": ("path", at("lines", to=[])),
    "a way": ("path", at("lines", 0, "path", 0, to=flip)),
    "a longer way": ("path", at("lines", 0, "path", to=lambda way: [*way, way[0]])),
    "a shorter way": ("path", at("lines", 0, "path", to=lambda way: way[:-1])),
    "a finding waived": ("finding", row(waived="me")),
    "the severity": ("finding", row(severity="note")),
    "a record's digest": ("record", at("record", "line", to=lambda line: line.replace(hashlib.sha256(b"drei").hexdigest(), hashlib.sha256(b"vier").hexdigest()))),
    "a record's number": ("record", at("record", "line", to=lambda line: line.replace('"row":2', '"row":3'))),
    "a record's index": ("record", at("record", "index", to=3)),
    "a record's way": ("record", at("record", "path", 0, to=flip)),
    "the content": ("absent", at("absent", "sha256", to=hashlib.sha256(b"a").hexdigest())),
    "a salt of one's own": ("absent", at("absent", to=lambda item: item | {"salt": "00" * 16, "sha256": hashlib.sha256(b"a").hexdigest()})),
    "a neighbour": ("absent", at("absent", "end", to="00" * 32)),
    "nobody": ("absent", at("absent", "end", to=None)),
    "no way": ("absent", at("absent", "siblings", to=[])),
    "a way down": ("absent", at("absent", "siblings", 0, to=flip)),
    "the log": ("path", at("log", to=lambda text: text.replace("index 2", "index 1"))),
    "the log's way": ("path", at("log", to=lambda text: text.replace(text.split("\n")[2], base64.b64encode(bytes(32)).decode()))),
    "the note's root": ("path", at("log", to=lambda text: text.replace(text.split("\n")[-4], base64.b64encode(bytes(32)).decode()))),
    "the origin": ("path", at("log", to=lambda text: text.replace("provenance.local", "provenance.locam"))),
    "the envelope": ("path", at("envelope", to=lambda text: text.replace('"payload":"', '"payload":"AAAA'))),
    "the signature": ("path", at("envelope", to=lambda text: text.replace('"sig":"M', '"sig":"N'))),
}  # fmt: skip


def standalone(tmp_path, data, keys):
    """Run the public script as a stranger would: alone in a folder, without this package."""
    shutil.copy(SCRIPT, tmp_path / "alone.py")
    (tmp_path / "proof").write_bytes(data)
    return subprocess.run(
        [sys.executable, "-I", "alone.py", "proof", *map(str, keys)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", proof_format.KINDS)
def test_the_script_agrees(world, tmp_path, kind):
    root, made = world
    done = standalone(tmp_path, made[kind], (root / "ledger" / "keys").glob("*.pub.pem"))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "PROVEN"), done.stderr
    for item in json.loads(made[kind])["lines"]:
        assert item["line"] in done.stdout


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_proof_shows_nothing(world, tmp_path, case):
    root, made = world
    kind, edit = TAMPERED[case]
    value = edited(made[kind], edit)
    assert value != json.loads(made[kind])
    found = verified(tmp_path / "proof", again(value))
    assert found.exit_code == INVALID
    assert not found.proven
    done = standalone(tmp_path, canonical(value), (root / "ledger" / "keys").glob("*.pub.pem"))
    # The script goes by what it is shown: a kind that is called another still shows its own lines, and they are true.
    assert done.returncode == 0 if case == "another kind" else done.returncode == 1
    assert "PROVEN\n" not in done.stdout or case == "another kind"


def test_the_script_trusts_no_key_of_the_proof(world, tmp_path):
    root, made = world
    ours = sorted((root / "ledger" / "keys").glob("*.pub.pem"))
    for some in ([], ours[:1], ours[1:]):
        assert standalone(tmp_path, made["path"], some).returncode == 1


def test_the_script_says_how_it_is_called():
    found = subprocess.run([sys.executable, "-I", SCRIPT], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (2, "", "usage: python check_proof.py PROOF KEY.pem...\n")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"data": Path()}, "a proof is checked by itself: --data goes with a ledger"),
        ({"entry": 0}, "a proof is checked by itself: --entry goes with a ledger"),
        ({"data": Path(), "strict": True}, "a proof is checked by itself: --data and --strict go with a ledger"),
    ],
)
def test_what_only_a_ledger_answers_is_not_passed_over(world, tmp_path, asked, said):
    _, made = world
    (tmp_path / "proof").write_bytes(made["absent"])
    found = ledger.verify(tmp_path / "proof", **asked)
    assert (found.exit_code, found.steps[-1].detail) == (USAGE, said)


def test_the_script_is_short_and_stands_alone():
    text = SCRIPT.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    assert "import provenance" not in text
    assert "from provenance" not in text
    assert provenance.ledger


@pytest.mark.parametrize("words", [{"says": "entry 2 says that all is well"}, {"doesNotProve": []}])
def test_words_are_not_believed(world, tmp_path, words):
    _, made = world
    assert verified(tmp_path / "proof", canonical(json.loads(made["absent"]) | words)).exit_code == INVALID


@pytest.mark.parametrize("kind", ["path", "record"])
def test_numbers_have_one_form(world, tmp_path, kind):
    """JSON Schema takes 4.0 for an integer."""
    _, made = world
    for name in (b'"index":', b'"size":'):
        for number in set(re.findall(name + rb"([0-9]+)", made[kind])):
            for form in (number + b".0", number + b"e0"):
                found = verified(tmp_path / "proof", made[kind].replace(name + number, name + form, 1))
                assert found.exit_code == INVALID


def test_any_depth_is_answered(world, tmp_path):
    """Just under the depth at which the parser gives up, whatever describes the value gives up."""
    _, made = world
    for depth in (*range(50, 1000, 190), *range(930, 1010)):
        value = b"[" * depth + b"]" * depth
        found = verified(tmp_path / "proof", made["path"].replace(b'"kind":"path"', b'"kind":' + value))
        assert found.exit_code == INVALID


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"_type":"provenance-proof/v1"}', b"[" * 100_000]
)
def test_what_is_no_proof(world, tmp_path, data):
    assert verified(tmp_path / "proof", data).exit_code == (INVALID if b"proof" in data else USAGE)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=4).map(bytes.hex),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(proof_format.KINDS)), data=st.data(), value=values)
def test_any_proof_is_answered(kept, kind, data, value):
    _, made = kept
    whole = json.loads(made[kind])
    place = whole
    for _ in range(data.draw(st.integers(0, 3))):
        if isinstance(place, dict | list) and place:
            inner = place[data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))]
            place = inner if isinstance(inner, dict | list) and inner else place
    before = copy.deepcopy(whole)
    place[data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))] = value
    try:
        changed = json.dumps(whole, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )
        proof_format.read(changed)
    except VerificationError:
        return
    assert {name: whole[name] for name in whole if name != "keys"} == {
        name: before[name] for name in before if name != "keys"
    }


def test_a_proof_stands_under_a_note_that_was_held(world, tmp_path):
    root, made = world
    held = root / "ledger" / "checkpoints" / "3.note"
    found = verified(tmp_path / "proof", made["path"], since=held)
    assert (found.exit_code, "held note" in found.as_json()["not_checked"]) == (OK, False)
    found = verified(tmp_path / "proof", made["path"], since=root / "ledger" / "checkpoints" / "1.note")
    assert (found.exit_code, "held note" in found.as_json()["not_checked"]) == (OK, True)


def test_two_views_of_one_size_are_told(world, tmp_path):
    """A note of the same size that the log's key signed, over other entries."""
    from provenance.ledger.format import checkpoint

    _, made = world
    keys = ledger.user_keys()
    note = proof_format.read(made["path"]).anchor.note
    (tmp_path / "held.note").write_bytes(checkpoint.sign(note.origin, note.size, bytes(32), keys.log).note)
    assert verified(tmp_path / "proof", made["path"], since=tmp_path / "held.note").exit_code == EQUIVOCATION
    forged = (tmp_path / "held.note").read_text().replace(note.origin, "other.example/log")
    (tmp_path / "held.note").write_text(forged)
    assert verified(tmp_path / "proof", made["path"], since=tmp_path / "held.note").exit_code == INVALID


@pytest.mark.parametrize("kind", PIECES)
def test_what_is_not_there_is_not_proven(world, kind):
    root, _ = world
    name, said = (
        ("f" * 8, "no finding of entry [0-9]+ begins with ffffffff")
        if kind == "finding"
        else ("nothing", "says nothing")
    )
    with pytest.raises(InputError, match=said):
        disclosure.row(root / "ledger", kind, name)


def test_a_withheld_table_cannot_be_proven_from(world):
    root, _ = world
    said = ledger.read_entry(root / "ledger")["predicate"]
    (root / "ledger" / said["tables"]["files"]["lines"]).unlink()
    with pytest.raises(InputError, match="withheld"):
        disclosure.row(root / "ledger", "path", "a.jsonl")


def test_a_content_that_is_there_has_no_proof_of_absence(world):
    root, _ = world
    for content in (b"a", b"u"):
        found = disclosure.absent(root / "ledger", hashlib.sha256(content).digest())
        assert found.proof is None
        assert found.paths == (("a.jsonl",) if content == b"a" else ("b/ü.jsonl",))


def test_an_older_entry_and_an_older_checkpoint(world, tmp_path):
    root, _ = world
    data = disclosure.row(root / "ledger", "path", "a.jsonl", 0)
    assert proof_format.read(data).anchor.said.place.index == 0
    assert verified(tmp_path / "proof", data).exit_code == OK
    assert anchors.take(root / "ledger", 0, 1).note.size == 1
    for entry, count in ((7, None), (0, 9), (2, 2)):
        with pytest.raises(InputError):
            anchors.take(root / "ledger", entry, count)


def test_without_the_list_of_leaves_entries_are_read(world):
    root, made = world
    (root / "ledger" / "checkpoints" / "leaves").unlink()
    assert disclosure.row(root / "ledger", *PIECES["path"]) == made["path"]


def test_the_command_line(world, tmp_path, capsys):
    root, made = world
    folder, proof = str(root / "ledger"), str(tmp_path / "proof")
    for kind, (_, name) in PIECES.items():
        assert run(["prove", folder, f"--{kind}", name, "-o", proof]) == 0
        assert Path(proof).read_bytes() == made[kind]
        assert run(["verify", proof]) == 0
    capsys.readouterr()
    assert run(["prove", folder, "--absent", str(root / "unseen"), "-o", proof]) == 0
    told = capsys.readouterr().out
    assert Path(proof).read_bytes() == made["absent"]
    assert "exact bytes only" in told
    assert "b/broken" in told
    (tmp_path / "file").write_bytes(b"z")
    assert run(["prove", folder, "--absent", str(tmp_path / "file"), "-o", str(tmp_path / "none")]) == 1
    assert "b/z.jsonl" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()
    for wrong in (
        [],
        ["--path", "a", "--source", "b"],
        ["--record", "a"],
        ["--record", "a#b", "--data", "."],
        ["--record", "a#1"],
    ):
        assert run(["prove", folder, *wrong, "-o", proof]) == 2


def test_nothing_is_handed_out_that_would_not_convince(world, tmp_path, capsys):
    """A co-signature that somebody put there is false: the ledger does not verify, and no proof from it would."""
    folder, other = world[0] / "ledger", ec.generate_private_key(ec.SECP256R1())
    sealed = envelope.seal(envelope.read((folder / "entries" / "00000002.dsse.json").read_bytes()).payload, other)
    at_ = folder / "entries" / "00000002.co"
    at_.mkdir()
    (at_ / "signer-2.dsse.json").write_bytes(sealed)
    assert run(["prove", str(folder), "--path", "b/ü.jsonl", "-o", str(tmp_path / "proof")]) == 4
    assert "nothing can be proven from" in capsys.readouterr().err
    assert not (tmp_path / "proof").exists()


def test_one_entry_of_many_is_verified_without_the_others(world):
    root, _ = world
    folder = root / "ledger"
    for name in ("entries/00000000.dsse.json", "checkpoints/1.note", "checkpoints/2.note"):
        (folder / name).write_bytes(b"gone")
    for path in (folder / "scans" / "00000001").iterdir():
        path.write_bytes(b"gone")
    found = ledger.verify(folder, entry=2)
    assert found.exit_code == OK, found.lines()
    assert "other entries" in found.as_json()["not_checked"]
    assert ledger.verify(folder, entry=1).exit_code == INVALID
    assert ledger.verify(folder, entry=0).exit_code == INVALID
    assert ledger.verify(folder, entry=3).exit_code == USAGE
    assert ledger.verify(folder).exit_code == INVALID


def test_one_entry_stands_on_a_note_that_was_held(world, tmp_path):
    from provenance.ledger.format import checkpoint

    folder = world[0] / "ledger"
    held = folder / "checkpoints" / "1.note"
    found = ledger.verify(folder, entry=2, since=held)
    assert (found.exit_code, "held note" in found.as_json()["not_checked"]) == (OK, False)
    note = checkpoint.read(held.read_bytes())
    (tmp_path / "held.note").write_bytes(checkpoint.sign(note.origin, 1, bytes(32), ledger.user_keys().log).note)
    found = ledger.verify(folder, entry=2, since=tmp_path / "held.note", evidence=tmp_path)
    assert found.exit_code == EQUIVOCATION
    assert found.evidence.exists()


@pytest.mark.parametrize("name", ["entries/00000002.dsse.json", "checkpoints/3.note", "checkpoints/leaves"])
def test_what_one_entry_rests_on_is_checked(world, name):
    path = world[0] / "ledger" / name
    good = path.read_bytes()
    for at_ in range(0, len(good), 1 + len(good) // 60):
        path.write_bytes(good[:at_] + bytes([good[at_] ^ 1]) + good[at_ + 1 :])
        assert ledger.verify(world[0] / "ledger", entry=2).exit_code == INVALID
    path.unlink()
    assert ledger.verify(world[0] / "ledger", entry=2).exit_code in (INVALID, USAGE)


def test_the_specification_has_the_words():
    """Others write proofs that are compared with ours, word by word."""
    text = " ".join((SCRIPT.parents[1] / "SPECIFICATION.md").read_text("utf-8").split())
    said = [*proof_format.ANYTHING, *(each for limits in proof_format._LIMITS.values() for each in limits)]
    assert [each for each in said if f"`{each}`" not in text] == []
