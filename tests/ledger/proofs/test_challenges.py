"""Challenges: what a nonce picks is shown with proofs; who shows something else, or less, is found out."""

import base64
import hashlib
import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import provenance as pv
from provenance import ledger
from provenance.cli import run
from provenance.core.digests import canonical
from provenance.errors import ConfigError, DigestMismatch, InputError, VerificationError
from provenance.ledger.proofs import anchors, challenges, disclosure, proof_format
from provenance.ledger.trees import salts
from provenance.ledger.verification.results import INVALID, OK, UNPINNED, USAGE

NONCE = bytes(range(16))
TEXTS = [f"the {number}th line of what was scanned, with some words in it" for number in range(40)]


@pytest.fixture(scope="session")
def scanned(tmp_path_factory):
    """Data, a draft without record trees and an assessment with them."""
    root = tmp_path_factory.mktemp("challenged")
    (root / "data" / "b").mkdir(parents=True)
    (root / "data" / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    (root / "data" / "b" / "b.jsonl").write_text('{"text":"eins"}\n{"text":')
    (root / "data" / "b" / "LICENSE").write_text("MIT License\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        pv.scan(root / "data", ledger=root / "ledger")
        pv.scan(root / "data", ledger=root / "ledger", assess=True)
        secret = salts.find_secret(None)
        made = {
            entry: challenges.answer_challenge(
                root / "ledger", NONCE, 12, data=root / "data", secret=secret, entry=entry
            )
            for entry in (0, 1)
        }
    return root, made


@pytest.fixture
def world(scanned, tmp_path, monkeypatch):
    root, made = scanned
    shutil.copytree(root, tmp_path / "world", symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "world" / "home"))
    return tmp_path / "world", made


def verified(path, data):
    path.write_bytes(data)
    return ledger.verify(path)


@pytest.mark.parametrize("entry", [0, 1])
def test_an_answer_convinces(world, tmp_path, monkeypatch, entry):
    _, made = world
    found = verified(tmp_path / "answer", made[entry])
    assert found.exit_code == OK, found.lines()
    assert found.lines()[0] == "The answer verifies."
    assert "12 of 12" in found.proven[0]
    assert ("0 records, 12 whole files" in found.proven[0]) == (entry == 0)
    assert any("what was not drawn" in each for each in found.unproven)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "nobody"))
    assert verified(tmp_path / "answer", made[entry]).exit_code == UNPINNED


def test_records_that_were_drawn_twice_are_counted_once(world, tmp_path):
    root, _ = world
    made = challenges.answer_challenge(
        root / "ledger", NONCE, 200, data=root / "data", secret=salts.find_secret(None), entry=1
    )
    draws = [each for each in json.loads(made)["draws"] if set(each) & {"record", "content"}]
    different = {(each["line"]["index"], each.get("record", {}).get("index")) for each in draws}
    assert len(different) < 200
    assert verified(tmp_path / "answer", made).proven[0].endswith(f"; {len(different)} of them different")
    assert (
        "different"
        not in json.loads(
            challenges.answer_challenge(root / "ledger", NONCE, 1, data=root / "data", secret=b"", entry=0)
        )["says"]
    )


def test_the_picks_are_those_of_the_definition(world):
    root, made = world
    value = json.loads(made[1])
    note = (root / "ledger" / "checkpoints" / "2.note").read_text().split("\n")
    seed = hashlib.sha256(b"provenance-challenge/v1\0" + base64.b64decode(note[2]) + NONCE).digest()
    size = ledger.read_entry(root / "ledger", 1)["predicate"]["tables"]["files"]["rows"]
    for number, draw in enumerate(value["draws"]):
        place = int.from_bytes(hashlib.sha256(seed + b"file" + number.to_bytes(8, "big")).digest(), "big") % size
        row = json.loads(draw["line"]["line"])
        assert draw["line"]["index"] == place
        if row["records_root"]:
            picked = (
                int.from_bytes(hashlib.sha256(seed + b"row" + number.to_bytes(8, "big")).digest(), "big")
                % row["records"]
            )
            assert json.loads(draw["record"]["line"])["row"] == picked
            if row["path"] == "a.jsonl":
                assert draw["text"] == TEXTS[picked]
    assert {json.loads(draw["line"]["line"])["path"] for draw in value["draws"]} >= {"a.jsonl", "b/b.jsonl"}


def again(value):
    """The words made again, as a forger would."""
    try:
        found = challenges._read_answer(value)
    except VerificationError:
        return canonical(value)
    return canonical(value | {"says": found.says, "doesNotProve": list(found.limits)})


def other_record(value, _, root):
    """Another record of the same file, with its true proof."""
    draw = next(
        each for each in value["draws"] if "record" in each and json.loads(each["line"]["line"])["path"] == "a.jsonl"
    )
    row = (json.loads(draw["record"]["line"])["row"] + 1) % len(TEXTS)
    found = disclosure.read_leaf(
        anchors.take(root / "ledger"), "a.jsonl", row, data=root / "data", secret=salts.find_secret(None)
    )
    draw |= {"record": disclosure.record_line(found), "text": found.text}


def other_file(value, entry, root):
    with disclosure.ProvableTable(anchors.take(root / "ledger", entry), "files") as table:
        value["draws"][0]["line"] = table.line((value["draws"][0]["line"]["index"] + 1) % table.size)


def text(value, *_):
    next(each for each in value["draws"] if each.get("text"))["text"] += "."


def content(value, *_):
    next(each for each in value["draws"] if "content" in each)["content"] = base64.b64encode(b"other").decode()


LIES = {
    "another record": other_record,
    "another file": other_file,
    "another text": text,
    "another nonce": lambda value, *_: value.update(nonce="00" * 16),
    "fewer draws": lambda value, *_: value["draws"].pop(),
    "a draw left out": lambda value, *_: value["draws"].pop(0),
    "more draws": lambda value, *_: value["draws"].append(value["draws"][0]),
    "no draws": lambda value, *_: value["draws"].clear(),
    "more asked for": lambda value, *_: value.update(count=13),
    "fewer asked for": lambda value, *_: value.update(count=11),
    "passed over": lambda value, *_: [each.pop("record") and each.pop("text") for each in value["draws"] if "record" in each],
    "a later checkpoint": lambda value, _, root: value.update(log=anchors.take(root / "ledger", 0).value["log"], envelope=anchors.take(root / "ledger", 0).value["envelope"]),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_false_answer_is_found_out(world, tmp_path, lie):
    root, made = world
    value = json.loads(made[1])
    LIES[lie](value, 1, root)
    assert canonical(value) != made[1]
    assert verified(tmp_path / "answer", again(value)).exit_code == INVALID


@pytest.mark.parametrize("lie", [content, LIES["another nonce"], LIES["fewer draws"]])
def test_a_false_file_is_found_out(world, tmp_path, lie):
    root, made = world
    value = json.loads(made[0])
    lie(value, 0, root)
    assert verified(tmp_path / "answer", again(value)).exit_code == INVALID


def test_every_byte_of_an_answer_counts(world, tmp_path):
    _, made = world
    data = made[1]
    for at in range(0, len(data), 1 + len(data) // 100):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        found = verified(tmp_path / "answer", changed)
        assert found.exit_code in (INVALID, UNPINNED, USAGE) or json.loads(changed)["keys"] != json.loads(data)["keys"]
        assert verified(tmp_path / "answer", data[:at]).exit_code in (INVALID, USAGE)


values = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entry=st.sampled_from([0, 1]), data=st.data(), value=values)
def test_any_answer_is_answered(scanned, entry, data, value):
    whole = json.loads(scanned[1][entry])
    place = whole
    for _ in range(data.draw(st.integers(0, 4))):
        inner = place[data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))]
        place = inner if isinstance(inner, dict | list) and inner else place
    place[data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))] = value
    try:
        challenges.read(
            json.dumps(whole, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode(
                "utf-8", "surrogatepass"
            )
        )
    except VerificationError:
        return
    assert {name: whole[name] for name in whole if name != "keys"} == {
        name: each for name, each in json.loads(scanned[1][entry]).items() if name != "keys"
    }


def test_changed_data_cannot_answer(world):
    root, _ = world
    secret = salts.find_secret(None)
    path = root / "data" / "a.jsonl"
    path.write_text(path.read_text().replace("0th", "1th"))
    for entry in (0, 1):
        with pytest.raises(DigestMismatch):
            challenges.answer_challenge(root / "ledger", NONCE, 12, data=root / "data", secret=secret, entry=entry)
    path.unlink()
    for entry in (0, 1):
        with pytest.raises(InputError):
            challenges.answer_challenge(root / "ledger", NONCE, 12, data=root / "data", secret=secret, entry=entry)


@pytest.mark.parametrize(("nonce", "count"), [(b"short", 1), (bytes(65), 1), (NONCE, 0), (NONCE, 10_001)])
def test_what_cannot_be_asked(world, nonce, count):
    root, _ = world
    with pytest.raises(ConfigError):
        challenges.answer_challenge(root / "ledger", nonce, count, data=root / "data", secret=salts.find_secret(None))


def test_a_record_is_proven_from_the_data(world, tmp_path):
    root, _ = world
    data = disclosure.prove_record(root / "ledger", "a.jsonl", 7, data=root / "data", secret=salts.find_secret(None))
    assert hashlib.sha256(TEXTS[7].encode()).hexdigest() in proof_format.read(data).says
    assert verified(tmp_path / "proof", data).exit_code == OK
    with pytest.raises(ConfigError):
        disclosure.prove_record(
            root / "ledger", "a.jsonl", 7, data=root / "data", secret=salts.find_secret(None), entry=0
        )
    with pytest.raises(DigestMismatch):
        disclosure.prove_record(root / "ledger", "a.jsonl", 7, data=root / "data", secret=bytes(32))


def test_the_command_line(world, tmp_path, capsys):
    root, made = world
    given = [
        "challenge",
        str(root / "ledger"),
        "--count",
        "12",
        "--data",
        str(root / "data"),
        "-o",
        str(tmp_path / "answer"),
    ]
    assert run([*given, "--nonce", NONCE.hex()]) == 0
    assert (tmp_path / "answer").read_bytes() == made[1]
    assert "12 of 12" in capsys.readouterr().out
    assert run(["verify", str(tmp_path / "answer")]) == 0
    assert run([*given, "--nonce", "xyz"]) == 2
    assert run([*given, "--nonce", "00"]) == 2
    record = [
        "prove",
        str(root / "ledger"),
        "--record",
        "a.jsonl#3",
        "--data",
        str(root / "data"),
        "-o",
        str(tmp_path / "proof"),
    ]
    assert run(record) == 0
    assert run(["verify", str(tmp_path / "proof")]) == 0
