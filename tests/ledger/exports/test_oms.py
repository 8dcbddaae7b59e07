import base64
import hashlib
import json

import pytest

from provenance.core import path_names
from provenance.errors import ConfigError
from provenance.ledger.exports import ExportRequest, oms, write

A, B, C = ("aa" * 32, "bb" * 32, "cc" * 32)


def files(*pairs):
    return [{"path": path, "sha256": digest} for path, digest in pairs]


@pytest.mark.parametrize(
    ("rows", "names", "ignored"),
    [
        # in the order of the parts of the path, which is not that of its characters
        (files(("a.b", A), ("a/b", B), ("a-b", C)), ["a/b", "a-b", "a.b"], []),
        (files(("a", A), ("b/c", None), ("d/", None)), ["a"], ["b/c", "d"]),
        (files(("z.zip", A), ("z.zip!/in", B), ("z.zip!/in.zip!/in", C)), ["z.zip"], []),
        (files((".gitignore", A), (".github/w.yml", A), (".git/", None), ("x/.gitignore", B)), ["x/.gitignore"], []),
        (files(("ü 字", A)), ["ü 字"], []),
        (files((r"a\x5cx41", A)), [r"a\x41"], []),  # its name holds a backslash, an x, a 4 and a 1
        (files((r"odd\x21/b", A)), ["odd!/b"], []),
    ],
)
def test_files_are_listed_by_their_names(rows, names, ignored):
    made = oms.statement(rows, "corpus", {"index": 3})
    listed = made["predicate"]["resources"]
    assert [each["name"] for each in listed] == names
    assert set(made["predicate"]["serialization"]["ignore_paths"]) == {*ignored, *oms.GIT}
    digests = b"".join(bytes.fromhex(each["digest"]) for each in listed)
    assert made["subject"] == [{"name": "corpus", "digest": {"sha256": hashlib.sha256(digests).hexdigest()}}]
    assert made["predicate"]["ledger"] == {"index": 3}


@pytest.mark.parametrize("digest", [A, None])
def test_names_that_are_not_utf8_are_refused_by_name(digest):
    shown = path_names.path_to_text(b"caf\xe9.txt")
    with pytest.raises(ConfigError, match=r"not UTF-8: caf\\xe9.txt; rename"):
        oms.statement(files(("a", A), (shown, digest)), "corpus", {})
    many = files(*((f"{n}\\xff", A) for n in range(5)))
    with pytest.raises(ConfigError, match=r"0\\xff, 1\\xff, 2\\xff and 2 more"):
        oms.statement(many, "corpus", {})


def test_a_scan_without_digests_has_nothing_to_list():
    with pytest.raises(ConfigError, match="nothing for an OMS manifest to list"):
        oms.statement(files(("a", None)), "corpus", {})


def test_a_manifest_that_no_verifier_could_hold_is_refused(monkeypatch):
    monkeypatch.setattr(oms, "_LIMIT", 100)
    with pytest.raises(ConfigError, match="provenance prove"):
        oms.render(oms.statement(files(("a", A)), "corpus", {}), None)


def test_what_is_exported_is_what_was_scanned(world, tmp_path):
    said, *_ = write(world / "ledger", tmp_path / "out", "oms", ExportRequest())
    assert said.startswith("Verify: model_signing")
    made = json.loads(base64.b64decode(json.loads((tmp_path / "out").read_bytes())["dsseEnvelope"]["payload"]))
    for each in made["predicate"]["resources"]:
        assert hashlib.sha256((world / "data" / each["name"]).read_bytes()).hexdigest() == each["digest"]
    assert {each["name"] for each in made["predicate"]["resources"]} == {"a.jsonl", "sub/b ü.jsonl"}
    assert made["predicate"]["ledger"]["index"] == 1
    assert made["predicate"]["ledger"]["origin"] == (world / "ledger" / "origin").read_text().strip()
