"""What others hand in is hostile: it is refused in one short sentence, before it costs memory or time."""

import pytest

from provenance import errors
from provenance.errors import ConfigError, VerificationError
from provenance.ledger.format import envelope
from provenance.ledger.keys import trusted_keys
from provenance.ledger.log import key_history
from provenance.ledger.proofs import proof_format
from provenance.ledger.verification import results

HEAD = b'{"_type":"provenance-proof/v1",'
FULL = {
    "numbers": HEAD + b'"x":[' + b"1," * 60 + b"1]}",
    "objects": HEAD + b'"x":[' + b'{"a":1},' * 30 + b"1]}",
    "keys": HEAD + b",".join(b'"k%d":1' % at for at in range(60)) + b"}",
    "nested": HEAD + b'"x":' + b"[" * 80,
    "texts": HEAD + b'"x":[' + b'"",' * 70 + b'""]}',
    "after escapes": HEAD + rb'"y":"\\\\\"\\","x":[' + b"1," * 60 + b"1]}",
}


@pytest.mark.parametrize("name", FULL)
def test_more_values_than_any_honest_file_has_are_not_parsed(monkeypatch, name):
    monkeypatch.setattr(envelope.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(VerificationError, match="it holds more than 50 values"):
        envelope.parse_json(FULL[name], 50)


@pytest.mark.parametrize("text", ["," * 500, "[{:," * 100, '\\"' * 300 + ",[", "\\\\", '"' * 90])
def test_what_stands_in_a_text_is_no_value(text):
    assert envelope.parse_json(proof_format.canonical({"a": text}), 8) == {"a": text}


@pytest.mark.full
@pytest.mark.parametrize("name", ["numbers", "objects", "keys", "texts"])
def test_a_proof_of_two_hundred_megabytes_costs_seconds(name):
    import time

    many = {"numbers": b"1,", "objects": b'{"a":1},', "keys": b'"k":1,', "texts": b'"",'}[name]
    data = HEAD + (b"" if name == "keys" else b'"x":[') + many * ((200 << 20) // len(many))
    began = time.process_time()
    with pytest.raises(VerificationError, match="holds more than"):
        proof_format.read(data)
    assert time.process_time() - began < 20


BOMBS = {
    "references": "keys:\n- &a [x, x]\n" + "".join(f"- &{new} [*{old}, *{old}]\n" for old, new in ("ab", "bc", "cd")),
    "a circle": "keys: &a [*a]\n",
    "depth": "[" * 100_000,
    "many faults": "keys:\n" + "- {}\n" * 20_000,
    "a long name": f"keys: [{{roles: [log], fingerprint: {'x' * 500_000}}}]\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_trust_file_is_bounded(tmp_path, name):
    (tmp_path / "t.yaml").write_text(BOMBS[name])
    with pytest.raises(ConfigError) as caught:
        trusted_keys.read_trust(tmp_path / "t.yaml")
    assert len(str(caught.value)) < 900


def test_somebody_elses_text_is_cut():
    assert errors.cut("short") == "short"
    assert errors.cut("x" * 219_032) == "x" * 300 + "… (218,732 characters more)"
    steps = results.Results()
    steps.fail("revocation", "r" * 219_032)
    steps.add(results.Step("certificate", "ok", "r" * 219_032))
    assert all(len(step.detail) < 5000 for step in steps.answer[1])


def test_thousands_of_changes_of_keys_are_looked_up_and_not_gone_through():
    """Who holds a key at an entry is found by halving: the work is counted, not timed."""
    held = key_history.Succession({"statement": "key 0"})
    count = 3000
    for index in range(1, count):
        change = {"role": "statement", "before": f"key {index - 1}", "after": f"key {index}", "path": "p"}
        held.follow(index, {"action": "rotate", "changes": [change], "folder": [{"path": "p"}]})
    assert held.find_holder("statement", 0) == "key 0"
    assert [held.find_holder("statement", index) for index in (1, 2, 1500, count)] == [
        "key 0",
        "key 1",
        "key 1499",
        f"key {count - 1}",
    ]
    assert held.find_change("statement", 7) == key_history.KeyChange("statement", "key 6", "key 7", 7)
    assert held.find_change("log", 7) is None
    assert held.has_held("statement", "key 17")
    assert len(held.list_holders("statement")) == count
    looked = Counted(held._of_role["statement"])
    held._of_role["statement"] = looked
    held.check_signer(2000, "key 1999")
    assert looked.read < 20


class Counted(list):
    """A list that counts how often it is read from."""

    read = 0

    def __getitem__(self, at):
        self.read += 1
        return super().__getitem__(at)

    def __iter__(self):
        raise AssertionError("it was gone through")
