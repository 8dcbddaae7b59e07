"""The script that auditors run: it agrees with the package, and nothing that was changed convinces it."""

import ast
import base64
import copy
import functools
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

from provenance import ledger
from provenance.core.digests import canonical
from provenance.errors import VerificationError
from provenance.ledger.keys.signing_keys import fingerprint
from provenance.ledger.proofs import check_proof, proof_format
from provenance.ledger.verification import anchor_steps
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


def assert_refused(done):
    """One sentence, no traceback, and nothing that reads as proven."""
    assert done.returncode == 1, done.stdout
    assert "PROVEN" not in done.stdout
    assert re.fullmatch(r"NOT PROVEN: [^\n]+\n", done.stderr), done.stderr


@pytest.mark.parametrize("kind", proof_format.KINDS)
def test_the_script_agrees(proven, tmp_path, kind):
    root, made = proven
    done = standalone(tmp_path, made[kind], (root / "ledger" / "keys").glob("*.pub.pem"))
    assert (done.returncode, "PROVEN" in done.stdout.splitlines()) == (0, True), done.stderr
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
    assert_refused(done)


UNREAD = {"keys", "says", "doesNotProve", "keyEntries", "coSignatures", "timestamps"}  # of a proof, by the script


def places(value, way=()):
    """The way to every value of a proof that the script looks at, and to every object and list."""
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        if (*way, name)[0] not in UNREAD:
            yield (*way, name)
            yield from places(value[name], (*way, name))


def changes(value):
    """Other values in place of one: of the same type, and of another."""
    if isinstance(value, str):
        yield from (
            flip(value[: len(value) // 2]) + value[len(value) // 2 :] if value else "x",
            value + "0",
            value[1:],
            0,
        )
    elif isinstance(value, list):
        yield from ([*value, *value] or ["00" * 32], value[1:] or {}, {"0": value})
    elif isinstance(value, dict):
        yield from (value | {"more": 1}, {}, [value])
    else:
        yield from (None if value is not None else "00" * 32, -1, 1 if value == 0 else 0, True, 0.5, 1 << 52)


def is_proven(data, keys):
    """What the script says of a proof, in this process. Anything but its own refusal is raised."""
    try:
        check_proof.check(data, keys)
    except check_proof.NotProvenError:
        return False
    return True


def is_verified(value, keys):
    """What the package says of it, once the words are made again that the script passes over."""
    try:
        found = proof_format.read(again(value) if value.get("_type") == proof_format.TYPE else canonical(value))
        anchor_steps.follow_keys(found.anchor, {fingerprint(key): key for key in keys})
    except VerificationError:
        return False
    return True


def mutated(data):
    """A proof with each member, however deep, gone or replaced."""
    for *way, last in places(json.loads(data)):
        whole = json.loads(data)
        place = functools.reduce(lambda value, name: value[name], way, whole)
        kept = place[last]
        del place[last]
        yield (*way, last), json.loads(json.dumps(whole))
        if isinstance(place, list):
            place.insert(last, kept)
        for other in changes(kept):
            if type(other) is not type(kept) or other != kept:
                place[last] = other
                yield (*way, last), json.loads(json.dumps(whole))


@pytest.mark.parametrize("kind", proof_format.KINDS)
def test_the_script_refuses_what_verify_refuses(proven, kind):
    """Each member of a proof, however deep: another value, another type, gone."""
    root, made = proven
    keys = check_proof.read_keys([str(path) for path in sorted((root / "ledger" / "keys").glob("*.pub.pem"))])
    assert is_proven(made[kind], keys)
    assert is_verified(json.loads(made[kind]), keys)
    lines = {item["line"] for item in json.loads(made[kind])["lines"]}
    for way, value in mutated(made[kind]):
        accepted = is_verified(value, keys)
        assert is_proven(canonical(value), keys) == accepted, way
        # What is true all the same: fewer lines, or that another content is absent which would stand at the same place.
        fewer = accepted and {item["line"] for item in value["lines"]} < lines
        assert not accepted or fewer or way == ("absent", "sha256"), way


@pytest.mark.parametrize("kind", ["path", "absent", "record"])
def test_the_script_refuses_every_flipped_byte_of_what_it_reads(proven, kind):
    root, made = proven
    keys = check_proof.read_keys([str(path) for path in sorted((root / "ledger" / "keys").glob("*.pub.pem"))])
    whole = json.loads(made[kind])
    for at in range(0, len(made[kind]), 7):
        changed = made[kind][:at] + bytes([made[kind][at] ^ 1]) + made[kind][at + 1 :]
        if is_proven(changed, keys):
            value = json.loads(changed)
            if kind == "absent":  # another content, which would stand at the same place, is absent too
                value["absent"]["sha256"] = whole["absent"]["sha256"]
            assert {name for name in whole if value[name] != whole[name]} <= UNREAD, at


HOSTILE = {
    "nothing": b"",
    "an object": b"{}",
    "a list": b"[]",
    "no UTF-8": b"\xff\xfe",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a long number": b'{"_type":' + b"9" * 5000 + b"}",
    "not a number": b'{"_type":NaN}',
    "half a surrogate pair": b'{"_type":"\\ud800"}',
    "a member twice": b'{"_type":"provenance-proof/v1","_type":"provenance-proof/v1"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_never_ends_in_a_traceback(proven, tmp_path, name):
    root, _ = proven
    assert_refused(standalone(tmp_path, HOSTILE[name], (root / "ledger" / "keys").glob("*.pub.pem")))


@pytest.mark.parametrize("key", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", None])
def test_what_is_no_key_is_a_sentence(proven, tmp_path, key):
    _, made = proven
    if key is not None:
        (tmp_path / "key.pem").write_bytes(key)
    done = standalone(tmp_path, made["path"], ["key.pem"])
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"'key.pem' [^\n]+\nusage: [^\n]+\n", done.stderr)


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


def test_the_script_stands_alone():
    """It imports the standard library and cryptography, and nothing else."""
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    names = {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {"cryptography"}


def test_the_steps_of_the_script_are_those_of_the_specification():
    """Every number that it prints, or says that it does not check, is one of section 12."""
    text = (SCRIPT.parents[1] / "SPECIFICATION.md").read_text("utf-8")
    section = text.partition("\n## 12. Proofs\n")[2].partition("\n## ")[0]
    numbers = [int(found) for found in re.findall(r"^([0-9]+)\. ", section, re.MULTILINE)]
    assert numbers == list(range(1, 11))
    source = SCRIPT.read_text("utf-8")
    checked = {int(found) for found in re.findall(r"passed\(([0-9]+),", source)}
    left = {int(found) for found in re.findall(r'"step ([0-9]+),', source)}
    assert (checked, left) == (set(range(1, 7)), set(range(7, 11)))


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
