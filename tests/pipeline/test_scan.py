"""What a scan asks before it reads anything, what it writes, and what it keeps to itself."""

import base64
from pathlib import Path

import pytest

import provenance as pv
from provenance.errors import ConfigError, NothingToAudit, ProfileError
from provenance.pipeline import examine, scan

GOOD = {
    "good/README.md": "---\nlicense: mit\n---\n# A set\n",
    "good/x.jsonl": '{"text": "the quick brown fox jumps over the lazy dog every single morning"}\n',
}


def lay(root, layout):
    for name, content in layout.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("empty", NothingToAudit, "holds no data to audit: 0 paths"),
        ("papers", NothingToAudit, "2 paths, none of them a data file"),
        ("missing", ConfigError, "does not exist"),
        ("papers/LICENSE", ConfigError, "is a file"),
    ],
)
def test_nothing_to_audit(name, error, sentence, tmp_path):
    lay(tmp_path, {"papers/LICENSE": "MIT", "papers/README.md": "# A"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=sentence):
        pv.scan(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"purpose": "fun"}, ConfigError, "no purpose 'fun'; there are: commercial-service"),
        ({"profiles": ["fun"]}, ProfileError, "no profile 'fun'"),
        ({"engine": "fun"}, ConfigError, "no engine 'fun'"),
    ],
)
def test_what_does_not_exist_is_named(options, error, sentence, tmp_path):
    lay(tmp_path, GOOD)
    with pytest.raises(error, match=sentence):
        pv.scan(tmp_path, **options)


@pytest.mark.parametrize("place", ["ledger", "file/ledger"])
def test_a_ledger_that_takes_no_entry_is_told_before_anything_is_read(tmp_path, monkeypatch, place):
    data = lay(tmp_path / "data", {"x.jsonl": '{"text": "words"}\n'})
    pv.scan(data, tmp_path / "ledger", workers=1)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "other"))
    monkeypatch.setattr(examine, "list_paths", lambda *_, **__: pytest.fail("the data was looked at"))
    with pytest.raises(ConfigError, match=r"another key|cannot be written"):
        pv.scan(data, tmp_path / place)


@pytest.mark.parametrize(
    ("options", "made"),
    [({}, False), ({"assess": True}, True), ({"records": True}, True), ({"assess": True, "records": False}, False)],
)
def test_record_trees_are_made_of_assessments_unless_told_otherwise(tmp_path, options, made):
    data = lay(tmp_path / "data", GOOD | {"good/empty.jsonl": ""})
    for ledger in (None, tmp_path / "ledger"):
        found = pv.scan(data, ledger, workers=1, **options)
        roots = found.files.set_index("path")["records_root"]
        assert roots.drop("good/x.jsonl").isna().all()
        assert isinstance(roots["good/x.jsonl"], str) == made
        assert ("records" in found.facts["config"]) == made
    if made:
        again = pv.scan(data, tmp_path / "ledger", workers=1, **options)
        assert again.files["records_root"].equals(found.files["records_root"])
        alone = pv.scan(data, workers=1, **options).files.set_index("path")["records_root"]
        assert alone["good/x.jsonl"] != roots["good/x.jsonl"]  # without a ledger, a secret for this scan alone


def test_a_sample_has_no_record_trees(tmp_path):
    with pytest.raises(ConfigError, match="leave out --sample or --records"):
        pv.scan(lay(tmp_path, GOOD), sample=0.5, records=True)


def test_the_secret_of_record_trees_is_written_nowhere(tmp_path, monkeypatch):
    secret = bytes(range(1, 33))
    monkeypatch.setattr(scan, "_secret", lambda _keys: secret)
    scratch, remove = [], examine.scratch_folders.remove_folder

    def kept(folder):
        scratch.extend(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file())
        remove(folder)

    monkeypatch.setattr(examine.scratch_folders, "remove_folder", kept)
    found = pv.scan(lay(tmp_path / "data", GOOD), tmp_path / "ledger", workers=2, records=True)
    assert found.files["records_root"].notna().any()
    written = [*scratch, *(path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file())]
    assert len(scratch) >= 2
    for form in (secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret)):
        assert not any(form in each for each in written)
