"""Verification is total: whatever bytes stand in a ledger or a piece of one, it answers, and never raises."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance import ledger
from provenance.ledger.proofs import check_proof

PIECES = ["path.proof.json", "finding.proof.json", "record.proof.json", "absent.proof.json", "answer.json"]
SCRIPT = Path(check_proof.__file__)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def rubbish(draw, data):
    """Bytes, JSON, or what there was with a stretch of it replaced, repeated or left out."""
    kind = draw(st.sampled_from(["bytes", "json", "spliced", "spliced", "member", "member"]))
    if kind == "bytes":
        return draw(st.binary(max_size=300))
    if kind == "json":
        return json.dumps(draw(values)).encode()
    if kind == "member" and (changed := member(draw, data)) is not None:
        return changed
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, min(len(data), start + 40)))
    return data[:start] + draw(st.binary(max_size=12) | st.just(data[start:end] * 2)) + data[end:]


def member(draw, data):
    """JSON with one member, however deep, put in place of by anything."""
    try:
        value = json.loads(data)
    except ValueError:
        return None
    place = value
    while isinstance(place, dict | list) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            place[key] = draw(values)
            return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=draw(st.booleans())).encode(
                "utf-8", "surrogatepass"
            )
        place = place[key]
    return None


def answered(path, trust):
    found = ledger.verify(path, trust=trust)
    assert found.exit_code in range(7)
    assert all(line.isprintable() for line in found.lines())
    json.dumps(found.as_json()).encode("utf-8")
    return found.exit_code


@pytest.fixture(scope="module")
def place(packed, tmp_path_factory):
    """A copy that is harmed and healed, once an example."""
    root = tmp_path_factory.mktemp("fuzzed") / "golden"
    shutil.copytree(packed, root, symlinks=True)
    return root


def harm_and_heal(place, path, data, entry=None):
    made = data.draw(rubbish(path.read_bytes()))
    kept = path.read_bytes()
    path.write_bytes(made)
    try:
        code = answered(place / "ledger", place / "trust.yaml")
        single = ledger.verify(place / "ledger", trust=place / "trust.yaml", entry=entry).exit_code
    finally:
        path.write_bytes(kept)
    assert single in range(7)
    assert (code == 0) == (made == kept)


def listed(root):
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.parent.is_symlink())


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_file_of_a_ledger_is_answered(place, data):
    path = data.draw(st.sampled_from(listed(place / "ledger")))
    harm_and_heal(place, path, data, data.draw(st.integers(-1, 13)))


@pytest.mark.full
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_file_of_a_ledger_is_answered_at_length(place, data):
    path = data.draw(st.sampled_from(listed(place / "ledger")))
    harm_and_heal(place, path, data, data.draw(st.integers(-1, 13)))


def vouched_for(piece):
    """A piece without what the log's own keys do not sign: keys that come with it, and lines of witnesses."""
    value = json.loads(piece)
    head, _, lines = value["log"].rpartition("\n\n")
    return {**value, "keys": [], "log": [head, lines.splitlines()[0]]}


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), name=st.sampled_from(PIECES))
def test_any_piece_is_answered(place, data, name):
    path = place / name
    kept = path.read_bytes()
    made = data.draw(rubbish(kept))
    path.write_bytes(made)
    try:
        code = answered(path, place / "pieces.yaml")
    finally:
        path.write_bytes(kept)
    assert code != 0 or vouched_for(made) == vouched_for(kept)


# what stands in a proof's file, and what the script says by its exit code
SHOWN = {
    "nothing": lambda _: b"",
    "an object": lambda _: b"{}",
    "no UTF-8": lambda _: b"\xff\xfe",
    "a deep list": lambda _: b"[" * 100_000,
    "half of it": lambda data: data[: len(data) // 2],
    "another way": lambda data: data.replace(b'"path":["', b'"path":["00', 1),
    "no lines": lambda data: json.dumps({**json.loads(data), "lines": None}).encode(),
    "a number for an envelope": lambda data: json.dumps({**json.loads(data), "envelope": 7}).encode(),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_script_never_says_proven(golden, name):
    path = golden / "path.proof.json"
    trusted = sorted((golden / "ledger" / "keys").glob("*.pub.pem"))
    command = [sys.executable, "-I", SCRIPT, path, *trusted]
    assert "\nPROVEN\n" in subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    path.write_bytes(SHOWN[name](path.read_bytes()))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "PROVEN\n" not in done.stdout
