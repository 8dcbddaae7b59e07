"""The script that auditors run: it agrees with the package, and nothing that was changed convinces it."""

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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provenance.ledger
from provenance import ledger
from provenance.core.digests import canonical
from provenance.errors import VerificationError
from provenance.ledger.proofs import check_proof, proof_format
from provenance.ledger.verification.results import INVALID, OK, UNPINNED, USAGE

SCRIPT = Path(check_proof.__file__)


def verified(path, data, **given):
    path.write_bytes(data)
    return ledger.verify(path, **given)


@pytest.mark.parametrize("kind", ["path", "absent", "record"])
def test_every_byte_of_a_proof_counts(proven, tmp_path, kind):
    _, made = proven
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
def test_the_script_agrees(proven, tmp_path, kind):
    root, made = proven
    done = standalone(tmp_path, made[kind], (root / "ledger" / "keys").glob("*.pub.pem"))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "PROVEN"), done.stderr
    for item in json.loads(made[kind])["lines"]:
        assert item["line"] in done.stdout


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_proof_shows_nothing(proven, tmp_path, case):
    root, made = proven
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


def test_the_script_trusts_no_key_of_the_proof(proven, tmp_path):
    root, made = proven
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
def test_what_only_a_ledger_answers_is_not_passed_over(proven, tmp_path, asked, said):
    _, made = proven
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
def test_words_are_not_believed(proven, tmp_path, words):
    _, made = proven
    assert verified(tmp_path / "proof", canonical(json.loads(made["absent"]) | words)).exit_code == INVALID


@pytest.mark.parametrize("kind", ["path", "record"])
def test_numbers_have_one_form(proven, tmp_path, kind):
    """JSON Schema takes 4.0 for an integer."""
    _, made = proven
    for name in (b'"index":', b'"size":'):
        for number in set(re.findall(name + rb"([0-9]+)", made[kind])):
            for form in (number + b".0", number + b"e0"):
                found = verified(tmp_path / "proof", made[kind].replace(name + number, name + form, 1))
                assert found.exit_code == INVALID


def test_any_depth_is_answered(proven, tmp_path):
    """Just under the depth at which the parser gives up, whatever describes the value gives up."""
    _, made = proven
    for depth in (*range(50, 1000, 190), *range(930, 1010)):
        value = b"[" * depth + b"]" * depth
        found = verified(tmp_path / "proof", made["path"].replace(b'"kind":"path"', b'"kind":' + value))
        assert found.exit_code == INVALID


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"_type":"provenance-proof/v1"}', b"[" * 100_000]
)
def test_what_is_no_proof(proven, tmp_path, data):
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
